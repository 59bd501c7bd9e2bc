/** How a sandbox is to be. */
export interface SandboxOptions {
  /** Which estate to begin with; each sandbox documents its own. Default: a small believable one. */
  readonly estate?: unknown;
  /** Milliseconds added to every answer. */
  readonly latency?: number;
  /** Milliseconds that the platform's tasks take. Default: a few tens. */
  readonly taskTime?: number;
  /** Listen on this unix socket instead of a loopback port, where the platform does. */
  readonly socket?: string;
  /** Serve TLS where the platform may go without. */
  readonly tls?: boolean;
}

/** Makes matching requests fail, or tasks that they start. */
export interface SandboxFault {
  /** Of requests with this method alone: `PUT`. */
  readonly method?: string;
  /** A part of the path, or a pattern for it. */
  readonly path: string | RegExp;
  /** Answer this instead. */
  readonly status?: number;
  /** The platform's own words for it, in the body of its errors. */
  readonly reason?: string;
  /** Answer this body, instead of one made from `reason`. */
  readonly body?: unknown;
  /** Let the request pass, and the task or operation that it starts fail with this message. */
  readonly taskError?: string;
  /** Never answer. */
  readonly hang?: boolean;
  /** Close the connection without an answer. */
  readonly drop?: boolean;
  /** How often; default always. */
  times?: number;
}

/** One request that a sandbox got, as it came over the wire. */
export interface SandboxRequest {
  /** `GET`, `PUT` and so on. */
  readonly method: string;
  /** Without the query, as it was encoded. */
  readonly path: string;
  /** What stood behind the `?`. */
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body, byte by byte. */
  readonly body: Uint8Array;
  /** The body, read as JSON. */
  json<T = Record<string, unknown>>(): T;
}

/**
 * A platform in miniature: a loopback server that speaks the real wire protocol, with its state in memory. Demos run on it, and the same tests run
 * against it and against the real engine: where the two differ, the sandbox is wrong.
 */
export interface Sandbox {
  /** Options of a connection that reaches it. */
  readonly connection: Readonly<Record<string, unknown>>;
  /** What was asked, in order, so that a test can look at the wire. */
  readonly requests: readonly SandboxRequest[];
  /** From now on makes requests fail, hang or break off. */
  fail(fault: SandboxFault): void;
  /** Takes all faults back. */
  heal(): void;
  /** How many requests wait for their answer, so that a test sees whether a cancelled call frees its socket. */
  pending?(): number;
  /** Stops it; requests under way break off. */
  close(): Promise<void>;
}

/** One step of a demo: what a person would ask, and the call that answers it. */
export interface TourStep {
  /** What a person would ask. */
  readonly say: string;
  /** The tool that answers it. */
  readonly tool: string;
  /** Its arguments. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** What a plugin's `sandbox/index.ts` exports. */
export interface SandboxModule {
  /** Starts one. It listens on this machine alone. */
  start(options?: SandboxOptions): Promise<Sandbox>;
  /** What `proxmcp demo` starts and shows: a sandbox for each connection, by the connection's name, and a tour over them. */
  readonly demo?: {
    /** By name: the sandbox of each connection. */
    readonly connections: Readonly<Record<string, SandboxOptions>>;
    /** What is shown, in this order. */
    readonly tour: readonly TourStep[];
  };
}
