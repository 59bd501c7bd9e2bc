import { CONNECTION, type ConnectionOf, type ErrorCode, facet, HTTP, type Http, type HttpClient, ProxMcpError, secret } from "proxmcp/plugin";
import { z } from "zod";

export const PduConnection = z.object({
  url: facet(z.url(), "Address: https://pdu.example.com"),
  token: secret(z.string(), "API token"),
  fingerprint: facet(z.string(), "SHA-256 of its certificate").optional(),
});

const CODES: Readonly<Record<number, ErrorCode>> = { 401: "AUTH_FAILED", 403: "FORBIDDEN", 404: "NOT_FOUND", 423: "CONFLICT" };

/** The wire of the strip: `GET /api/info`, `GET /api/outlets`, `PUT /api/outlets/{name}`. */
export class PduClient {
  static readonly inject = [HTTP, CONNECTION] as const;
  readonly #http: HttpClient;

  constructor(http: Http, { options: { url, token, fingerprint } }: ConnectionOf<typeof PduConnection>) {
    this.#http = http.open({ url, headers: { authorization: `Bearer ${token}` }, tls: { fingerprint } });
  }

  async switch(name: string, status: "on" | "off", signal: AbortSignal): Promise<void> {
    await this.ask("PUT", `/api/outlets/${encodeURIComponent(name)}`, signal, { status });
  }

  /** The one place where answers of the strip become errors of the catalogue. */
  async ask<Answer>(method: "GET" | "PUT", path: string, signal: AbortSignal, json?: object): Promise<Answer> {
    const response = await this.#http.request({ method, path, signal, json });
    if (response.status === 200) return await response.json<Answer>();
    const { error } = await response.json<{ error: string }>();
    throw new ProxMcpError(CODES[response.status] ?? "UPSTREAM", `The PDU refused ${method} ${path}: ${error}`, { tried: [`${method} ${path}`] });
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}
