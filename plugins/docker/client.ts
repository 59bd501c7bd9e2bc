import type { Duplex } from "node:stream";
import {
  type Clock,
  CLOCK,
  CONNECTION,
  type Http,
  HTTP,
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
  isProxMcpError,
  ProxMcpError,
  Shared,
  type Ssh,
  SSH,
  type SshClient,
} from "proxmcp/plugin";
import { engineError, wordsOf } from "./errors.js";
import { type DockerConnectionInfo, isSsh, targetOf } from "./options.js";
import { openRoad, type Road } from "./road.js";

/** The newest API that this plugin was written against. */
const NEWEST = "1.55";
const NEGOTIATION_SECONDS = 30;

/** A request to the engine. `path` stands after the version prefix; every segment of it is encoded. */
export interface Ask {
  /** What is being done, for the error: `start container "web"`. */
  readonly what: string;
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly query?: HttpRequest["query"];
  readonly json?: unknown;
  readonly headers?: HttpRequest["headers"];
  /** Sent as it is: an archive. */
  readonly body?: HttpRequest["body"];
  readonly signal: AbortSignal;
  /** The API version that this needs, where that is no matter of course. */
  readonly since?: string;
  /** Statuses beside 2xx that are no failure: 304 for a container that runs already. */
  readonly accept?: readonly number[];
}

/** The wire of one Docker Engine (or of Podman's Docker API): version, errors, names. */
export class DockerClient {
  static readonly inject = [HTTP, CONNECTION, CLOCK, SSH] as const;
  readonly clock: Clock;
  readonly options: DockerConnectionInfo["options"];
  readonly #road: Road;
  readonly #http: HttpClient;
  readonly #negotiated = new Shared((signal) => this.#negotiate(signal));

  constructor(http: Http, connection: DockerConnectionInfo, clock: Clock, ssh: Ssh) {
    this.options = connection.options;
    this.#road = openRoad(http, ssh, connection.options);
    this.#http = this.#road.http;
    this.clock = clock;
  }

  close(): Promise<void> {
    return this.#road.close();
  }

  /** Where the engine is, for people. */
  get address(): string {
    return this.options.socket ?? (isSsh(this.options) ? (this.options.url ?? "") : targetOf(this.options).url);
  }

  /** The machine that the engine runs on, where it is reached over SSH. */
  get ssh(): SshClient | undefined {
    return this.#road.ssh;
  }

  /** What makes this connection less safe than it could be. */
  get warnings(): string[] {
    if (this.options.socket || this.ssh) return [];
    if (this.address.startsWith("http://"))
      return ["The engine is reached without TLS: whoever can reach its port is root on that host. Use a socket, or TLS with client certificates."];
    return this.options.verify === false ? ["The engine's certificate is not verified: pin its fingerprint or give its `ca`."] : [];
  }

  /** The API version that both sides speak: asked once, shared by all calls, asked again after a failure. */
  async apiVersion(signal: AbortSignal): Promise<string> {
    return await this.#negotiated.get(signal);
  }

  /** Refuses what the negotiated version can't do. */
  async requires(version: string, what: string, signal: AbortSignal): Promise<void> {
    const have = await this.apiVersion(signal);
    if (isOlder(have, version))
      throw new ProxMcpError("UNSUPPORTED", `${what} needs API version ${version} or newer; the engine at ${this.address} has ${have}.`);
  }

  /** Sends a request and answers its response, or throws what the engine says against it. */
  async send(ask: Ask): Promise<HttpResponse> {
    const { what, method = "GET", accept } = ask;
    const request = await this.#request(ask);
    const response = await this.#http.request(request);
    if ((response.status >= 200 && response.status < 300) || accept?.includes(response.status)) return response;
    throw engineError(what, response.status, wordsOf(await response.text()), `${method} ${request.path}`);
  }

  /** Sends a request after which the connection is a plain byte stream both ways (`Upgrade: tcp`). */
  async hijack(ask: Ask): Promise<Duplex> {
    return await this.#http.upgrade(await this.#request(ask), "tcp");
  }

