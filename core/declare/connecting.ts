import type { z } from "zod";
import type { Http, Ssh } from "../transport/types.js";
import type { Progress, Safety, Shape } from "./action.js";
import type { Clock, Logger } from "./tokens.js";

/** A connection as it is written into the config: an option may be a reference such as `{ file: "~/.ssh/id_ed25519" }`. */
export interface ConnectionEntryDraft {
  /** What it is called in calls: letters, digits, `_`, `.` and `-`. */
  readonly name: string;
  /** Those of the provider's own schema, or references in their place. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What became of a connection that was to be written down. */
export interface Kept {
  /** The config file it stands in. Absent where that is code or the connections are an embedder's own: then `entry` is to be added by hand. */
  readonly file?: string | undefined;
  /** As it stands in the config, its secrets as references. */
  readonly entry: Readonly<Record<string, unknown>>;
  /** What the caller should read: where secrets are kept, what has to be done by hand. */
  readonly notes: readonly string[];
}

/** Where connections are written down. */
export interface Keeper {
  /** Those of this provider that there are now. */
  readonly connections: readonly ConnectionEntryDraft[];
  /**
   * Throws when a connection of this name could not be written down: CONFIG_INVALID, or TOOL_DENIED where the rules forbid it. Changes nothing:
   * ask before the first step that does.
   */
  ready(name: string): Promise<void>;
  /** Writes a connection into the config, or in the place of the one that has its name; what its schema calls secret goes to the store of secrets. */
  keep(connection: ConnectionEntryDraft): Promise<Kept>;
}

/** What an action on connections as such gets. It runs where there may be no connection yet, so it has no client. */
export interface ConnectingArgs<Client, Input> {
  /** The arguments, as the action's schema parsed them. */
  readonly input: Input;
  /** Opens connections to servers that are no connection yet. */
  readonly http: Http;
  /** Logs in to machines that are no connection yet. */
  readonly ssh: Ssh;
  /** Where a connection is written down. */
  readonly keeper: Keeper;
  /** Asks the person who calls, and returns when they agree. Throws DECLINED or, where nobody can be asked, CONFIRMATION_REQUIRED. */
  readonly agree: (question: string) => Promise<void>;
  /** A client with these options, as if they were configured. It is closed when the action ends. Faults in the options are CONFIG_INVALID. */
  readonly connect: (connection: ConnectionEntryDraft) => Promise<Client>;
  /** A fresh key and a certificate that it signed itself, good for ten years: what a server is asked to trust. Both PEM. */
  readonly certificate: (commonName: string) => Promise<{ readonly key: string; readonly cert: string }>;
  /** Aborted when the caller cancels or the deadline passes. Pass it on to every request. */
  readonly signal: AbortSignal;
  /** Tells the caller how far a long call is. `proxmcp setup` prints each message on a line of its own. */
  readonly progress: (progress: Progress) => void;
  /** Adds a sentence that the caller should read beside the result. */
  readonly note: (sentence: string) => void;
  /** Writes log lines, with secrets masked. */
  readonly log: Logger;
  /** Tells the time, and sleeps until the caller gives up. */
  readonly clock: Clock;
}

/** What `read`, `write` and `destructive` of `forConnections` take. */
export interface ConnectingSpec<Client, Input extends Shape, Output extends z.ZodObject> {
  /** One sentence: what it does and what to know before calling it. */
  readonly about: string;
  /** The arguments: a shape of zod schemas, each with a short description. The first that is required may stand without its name in `proxmcp setup`. */
  readonly input: Input;
  /** What it answers. */
  readonly output: Output;
  /** Names that other systems use for this very operation. */
  readonly aliases?: readonly string[];
  /** Seconds until the core gives up. Default: as for any call of its safety. */
  readonly timeout?: number;
  /** Does it. Look before each step whether there is anything to do, so that it can be run again after a failure. */
  run(args: ConnectingArgs<Client, z.output<z.ZodObject<Input>>>): Promise<z.input<Output>>;
}

/** An action on connections as such: setting a machine up, finding machines. Its tool is `<provider>_<noun>_<verb>`, there without any connection. */
export interface ConnectingAction<Client = unknown> extends Omit<ConnectingSpec<Client, Shape, z.ZodObject>, "run"> {
  /** What it may do. Rules and confirmations follow from it. */
  readonly safety: Safety;
  /** As in `ConnectingSpec`. */
  run(args: ConnectingArgs<Client, never>): Promise<unknown>;
}

/**
 * The declaring functions of actions on connections, typed for one client.
 *
 * @example const { write } = forConnections<LxdClient>();
 */
export function forConnections<Client>() {
  const action =
    (safety: Safety) =>
    <const Input extends Shape, Output extends z.ZodObject>(spec: ConnectingSpec<Client, Input, Output>): ConnectingAction<Client> =>
      ({ ...spec, safety }) as never;
  return { read: action("read"), write: action("write"), destructive: action("destructive") };
}
