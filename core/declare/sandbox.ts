/**
 * A sandbox is a platform in miniature: a loopback server that speaks the real wire protocol, with its state in memory.
 * Demos run on it, and the conformance suite runs the same tests against it and against the real engine: where the two
 * differ, the sandbox is wrong.
 */
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
  readonly method?: string;
  /** A part of the path, or a pattern for it. */
  readonly path: string | RegExp;
  /** Answer this instead. */
  readonly status?: number;
  readonly reason?: string;
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

export interface SandboxRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
  json<T = Record<string, unknown>>(): T;
}

export interface Sandbox {
  /** Options of a connection that reaches it. */
  readonly connection: Readonly<Record<string, unknown>>;
  /** What was asked, in order, so that a test can look at the wire. */
  readonly requests: readonly SandboxRequest[];
  fail(fault: SandboxFault): void;
  /** Takes all faults back. */
  heal(): void;
  /** How many requests wait for their answer, so that a test sees whether a cancelled call frees its socket. */
  pending?(): number;
  close(): Promise<void>;
}

/** One step of a demo: what a person would ask, and the call that answers it. */
export interface TourStep {
  readonly say: string;
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** What a plugin's `sandbox/index.ts` exports. */
export interface SandboxModule {
  start(options?: SandboxOptions): Promise<Sandbox>;
  /** What `proxmcp demo` starts and shows: a sandbox for each connection, and a tour over them. */
  readonly demo?: { readonly connections: Readonly<Record<string, SandboxOptions>>; readonly tour: readonly TourStep[] };
}
