import type { Duplex, Readable } from "node:stream";
import type { Dispatcher, Pool } from "undici";
import { isProxMcpError, ProxMcpError } from "../errors.js";
import { connectTo, placeOf } from "./connect.js";
import type { Http, HttpClient, HttpRequest, HttpResponse, HttpTarget, WebSocketStream } from "./types.js";
import { filesOf } from "./form.js";

const MAX_BYTES = 64 * 1024 * 1024;

/** The HTTP service: one undici pool for each target. undici is loaded with the first request, never at start. */
export class UndiciHttp implements Http {
  static readonly inject = [] as const;

  open(target: HttpTarget): HttpClient {
    return new UndiciClient(target);
  }
}

class UndiciClient implements HttpClient {
  readonly #target: HttpTarget;
  #pool: Promise<Pool> | undefined;
  #closed = false;

  constructor(target: HttpTarget) {
    this.#target = target;
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const pool = await this.#open(request.signal);
    const options = dispatchOptions(this.#target, request);
    const repeatable = request.method === "GET" || request.method === "HEAD";
    try {
      return new UndiciResponse(await pool.request(options), request, this.#target);
    } catch (error) {
      // A kept connection may have been closed by the server just now. Only a read is safe to send again.
      if (!repeatable || !isStale(error) || request.signal.aborted) throw this.#failure(error, request);
    }
    try {
      return new UndiciResponse(await pool.request(options), request, this.#target);
    } catch (error) {
      throw this.#failure(error, request);
    }
  }

  async upgrade(request: HttpRequest, protocol: string): Promise<Duplex> {
    const pool = await this.#open(request.signal);
    try {
      const { socket } = await pool.upgrade({ ...dispatchOptions(this.#target, request), protocol });
      return socket;
    } catch (error) {
      // A refusal comes as an ordinary answer, which undici does not show but ends the connection over.
      if (isStale(error)) throw new ProxMcpError("UPSTREAM", `${request.method} ${request.path}: the server did not switch to ${protocol}.`);
      throw this.#failure(error, request);
    }
  }

  async websocket(request: Omit<HttpRequest, "method" | "json" | "body">): Promise<WebSocketStream> {
    const pool = await this.#open(request.signal);
    const { openWebSocket } = await import("./websocket.js");
    const { path, headers } = dispatchOptions(this.#target, { ...request, method: "GET" });
    try {
      return await openWebSocket(new URL(path, this.#target.url), headers as Record<string, string>, pool, request.signal);
    } catch (error) {
      throw this.#failure(error, { ...request, method: "GET" });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await (await this.#pool)?.destroy();
  }

  async #open(signal: AbortSignal): Promise<Pool> {
    if (this.#closed) throw new ProxMcpError("UNREACHABLE", `The connection to ${placeOf(this.#target)} was closed.`);
    signal.throwIfAborted();
    this.#pool ??= openPool(this.#target);
    return await this.#pool;
  }

  #failure(error: unknown, request: HttpRequest): ProxMcpError {
    return transportError(error, `${request.method} ${request.path}`, this.#target, request.signal);
  }
}

async function openPool(target: HttpTarget): Promise<Pool> {
  const { Pool } = await import("undici");
  return new Pool(new URL(target.url).origin, {
    connections: target.connections ?? 16,
    allowH2: false,
    // The deadline of a call is its signal. Long polls and streams are silent for minutes, rightly.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (_options, done) => {
      connectTo(target, AbortSignal.timeout(60_000)).then(
        (socket) => done(null, socket),
        (error: Error) => done(error, null),
      );
    },
  });
}

function dispatchOptions(target: HttpTarget, request: HttpRequest): Dispatcher.RequestOptions {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  }
  const json = request.json === undefined ? undefined : JSON.stringify(request.json);
  return {
    method: request.method as Dispatcher.HttpMethod,
    path: query.size ? `${request.path}?${query}` : request.path,
    headers: { ...target.headers, ...(json === undefined ? {} : { "content-type": "application/json" }), ...request.headers },
    body: json ?? request.body ?? null,
    signal: request.signal,
  };
}

class UndiciResponse implements HttpResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: HttpResponse["headers"];
  readonly body: Readable;
  readonly #request: HttpRequest;
  readonly #target: HttpTarget;

  constructor(answer: Dispatcher.ResponseData, request: HttpRequest, target: HttpTarget) {
    this.status = answer.statusCode;
    this.reason = answer.statusText;
    this.headers = answer.headers;
    this.body = answer.body;
    this.#request = request;
    this.#target = target;
  }

  async bytes(): Promise<Uint8Array> {
    const limit = this.#request.maxBytes ?? MAX_BYTES;
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of this.body) {
        size += (chunk as Uint8Array).length;
        if (size > limit)
          throw new ProxMcpError("UPSTREAM", `${this.#where} answered more than ${limit} bytes.`, {
            next: "Ask for less: a narrower filter, fewer lines.",
          });
        chunks.push(chunk as Uint8Array);
      }
    } catch (error) {
      throw transportError(error, `${this.#request.method} ${this.#request.path}`, this.#target, this.#request.signal);
    }
    return Buffer.concat(chunks);
  }

  files(): AsyncIterable<Readable> {
    return filesOf(this);
  }

  async text(): Promise<string> {
    return Buffer.from(await this.bytes()).toString("utf8");
  }

  async json<T = unknown>(): Promise<T> {
    const text = await this.text();
    if (text.trim() === "") return undefined as T;
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new ProxMcpError("INVALID_OUTPUT", `${this.#where} answered ${this.status} with something that is not JSON: ${text.slice(0, 120)}`, {
        next: "Check that the address is that of the platform's API and not of a web page or a proxy.",
        data: { status: this.status },
      });
    }
  }

  get #where(): string {
    return `${placeOf(this.#target)}${this.#request.path}`;
  }
}

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? "");
const isStale = (error: unknown): boolean => ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"].includes(codeOf(error));

const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOENT: "there is no such socket",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name could not be looked up just now",
  EHOSTUNREACH: "there is no route to the host",
  ENETUNREACH: "there is no route to the network",
  ETIMEDOUT: "it did not answer",
  ECONNRESET: "it closed the connection",
  EPIPE: "it closed the connection",
  UND_ERR_SOCKET: "it closed the connection before it had answered",
  EPROTO: "it does not speak TLS",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it does not speak TLS",
  HPE_INVALID_CONSTANT: "it does not speak HTTP",
};

/** A failure to get an answer, in words: what was tried, where, and why it failed. */
function transportError(error: unknown, what: string, target: HttpTarget, signal: AbortSignal): ProxMcpError {
  if (signal.aborted)
    return isProxMcpError(signal.reason) ? signal.reason : new ProxMcpError("CANCELLED", `${what} was cancelled.`, { cause: error });
  if (isProxMcpError(error)) return error;
  const code = codeOf(error);
  const place = placeOf(target);
  const details = { tried: [`${what} at ${place}`], data: { code }, cause: error };
  if (code === "EACCES" || code === "EPERM")
    return new ProxMcpError("FORBIDDEN", `This user may not open ${place}.`, {
      ...details,
      next: "Run as a user that may: usually a member of the group that owns the socket.",
    });
  const why = WHY[code] ?? (error instanceof Error ? error.message : String(error));
  return new ProxMcpError("UNREACHABLE", `${place} can't be reached: ${why}.`, details);
}
