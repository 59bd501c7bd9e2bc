import type { Answered, CallArgs, ObjectSchema } from "./action.js";
import type { ConnectingAction } from "./connecting.js";
import type { DeclaredKind, DeclaredProvider } from "./declared.js";
import type { Kind } from "./kind.js";
import type { Connection, Token } from "./tokens.js";
import type { SandboxModule } from "./sandbox.js";

/** A workload type that a provider can run. Routing compares what is asked for with these. */
export interface HostedWorkload {
  /** `vm`, `system-container`, `app-container`, or a word of the plugin's own. */
  readonly workload: string;
  /** 0 to 1: how good a home this is for such workloads, everything else being equal. */
  readonly fit: number;
  readonly features?: readonly string[];
  readonly arch?: readonly string[];
}

/** What a connection has and what of it is free. Bytes and cores; absent means unknown. */
export interface Capacity {
  readonly places: readonly CapacityPlace[];
}

export interface CapacityPlace {
  /** The node or member; the connection's own name where there are no nodes. */
  readonly name: string;
  readonly healthy: boolean;
  readonly arch?: string | undefined;
  readonly cpu?: number | undefined;
  /** Share of all cores in use, 0 to 1. */
  readonly cpu_usage?: number | undefined;
  readonly memory?: number | undefined;
  readonly memory_used?: number | undefined;
  readonly disk?: number | undefined;
  readonly disk_used?: number | undefined;
}

/** What a test of a connection found. Throws instead when it can't be reached or refuses us. */
export interface ConnectionReport {
  /** The platform's own name and version: "Docker Engine 20.10.24". */
  readonly version: string;
  /** What else is worth knowing: API version, address, who we are there. */
  readonly facts?: Readonly<Record<string, string | number | boolean>>;
  /** What works less well than it could: missing permissions, an unverified certificate. */
  readonly warnings?: readonly string[];
}

/** A connection that needs no config: from environment variables, or a local socket. */
export interface FoundConnection {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Where it comes from: "DOCKER_HOST", "/var/run/docker.sock". */
  readonly from: string;
  /** A unix socket to try first: without an answer there, there is no such connection. */
  readonly socket?: string;
  /** Meant when a call names none, unless the config says otherwise. */
  readonly preferred?: boolean;
}

export interface ProviderEvent {
  readonly kind: string;
  readonly key: string;
  readonly what: string;
  /** ISO 8601. */
  readonly at: string;
}

/** A class that the container can construct: its static `inject` names the service for each constructor parameter. */
export interface ClientClass<Client> {
  readonly inject: readonly Token<unknown>[];
  new (...services: never[]): Client;
}

/** Released when the app closes. */
export interface Disposable {
  close?(): Promise<void> | void;
}

/** What the container hands over for these tokens. The connection's options are those of the provider's own schema. */
type Services<Tokens, Options> = {
  -readonly [at in keyof Tokens]: Tokens[at] extends Token<infer Service>
    ? Service extends Connection<never>
      ? Connection<Answered<Options>>
      : Service
    : never;
};

/** A client class whose constructor takes just what its `inject` names, in this order. */
export type Injected<Client, Tokens extends readonly Token<unknown>[], Options> = {
  readonly inject: Tokens;
  new (...services: Services<Tokens, Options>): Client;
};

export interface ProviderSpec<Client, Options extends ObjectSchema> {
  /** `[a-z][a-z0-9]*`: the first part of every tool's name. */
  readonly name: string;
  /** As people write it: "LXD / Incus". */
  readonly title: string;
  /** One sentence for the model: what this platform is and has. */
  readonly about: string;
  /** The declaration API this was written for. */
  readonly api?: 1;
  readonly version?: string;
  readonly connection: {
    /** What a connection is called here: `cluster`, `host`. The tools' parameter has this name. */
    readonly noun: string;
    readonly schema: Options;
    /** Connections that the environment describes. Pure: reads only what it is given. */
    env?(env: Readonly<Record<string, string | undefined>>): readonly FoundConnection[];
    /** Connections that the user's own settings describe, such as the contexts of a command line. Asked for beside `local`; reads files at most. */
    found?(env: Readonly<Record<string, string | undefined>>): Promise<readonly FoundConnection[]>;
    /** Sockets on this machine to try when nothing is configured; those that answer are used. */
    readonly local?: readonly (FoundConnection & { readonly socket: string })[];
    /** By verb: what can be done before there is a connection, such as setting a machine up. `proxmcp setup <provider>` calls `setup`. */
    readonly actions?: Readonly<Record<string, ConnectingAction<Client>>>;
  };
  readonly hosts: readonly HostedWorkload[];
  /** One is made for each connection, when it is first used. */
  readonly client: ClientClass<Client>;
  /** Proves that the connection works: reachable, authenticated, permitted. */
  test(args: CallArgs<Client>): Promise<ConnectionReport>;
  capacity?(args: CallArgs<Client>): Promise<Capacity>;
  readonly kinds: readonly Kind<Client>[];
  /** Events that the platform pushes, from now on until the signal aborts. */
  watch?(args: CallArgs<Client>): AsyncIterable<ProviderEvent>;
  /** The platform in miniature, for demos and tests. */
  sandbox?(): Promise<SandboxModule>;
}

/** What the core knows of a plugin. Everything else is derived from it. */
// oxlint-disable-next-line typescript/no-explicit-any -- a provider's client is its own affair; the core only passes it on
export type Provider<Client = any> = ProviderSpec<Client, ObjectSchema>;

/** What is known of the types of some kinds. */
type DeclaredIn<Kinds extends readonly unknown[]> = readonly {
  [at in keyof Kinds]: Kinds[at] extends DeclaredKind<infer Types> ? DeclaredKind<Types> : never;
}[number][];

/** Declares a provider. Faults are found when it is loaded, all at once; most are type errors before that. */
export function defineProvider<
  Client extends object,
  Options extends ObjectSchema,
  Tokens extends readonly Token<unknown>[],
  const Name extends string,
  const Noun extends string,
  const Kinds extends readonly Kind<Client>[],
>(
  spec: ProviderSpec<Client, Options> & {
    readonly name: Name;
    readonly connection: { readonly noun: Noun };
    readonly client: Injected<Client, Tokens, Options>;
    readonly kinds: Kinds;
  },
): Provider<Client> & DeclaredProvider<Name, Noun, DeclaredIn<Kinds>> {
  return spec as never;
}

/** The type of a connection with these options, for a client's constructor. */
export type ConnectionOf<Schema extends ObjectSchema> = Connection<Answered<Schema>>;
