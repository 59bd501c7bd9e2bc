import type { Http, Ssh } from "../transport/types.js";

/**
 * Names of services in the container, with the type of what they name. They are `Symbol.for`, so that two copies of the
 * package in one process mean the same services.
 */
export type Token<Service> = symbol & { readonly __service?: Service };

export const token = <Service>(name: string): Token<Service> => Symbol.for(`proxmcp/${name}`);

export interface Logger {
  debug(message: string, facts?: Record<string, unknown>): void;
  info(message: string, facts?: Record<string, unknown>): void;
  warn(message: string, facts?: Record<string, unknown>): void;
  error(message: string, facts?: Record<string, unknown>): void;
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after so many milliseconds, or rejects as soon as the signal aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** What must outlive a call and be seen by every replica: used tokens, running tasks. In memory by default. */
export interface StateStore {
  get(key: string): Promise<unknown>;
  /** `ttl` in seconds. */
  set(key: string, value: unknown, ttl?: number): Promise<void>;
  /** Sets the key only if it is absent, atomically. True if it was set. */
  add(key: string, value: unknown, ttl?: number): Promise<boolean>;
  delete(key: string): Promise<void>;
}

/** A configured connection as its client sees it. `options` has passed the provider's schema; secrets in it are resolved. */
export interface Connection<Options = Record<string, unknown>> {
  readonly name: string;
  readonly provider: string;
  readonly options: Options;
  readonly tags: Readonly<Record<string, string>>;
}

/** The connections of the same provider, for what goes from one to another. */
export interface Peers {
  readonly names: readonly string[];
  /** The client of one of them. Throws CONNECTION_UNKNOWN, or TOOL_DENIED where this tool is not allowed there. */
  client(name: string, tool: { readonly name: string; readonly safety: "read" | "write" | "destructive" }): object;
}

export const HTTP = token<Http>("http");
export const SSH = token<Ssh>("ssh");
export const LOGGER = token<Logger>("logger");
export const CLOCK = token<Clock>("clock");
export const STATE = token<StateStore>("state");
export const PEERS = token<Peers>("peers");
export const CONNECTION = token<Connection<never>>("connection");
