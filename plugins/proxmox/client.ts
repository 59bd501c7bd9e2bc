import type { Readable } from "node:stream";
import {
  CLOCK,
  type Clock,
  CONNECTION,
  type ConnectionOf,
  HTTP,
  type Http,
  type HttpRequest,
  type HttpResponse,
  LOGGER,
  type Logger,
  PEERS,
  type Peers,
  ProxMcpError,
  SSH,
  type Ssh,
  type WebSocketStream,
} from "proxmcp/plugin";
import { endpointsOf, type ProxmoxConnection } from "./connection.js";
import { Endpoints } from "./endpoints.js";
import { errorOf, isLockTimeout } from "./errors.js";
import { type Following, followTask, type TaskLog, type TaskReader, type TaskStatus } from "./tasks.js";
import { parseUpid, type Upid } from "./upid.js";

export type Parameters = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** What Proxmox answers: `data`, and beside it the length of what `data` is a part of. */
interface Envelope {
  readonly data?: unknown;
  readonly total?: number;
}

/** How often a write is sent again when the guest's lock could not be had. Proxmox itself waits 10 s each time. */
const LOCK_ATTEMPTS = 3;

/**
 * A path below `/api2/json` with every value in it encoded.
 * @example at`/nodes/${node}/qemu/${vmid}/config`
 */
export const at = (parts: TemplateStringsArray, ...values: readonly (string | number)[]): string =>
  String.raw({ raw: parts }, ...values.map((value) => encodeURIComponent(value)));

/** One cluster, through the node at its address. */
export class ProxmoxClient implements TaskReader {
  static readonly inject = [HTTP, CONNECTION, LOGGER, CLOCK, SSH, PEERS] as const;
  /** `USER@REALM!TOKENID`, for messages. */
  readonly token: string;
  readonly options: ConnectionOf<typeof ProxmoxConnection>["options"];
  /** Name of the connection, and its tags: region, tier. */
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** For what the API can't do: running commands in containers without a console. */
  readonly ssh: Ssh;
  /** Other clusters, for what goes from one to another. */
  readonly peers: Peers;
  readonly #endpoints: Endpoints;
  readonly #log: Logger;
  readonly #clock: Clock;

  constructor(http: Http, connection: ConnectionOf<typeof ProxmoxConnection>, log: Logger, clock: Clock, ssh: Ssh, peers: Peers) {
    const { options } = connection;
    this.options = options;
    const token = this.credentials;
    this.token = token.slice(0, token.indexOf("="));
    this.name = connection.name;
    this.tags = connection.tags;
    this.ssh = ssh;
    this.peers = peers;
    this.#log = log;
    this.#clock = clock;
    const headers = { authorization: `PVEAPIToken=${token}`, accept: "application/json" };
    this.#endpoints = new Endpoints(http, endpointsOf(options), { ca: options.ca, verify: options.verify, headers }, log);
  }

  /** The token with its secret. Only for another cluster that has to reach this one by itself. */
  get credentials(): string {
    return this.options.token ?? `${this.options.token_id}=${this.options.token_secret}`;
  }

  /** The address that answers now. */
  get address(): string {
    return this.#endpoints.url;
  }

