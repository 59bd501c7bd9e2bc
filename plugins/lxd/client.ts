import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import {
  CLOCK,
  type Clock,
  CONNECTION,
  HTTP,
  type Http,
  type HttpResponse,
  isProxMcpError,
  LOGGER,
  type Logger,
  PEERS,
  type Peers,
  ProxMcpError,
  Shared,
  SSH,
  type Ssh,
  type WebSocketStream,
} from "proxmcp/plugin";
import type { Ask, Content, Extract } from "./ask.js";
import { refused, taskFailed, untrusted } from "./errors.js";
import { unanswered } from "./guidance/offers.js";
import { withTakers } from "./guidance/storage-full.js";
import { progressOf, withOperation } from "./operations.js";
import type { LxdConnectionInfo } from "./options.js";
import { openRoad, type Road } from "./road.js";
import { type Envelope, envelopeIn, type Operation, reasonIn, type ServerInfo } from "./wire.js";

export type { Ask, Content, Extract };

/** What a client shows of a server that another one is connected to: one project, or all. */
interface View {
  readonly of: LxdClient;
  readonly project?: string;
}

/** Seconds that the server holds a wait for an operation; between two waits its progress is passed on. */
const WAIT = 1;
/** How often a change is tried while its instance is busy, and the milliseconds in between. */
const BUSY = { tries: 40, pause: 500 } as const;
/** Milliseconds for tidying up after a call that was cancelled. */
const CLEANUP = 5_000;

/** The REST API of LXD and Incus: the envelope, background operations, errors. */
export class LxdClient {
  static readonly inject = [HTTP, CONNECTION, LOGGER, CLOCK, PEERS, SSH] as const;
  readonly connection: LxdConnectionInfo;
  readonly clock: Clock;
  /** The other hosts, for what goes from one to another. */
  readonly peers: Peers;
  /** How it is reached, and what else leads there. */
  readonly way: Road;
  readonly #services: readonly [Http, LxdConnectionInfo, Logger, Clock, Peers, Ssh];
  readonly #log: Logger;
  readonly #view: View | undefined;
  readonly #server = new Shared((signal) => this.freshServer(signal));

  constructor(http: Http, connection: LxdConnectionInfo, log: Logger, clock: Clock, peers: Peers, ssh: Ssh, ...[view]: readonly [View?]) {
    this.#services = [http, connection, log, clock, peers, ssh];
    const project = view?.project;
    this.connection = project === undefined ? connection : { ...connection, options: { ...connection.options, project } };
    this.clock = clock;
    this.peers = peers;
    this.#log = log;
    this.#view = view;
    this.way = view?.of.way ?? openRoad(http, ssh, connection.options);
  }

