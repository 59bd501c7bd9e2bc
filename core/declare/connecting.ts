import type { z } from "zod";
import type { Http, Ssh } from "../transport/types.js";
import type { Progress, Safety, Shape } from "./action.js";
import type { Clock, Logger } from "./tokens.js";

/** A connection as it is written into the config: an option may be a reference such as `{ file: "~/.ssh/id_ed25519" }`. */
export interface ConnectionEntryDraft {
  readonly name: string;
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
  /** Throws when nothing could be written. Changes nothing: ask before the first step that does. */
  ready(): Promise<void>;
  /** Writes a connection into the config, or in the place of the one that has its name; what its schema calls secret goes to the store of secrets. */
  keep(connection: ConnectionEntryDraft): Promise<Kept>;
}

/** What an action on connections as such gets. It runs where there may be no connection yet, so it has no client. */
export interface ConnectingArgs<Client, Input> {
  readonly input: Input;
  readonly http: Http;
  readonly ssh: Ssh;
  readonly keeper: Keeper;
  /** Asks the person who calls, and returns when they agree. Throws DECLINED or, where nobody can be asked, CONFIRMATION_REQUIRED. */
  readonly agree: (question: string) => Promise<void>;
  /** A client with these options, as if they were configured. It is closed when the action ends. Faults in the options are CONFIG_INVALID. */
  readonly connect: (connection: ConnectionEntryDraft) => Promise<Client>;
  /** A fresh key and a certificate that it signed itself, good for ten years: what a server is asked to trust. Both PEM. */
  readonly certificate: (commonName: string) => Promise<{ readonly key: string; readonly cert: string }>;
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
  readonly note: (sentence: string) => void;
  readonly log: Logger;
  readonly clock: Clock;
}

export interface ConnectingSpec<Client, Input extends Shape, Output extends z.ZodObject> {
  /** One sentence: what it does and what to know before calling it. */
  readonly about: string;
  readonly input: Input;
  readonly output: Output;
  /** Names that other systems use for this very operation. */
  readonly aliases?: readonly string[];
  /** Seconds until the core gives up. Default: as for any call of its safety. */
  readonly timeout?: number;
  run(args: ConnectingArgs<Client, z.output<z.ZodObject<Input>>>): Promise<z.input<Output>>;
}

/** An action on connections as such: setting a machine up, finding machines. Its tool is `<provider>_<noun>_<verb>`, there without any connection. */
export interface ConnectingAction<Client = unknown> extends Omit<ConnectingSpec<Client, Shape, z.ZodObject>, "run"> {
  readonly safety: Safety;
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
