import type { Http, Ssh } from "../transport/types.js";

/**
 * Names of services in the container, with the type of what they name. They are `Symbol.for`, so that two copies of the
 * package in one process mean the same services.
 */
export type Token<Service> = symbol & { readonly __service?: Service };

/**
 * The token of this name. Services of your own need none: a client makes its own.
 * @hidden
 */
export const token = <Service>(name: string): Token<Service> => Symbol.for(`proxmcp/${name}`);

/** Writes log lines, JSON on stderr, with secrets masked. Never write to stdout: it belongs to the protocol. */
export interface Logger {
  /** What only helps to find a fault. */
  debug(message: string, facts?: Record<string, unknown>): void;
  /** What happened. */
  info(message: string, facts?: Record<string, unknown>): void;
  /** What works less well than it should. */
  warn(message: string, facts?: Record<string, unknown>): void;
  /** What failed, and nobody else is told of. */
  error(message: string, facts?: Record<string, unknown>): void;
}

/** Tells the time, and waits. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after so many milliseconds, or rejects as soon as the signal aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** What must outlive a call and be seen by every replica: used tokens, running tasks. In memory by default. */
export interface StateStore {
  /** Undefined where there is none, or its time is over. */
  get(key: string): Promise<unknown>;
  /** `ttl` in seconds. */
  set(key: string, value: unknown, ttl?: number): Promise<void>;
  /** Sets the key only if it is absent, atomically. True if it was set. */
  add(key: string, value: unknown, ttl?: number): Promise<boolean>;
  /** Forgets it, if it is there. */
  delete(key: string): Promise<void>;
}

/** A configured connection as its client sees it. `options` has passed the provider's schema; secrets in it are resolved. */
export interface Connection<Options = Record<string, unknown>> {
  /** As it is called in the config. */
  readonly name: string;
  /** The name of the provider. */
  readonly provider: string;
  /** Checked against the schema of the provider, secrets and files read. */
  readonly options: Options;
  /** Labels from the config. */
  readonly tags: Readonly<Record<string, string>>;
}

/** The connections of the same provider, for what goes from one to another. */
export interface Peers {
  /** Of all connections of this provider, this one among them. */
  readonly names: readonly string[];
  /** The client of one of them. Throws CONNECTION_UNKNOWN, or TOOL_DENIED where this tool is not allowed there. */
  client(name: string, tool: { readonly name: string; readonly safety: "read" | "write" | "destructive" }): object;
}

/** Opens HTTP connections: over TCP, TLS, unix sockets or a stream of your own. An `Http`. */
export const HTTP = token<Http>("http");
/** Opens SSH connections: commands on a host, tunnels through it. An `Ssh`. */
export const SSH = token<Ssh>("ssh");
/** Writes log lines. A `Logger`. */
export const LOGGER = token<Logger>("logger");
/** Tells the time, and waits. A `Clock`. */
export const CLOCK = token<Clock>("clock");
/** Keeps small values that outlive a call. A `StateStore`. */
export const STATE = token<StateStore>("state");
/** The other connections of the same provider, for what goes from one to another. A `Peers`. */
export const PEERS = token<Peers>("peers");
/** Name and checked options of this connection. A `ConnectionOf<typeof Schema>`. */
export const CONNECTION = token<Connection<never>>("connection");
