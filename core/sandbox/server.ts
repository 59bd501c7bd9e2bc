import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { rm } from "node:fs/promises";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { SandboxFault, SandboxRequest } from "../declare/sandbox.js";

/** What a sandbox answers. An object body is sent as JSON, text and bytes as they are, an iterable as it comes. */
export interface SandboxReply {
  /** `200` and so on. */
  readonly status: number;
  /** The reason phrase. */
  readonly reason?: string;
  /** Beside the content type, which follows from the body. */
  readonly headers?: Readonly<Record<string, string>>;
  /** An object, a text, bytes, or an iterable of those. */
  readonly body?: unknown;
}

/** A request that is to be answered. */
export interface SandboxCall extends SandboxRequest {
  /** The message that `taskError` of a matching fault has planted for the task that this request starts. */
  readonly taskError?: string;
  /** The client's certificate, PEM, when it presented one. */
  readonly clientCert?: string;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

/** How the server of a sandbox is to be. */
export interface SandboxServerOptions {
  /** Serves TLS with this key and certificate, PEM; a client's certificate is asked for, or required, and held to `ca`. */
  readonly tls?: {
    /** Of the server. */
    readonly key: string;
    /** Of the server. */
    readonly cert: string;
    /** Who has to have signed a client's certificate. */
    readonly ca?: string;
    /** A client may show a certificate; it arrives as `clientCert`. */
    readonly askClientCert?: boolean;
    /** A client without a certificate is sent away. */
    readonly requireClientCert?: boolean;
  };
  /** Listens on this unix socket instead of a port. */
  readonly socket?: string;
  /** Milliseconds added to every answer. */
  readonly latency?: number;
  /** The platform's own shape for an error that a fault asks for. */
  errorBody?(status: number, reason: string): unknown;
  /** Takes over the socket of a request for another protocol; a body of the request is still to be read from it. Without it such requests are closed. */
  upgrade?(request: SandboxRequest, socket: Duplex): void;
}

/** A server that runs. `fail` and `heal` are those of a `Sandbox`. */
export interface SandboxServer {
  /** `http://127.0.0.1:port`, `https://...`, or `http://localhost` on a unix socket. */
  readonly url: string;
  /** What it was asked, in order. */
  readonly requests: SandboxRequest[];
  /** Plants a fault, for a while or for good. */
  fail(fault: SandboxFault): void;
  /** Takes all faults back. */
  heal(): void;
  /** How many requests wait for their answer, or for its end. */
  pending(): number;
  /** Stops it; requests under way break off. */
  close(): Promise<void>;
}

/** Starts the loopback server of a sandbox: records requests, plants faults, waits the latency, and leaves the rest to `answer`. */
export async function serveSandbox(
  answer: (call: SandboxCall) => SandboxReply | Promise<SandboxReply>,
  options: SandboxServerOptions = {},
): Promise<SandboxServer> {
  const requests: SandboxRequest[] = [];
  let faults: SandboxFault[] = [];
  let pending = 0;

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    pending += 1;
    outgoing.on("close", () => {
      pending -= 1;
      gone.abort();
    });
    const request = await readRequest(incoming);
    requests.push(request);
    if (options.latency) await new Promise((done) => setTimeout(done, options.latency));
    const fault = takeFault(faults, request);
    if (fault?.hang) return;
    if (fault?.drop) return void incoming.socket.destroy();
    if (fault?.status) {
      const reason = fault.reason ?? "planted fault";
      return send(outgoing, { status: fault.status, reason, body: fault.body ?? options.errorBody?.(fault.status, reason) });
    }
    const certificate = (incoming.socket as TLSSocket).getPeerX509Certificate?.();
    await send(
      outgoing,
      await answer({
        ...request,
        signal: gone.signal,
        ...(fault?.taskError ? { taskError: fault.taskError } : {}),
        ...(certificate ? { clientCert: certificate.toString() } : {}),
      }),
    );
  };
  const listener = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    handle(incoming, outgoing).catch((error: unknown) => {
      if (outgoing.headersSent || outgoing.destroyed) return void outgoing.destroy();
      void send(outgoing, { status: 500, body: { message: `sandbox: ${String(error)}` } });
    });
  };
  const { tls } = options;
  const server = tls
    ? createTlsServer(
        {
          allowHalfOpen: true, // as without TLS: on an upgraded connection one side may say that it is done, and listen on
          key: tls.key,
          cert: tls.cert,
          ...(tls.ca ? { ca: tls.ca } : {}),
          requestCert: Boolean(tls.askClientCert ?? tls.requireClientCert),
          rejectUnauthorized: Boolean(tls.requireClientCert),
        },
        listener,
      )
    : createServer(listener);
  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    if (head.length > 0) socket.unshift(head); // what came in one packet with the request: its body, or what is said after it
    const request = requestOf(incoming, Buffer.alloc(0));
    requests.push(request);
    if (options.upgrade) options.upgrade(request, socket);
    else socket.destroy();
  });
  // Kept here because a half-open one, or one that never sent a request, is none that the server would close.
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  if (options.socket) await rm(options.socket, { force: true });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    if (options.socket) server.listen(options.socket, listening);
    else server.listen(0, "127.0.0.1", listening);
  });
  const url = options.socket ? "http://localhost" : `${tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    requests,
    fail: (fault) => void faults.push({ ...fault }),
    heal: () => {
      faults = [];
    },
    pending: () => pending,
    close: async () => {
      const closed = new Promise<void>((done) => server.close(() => done()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

async function readRequest(incoming: IncomingMessage): Promise<SandboxRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return requestOf(incoming, Buffer.concat(chunks));
}

function requestOf(incoming: IncomingMessage, body: Buffer): SandboxRequest {
  const url = new URL(incoming.url ?? "/", "http://sandbox");
  return {
    method: incoming.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body,
    json: () => JSON.parse(body.toString("utf8") || "{}"),
  };
}

function takeFault(faults: SandboxFault[], request: SandboxRequest): SandboxFault | undefined {
  const fault = faults.find(
    ({ method, path, times }) =>
      (times ?? 1) > 0 &&
      (!method || method === request.method) &&
      (typeof path === "string" ? request.path.includes(path) : path.test(request.path)),
  );
  if (fault?.times !== undefined) fault.times -= 1;
  return fault;
}

async function send(outgoing: ServerResponse, { status, reason, headers, body }: SandboxReply): Promise<void> {
  const plain = body === undefined || typeof body === "string" || body instanceof Uint8Array;
  const stream = typeof body === "object" && body !== null && Symbol.asyncIterator in body;
  const json = !plain && !stream;
  outgoing.writeHead(status, reason, { ...(json ? { "content-type": "application/json" } : {}), ...headers });
  if (stream) {
    outgoing.flushHeaders();
    for await (const chunk of body as AsyncIterable<string | Uint8Array>) {
      if (outgoing.destroyed) return;
      outgoing.write(chunk);
    }
    outgoing.end();
    return;
  }
  outgoing.end(json ? JSON.stringify(body) : body);
}
