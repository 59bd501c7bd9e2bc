import { userInfo } from "node:os";
import { type Http, type HttpClient, isProxMcpError, ProxMcpError, type Ssh, type SshClient } from "proxmcp/plugin";
import { type DockerOptions, isSsh, targetOf } from "./options.js";

const SOCKET = "/var/run/docker.sock";
/** With `dial-stdio` each connection is a session, and sshd takes 10 of them (`MaxSessions`). */
const SSH_CONNECTIONS = 6;

/** How the requests reach an engine, and who else is reached on the way. */
export interface Road {
  readonly http: HttpClient;
  /** The machine that the engine runs on, where it is reached over SSH. */
  readonly ssh?: SshClient;
  close(): Promise<void>;
}

/** A unix socket, an address, or over SSH the engine's socket on the far side. */
export function openRoad(http: Http, ssh: Ssh, options: DockerOptions): Road {
  if (!isSsh(options)) {
    const client = http.open(targetOf(options));
    return { http: client, close: () => client.close() };
  }
  const { host, port, user, path } = sshAddress(options.url ?? "");
  const { key, passphrase, password, knownHosts, fingerprint } = options;
  const remote = ssh.open({ host, port, user, key, passphrase, password, knownHosts, fingerprint });
  const command = path === undefined ? ["docker", "system", "dial-stdio"] : ["docker", "-H", `unix://${path}`, "system", "dial-stdio"];
  let forwards: boolean | undefined;
  const client = http.open({
    url: "http://localhost",
    connections: SSH_CONNECTIONS,
    dial: async (signal) => {
      if (forwards === false) return await remote.dialCommand(command, signal);
      try {
        const stream = await remote.dialSocket(path ?? SOCKET, signal);
        forwards = true;
        return stream;
      } catch (error) {
        if (forwards || !couldGoByCommand(error)) throw error;
        const stream = await remote.dialCommand(command, signal);
        forwards = false;
        // Where there is no docker command either, the first failure says more than its "not found".
        stream.once("error", (failure) => {
          if (/\b(127|not found)\b/.test(failure.message)) forwards = undefined;
        });
        return stream;
      }
    },
  });
  return {
    http: client,
    ssh: remote,
    close: async () => {
      await client.close();
      await remote.close();
    },
  };
}

/** The server may forbid forwarding, or the socket be elsewhere (rootless): the docker command over there knows its way. */
const couldGoByCommand = (error: unknown): boolean =>
  isProxMcpError(error) && (error.code === "FORBIDDEN" || error.code === "UNSUPPORTED" || error.details.data?.["path"] !== undefined);

/** The parts of ssh://user@host:port/path/to/docker.sock. */
export function sshAddress(address: string): { host: string; port?: number; user: string; path?: string } {
  const url = URL.parse(address);
  if (!url?.hostname) throw new ProxMcpError("CONFIG_INVALID", `"${address}" is no address: ssh://user@host`);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    user: decodeURIComponent(url.username) || userInfo().username,
    ...(url.port ? { port: Number(url.port) } : {}),
    ...(url.pathname.length > 1 ? { path: decodeURIComponent(url.pathname) } : {}),
  };
}
