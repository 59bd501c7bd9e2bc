import { type ConnectionOf, type FoundConnection, facet, type HttpTarget, secret } from "proxmcp/plugin";
import { z } from "zod";

const pem = (what: string) => z.string().regex(/-----BEGIN [A-Z ]+-----/, `must be the PEM text of ${what}; give a path as { file: "..." }`);

const Registry = z.strictObject({
  username: facet(z.string().min(1), "User"),
  password: secret(z.string().min(1), "Password or token"),
});

/** How an engine is reached: a unix socket, an address with or without TLS, or over SSH. */
export const DockerConnection = z
  .strictObject({
    socket: facet(z.string().regex(/^\//, "must be an absolute path, such as /var/run/docker.sock"), "Unix socket of the engine").optional(),
    url: facet(z.string(), "Address: tcp://host:port, http://, https:// or ssh://user@host").optional(),
    ca: facet(pem("a certificate"), "Authority that signed the engine's certificate").optional(),
    cert: facet(pem("a certificate"), "Client certificate").optional(),
    key: secret(pem("a private key"), "Key of the client certificate, or the key for SSH").optional(),
    fingerprint: facet(z.string(), "SHA-256 of the engine's certificate in hex; for SSH of the host key, as SHA256:...").optional(),
    verify: facet(z.boolean(), "Whether the engine's certificate is checked").optional(),
    passphrase: secret(z.string().min(1), "Passphrase of the key for SSH").optional(),
    password: secret(z.string().min(1), "Password for SSH").optional(),
    knownHosts: facet(z.string().min(1), "known_hosts file for SSH; default ~/.ssh/known_hosts").optional(),
    registries: facet(
      z.record(z.string().min(1), Registry),
      "Logins for registries, by host: they come before those of the docker command",
    ).optional(),
  })
  .superRefine((options, context) => {
    for (const [path, message] of faultsOf(options)) context.addIssue({ code: "custom", path: [path], message });
  });

export interface DockerOptions {
  readonly socket?: string | undefined;
  readonly url?: string | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly verify?: boolean | undefined;
  readonly passphrase?: string | undefined;
  readonly password?: string | undefined;
  readonly knownHosts?: string | undefined;
  readonly registries?: Readonly<Record<string, { readonly username: string; readonly password: string }>> | undefined;
}
export type DockerConnectionInfo = ConnectionOf<typeof DockerConnection>;

export const isSsh = ({ url }: DockerOptions): boolean => /^ssh:/i.test(url ?? "");

const hasTls = (options: DockerOptions): boolean =>
  Boolean(options.ca ?? options.cert ?? options.key ?? options.fingerprint) || options.verify !== undefined;

/** What does not go together, as [option, why]. */
function faultsOf(options: DockerOptions): (readonly [string, string])[] {
  const { socket, url, cert, key, fingerprint } = options;
  if (!socket && !url) return [["url", "give `socket` (a unix socket) or `url` (tcp://host:port, http://, https://, ssh://user@host)"]];
  if (socket && url) return [["url", "give either `socket` or `url`, not both"]];
  const faults: [string, string][] = [];
  const wrong = url === undefined ? undefined : wrongAddress(url);
  if (wrong) faults.push(["url", wrong]);
  if (isSsh(options)) {
    for (const name of ["ca", "cert", "verify"] as const)
      if (options[name] !== undefined) faults.push([name, "is for TLS: over SSH the host key is checked (knownHosts, fingerprint)"]);
    if (fingerprint && !/^SHA256:[\w+/]{43}=?$/.test(fingerprint)) faults.push(["fingerprint", "must be SHA256:..., as ssh-keygen -l prints it"]);
    return faults;
  }
  for (const name of ["passphrase", "password", "knownHosts"] as const)
    if (options[name] !== undefined) faults.push([name, "is for ssh:// addresses only"]);
  if (!wrong && url && hasTls(options) && /^http:/i.test(url))
    faults.push(["url", "http:// has no TLS: use https:// or tcp:// with these certificates"]);
  if (socket && hasTls(options)) faults.push(["socket", "a unix socket has no TLS: remove ca, cert, key, fingerprint and verify"]);
  if (Boolean(cert) !== Boolean(key)) faults.push([cert ? "key" : "cert", "`cert` and `key` go together"]);
  if (fingerprint && !/^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i.test(fingerprint)) faults.push(["fingerprint", "must be a SHA-256 in hex"]);
  return faults;
}

function wrongAddress(address: string): string | undefined {
  if (/^unix:/i.test(address)) return "a unix socket is given as `socket`, with its path alone";
  if (!/^(tcp|https?|ssh):\/\//i.test(address)) return "must begin with tcp://, http://, https:// or ssh://";
  const url = URL.parse(address.replace(/^tcp:/i, "http:"));
  if (!url?.hostname) return "is not an address: tcp://host:port, ssh://user@host";
  if (isSsh({ url: address })) return url.password ? "must not hold a password: give it as `password`" : undefined;
  if (url.username || url.password) return "must not hold a user or password: the Docker API has none";
  if (url.pathname !== "/" || url.search || url.hash) return "must end after the port, without a path";
  return undefined;
}

/** Where the requests go. `tcp://` is TLS exactly when a TLS option is given, as with the docker command. */
export function targetOf(options: DockerOptions): HttpTarget {
  if (options.socket) return { url: "http://localhost", socketPath: options.socket };
  const { url: address = "", ca, cert, key, fingerprint, verify } = options;
  const tls = hasTls(options);
  const url = new URL(address.replace(/^tcp:/i, tls ? "https:" : "http:"));
  // URL drops a port that is its scheme's own, so the text is asked.
  if (/^tcp:/i.test(address) && !/:\d+\/?$/.test(address)) url.port = tls ? "2376" : "2375";
  return { url: url.origin, ...(url.protocol === "https:" ? { tls: { ca, cert, key, fingerprint, verify } } : {}) };
}

/** Reads DOCKER_HOST, DOCKER_TLS, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH as the docker command does. */
export function environmentConnections(env: Readonly<Record<string, string | undefined>>): readonly FoundConnection[] {
  const host = env.DOCKER_HOST?.trim();
  if (!host) return [];
  const found = (options: Record<string, unknown>): FoundConnection[] => [{ name: "docker", options, from: "DOCKER_HOST" }];
  if (/^unix:\/\//i.test(host)) return found({ socket: host.slice("unix://".length) });
  const url = host.includes("://") ? host : `tcp://${host}`;
  const verified = Boolean(env.DOCKER_TLS_VERIFY);
  if (!/^tcp:/i.test(url) || !(verified || env.DOCKER_TLS)) return found({ url });
  const folder = env.DOCKER_CERT_PATH ?? (env.HOME ? `${env.HOME}/.docker` : undefined);
  if (!folder) return found({ url, verify: verified });
  const file = (name: string): { file: string } => ({ file: `${folder.replace(/\/$/, "")}/${name}` });
  const pair = { cert: file("cert.pem"), key: file("key.pem") };
  return found(verified ? { url, ca: file("ca.pem"), ...pair } : { url, ...pair, verify: false });
}

/** Sockets of a Docker or Podman on this machine. */
export const LOCAL = [
  { name: "docker", socket: "/var/run/docker.sock", options: { socket: "/var/run/docker.sock" }, from: "/var/run/docker.sock" },
  { name: "podman", socket: "/run/podman/podman.sock", options: { socket: "/run/podman/podman.sock" }, from: "/run/podman/podman.sock" },
] as const;
