import { isProxMcpError, ProxMcpError } from "../errors.js";

interface Running<Result> {
  readonly result: Promise<Result>;
  readonly stop: AbortController;
  waiting: number;
}

/**
 * An answer that several callers need and one request brings: asked for by the first, kept once it is there, asked for again after a failure.
 * A caller that is cancelled leaves the others waiting; when all have left, the request is aborted.
 *
 * @example #version = new Shared((signal) => this.#ask(signal)); ... await this.#version.get(signal)
 */
export class Shared<Result> {
  readonly #work: (signal: AbortSignal) => Promise<Result>;
  #running: Running<Result> | undefined;

  constructor(work: (signal: AbortSignal) => Promise<Result>) {
    this.#work = work;
  }

  /** The answer. Rejects with CANCELLED, or the error that the signal was aborted with, when the caller leaves. */
  async get(signal: AbortSignal): Promise<Result> {
    if (signal.aborted) throw cancelledBy(signal);
    const running = (this.#running ??= this.#begin());
    running.waiting += 1;
    return await new Promise<Result>((resolve, reject) => {
      const leave = (): void => {
        running.waiting -= 1;
        if (running.waiting === 0) {
          if (this.#running === running) this.#running = undefined;
          running.stop.abort(cancelledBy(signal));
        }
        reject(cancelledBy(signal));
      };
      signal.addEventListener("abort", leave, { once: true });
      const done = (): void => signal.removeEventListener("abort", leave);
      running.result.then(
        (value) => (done(), resolve(value)),
        (error: unknown) => (done(), reject(error as Error)),
      );
    });
  }

  #begin(): Running<Result> {
    const stop = new AbortController();
    const running: Running<Result> = { result: this.#work(stop.signal), stop, waiting: 0 };
    running.result.catch(() => {
      if (this.#running === running) this.#running = undefined;
    });
    return running;
  }
}

const cancelledBy = ({ reason }: AbortSignal): ProxMcpError =>
  isProxMcpError(reason) ? reason : new ProxMcpError("CANCELLED", "The call was cancelled.", { cause: reason });