  /** The same server as one of its projects shows it. Without one, as the connection's project does. */
  inProject(project: string | undefined): LxdClient {
    return project === undefined ? this : new LxdClient(...this.#services, { of: this, project });
  }

  /** The same server with all its projects, for lists that can do that. */
  inAllProjects(): LxdClient {
    return new LxdClient(...this.#services, { of: this });
  }

  /** How the server was reached, where that is worth telling. */
  get road(): string | undefined {
    return this.way.note;
  }

  close(): Promise<void> {
    return this.way.close();
  }

  /** Reads `metadata` of a resource: `GET /1.0/...`. */
  async get<Metadata>(path: string, ask: Ask): Promise<Metadata> {
    return (await this.#envelope("GET", path, ask)).metadata as Metadata;
  }

  /**
   * Changes something, and waits for the operation if the server makes one of it. The finished operation, or undefined when the
   * server was done at once. Throws when the operation fails. While the instance is busy with something else, which LXD refuses
   * before it begins anything, it is tried again for a while: a failed start or stop leaves such a state behind for seconds.
   */
  async change(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body: unknown, ask: Ask): Promise<Operation | undefined> {
    for (let tries = 1; ; tries += 1) {
      try {
        const started = await this.begin(method, path, body, ask);
        if (!started) return undefined;
        const operation = await this.wait(started, `${method} ${path}`, ask);
        if (operation.status_code !== 200) throw taskFailed(ask.doing, `${method} ${path}`, operation);
        return operation;
      } catch (error) {
        if (tries >= BUSY.tries || !isProxMcpError(error) || error.code !== "CONFLICT" || !/is busy/.test(error.message))
          throw await withTakers(this, error, ask);
        await this.clock.sleep(BUSY.pause, ask.signal);
      }
    }
  }

  /** The same without waiting: the operation as it was started. */
  async begin(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body: unknown, ask: Ask): Promise<Operation | undefined> {
    const answer = await this.#envelope(method, path, ask, body);
    return answer.type === "async" ? (answer.metadata as Operation) : undefined;
  }

  /** Waits until an operation has ended, well or not. When the caller gives up, it is cancelled on the server too, if the server can. */
  async wait(started: Operation, request: string, ask: Ask): Promise<Operation> {
    const path = `/1.0/operations/${encodeURIComponent(started.id)}`;
    const report = progressOf(ask.progress);
    let operation = started;
    try {
      while (operation.status_code < 200) {
        operation = await this.get<Operation>(`${path}/wait`, { ...ask, query: { timeout: WAIT } });
        report(operation.metadata);
      }
    } catch (error) {
      if (ask.signal.aborted) await this.#cancel(path);
      throw withOperation(error, started, request, ask.doing);
    }
    return operation;
  }

  /** Who the server is and what it can do: `GET /1.0`, asked once. */
  async server(signal: AbortSignal): Promise<ServerInfo> {
    return await (this.#view?.of.server(signal) ?? this.#server.get(signal));
  }

  /** The same, asked now. Refused with AUTH_FAILED when the server does not trust us. */
  async freshServer(signal: AbortSignal): Promise<ServerInfo> {
    const info = await this.get<ServerInfo>("/1.0", { doing: "read the server's information", signal });
    if (info.auth !== "trusted") throw untrusted("use the server", `it calls us ${info.auth}`, "GET /1.0");
    return info;
  }

  /** The beginning (`first`) or the end (`last`) of a file, as many bytes: logs and recorded output. */
  async extract(path: string, range: { readonly first: number } | { readonly last: number }, ask: Ask): Promise<Extract> {
    const wanted = "first" in range ? `bytes=0-${range.first - 1}` : `bytes=-${range.last}`;
    const response = await this.#send("GET", path, ask, { headers: { range: wanted } });
    // 416: there is no such part of an empty file.
    if (response.status === 416) return { text: "", total: 0 };
    const bytes = await (await this.#accepted(response, "GET", path, ask)).bytes();
    const total = Number(/\/(\d+)$/.exec(String(response.headers["content-range"] ?? ""))?.[1] ?? bytes.length);
    // A server that knows no ranges sends the whole file.
    const part = "first" in range ? bytes.subarray(0, range.first) : bytes.subarray(Math.max(0, bytes.length - range.last));
    return { text: new TextDecoder().decode(part), total };
  }

  /** A request that takes or answers bytes and no envelope: files and backups. What answers it has been accepted by the server. */
  async send(method: string, path: string, ask: Ask, content: Content = {}): Promise<HttpResponse> {
    return await this.#accepted(await this.#send(method, path, ask, content), method, path, ask);
  }

  /** A change whose body is bytes: as `begin`. */
  async upload(path: string, content: Content, ask: Ask): Promise<Operation | undefined> {
    const answer = envelopeIn(await (await this.send("POST", path, ask, content)).text());
    return answer?.type === "async" ? (answer.metadata as Operation) : undefined;
  }

  /** One of the websockets of an operation, by its secret: messages. */
  async stream(operation: string, secret: string, { signal }: Ask): Promise<WebSocketStream> {
    return await this.way.http.websocket({ path: socketOf(operation), query: { secret }, signal });
  }

  /** The same as bytes on the wire: websocket frames, to be passed on as they are. */
  async wire(operation: string, secret: string, { signal }: Ask): Promise<Duplex> {
    const headers = { "sec-websocket-version": "13", "sec-websocket-key": randomBytes(16).toString("base64") };
    return await this.way.http.upgrade({ method: "GET", path: socketOf(operation), query: { secret }, headers, signal }, "websocket");
  }

  async #envelope(method: string, path: string, ask: Ask, body?: unknown): Promise<Envelope> {
    const response = await this.#send(method, path, ask, body === undefined ? {} : { json: body });
    const text = await response.text();
    const answer = envelopeIn(text);
    if (response.status >= 400 || answer?.type === "error") {
      throw await this.#refusal(method, path, ask, answer?.error_code || response.status, reasonIn(text) || response.reason);
    }
    if (!answer) throw new ProxMcpError("INVALID_OUTPUT", `${method} ${path} answered something that is not LXD's envelope: ${text.slice(0, 200)}`);
    return answer;
  }

  async #send(method: string, path: string, ask: Ask, content: Content): Promise<HttpResponse> {
    const { options } = this.connection;
    // The server takes one or the other.
    const projects = this.#view && !this.#view.project ? { "all-projects": true } : { project: options.project };
    const headers = { ...ask.headers, ...content.headers };
    try {
      return await this.way.http.request({ method, path, query: { ...projects, ...ask.query }, ...content, headers, signal: ask.signal });
    } catch (error) {
      throw isProxMcpError(error) ? unanswered(error, options) : error;
    }
  }

  async #accepted(response: HttpResponse, method: string, path: string, ask: Ask): Promise<HttpResponse> {
    if (response.status < 400) return response;
    throw await this.#refusal(method, path, ask, response.status, reasonIn(await response.text()) || response.reason);
  }

  async #refusal(method: string, path: string, ask: Ask, status: number, reason: string): Promise<ProxMcpError> {
    const trusted = status === 403 && path !== "/1.0" ? await this.#trusted(ask.signal) : undefined;
    return refused({ doing: ask.doing, request: `${method} ${path}`, status, reason, trusted });
  }

  /** A 403 is the answer to strangers and to restricted certificates alike; only `GET /1.0`, open to all, tells which we are. */
  async #trusted(signal: AbortSignal): Promise<boolean | undefined> {
    try {
      return (await this.get<ServerInfo>("/1.0", { doing: "read the server's information", signal })).auth === "trusted";
    } catch {
      return undefined;
    }
  }

  /** The caller is gone, so this has a signal of its own. Most operations can't be cancelled; the server then says so. */
  async #cancel(path: string): Promise<void> {
    try {
      await this.change("DELETE", path, undefined, { doing: "cancel the operation", signal: AbortSignal.timeout(CLEANUP) });
    } catch (error) {
      this.#log.debug("the operation was left to run", { path, why: String(error) });
    }
  }
}

const socketOf = (operation: string): string => `/1.0/operations/${encodeURIComponent(operation)}/websocket`;
