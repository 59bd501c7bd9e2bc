import {
  CONNECTION,
  type ConnectionOf,
  type ErrorCode,
  facet,
  HTTP,
  type Http,
  type HttpClient,
  type HttpResponse,
  ProxMcpError,
  secret,
} from "proxmcp/plugin";
import { z } from "zod";

/** How one server is reached. What is `secret` is never shown, whatever happens. */
export const AcmeConnection = z.object({
  url: facet(z.url(), "Address: https://acme.example.com"),
  token: secret(z.string(), "API token"),
  fingerprint: facet(z.string(), "SHA-256 of its certificate, where no known authority signed that").optional(),
});

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: "INVALID_INPUT",
  401: "AUTH_FAILED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  409: "ALREADY_EXISTS",
  429: "RATE_LIMITED",
};

interface Ask {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly json?: object;
  /** Pass it on to every request: it is how a call is cancelled. */
  readonly signal: AbortSignal;
}

/** The wire. One is made for each connection, with its first call. */
export class AcmeClient {
  static readonly inject = [HTTP, CONNECTION] as const;
  readonly #http: HttpClient;

  constructor(http: Http, { options: { url, token, fingerprint } }: ConnectionOf<typeof AcmeConnection>) {
    this.#http = http.open({ url, headers: { authorization: `Bearer ${token}` }, tls: { fingerprint } });
  }

  /** Sends a request and answers its JSON. The one place where the platform's answers become errors of the catalogue. */
  async ask<Answer>({ method, path, json, signal }: Ask): Promise<Answer> {
    const response = await this.#http.request({ method, path, json, signal });
    if (response.status >= 200 && response.status < 300) return await response.json<Answer>();
    throw new ProxMcpError(CODES[response.status] ?? "UPSTREAM", `${method} ${path} was refused: ${await reason(response)}`, {
      tried: [`${method} ${path}`],
      data: { status: response.status },
    });
  }

  /** Called when ProxMCP ends. Close here what you opened. */
  close(): Promise<void> {
    return this.#http.close();
  }
}

/** The platform's own words: `{ "error": "..." }`, or what stands in their place when something else answers. */
async function reason(response: HttpResponse): Promise<string> {
  const text = await response.text();
  try {
    return (JSON.parse(text) as { error?: string }).error ?? response.reason;
  } catch {
    return text.slice(0, 200) || response.reason;
  }
}
