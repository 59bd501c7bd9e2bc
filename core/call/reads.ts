import { Shared } from "../declare/shared.js";
import type { Clock } from "../declare/tokens.js";

/** Reads that are under way, or were a moment ago: the same question is asked once, whoever asks. */
export class Reads {
  readonly #clock: Clock;
  readonly #ttl: number;
  readonly #running = new Map<string, Shared<unknown>>();
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
    return (await shared.get(signal)) as Result;
  }

  /** Forgets the answers about a connection, because something is being changed on it. Reads under way are not joined any more. */
  changed(connection: string): void {
    const prefix = `${connection} `;
    for (const question of this.#kept.keys()) if (question.startsWith(prefix)) this.#kept.delete(question);
    for (const question of this.#running.keys()) if (question.startsWith(prefix)) this.#running.delete(question);
  }

  #begin(question: string, work: (signal: AbortSignal) => Promise<unknown>): Shared<unknown> {
    const shared = new Shared(async (signal) => {
      // Those who come after all have left begin anew.
      signal.addEventListener("abort", () => this.#forget(question, shared), { once: true });
      try {
        const value = await work(signal);
        if (this.#running.get(question) === shared && this.#ttl > 0) this.#keep(question, value);
        return value;
      } finally {
        this.#forget(question, shared);
      }
    });
    this.#running.set(question, shared);
    return shared;
  }

  #keep(question: string, value: unknown): void {
    const now = this.#clock.now();
    for (const [old, { until }] of this.#kept) if (until <= now) this.#kept.delete(old);
    this.#kept.set(question, { value, until: now + this.#ttl * 1000 });
  }

  #forget(question: string, shared: Shared<unknown>): void {
    if (this.#running.get(question) === shared) this.#running.delete(question);
  }
}
