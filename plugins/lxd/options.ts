import { type ConnectionOf, type FoundConnection, facet, type HttpTarget, secret, SshOptions } from "proxmcp/plugin";
import { z } from "zod";
import { trustTokenIn } from "./trust-token.js";

const pem = (what: string) => z.string().regex(/-----BEGIN [A-Z ]+-----/, `must be the PEM text of ${what}; give a path as { file: "..." }`);

/**
 * How a server is reached: its unix socket, or https with a client certificate that it trusts; each from here, or over SSH from the host that
 * `ssh` names. With `ssh` alone the socket is looked for where LXD and Incus have it.
 */
export const LxdConnection = z
  .strictObject({
    socket: facet(z.string().regex(/^\//, "must be an absolute path, such as /var/lib/lxd/unix.socket"), "Unix socket of the server").optional(),
    url: facet(z.string(), "Address: https://host:8443").optional(),
    cert: facet(pem("a certificate"), "Client certificate that the server trusts").optional(),
    key: secret(pem("a private key"), "Key of the client certificate").optional(),
    fingerprint: facet(
      z.string().regex(/^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i, "must be a SHA-256 in hex"),
      "SHA-256 of the server's certificate",
    ).optional(),
    ca: facet(pem("a certificate"), "Authority that signed the server's certificate").optional(),
    trust_token: secret(
      z.string().refine((text) => trustTokenIn(text) !== undefined, "is no trust token; `lxc config trust add --name proxmcp` prints one"),
      "Trust token: enrols the client certificate, and pins the server that it is from",
    ).optional(),
    trust_password: secret(z.string().min(1), "Trust password of an older LXD: enrols the client certificate").optional(),
    verify: facet(z.boolean(), "Whether the server's certificate is checked").optional(),
    project: facet(z.string().min(1), "Project to work in, default: default").optional(),
    fallback_network: facet(z.string().min(1), "Network of new instances where the one that was asked for is missing").optional(),
    ssh: SshOptions.optional().describe("SSH to the host: socket and url are then as seen from there"),
  })
  .superRefine((options, context) => {
    const fault = (path: string, message: string): void => context.addIssue({ code: "custom", path: [path], message });
    if (!options.socket && !options.url && !options.ssh) fault("url", "give `socket` (a unix socket), `url` (https://host:8443) or `ssh`");
    if (options.socket && options.url) fault("url", "give either `socket` or `url`, not both");
    if (options.url !== undefined) {
      const wrong = wrongAddress(options.url);
      if (wrong) fault("url", wrong);
    }
    const tls = (["cert", "key", "fingerprint", "ca", "trust_token", "trust_password", "verify"] as const).filter(
      (name) => options[name] !== undefined,
    );
    if (!options.url && tls.length) fault(options.socket ? "socket" : "url", `a unix socket has no TLS: remove ${tls.join(", ")}`);
    const { fingerprint, trust_token: token } = options;
    if (token && fingerprint && !sameFingerprint(fingerprint, trustTokenIn(token)?.fingerprint ?? ""))
      fault("trust_token", "is of another server than the one that `fingerprint` pins");
    if ((token ?? options.trust_password) && !options.cert && options.url)
      fault("cert", "is what a trust token or password enrols; give `cert` and `key`");
    if (Boolean(options.cert) !== Boolean(options.key)) fault(options.cert ? "key" : "cert", "`cert` and `key` go together");
  });

export type LxdOptions = z.output<typeof LxdConnection>;
export type LxdConnectionInfo = ConnectionOf<typeof LxdConnection>;

const sameFingerprint = (one: string, other: string): boolean => one.replaceAll(":", "").toLowerCase() === other.toLowerCase();

function wrongAddress(address: string): string | undefined {
  if (/^unix:/i.test(address)) return "a unix socket is given as `socket`, with its path alone";
  if (!/^https:\/\//i.test(address)) return "must begin with https:// (LXD and Incus serve nothing else over the network)";
  const url = URL.parse(address);
  if (!url?.hostname) return "is not an address: https://host:8443";
  if (url.username || url.password) return "must not hold a user or password: LXD knows its clients by their certificates";
  if (url.pathname !== "/" || url.search || url.hash) return "must end after the port, without a path";
  return undefined;
}

/** Where the requests go. 8443 is the port that both servers use; an address without one means it. */
export function targetOf(options: LxdOptions): HttpTarget {
  if (options.url === undefined) return { url: "http://localhost", ...(options.socket ? { socketPath: options.socket } : {}) };
  const { url: address, ca, cert, key, verify, trust_token: token } = options;
  // A token pins its server, and goes on doing so when it was used. An authority outlives the server's certificates.
  const fingerprint = options.fingerprint ?? (ca || token === undefined ? undefined : trustTokenIn(token)?.fingerprint);
  const url = new URL(address);
  // URL drops a port that is its scheme's own, so the text is asked.
  if (!/:\d+\/?$/.test(address)) url.port = "8443";
  return { url: url.origin, tls: { ca, cert, key, fingerprint, verify } };
}

/** Reads INCUS_SOCKET, LXD_SOCKET, INCUS_DIR and LXD_DIR, as the `incus` and `lxc` commands do. */
export function environmentConnections(env: Readonly<Record<string, string | undefined>>): readonly FoundConnection[] {
  const found: FoundConnection[] = [];
  for (const [name, prefix] of [
    ["incus", "INCUS"],
    ["lxd", "LXD"],
  ] as const) {
    const [socket, folder] = [env[`${prefix}_SOCKET`]?.trim(), env[`${prefix}_DIR`]?.trim()];
    if (socket) found.push({ name, options: { socket }, from: `${prefix}_SOCKET` });
    else if (folder) found.push({ name, options: { socket: `${folder.replace(/\/+$/, "")}/unix.socket` }, from: `${prefix}_DIR` });
  }
  return found;
}

const local = (name: string, socket: string) => ({ name, socket, options: { socket }, from: socket });

/** Sockets of an LXD or Incus on this machine: the snap, a distribution's package, Incus. */
export const LOCAL = [
  local("lxd", "/var/snap/lxd/common/lxd/unix.socket"),
  local("lxd", "/var/lib/lxd/unix.socket"),
  local("incus", "/var/lib/incus/unix.socket"),
] as const;
