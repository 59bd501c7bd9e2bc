import { type Http, type HttpClient, type HttpTarget, isProxMcpError, ProxMcpError, type Ssh, type SshClient, sshTargetOf } from "proxmcp/plugin";
import { CommandClient } from "./command.js";
import { EnrollingHttp, enrol, pinnedBy, type Proof, proofOf } from "./enrolment.js";
import { setupOffer } from "./guidance/offers.js";
import { LOCAL, type LxdOptions, targetOf } from "./options.js";

/** Streams at once over one SSH connection. They are forwarded, and not counted as sessions by sshd. */
const STREAMS = 12;

/** One of the ways to a server, to be tried by itself. */
export interface Leg {
  /** As people know it: "the socket /var/lib/lxd/unix.socket over SSH". */
  readonly name: string;
  /** The API over it. Absent where it only leads to others. */
  readonly http?: Pick<HttpClient, "request">;
  /** Whether it leads anywhere at all. */
  readonly reach?: (signal: AbortSignal) => Promise<unknown>;
}

/** How the requests reach a server. */
export interface Road {
  readonly http: HttpClient;
  readonly ssh?: SshClient;
  /** What is worth telling about it; undefined for the usual one. */
  readonly note: string | undefined;
  /** All ways there are, in the order in which they are taken. */
  readonly legs: readonly Leg[];
  /** The one that requests take now. */
  readonly taken: Leg;
  /** Has the server trust our certificate. Answers whether it had to. */
  enrol(proof: Proof, signal: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * From here to a socket or an address; or over SSH to them, as the host sees them. Where SSH works and the API can't be reached through it,
 * requests go by the `lxc` or `incus` command of the host, one process for each: slower, and nothing that streams.
 */
export function openRoad(http: Http, ssh: Ssh, options: LxdOptions): Road {
  const place = options.url ?? (options.socket ? `the socket ${options.socket}` : "the socket of the server");
  if (!options.ssh) {
    const target = targetOf(options);
    const client = openClient(http, target, options);
    const leg = { name: place, http: client };
    return { http: client, note: undefined, legs: [leg], taken: leg, enrol: enrolling(http, target, options), close: () => client.close() };
  }
  const shell = ssh.open(sshTargetOf(options.ssh));
  const through = { ...targetOf(options), socketPath: undefined, connections: STREAMS, dial: dialer(shell, options) };
  const direct = openClient(http, through, options);
  const command = new CommandClient(shell);
  const road = new SshRoad(direct, command, options);
  const byTunnel = { name: `${place} over SSH`, http: direct };
  const byCommand = { name: "the lxc or incus command over SSH", http: command };
  return {
    http: road,
    ssh: shell,
    get note() {
      return road.note;
    },
    legs: [{ name: `SSH to ${options.ssh.user}@${options.ssh.host}`, reach: (signal) => shell.exec(["true"], { signal }) }, byTunnel, byCommand],
    get taken() {
      return road.note === undefined ? byTunnel : byCommand;
    },
    enrol: enrolling(http, through, options),
    close: async () => {
      await direct.close();
      await shell.close();
    },
  };
}

/** Enrols over a connection of its own: of who is not who the token says, nothing is kept. */
function enrolling(http: Http, target: HttpTarget, { url, cert }: LxdOptions): Road["enrol"] {
  return async (proof, signal) => {
    if (url === undefined) throw nothingToEnrol("a unix socket trusts whoever may open it");
    if (cert === undefined) throw nothingToEnrol("the connection has no client certificate; give it `cert` and `key`");
    const client = http.open("token" in proof ? pinnedBy(proof.token, target) : target);
    try {
      return await enrol(client, proof, url, signal);
    } finally {
      await client.close();
    }
  };
}

const nothingToEnrol = (why: string): ProxMcpError => new ProxMcpError("UNSUPPORTED", `There is nothing to enrol: ${why}.`);

function openClient(http: Http, target: HttpTarget, options: LxdOptions): HttpClient {
  const proof = proofOf(options);
  return proof ? new EnrollingHttp(http, target, proof) : http.open(target);
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
  readonly #options: LxdOptions;
  #reached = false;
  #why: ProxMcpError | undefined;

  constructor(direct: HttpClient, command: CommandClient, options: LxdOptions) {
    this.#direct = direct;
    this.#command = command;
    this.#options = options;
    this.#host = options.ssh?.host ?? "the host";
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
        throw isProxMcpError(second) && second.code === "UNSUPPORTED" ? notInstalled(this.#host, this.#options, error, second) : second;
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

const notInstalled = (host: string, options: LxdOptions, tunnel: ProxMcpError, command: ProxMcpError): ProxMcpError =>
  new ProxMcpError("UNREACHABLE", `Neither the API nor the command of LXD or Incus can be reached on ${host}. ${tunnel.message} ${command.message}`, {
    tried: [...(tunnel.details.tried ?? []), ...(command.details.tried ?? [])],
    next: `${setupOffer(options)} If it is there, name its socket in the connection.`,
    cause: tunnel,
  });
