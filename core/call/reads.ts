import type { Clock } from "../declare/tokens.js";

interface Shared {
  readonly result: Promise<unknown>;
  readonly controller: AbortController;
  waiting: number;
}

/** Reads that are under way, or were a moment ago: the same question is asked once, whoever asks. */
export class Reads {
  readonly #clock: Clock;
  readonly #ttl: number;
  readonly #running = new Map<string, Shared>();
  readonly #kept = new Map<string, { value: unknown; until: number }>();

  /** `ttl`: seconds that an answer is kept; 0 keeps none. */
  constructor(clock: Clock, ttl: number) {
    this.#clock = clock;
    this.#ttl = ttl;
  }

  /** The answer to a question. The work is aborted only when all who wait for it have gone. */
  async share<Result>(question: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    signal.throwIfAborted();
    const kept = this.#kept.get(question);
    if (kept && kept.until > this.#clock.now()) return kept.value as Result;
    const shared = this.#running.get(question) ?? this.#begin(question, work);
    shared.waiting += 1;
    return await new Promise<Result>((resolve, reject) => {
      const leave = (): void => {
        shared.waiting -= 1;
        if (shared.waiting === 0) {
          this.#forget(question, shared);
          shared.controller.abort(signal.reason);
        }
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", leave, { once: true });
      const done = (): void => signal.removeEventListener("abort", leave);
      shared.result.then(
        (value) => (done(), resolve(value as Result)),
        (error: unknown) => (done(), reject(error as Error)),
      );
    });
  }

  /** Forgets the answers about a connection, because something is being changed on it. Reads under way are not joined any more. */
  changed(connection: string): void {
    const prefix = `${connection} `;
    for (const question of this.#kept.keys()) if (question.startsWith(prefix)) this.#kept.delete(question);
    for (const question of this.#running.keys()) if (question.startsWith(prefix)) this.#running.delete(question);
  }

  #begin<Result>(question: string, work: (signal: AbortSignal) => Promise<Result>): Shared {
    const controller = new AbortController();
    const shared: Shared = { controller, waiting: 0, result: work(controller.signal) };
    this.#running.set(question, shared);
    shared.result.then(
      (value) => {
        if (this.#forget(question, shared) && this.#ttl > 0) this.#keep(question, value);
      },
      () => this.#forget(question, shared),
    );
    return shared;
  }

  #keep(question: string, value: unknown): void {
    const now = this.#clock.now();
    for (const [old, { until }] of this.#kept) if (until <= now) this.#kept.delete(old);
    this.#kept.set(question, { value, until: now + this.#ttl * 1000 });
  }

  /** True if it was still the current one. */
  #forget(question: string, shared: Shared): boolean {
    return this.#running.get(question) === shared && this.#running.delete(question);
  }
}
