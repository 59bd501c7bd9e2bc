import type { Answered, CallArgs, ObjectSchema } from "./action.js";
import type { ConnectingAction } from "./connecting.js";
import type { DeclaredKind, DeclaredProvider } from "./declared.js";
import type { Kind } from "./kind.js";
import type { Connection, Token } from "./tokens.js";
import type { SandboxModule } from "./sandbox.js";

/** A workload type that a provider can run. Placing a workload compares what is asked for with these. */
export interface HostedWorkload {
  /** `vm`, `system-container`, `app-container`, or a word of the plugin's own. */
  readonly workload: string;
  /** 0 to 1: how good a home this is for such workloads, everything else being equal. */
  readonly fit: number;
  /** What such a workload may need and gets here: `linux`, `windows`, `nesting`, `gpu`. */
  readonly features?: readonly string[];
  /** Processors it runs on, as `uname -m` says: `x86_64`, `aarch64`. Default: any. */
  readonly arch?: readonly string[];
}

/** What a connection has and what of it is free. Bytes and cores; absent means unknown. */
export interface Capacity {
  /** Its nodes or members, or the one machine that it is. */
  readonly places: readonly CapacityPlace[];
}

/** A machine on which workloads run. */
export interface CapacityPlace {
  /** The node or member; the connection's own name where there are no nodes. */
  readonly name: string;
  /** Whether something new can be put there now. */
  readonly healthy: boolean;
  /** As `uname -m` says: `x86_64`. */
  readonly arch?: string | undefined;
  /** Cores. */
  readonly cpu?: number | undefined;
  /** Share of all cores in use, 0 to 1. */
  readonly cpu_usage?: number | undefined;
  /** Bytes in all. */
  readonly memory?: number | undefined;
  /** Bytes in use. */
  readonly memory_used?: number | undefined;
  /** Bytes in all. */
  readonly disk?: number | undefined;
  /** Bytes in use. */
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
  /** What it is called, if the config doesn't say: `local`. */
  readonly name: string;
  /** Options of the connection's schema. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Where it comes from: "DOCKER_HOST", "/var/run/docker.sock". */
  readonly from: string;
  /** A unix socket to try first: without an answer there, there is no such connection. */
  readonly socket?: string;
  /** Meant when a call names none, unless the config says otherwise. */
  readonly preferred?: boolean;
}

/** Something that happened on the platform. */
export interface ProviderEvent {
  /** The name of the kind it happened to. */
  readonly kind: string;
  /** The key of the item. */
  readonly key: string;
  /** What happened, in the platform's own word: `start`, `die`. */
  readonly what: string;
  /** When, ISO 8601 in UTC. */
  readonly at: string;
}

/**
 * A class that the container can construct: its static `inject` names the service for each constructor parameter.
 * @hidden
 */
export interface ClientClass<Client> {
  readonly inject: readonly Token<unknown>[];
  new (...services: never[]): Client;
}

/**
 * Released when the app closes.
 * @hidden
 */
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

/**
 * A client class whose constructor takes just what its `inject` names, in this order.
 * @hidden
 */
export type Injected<Client, Tokens extends readonly Token<unknown>[], Options> = {
  readonly inject: Tokens;
  new (...services: Services<Tokens, Options>): Client;
};

/** A provider: what `defineProvider` takes. It is plain data and functions; nothing is connected to before a call. */
export interface ProviderSpec<Client, Options extends ObjectSchema> {
  /** `[a-z][a-z0-9]*`: the first part of every tool's name. */
  readonly name: string;
  /** As people write it: "LXD / Incus". */
  readonly title: string;
  /** One sentence for the model: what this platform is and has. */
  readonly about: string;
  /** The version of the declaration API that this was written for. Refused with `PLUGIN_INCOMPATIBLE` where it is another. */
  readonly api?: 1;
  /** The version of the plugin, where it is given as an object; of a package, its package.json says it. */
  readonly version?: string;
  /** How the platform is reached: what `connections` in the config hold for this provider. */
  readonly connection: {
    /** What a connection is called here: `cluster`, `host`. The tools' parameter has this name. */
    readonly noun: string;
    /** Its options, an object of fields made with `facet` and `secret`. */
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
  /** The workloads that can run here, for placing them. Empty where there are none. */
  readonly hosts: readonly HostedWorkload[];
  /**
   * The class that speaks to the platform. One is made for each connection, when it is first used, from the services that its static `inject` names; its
   * `close()`, if it has one, is called in the end.
   */
  readonly client: ClientClass<Client>;
  /** Proves that the connection works: reachable, authenticated, permitted. */
  test(args: CallArgs<Client>): Promise<ConnectionReport>;
  /** What the connection has and what of it is free. Without it, workloads are placed by kind and features alone. */
  capacity?(args: CallArgs<Client>): Promise<Capacity>;
  /** What there is on the platform. At least one. */
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

/**
 * Declares a provider; the default export of a plugin. Most faults are type errors. The rest are found when it is loaded, all at once, and it is refused with
 * `PLUGIN_INVALID`.
 *
 * @example
 * export default defineProvider({
 *   name: "pdu",
 *   title: "Switched PDU",
 *   about: "Power strips whose outlets can be switched and measured over the network.",
 *   connection: { noun: "pdu", schema: PduConnection },
 *   hosts: [],
 *   client: PduClient,
 *   test: async ({ client, signal }) => ({ version: await client.firmware(signal) }),
 *   kinds: [outlets],
 * });
 */
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

/**
 * The connection that a client gets, with options of the provider's schema: for the client's constructor.
 *
 * @example
 * constructor(http: Http, { options }: ConnectionOf<typeof PduConnection>) {}
 */
export type ConnectionOf<Schema extends ObjectSchema> = Connection<Answered<Schema>>;
