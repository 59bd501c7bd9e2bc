import { type Http, type HttpClient, isProxMcpError, ProxMcpError, type Ssh, type SshClient, sshTargetOf } from "proxmcp/plugin";
import { CommandClient } from "./command.js";
import { LOCAL, type LxdOptions, targetOf } from "./options.js";

/** Streams at once over one SSH connection. They are forwarded, and not counted as sessions by sshd. */
const STREAMS = 12;

/** How the requests reach a server. */
export interface Road {
  readonly http: HttpClient;
  readonly ssh?: SshClient;
  /** What is worth telling about it; undefined for the usual one. */
  readonly note: string | undefined;
  close(): Promise<void>;
}

/**
 * From here to a socket or an address; or over SSH to them, as the host sees them. Where SSH works and the API can't be reached through it,
 * requests go by the `lxc` or `incus` command of the host, one process for each: slower, and nothing that streams.
 */
export function openRoad(http: Http, ssh: Ssh, options: LxdOptions): Road {
  if (!options.ssh) {
    const client = http.open(targetOf(options));
    return { http: client, note: undefined, close: () => client.close() };
  }
  const shell = ssh.open(sshTargetOf(options.ssh));
  const direct = http.open({ ...targetOf(options), socketPath: undefined, connections: STREAMS, dial: dialer(shell, options) });
  const road = new SshRoad(direct, new CommandClient(shell), options.ssh.host);
  return {
    http: road,
    ssh: shell,
    get note() {
      return road.note;
    },
    close: async () => {
      await direct.close();
      await shell.close();
    },
  };
}

/** Opens streams to the server: to its address, to the socket that was named, or to the first one that is there. */
function dialer(shell: SshClient, { url, socket }: LxdOptions) {
  if (url !== undefined) {
    const { hostname, port } = new URL(targetOf({ url }).url);
    return (signal: AbortSignal) => shell.dialTcp(hostname.replace(/^\[|\]$/g, ""), Number(port), signal);
  }
  let known = socket;
  return async (signal: AbortSignal) => {
    if (known !== undefined) return await shell.dialSocket(known, signal);
    let failure: unknown;
    for (const candidate of LOCAL) {
      try {
        const stream = await shell.dialSocket(candidate.socket, signal);
        known = candidate.socket;
        return stream;
      } catch (error) {
        // One that is there and closed to us says more than those that are not there.
        if (!isProxMcpError(error) || error.details.data?.["path"] === undefined) throw error;
        if (failure === undefined || error.code === "FORBIDDEN") failure = error;
      }
    }
    throw failure;
  };
}

/** The API through the tunnel, or the command where the tunnel does not reach it. Settled by the first request that tells. */
class SshRoad implements HttpClient {
  readonly #direct: HttpClient;
  readonly #command: CommandClient;
  readonly #host: string;
  #reached = false;
  #why: ProxMcpError | undefined;

  constructor(direct: HttpClient, command: CommandClient, host: string) {
    this.#direct = direct;
    this.#command = command;
    this.#host = host;
  }

  get note(): string | undefined {
    return (
      this.#why &&
      `answered by the ${this.#command.program ?? "lxc"} command over SSH, as the API of ${this.#host} can't be reached through it: ${this.#why.message}`
    );
  }

  async request(request: Parameters<HttpClient["request"]>[0]) {
    if (this.#why) return await this.#command.request(request);
    try {
      const response = await this.#direct.request(request);
      this.#reached = true;
      return response;
    } catch (error) {
      if (this.#reached || !isShut(error)) throw error;
      const response = await this.#command.request(request).catch((second: unknown) => {
        throw isProxMcpError(second) && second.code === "UNSUPPORTED" ? notInstalled(this.#host, error, second) : second;
      });
      this.#why = error;
      return response;
    }
  }

  async upgrade(...args: Parameters<HttpClient["upgrade"]>) {
    if (this.#why) throw noStreams(this.#host, this.#why);
    return await this.#direct.upgrade(...args);
  }

  async websocket(...args: Parameters<HttpClient["websocket"]>) {
    if (this.#why) throw noStreams(this.#host, this.#why);
    return await this.#direct.websocket(...args);
  }

  async close(): Promise<void> {
    await this.#direct.close();
  }
}

/** SSH itself works, and what is behind it is shut: forwarding is forbidden, or the socket is missing or closed to this user. */
const isShut = (error: unknown): error is ProxMcpError =>
  isProxMcpError(error) &&
  (error.code === "FORBIDDEN" ||
    error.code === "UNSUPPORTED" ||
    error.details.data?.["path"] !== undefined ||
    error.details.data?.["reason"] !== undefined);

const noStreams = (host: string, why: ProxMcpError): ProxMcpError =>
  new ProxMcpError("UNSUPPORTED", `This needs a stream to the API of ${host}, and only its command can be reached: ${why.message}`, {
    ...why.details,
    next: "Let the SSH user open the socket (group lxd or incus-admin), and allow forwarding (AllowStreamLocalForwarding).",
  });

const notInstalled = (host: string, tunnel: ProxMcpError, command: ProxMcpError): ProxMcpError =>
  new ProxMcpError("UNREACHABLE", `Neither the API nor the command of LXD or Incus can be reached on ${host}. ${tunnel.message} ${command.message}`, {
    tried: [...(tunnel.details.tried ?? []), ...(command.details.tried ?? [])],
    next: "Install LXD (`snap install lxd && lxd init`) or Incus (`apt install incus`) on the host, or name its socket in the connection.",
    cause: tunnel,
  });