  /** `data` of the answer. */
  async get<T>(path: string, signal: AbortSignal, query: Parameters = {}): Promise<T> {
    return (await this.#send("GET", path, query, signal)).data as T;
  }

  /** Writes, and follows the task if that is what the answer names. Answers `data` otherwise. */
  async write(method: "POST" | "PUT" | "DELETE", path: string, parameters: Parameters, following: Following): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { data } = await this.#send(method, path, parameters, following.signal);
        const upid = parseUpid(data);
        if (!upid) return data;
        this.#log.debug("task started", { upid: upid.text });
        if (following.wait !== false) return await followTask(this, upid, following, this.#clock);
        following.task?.(upid.text);
        following.note("Not waited for: the task goes on. proxmox_task_get and proxmox_task_logs tell how it is going.");
        return undefined;
      } catch (error) {
        // Nothing was done yet, so sending it again is safe. The clean-up after a stop holds the lock for up to 30 s.
        if (attempt >= LOCK_ATTEMPTS || !isLockTimeout(error)) throw error;
        this.#log.info("the guest is locked by another task, trying again", { path, attempt });
        await this.#clock.sleep(attempt * 500, following.signal);
      }
    }
  }

  taskStatus(upid: Upid, signal: AbortSignal): Promise<TaskStatus> {
    return this.get<TaskStatus>(at`/nodes/${upid.node}/tasks/${upid.text}/status`, signal);
  }

  async taskLog(upid: Upid, start: number, limit: number, signal: AbortSignal): Promise<TaskLog> {
    const { data, total } = await this.#send("GET", at`/nodes/${upid.node}/tasks/${upid.text}/log`, { start, limit }, signal);
    const lines = Array.isArray(data) ? data.map((line: { t?: unknown }) => String(line.t ?? "")) : [];
    return { lines, total: total ?? lines.length };
  }

  /** A part of a log, with the length of the whole. */
  async lines(
    path: string,
    { start = 0, limit = 100, ...query }: Parameters & { readonly start?: number | undefined; readonly limit?: number | undefined },
    signal: AbortSignal,
  ): Promise<{ lines: string[]; start: number; total: number; truncated: boolean }> {
    const { data, total } = await this.#send("GET", path, { ...query, start, limit }, signal);
    const lines = Array.isArray(data)
      ? data.map((line: unknown) => (typeof line === "string" ? line : String((line as { t?: unknown }).t ?? "")))
      : [];
    const whole = total ?? start + lines.length;
    return { lines, start, total: whole, truncated: start + lines.length < whole };
  }

  async stopTask(upid: Upid, signal: AbortSignal): Promise<void> {
    await this.#send("DELETE", at`/nodes/${upid.node}/tasks/${upid.text}`, {}, signal);
  }

  /** Sends a file, and follows the task that puts it into its place. Its length has to be known, as Proxmox takes no chunks. */
  async upload(path: string, form: { readonly type: string; readonly length: number; readonly body: Readable }, following: Following): Promise<void> {
    const headers = { "content-type": form.type, "content-length": String(form.length) };
    const response = await this.#endpoints.request({
      method: "POST",
      path: `/api2/json${path}`,
      headers,
      body: form.body,
      signal: following.signal,
    });
    const { data } = await this.#envelope(response, "POST", path);
    const upid = parseUpid(data);
    if (upid) await followTask(this, upid, following, this.#clock);
  }

  /** Opens the stream of a terminal that a proxy task of the node waits with. */
  async terminal(path: string, query: Parameters, signal: AbortSignal): Promise<WebSocketStream> {
    // Proxmox opens none for other subprotocols.
    const headers = { "sec-websocket-protocol": "binary" };
    return await this.#endpoints.client.websocket({ path: `/api2/json${path}`, query, headers, signal });
  }

  async close(): Promise<void> {
    await this.#endpoints.close();
  }

  async #send(method: string, path: string, parameters: Parameters, signal: AbortSignal): Promise<Envelope> {
    const response = await this.#endpoints.request({ method, path: `/api2/json${path}`, ...carried(method, parameters), signal });
    return await this.#envelope(response, method, path);
  }

  async #envelope(response: HttpResponse, method: string, path: string): Promise<Envelope> {
    const text = await response.text();
    const { status, reason } = response;
    if (status >= 200 && status < 300) {
      const body = parsed(text);
      if (typeof body === "object" && body !== null && "data" in body) return body;
      throw new ProxMcpError("INVALID_OUTPUT", `${method} ${path} answered ${status} without data, which is not how Proxmox VE answers.`, {
        tried: [`${method} ${path}`],
        data: { status },
        next: "Check that the address is that of a Proxmox VE node (port 8006) and not of a web page, a proxy or another product.",
      });
    }
    throw errorOf({ method, path, status, reason, body: text === "" ? undefined : parsed(text), token: this.token });
  }
}

/** Where the parameters go. DELETE takes no body (501), and only JSON keeps `;` and line breaks whole. */
function carried(method: string, parameters: Parameters): Pick<HttpRequest, "query" | "json"> {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  if (given.length === 0) return {};
  if (method === "POST" || method === "PUT") return { json: Object.fromEntries(given) };
  // Outside JSON a boolean is 1 or 0; "true" is refused.
  return { query: Object.fromEntries(given.map(([name, value]) => [name, typeof value === "boolean" ? Number(value) : value])) };
}

/** JSON if it is some, else the text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
