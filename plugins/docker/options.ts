import { type ConnectionOf, type FoundConnection, facet, type HttpTarget, secret } from "proxmcp/plugin";
import { z } from "zod";

const pem = (what: string) => z.string().regex(/-----BEGIN [A-Z ]+-----/, `must be the PEM text of ${what}; give a path as { file: "..." }`);

/** How an engine is reached: a unix socket, or an address with or without TLS. */
export const DockerConnection = z
  .strictObject({
    socket: facet(z.string().regex(/^\//, "must be an absolute path, such as /var/run/docker.sock"), "Unix socket of the engine").optional(),
    url: facet(z.string(), "Address: tcp://host:port, http:// or https://").optional(),
    ca: facet(pem("a certificate"), "Authority that signed the engine's certificate").optional(),
    cert: facet(pem("a certificate"), "Client certificate").optional(),
    key: secret(pem("a private key"), "Key of the client certificate").optional(),
    fingerprint: facet(
      z.string().regex(/^([0-9a-f]{2}:?){31}[0-9a-f]{2}$/i, "must be a SHA-256 in hex"),
      "SHA-256 of the engine's certificate",
    ).optional(),
    verify: facet(z.boolean(), "Whether the engine's certificate is checked").optional(),
  })
  .superRefine((options, context) => {
    const fault = (path: string, message: string): void => context.addIssue({ code: "custom", path: [path], message });
    if (!options.socket && !options.url) fault("url", "give `socket` (a unix socket) or `url` (tcp://host:port, http://, https://)");
    if (options.socket && options.url) fault("url", "give either `socket` or `url`, not both");
    if (options.url !== undefined) {
      const wrong = wrongAddress(options.url);
      if (wrong) fault("url", wrong);
      else if (hasTls(options) && /^http:/i.test(options.url)) fault("url", "http:// has no TLS: use https:// or tcp:// with these certificates");
    }
    if (options.socket && hasTls(options)) fault("socket", "a unix socket has no TLS: remove ca, cert, key, fingerprint and verify");
    if (Boolean(options.cert) !== Boolean(options.key)) fault(options.cert ? "key" : "cert", "`cert` and `key` go together");
  });

type Options = z.output<typeof DockerConnection>;
export type DockerConnectionInfo = ConnectionOf<typeof DockerConnection>;

const hasTls = (options: Partial<Options>): boolean =>
  Boolean(options.ca ?? options.cert ?? options.key ?? options.fingerprint) || options.verify !== undefined;

function wrongAddress(address: string): string | undefined {
  if (/^ssh:/i.test(address))
    return "ssh:// is not supported yet: forward the remote socket (ssh -L /tmp/docker.sock:/var/run/docker.sock host) and give it as `socket`";
  if (/^unix:/i.test(address)) return "a unix socket is given as `socket`, with its path alone";
  if (!/^(tcp|https?):\/\//i.test(address)) return "must begin with tcp://, http:// or https://";
  const url = URL.parse(address.replace(/^tcp:/i, "http:"));
  if (!url?.hostname) return "is not an address: tcp://host:port";
  if (url.username || url.password) return "must not hold a user or password: the Docker API has none";
  if (url.pathname !== "/" || url.search || url.hash) return "must end after the port, without a path";
  return undefined;
}

/** Where the requests go. `tcp://` is TLS exactly when a TLS option is given, as with the docker command. */
export function targetOf(options: Options): HttpTarget {
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
