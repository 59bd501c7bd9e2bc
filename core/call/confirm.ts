import { createHash, randomUUID } from "node:crypto";
import type { Clock, StateStore } from "../declare/tokens.js";
import { ProxMcpError } from "../errors.js";
import type { Signer } from "../services/signer.js";
import type { Caller } from "./context.js";

const VALID_SECONDS = 600;

interface Claim {
  readonly id: string;
  readonly call: string;
  readonly until: number;
}

/** What a token stands for: one caller's call of one tool with these arguments on these connections. */
export interface Confirmed {
  readonly caller: Caller;
  readonly tool: string;
  readonly args: unknown;
  readonly connections: readonly string[];
}

/** One-time tokens that stand for a user's yes to one call. */
export class Confirmations {
  readonly #signer: Signer;
  readonly #state: StateStore;
  readonly #clock: Clock;

  constructor(signer: Signer, state: StateStore, clock: Clock) {
    this.#signer = signer;
    this.#state = state;
    this.#clock = clock;
  }

  issue(call: Confirmed): string {
    return this.#signer.sign({
      id: randomUUID(),
      call: fingerprint(call),
      until: this.#clock.now() + VALID_SECONDS * 1000,
    } satisfies Claim);
  }

  /** Uses a token up. Throws CONFIRMATION_INVALID if it is not for this call, too old, or was used before. */
  async redeem(token: string, call: Confirmed): Promise<void> {
    const claim = this.#signer.open<Claim>(token);
    const refuse = (why: string): never => {
      throw new ProxMcpError("CONFIRMATION_INVALID", `The confirmation token ${why}. Nothing was done.`);
    };
    if (!claim) return refuse("is not one that this server gave out");
    if (claim.call !== fingerprint(call)) return refuse("was given for another call: caller, tool, arguments and connection have to be the same");
    // Not a moment longer than its use is remembered below.
    if (claim.until <= this.#clock.now()) return refuse(`is older than ${VALID_SECONDS / 60} minutes`);
    if (!(await this.#state.add(`confirm/${claim.id}`, true, VALID_SECONDS))) return refuse("has been used already");
  }
}

const fingerprint = ({ caller, tool, args, connections }: Confirmed): string =>
  createHash("sha256")
    .update(canonical([caller.id, tool, args, [...connections].sort()]))
    .digest("base64url");

/** JSON with sorted keys: the same arguments in another order are the same call. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    return `{${entries
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`)
      .join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
