import { ProxMcpError } from "../errors.js";

/** Runs work that ends at its deadline, if it has one, or when the caller goes, even if the work itself does not listen. */
export async function withDeadline<Result>(
  seconds: number | undefined,
  what: string,
  caller: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const expire = (): void => controller.abort(new ProxMcpError("TIMEOUT", `${what} did not finish within ${seconds} s.`));
  const timer = seconds === undefined ? undefined : setTimeout(expire, seconds * 1000);
  const leave = (): void => controller.abort(new ProxMcpError("CANCELLED", `${what} was cancelled.`));
  caller.addEventListener("abort", leave, { once: true });
  if (caller.aborted) leave();
  const { signal } = controller;
  try {
    signal.throwIfAborted();
    const stopped = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
    return await Promise.race([work(signal), stopped]);
  } finally {
    clearTimeout(timer);
    caller.removeEventListener("abort", leave);
  }
}
