import type { Clock, StateStore } from "../declare/tokens.js";

const MAX_ENTRIES = 10_000;

/** The default StateStore: in this process, bounded, forgetting what has expired. */
export class MemoryState implements StateStore {
  readonly #clock: Clock;
  readonly #entries = new Map<string, { value: unknown; until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async get(key: string): Promise<unknown> {
    return this.#live(key)?.value;
  }

  async set(key: string, value: unknown, ttl = Number.POSITIVE_INFINITY): Promise<void> {
    this.#entries.delete(key); // so that the oldest stay first
    this.#entries.set(key, { value, until: this.#clock.now() + ttl * 1000 });
    if (this.#entries.size <= MAX_ENTRIES) return;
    // A used token that is forgotten could be used again, so what has expired goes first.
    for (const [name, entry] of this.#entries) if (entry.until <= this.#clock.now()) this.#entries.delete(name);
    for (const name of this.#entries.keys()) {
      if (this.#entries.size <= MAX_ENTRIES) return;
      this.#entries.delete(name);
    }
  }

  async add(key: string, value: unknown, ttl?: number): Promise<boolean> {
    if (this.#live(key)) return false;
    await this.set(key, value, ttl);
    return true;
  }

  async delete(key: string): Promise<void> {
    this.#entries.delete(key);
  }

  #live(key: string): { value: unknown } | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.until > this.#clock.now() ? entry : undefined;
  }
}
