import { X509Certificate } from "node:crypto";
import { type ConnectingArgs, type Http, ProxMcpError } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";
import { refused } from "../errors.js";
import type { Config, Operation } from "../wire.js";
import type { Admin } from "./admin.js";
import type { Login } from "./login.js";

/** Milliseconds for one address to answer. */
const PATIENCE = 5_000;

interface Server {
  readonly config: Config;
  readonly api_extensions: readonly string[];
  readonly environment?: { readonly certificate?: string; readonly server_name?: string; readonly server_version?: string };
}

/** How the API is reached from here. */
export interface Reached {
  readonly url: string;
  /** Through SSH, as no address answers here. */
  readonly tunnelled: boolean;
  /** SHA-256 of the server's certificate, which the host itself told over SSH. */
  readonly fingerprint: string;
}

/** The server as its own host sees it. */
export const serverOf = async (admin: Admin, signal: AbortSignal): Promise<Server> =>
  await admin.ask<Server>("GET", "/1.0", "read the server's information", signal);

/** Where the API listens, and which of that answers here with the certificate that the host itself names. */
export async function reach(http: Http, server: Server, login: Login, signal: AbortSignal): Promise<Reached> {
  const listens = server.config["core.https_address"];
  const { certificate } = server.environment ?? {};
  if (!listens || !certificate) throw new ProxMcpError("UNSUPPORTED", "The server does not listen on the network.");
  const fingerprint = fingerprintOf(certificate);
  const [, address = "", port = "8443"] = /^(.*?)(?::(\d+))?$/.exec(listens) ?? [];
  const anywhere = ["", "[::]", "0.0.0.0"].includes(address);
  const outside = [...new Set([login.host.includes(":") ? `[${login.host}]` : login.host, ...(anywhere ? [] : [address])])];
  for (const host of outside) {
    const url = `https://${host}:${port}`;
    if (await answers(http, url, fingerprint, signal)) return { url, fingerprint, tunnelled: false };
  }
  return { url: `https://${anywhere ? "127.0.0.1" : address}:${port}`, fingerprint, tunnelled: true };
}

async function answers(http: Http, url: string, fingerprint: string, signal: AbortSignal): Promise<boolean> {
  const client = http.open({ url, tls: { fingerprint } });
  try {
    const response = await client.request({ method: "GET", path: "/1.0", signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]) });
    return response.status === 200;
  } catch {
    signal.throwIfAborted();
    return false;
  } finally {
    await client.close();
  }
}

/** A token that lets one certificate in, from the daemon itself. Undefined where it is too old for tokens. */
export async function newToken(admin: Admin, server: Server, name: string, signal: AbortSignal): Promise<string | undefined> {
  if (!server.api_extensions.includes("certificate_token")) return undefined;
  const doing = "make a trust token";
  const { id, metadata } = await admin.ask<Operation>("POST", "/1.0/certificates", doing, signal, { json: { type: "client", name, token: true } });
  const { secret, fingerprint, addresses } = (metadata ?? {}) as { secret?: string; fingerprint?: string; addresses?: readonly string[] };
  if (!secret || !fingerprint) throw refused({ doing, request: "POST /1.0/certificates", status: 500, reason: `operation ${id} holds no token` });
  return Buffer.from(JSON.stringify({ client_name: name, fingerprint, addresses: addresses ?? [], secret })).toString("base64");
}

/** Has the server trust a certificate: by a token that it made, or, where it knows no tokens, by its own command. */
export async function trust(
  { connect, signal }: Pick<ConnectingArgs<LxdClient, unknown>, "connect" | "signal">,
  admin: Admin,
  server: Server,
  { name, cert, options }: { readonly name: string; readonly cert: string; readonly options: Readonly<Record<string, unknown>> },
): Promise<"token" | "command"> {
  const label = `proxmcp-${name}`;
  const token = await newToken(admin, server, label, signal);
  if (token !== undefined) {
    const client = await connect({ name, options });
    await client.way.enrol({ token }, signal);
    return "token";
  }
  const certificate = new X509Certificate(cert).raw.toString("base64");
  await admin.ask("POST", "/1.0/certificates", "add our certificate", signal, { json: { type: "client", name: label, certificate } });
  return "command";
}

/** Takes a certificate back that nobody keeps. */
export async function distrust(admin: Admin, cert: string): Promise<void> {
  const path = `/1.0/certificates/${fingerprintOf(cert)}`;
  await admin.ask("DELETE", path, "remove our certificate", AbortSignal.timeout(PATIENCE)).catch(() => {});
}

const fingerprintOf = (pem: string): string => new X509Certificate(pem).fingerprint256.replaceAll(":", "").toLowerCase();
