/**
 * The addresses of one cluster. Every node serves the whole API, so any of them will do; the one that answered last is asked first.
 * @module
 */
import { type Http, type HttpClient, type HttpRequest, type HttpResponse, isProxMcpError, type Logger, ProxMcpError } from "proxmcp/plugin";

export interface Endpoint {
  readonly url: string;
  readonly fingerprint?: string | undefined;
}

interface Trust {
  readonly ca?: string | undefined;
  readonly verify: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

/** Failures that happen before anything was sent, so that even a write may go to another node. */
const NOTHING_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH", "EAI_AGAIN"]);
/** Milliseconds that a read waits for a silent node while there are others to ask. */
const PATIENCE = 8_000;

export class Endpoints {
  readonly #all: readonly Endpoint[];
  readonly #http: Http;
  readonly #trust: Trust;
  readonly #log: Logger;
  readonly #open = new Map<number, HttpClient>();
  #current = 0;

  constructor(http: Http, all: readonly Endpoint[], trust: Trust, log: Logger) {
    this.#http = http;
    this.#all = all;
    this.#trust = trust;
    this.#log = log;
  }

  /** The address that is asked now. */
  get url(): string {
    return this.#all[this.#current]?.url ?? "";
  }

  get client(): HttpClient {
    return this.#at(this.#current);
  }

  /** The answer of the first address that gives one. */
  async request(request: HttpRequest): Promise<HttpResponse> {
    const tried: string[] = [];
    for (let step = 0; ; step += 1) {
      const at = this.#current;
      const last = step === this.#all.length - 1;
      const impatient = !last && request.method === "GET" ? AbortSignal.timeout(PATIENCE) : undefined;
      try {
        const signal = impatient ? AbortSignal.any([request.signal, impatient]) : request.signal;
        return await this.#at(at).request({ ...request, signal });
      } catch (error) {
        const late = impatient?.aborted === true && !request.signal.aborted;
        if (!late && !mayGoElsewhere(error, request.method)) throw error;
        tried.push(this.#all[at]?.url ?? "");
        if (last) throw this.#all.length === 1 ? error : nobody(error, tried);
        // Another call may have moved on already.
        if (this.#current === at) this.#current = (at + 1) % this.#all.length;
        this.#log.warn("a node does not answer, asking the next", { node: this.#all[at]?.url, next: this.url, error: String(error) });
      }
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((client) => client.close()));
  }

  #at(index: number): HttpClient {
    const known = this.#open.get(index);
    if (known) return known;
    const { url = "", fingerprint } = this.#all[index] ?? {};
    const { ca, verify, headers } = this.#trust;
    // The address is often written with /api2/json at its end.
    const made = this.#http.open({ url: new URL(url).origin, tls: { ca, fingerprint, verify }, headers });
    this.#open.set(index, made);
    return made;
  }
}

function mayGoElsewhere(error: unknown, method: string): boolean {
  if (!isProxMcpError(error) || error.code !== "UNREACHABLE") return false;
  return method === "GET" || NOTHING_SENT.has(String(error.details.data?.code));
}

function nobody(error: unknown, tried: readonly string[]): ProxMcpError {
  const said = error instanceof Error ? error.message : String(error);
  return new ProxMcpError("UNREACHABLE", `No node of the cluster answers. Asked: ${tried.join(", ")}. The last: ${said}`, { tried, cause: error });
}
