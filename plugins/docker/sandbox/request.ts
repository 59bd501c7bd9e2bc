import type { SandboxCall, SandboxReply } from "proxmcp/testing";
import type { State } from "./state.js";
import { Refusal } from "./wire.js";

/** A request, and what answers it. */
export interface Context {
  readonly state: State;
  readonly call: SandboxCall;
  /** The parts of the path that the route's pattern caught, decoded. */
  readonly at: readonly string[];
  readonly taskTime: number;
}
export type Answer = (context: Context) => SandboxReply | Promise<SandboxReply>;

/** A flag of the query, read as the engine reads it. */
export const isSet = (query: URLSearchParams, name: string): boolean =>
  !["", "0", "no", "false", "none"].includes((query.get(name) ?? "").toLowerCase().trim());

/** A body that must be JSON and say so. */
export function bodyOf<T>(call: SandboxCall): T {
  const type = String(call.headers["content-type"] ?? "");
  if (!type.startsWith("application/json")) throw new Refusal(400, `Content-Type specified (${type}) must be 'application/json'`);
  try {
    return JSON.parse(Buffer.from(call.body).toString("utf8")) as T;
  } catch {
    const first = Buffer.from(call.body).toString("utf8").trim()[0];
    throw new Refusal(500, first ? `invalid character '${first}' looking for beginning of value` : "EOF");
  }
}
