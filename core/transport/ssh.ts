import type { Duplex } from "node:stream";
import pLimit from "p-limit";
import type { Client, ClientCallback, ClientChannel } from "ssh2";
import { isProxMcpError, ProxMcpError } from "../errors.js";
import { ChannelStream, type Command, collect, commandStream, shellQuoted, unfinished } from "./ssh-channel.js";
import { openLink, type SshLink } from "./ssh-connect.js";
import { placeOf } from "./ssh-hostkeys.js";
import type { Ssh, SshClient, SshResult, SshTarget } from "./types.js";

const MAX_BYTES = 4 * 1024 * 1024;
/** Commands at once. sshd takes 10 on one connection (`MaxSessions`); streams to sockets are not counted there. */
const MAX_SESSIONS = 8;

/** Why a server opens no channel, RFC 4254, 5.1. */
const PROHIBITED = 1;
const UNKNOWN_CHANNEL = 3;

/** The SSH service: one connection for each client, opened when it is first used. */
export class Ssh2 implements Ssh {
  static readonly inject = [] as const;

  open(target: SshTarget): SshClient {
    return new Ssh2Client(target);
  }
}

class Ssh2Client implements SshClient {
  readonly #target: SshTarget;
  readonly #sessions = pLimit(MAX_SESSIONS);
  readonly #closing = new AbortController();
  readonly #links = new Set<SshLink>();
  #opening: Promise<SshLink> | undefined;

  constructor(target: SshTarget) {
    this.#target = target;
  }

  async exec(argv: readonly string[], options: { signal: AbortSignal; stdin?: string; maxBytes?: number }): Promise<SshResult> {
    const { signal, stdin, maxBytes = MAX_BYTES } = options;
    const line = shellQuoted(argv);
    // Only the program is named in errors: its arguments may hold secrets.
    const command: Command = { what: `\`${argv[0]}\` on ${this.#place}`, signal, stdin, maxBytes };
    return await unlessAborted(
      this.#sessions(() => this.#run(line, command, (channel, link) => collect(channel, link, command))),
      command,
    );
  }

  async dialCommand(argv: readonly string[], signal: AbortSignal): Promise<Duplex> {
    const call: Call = { what: `\`${argv[0]}\` on ${this.#place}`, signal };
    return await this.#run(shellQuoted(argv), call, (channel, link) => commandStream(channel, link, call.what));
  }

  async dialSocket(path: string, signal: AbortSignal): Promise<Duplex> {
    const call: Call = { what: `Opening ${path} on ${this.#place}`, signal };
    try {
      return await this.#stream(call, (client, done) => client.openssh_forwardOutStreamLocal(path, done));
    } catch (error) {
      const reason = refusalOf(error);
      throw reason === undefined || reason === PROHIBITED || reason === UNKNOWN_CHANNEL
        ? streamFailure(error, call)
        : await this.#whyNoSocket(path, call, error);
    }
  }

  async dialTcp(host: string, port: number, signal: AbortSignal): Promise<Duplex> {
    const call: Call = { what: `Opening ${host}:${port} from ${this.#place}`, signal };
    try {
      return await this.#stream(call, (client, done) => client.forwardOut("127.0.0.1", 0, host, port, done));
    } catch (error) {
      throw streamFailure(error, call);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#links].map((link) => link.end()));
  }

  async #run<T>(line: string, command: Call, use: (channel: ClientChannel, link: SshLink) => T | Promise<T>): Promise<T> {
    for (let left = MAX_SESSIONS; ; left -= 1) {
      const link = await this.#link(command);
      link.commands += 1;
      try {
        return await channelOf(
          link,
          command,
          (client, done) => client.exec(line, done),
          (channel) => use(channel, link),
        );
      } catch (error) {
        if (refusalOf(error) === undefined) throw sessionFailure(error, command, link);
        // The command did not run. A server that allows few sessions, or that still counts the process of a cancelled call,
        // takes it on a new connection; one that refuses it on a connection of its own takes none.
        link.commands -= 1;
        if (link.commands === 0 || left === 0) throw sessionFailure(error, command, link);
        link.retire();
      }
    }
  }

