import type { ProxMcp } from "./app.js";

/** The app that a server speaks for. Where a config is watched, it is another one after each change. */
export interface AppSource {
  readonly current: ProxMcp;
  /** Does something with the app of this moment, which is not closed before that has ended. */
  use<Result>(work: (app: ProxMcp) => Promise<Result>): Promise<Result>;
  /** Tells when another app has taken the place of this one. Answers how to stop listening. */
  onChange(listener: () => void): () => void;
}

/** One app can follow another while calls are under way: each call ends on the app that it began on. */
export class LiveApp implements AppSource {
  #current: ProxMcp;
  readonly #listeners = new Set<() => void>();
  /** How many calls are under way on each app that is still open. */
  readonly #calls = new Map<ProxMcp, number>();
  readonly #closing = new Map<ProxMcp, () => void>();

  constructor(app: ProxMcp) {
    this.#current = app;
  }

  get current(): ProxMcp {
    return this.#current;
  }

  async use<Result>(work: (app: ProxMcp) => Promise<Result>): Promise<Result> {
    const app = this.#current;
    this.#calls.set(app, (this.#calls.get(app) ?? 0) + 1);
    try {
      return await work(app);
    } finally {
      const left = (this.#calls.get(app) ?? 1) - 1;
      if (left > 0) this.#calls.set(app, left);
      else {
        this.#calls.delete(app);
        this.#closing.get(app)?.();
      }
    }
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Puts another app in the place of this one. Resolves when the former is closed, which is when its last call has ended. */
  async replace(next: ProxMcp): Promise<void> {
    const former = this.#current;
    this.#current = next;
    for (const listener of this.#listeners) listener();
    if (this.#calls.has(former)) await new Promise<void>((resolve) => this.#closing.set(former, resolve));
    this.#closing.delete(former);
    await former.close();
  }
}

/** An app that stays what it is. */
export function sourceOf(app: ProxMcp | AppSource): AppSource {
  if ("use" in app) return app;
  return { current: app, use: async (work) => await work(app), onChange: () => () => {} };
}
