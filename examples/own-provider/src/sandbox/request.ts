import type { SandboxCall } from "proxmcp/testing";
import type { Claims } from "./jwt.ts";
import { refuse } from "./refusal.ts";
import type { Box, State } from "./state.ts";

/** A request whose token holds. */
export interface Request {
  readonly call: SandboxCall;
  readonly state: State;
  readonly claims: Claims;
  /** The parts of the path that vary, decoded. */
  readonly parts: readonly string[];
  /** Waits as long as the platform's work takes. */
  work(): Promise<void>;
}

export type Handler = (request: Request) => object | Promise<object>;

/** What the token may do, and on whose containers. */
export function authorize({ claims }: Request, scope: string, username?: string): void {
  if (claims.scopes && !claims.scopes.includes(scope)) refuse(`scope required: ${scope}`, "PermissionDenied");
  if (username !== undefined && !claims.roles.includes("admin") && claims.username !== username)
    refuse("not authorized for this tenant", "PermissionDenied");
}

/** The body, of which every field has to be known. Names of the proto file and of its JSON are both taken. */
export function bodyOf(request: Request, fields: readonly string[]): Readonly<Record<string, unknown>> {
  let body: Record<string, unknown>;
  try {
    body = request.call.json();
  } catch {
    return refuse("proto: syntax error (line 1:1): unexpected token", "InvalidArgument");
  }
  const named = Object.entries(body).map(
    ([name, value]) => [name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()), value] as const,
  );
  for (const [at, [name]] of named.entries())
    if (!fields.includes(name)) refuse(`proto: (line 1:${at * 2 + 2}): unknown field "${name}"`, "InvalidArgument");
  return Object.fromEntries(named);
}

/** The container, or the error that this handler has for one that isn't there. */
export function boxFor({ state, parts }: Request, missing: string, grpc?: "NotFound"): Box {
  const username = parts[0] ?? "";
  return state.boxes.get(username) ?? refuse(missing.replaceAll("%s", username), grpc);
}

/** What Incus says of an instance that it doesn't have. */
export const MISSING = "failed to get container: Instance not found";

export const text = (value: unknown): string => (typeof value === "string" ? value : "");
export const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === "string") : []);