  async #stream(call: Call, open: Open): Promise<Duplex> {
    const link = await this.#link(call);
    return await channelOf(link, call, open, (channel) => new ChannelStream(channel, link));
  }

  /** The connection: the one that is up, or a new one. Those who ask meanwhile wait for the same. */
  async #link(call: Call): Promise<SshLink> {
    for (;;) {
      if (this.#closing.signal.aborted) throw new ProxMcpError("UNREACHABLE", `The connection to ${this.#place} was closed.`);
      if (call.signal.aborted) throw cancelled(call);
      this.#opening ??= this.#open();
      const opening = this.#opening;
      const link = await unlessAborted(opening, call);
      if (link.usable) return link;
      if (this.#opening === opening) this.#opening = undefined;
    }
  }

  #open(): Promise<SshLink> {
    const opening = openLink(this.#target, this.#closing.signal);
    opening.then(
      (link) => {
        this.#links.add(link);
        void link.closed.then(() => this.#links.delete(link));
        if (this.#closing.signal.aborted) void link.end();
      },
      () => {
        if (this.#opening === opening) this.#opening = undefined;
      },
    );
    return opening;
  }

  /** sshd gives one and the same answer whatever is wrong with a socket, so we have a look at it there. */
  async #whyNoSocket(path: string, { what, signal }: Call, cause: unknown): Promise<ProxMcpError> {
    const look = await this.exec(["sh", "-c", LOOK, "sh", path], { signal }).catch(() => undefined);
    if (signal.aborted) return cancelled({ what, signal });
    const { user } = this.#target;
    const details = { tried: [what], data: { path }, cause };
    switch (look?.stdout.trim()) {
      case "missing":
        return new ProxMcpError("UNREACHABLE", `${what} failed: there is no such socket, or ${user} may not look into its folder.`, details);
      case "other":
        return new ProxMcpError("UNREACHABLE", `${what} failed: it is not a socket.`, details);
      case "closed":
        return new ProxMcpError("FORBIDDEN", `${what} failed: ${user} may not open it.`, {
          ...details,
          next: "Log in as a user that may: usually a member of the group that owns the socket.",
        });
      default:
        return new ProxMcpError("FORBIDDEN", `${what} failed: ${NO_FORWARDING}, or nothing listens on it.`, {
          ...details,
          next: "See `sshd -T | grep -i -e forwarding -e permitopen` on the host, and whether the service runs.",
        });
    }
  }

  get #place(): string {
    return placeOf(this.#target);
  }
}

const NO_FORWARDING = "the server does not allow forwarding (AllowStreamLocalForwarding, AllowTcpForwarding, PermitOpen)";
const LOOK = 'if [ ! -e "$1" ]; then echo missing; elif [ ! -S "$1" ]; then echo other; elif [ ! -w "$1" ]; then echo closed; else echo open; fi';

/** What is under way, for messages, and its end. */
interface Call {
  readonly what: string;
  readonly signal: AbortSignal;
}

type Open = (client: Client, done: ClientCallback) => void;

/** Opens a channel and hands it to `use` in the same tick, before anything that arrives on it can pass unseen. */
function channelOf<T>(link: SshLink, call: Call, open: Open, use: (channel: ClientChannel) => T | Promise<T>): Promise<T> {
  const opened = new Promise<T>((resolve, reject) => {
    link.hold();
    open(link.client, (error, channel) => {
      if (error) link.release();
      if (error) return reject(error);
      channel.once("close", () => link.release());
      channel.on("error", () => {}); // it ends, and that is seen
      if (!call.signal.aborted) return resolve(use(channel));
      channel.close();
      channel.resume().stderr.resume();
      reject(cancelled(call));
    });
  });
  return unlessAborted(opened, call);
}

/** The same promise, but the caller does not wait for it any longer than its signal says. */
function unlessAborted<T>(promise: Promise<T>, call: Call): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(cancelled(call));
    call.signal.addEventListener("abort", aborted, { once: true });
    promise.then(resolve, reject).finally(() => call.signal.removeEventListener("abort", aborted));
    if (call.signal.aborted) aborted();
  });
}

function cancelled({ what, signal }: Call): ProxMcpError {
  if (isProxMcpError(signal.reason)) return signal.reason;
  return (signal.reason as Error | undefined)?.name === "TimeoutError"
    ? new ProxMcpError("TIMEOUT", `${what} took too long.`, { cause: signal.reason })
    : new ProxMcpError("CANCELLED", `${what} was cancelled.`, { cause: signal.reason });
}

/** The server's reason, when it refused to open a channel. */
function refusalOf(error: unknown): number | undefined {
  const reason = (error as { reason?: unknown } | null)?.reason;
  return typeof reason === "number" ? reason : undefined;
}

/** Why a command could not be started. */
function sessionFailure(error: unknown, { what }: Call, link: SshLink): ProxMcpError {
  if (isProxMcpError(error)) return error;
  const { said, ...details } = wordsOf(error, what);
  if (refusalOf(error) !== undefined)
    return new ProxMcpError("UPSTREAM", `${what} failed: the server opens no session for commands (${said}).`, details);
  if (!link.alive) return unfinished(link, what); // asked first: ssh2 takes that for the server's refusal
  if (said === "Unable to exec") return new ProxMcpError("FORBIDDEN", `${what} failed: the server does not let this user run commands.`, details);
  return new ProxMcpError("UPSTREAM", `${what} failed: ${said}.`, details);
}

/** Why a stream could not be opened. */
function streamFailure(error: unknown, { what }: Call): ProxMcpError {
  if (isProxMcpError(error)) return error;
  const { said, ...details } = wordsOf(error, what);
  switch (refusalOf(error)) {
    case undefined:
      return new ProxMcpError("UNREACHABLE", `${what} failed: the SSH connection was lost (${said}).`, details);
    case PROHIBITED:
      return new ProxMcpError("FORBIDDEN", `${what} failed: ${NO_FORWARDING}.`, details);
    case UNKNOWN_CHANNEL:
      return new ProxMcpError("UNSUPPORTED", `${what} failed: the server can't forward to such an address (${said}).`, details);
    default:
      return new ProxMcpError("UNREACHABLE", `${what} failed: ${said}.`, details);
  }
}

function wordsOf(error: unknown, what: string) {
  const said = (error as Error).message.replace(/^\(SSH\) Channel open failure: /, "");
  return { said, tried: [what], data: { reason: refusalOf(error) }, cause: error };
}
