import { type Http, type HttpClient, type HttpRequest, type HttpResponse, type HttpTarget, ProxMcpError, Shared } from "proxmcp/plugin";
import { isIncus } from "./extensions.js";
import type { LxdOptions } from "./options.js";
import { trustTokenIn } from "./trust-token.js";
import type { Envelope } from "./wire.js";

/** What lets a certificate in: a trust token, or the trust password of an older LXD. */
export type Proof = { readonly token: string } | { readonly password: string };

/** The proof that a connection was configured with, if any. */
export function proofOf({ trust_token: token, trust_password: password }: LxdOptions): Proof | undefined {
  return token === undefined ? (password === undefined ? undefined : { password }) : { token };
}

/**
 * Has a server trust the certificate that this client presents: `POST /1.0/certificates`, or LXD's `POST /1.0/auth/identities/tls`. Answers
 * whether it had to: a certificate that is known already is left as it is, and a token then stays unused.
 */
export async function enrol(http: HttpClient, proof: Proof, where: string, signal: AbortSignal): Promise<boolean> {
  const server = (await envelopeOf(await http.request({ method: "GET", path: "/1.0", signal }))).metadata as {
    readonly auth?: string;
    readonly api_extensions?: readonly string[];
  } | null;
  if (server?.auth === "trusted") return false;
  const { path, json } = requestFor(proof, server?.api_extensions ?? []);
  const answer = await envelopeOf(await http.request({ method: "POST", path, json, signal }));
  if (answer.type === "error" && !/already trusted/i.test(answer.error ?? ""))
    throw refusedProof(proof, where, `POST ${path}`, answer.error ?? "it gave no reason");
  const after = (await envelopeOf(await http.request({ method: "GET", path: "/1.0", signal }))).metadata as { readonly auth?: string } | null;
  if (after?.auth !== "trusted")
    throw refusedProof(proof, where, `POST ${path}`, `it took the ${"token" in proof ? "token" : "password"}, and still calls us untrusted`);
  return true;
}

/** LXD before 5.21 takes a token where it takes a password. Incus knows tokens only. */
function requestFor(proof: Proof, extensions: readonly string[]): { readonly path: string; readonly json: object } {
  if ("password" in proof) return { path: "/1.0/certificates", json: { type: "client", password: proof.password } };
  if (trustTokenIn(proof.token)?.type) return { path: "/1.0/auth/identities/tls", json: { trust_token: proof.token } };
  const field = isIncus(extensions) || extensions.includes("explicit_trust_token") ? "trust_token" : "password";
  return { path: "/1.0/certificates", json: { type: "client", [field]: proof.token } };
}

function refusedProof(proof: Proof, where: string, request: string, reason: string): ProxMcpError {
  const what = "token" in proof ? "trust token" : "trust password";
  return new ProxMcpError("AUTH_FAILED", `Unable to enrol our certificate on ${where}: the server refused the ${what} (${reason})`, {
    tried: [request],
    next:
      "token" in proof
        ? "A token works once and may expire: get a new one on the host with `lxc config trust add --name proxmcp` (Incus: `incus config trust add proxmcp`)."
        : "Check the password; the server must have one (`lxc config set core.trust_password`), and newer servers take trust tokens only.",
  });
}

async function envelopeOf(response: HttpResponse): Promise<Envelope> {
  const text = await response.text();
  try {
    return JSON.parse(text) as Envelope;
  } catch {
    throw new ProxMcpError("INVALID_OUTPUT", `This is no LXD or Incus server: it answered ${response.status} ${text.slice(0, 100)}`);
  }
}

/** The target with the server pinned to the one that a token is from, whatever else vouches for it. */
export function pinnedBy(token: string, target: HttpTarget): HttpTarget {
  const fingerprint = trustTokenIn(token)?.fingerprint;
  return fingerprint === undefined ? target : { ...target, tls: { ...target.tls, fingerprint } };
}

/** Requests to a server that our certificate is enrolled on before the first of them. */
export class EnrollingHttp implements HttpClient {
  readonly #http: HttpClient;
  readonly #enrolled: Shared<unknown>;

  constructor(http: Http, target: HttpTarget, proof: Proof) {
    this.#http = http.open(target);
    this.#enrolled = new Shared(async (signal) => {
      // Who is not who the token says gets nothing from us, neither the token nor what follows.
      const checked = "token" in proof ? http.open(pinnedBy(proof.token, target)) : this.#http;
      try {
        await enrol(checked, proof, target.url, AbortSignal.any([signal, AbortSignal.timeout(30_000)]));
      } finally {
        if (checked !== this.#http) await checked.close();
      }
    });
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    await this.#enrolled.get(request.signal);
    return await this.#http.request(request);
  }

  async upgrade(...args: Parameters<HttpClient["upgrade"]>) {
    await this.#enrolled.get(args[0].signal);
    return await this.#http.upgrade(...args);
  }

  async websocket(...args: Parameters<HttpClient["websocket"]>) {
    await this.#enrolled.get(args[0].signal);
    return await this.#http.websocket(...args);
  }

  async close(): Promise<void> {
    await this.#http.close();
  }
}
