import {
  type Clock,
  CLOCK,
  CONNECTION,
  type ConnectionOf,
  HTTP,
  type Http,
  type HttpClient,
  type HttpRequest,
  type Logger,
  LOGGER,
  ProxMcpError,
} from "proxmcp/plugin";
import { errorOf } from "./errors.ts";
import type { ContainariumConnection } from "./options.ts";
import { expiryWarning, RENEW, type Token, tokenIn } from "./token.ts";
import type { WireSystem } from "./wire.ts";

const DAY = 86_400_000;

export interface Ask extends Pick<HttpRequest, "query" | "json" | "signal"> {
  /** What is being done, to go on after "Unable to". */
  readonly doing: string;
}

/** The wire: JSON over HTTP, with a JWT in each request. One for each connection. */
export class ContainariumClient {
  static readonly inject = [HTTP, CONNECTION, CLOCK, LOGGER] as const;
  readonly url: URL;
  readonly token: Token;
  readonly #http: HttpClient;
  readonly #clock: Clock;
  readonly #log: Logger;
  #reminded = Number.NEGATIVE_INFINITY;

  constructor(http: Http, { options }: ConnectionOf<typeof ContainariumConnection>, clock: Clock, log: Logger) {
    const { url, token, ca, fingerprint } = options;
    this.url = new URL(url);
    // The schema has refused what is no token.
    this.token = tokenIn(token) ?? { username: "", roles: [], scopes: [], refresh: false };
    this.#http = http.open({ url: this.url.origin, headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca, fingerprint } });
    this.#clock = clock;
    this.#log = log;
  }

  get<Answer>(path: string, ask: Ask): Promise<Answer> {
    return this.#ask("GET", path, ask);
  }

  post<Answer>(path: string, ask: Ask): Promise<Answer> {
    return this.#ask("POST", path, { json: {}, ...ask });
  }

  put<Answer>(path: string, ask: Ask): Promise<Answer> {
    return this.#ask("PUT", path, ask);
  }

  delete<Answer>(path: string, ask: Ask): Promise<Answer> {
    return this.#ask("DELETE", path, ask);
  }

  /** The backend that answers and its peers, as far as they are reached: `GET /v1/system/info`. */
  async systems(signal: AbortSignal): Promise<readonly WireSystem[]> {
    const answer = await this.get<{ info: WireSystem; peers?: readonly WireSystem[] }>("/v1/system/info", {
      doing: "read system information",
      signal,
    });
    return [answer.info, ...(answer.peers ?? [])];
  }

  /** What is to be said about the token's end. */
  get expiry(): string | undefined {
    return expiryWarning(this.token, this.#clock.now());
  }

  /** Says once a day that the token ends soon: to the caller, who may not read logs, and to the log, which callers do not read. */
  remind(note: (sentence: string) => void): void {
    const warning = this.expiry;
    if (warning === undefined || this.#clock.now() - this.#reminded < DAY) return;
    this.#reminded = this.#clock.now();
    note(warning);
    this.#log.warn(warning);
  }

  async #ask<Answer>(method: string, path: string, { doing, query, json, signal }: Ask): Promise<Answer> {
    const prefix = this.url.pathname.replace(/\/+$/, "");
    const response = await this.#http.request({ method, path: `${prefix}${path}`, query, json, signal });
    if (response.status >= 200 && response.status < 300) return await response.json<Answer>();
    const error = errorOf({ doing, method, path, status: response.status, body: await response.text() });
    throw error.code === "AUTH_FAILED" ? this.#explained(error) : error;
  }

  /** The server says "invalid token" whatever is wrong with it. The token itself tells whether it has expired. */
  #explained(error: ProxMcpError): ProxMcpError {
    const { expires } = this.token;
    const expired = expires !== undefined && expires <= this.#clock.now();
    const why = expired ? (this.expiry ?? "") : "It has not expired, so it was signed with another secret, meant for another server, or revoked.";
    return new ProxMcpError(error.code, `${error.message}. ${why}`, { ...error.details, next: RENEW });
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}

/** The path of a container, or of something of it. */
export const pathOf = (username: string, ...rest: readonly string[]): string =>
  ["/v1/containers", ...[username, ...rest].map(encodeURIComponent)].join("/");