  async #request({ what, method = "GET", path, query, json, headers, body, since, signal }: Ask): Promise<HttpRequest> {
    if (since) await this.requires(since, `Unable to ${what}: this`, signal);
    const version = await this.apiVersion(signal);
    return { method, path: `/v${version}${path}`, query, headers, signal, ...(json === undefined ? { body } : { json }) };
  }

  /** Sends a request and answers its JSON. */
  async json<T>(ask: Ask): Promise<T> {
    const response = await this.send(ask);
    return await response.json<T>();
  }

  /** Sends a request whose answer says nothing. */
  async done(ask: Ask): Promise<void> {
    const response = await this.send(ask);
    await response.bytes(); // an unread body would keep its connection
  }

  /** The bytes of a stream as they come, with its failures in our words. */
  async *stream(ask: Ask): AsyncGenerator<Uint8Array> {
    const response = await this.send(ask);
    yield* this.bytes(response, ask);
  }

  /** The same for a response that was sent for already. */
  async *bytes(response: { readonly body: AsyncIterable<unknown> }, { what, signal }: Pick<Ask, "what" | "signal">): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of response.body) yield chunk as Uint8Array;
    } catch (error) {
      if (isProxMcpError(error)) throw error;
      if (signal.aborted) throw abortOf(signal);
      throw new ProxMcpError("UNREACHABLE", `Unable to ${what}: the engine at ${this.address} broke the connection off.`, { cause: error });
    }
  }

  /** The path of a container, from its name or id. */
  async container(key: string, signal: AbortSignal): Promise<string> {
    const name = key.replace(/^\//, "");
    return await this.#pathOf("container", "/containers", name, /^[a-zA-Z0-9][\w.-]*$/, "/json", (found) => found.Name === `/${name}`, signal);
  }

  /** The path of an image, from a reference or id. */
  async image(key: string, signal: AbortSignal): Promise<string> {
    const isNamed = ({ RepoTags }: Found): boolean => RepoTags?.includes(`${key}:latest`) ?? false;
    return await this.#pathOf("image", "/images", key, /^[a-zA-Z0-9][\w.:/@-]*$/, "/json", isNamed, signal);
  }

  /** The path of a network, from its name or id. */
  async network(key: string, signal: AbortSignal): Promise<string> {
    return await this.#pathOf("network", "/networks", key, /^[^/\s]+$/, "", (found) => found.Name === key, signal);
  }

  /**
   * The engine also takes any unambiguous beginning of an id, so that "db" would hit the container db0f31... where none is called
   * "db": what could be such a beginning is looked up first, unless it is as long as an id that people copy.
   */
  async #pathOf(
    kind: string,
    folder: string,
    key: string,
    allowed: RegExp,
    show: string,
    isNamed: (found: Found) => boolean,
    signal: AbortSignal,
  ): Promise<string> {
    if (!allowed.test(key)) throw noSuch(kind, key);
    const path = `${folder}/${encodeURIComponent(key)}`;
    if (isShortHex(key) && !isNamed(await this.json<Found>({ what: `find ${kind} "${key}"`, path: path + show, signal }))) throw noSuch(kind, key);
    return path;
  }

  async #negotiate(signal: AbortSignal): Promise<string> {
    const late = (): ProxMcpError =>
      new ProxMcpError("UNREACHABLE", `The engine at ${this.address} did not answer within ${NEGOTIATION_SECONDS} s.`, { tried: ["GET /_ping"] });
    const { response, text } = await withDeadline(NEGOTIATION_SECONDS, late, async (deadline) => {
      const response = await this.#http.request({ method: "GET", path: "/_ping", signal: AbortSignal.any([signal, deadline]) });
      return { response, text: await response.text() };
    });
    if (response.status !== 200) throw engineError("reach the engine", response.status, wordsOf(text), "GET /_ping");
    const theirs = response.headers["api-version"];
    if (typeof theirs !== "string" || !/^\d+\.\d+$/.test(theirs))
      throw new ProxMcpError("UPSTREAM", `What answers at ${this.address} is no Docker Engine: GET /_ping has no Api-Version.`, {
        tried: ["GET /_ping"],
        next: "Check the address: this may be another service, or a proxy in between.",
      });
    return isOlder(theirs, NEWEST) ? theirs : NEWEST;
  }
}

interface Found {
  readonly Name?: string;
  readonly RepoTags?: readonly string[] | null;
}

export const noSuch = (kind: string, key: string): ProxMcpError => new ProxMcpError("NOT_FOUND", `There is no ${kind} "${key}".`);

/** Could be taken for the beginning of an id, and is not as long as the ids that the docker command prints. */
const isShortHex = (key: string): boolean => /^[0-9a-f]{1,11}$/.test(key);

/** Versions are compared by their parts: 1.9 is older than 1.41. */
export function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [thanMajor = 0, thanMinor = 0] = than.split(".").map(Number);
  return major === thanMajor ? minor < thanMinor : major < thanMajor;
}

/** Does the work with a signal that aborts after so many seconds, with the error that is right by then. */
export async function withDeadline<T>(seconds: number, late: () => ProxMcpError, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(late()), seconds * 1000);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

function abortOf(signal: AbortSignal): ProxMcpError {
  return isProxMcpError(signal.reason) ? signal.reason : new ProxMcpError("CANCELLED", "The call was cancelled.", { cause: signal.reason });
}
