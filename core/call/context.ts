import type { Progress } from "../declare/action.js";

/** Who calls. On stdio and the command line the local user; servers for many callers fill in their own. */
export interface Caller {
  readonly id: string;
  readonly roles?: readonly string[];
}

/** What travels with a call from its door to the wire. */
export interface CallContext {
  readonly caller: Caller;
  /** Names this call in logs and in the audit. */
  readonly call: string;
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
  /** Sentences for the caller, beside the result. */
  readonly notes: string[];
  /** Ids of work that goes on after the answer. */
  readonly tasks?: string[];
  /** Asks the user. Without it a call that has to be confirmed is refused with a token. */
  readonly confirm?: ((question: string) => Promise<boolean>) | undefined;
  /** A token from an earlier refusal. */
  readonly confirmToken?: string | undefined;
}
