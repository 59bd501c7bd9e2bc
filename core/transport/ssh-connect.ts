import { connect as connectPlain, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { isProxMcpError, ProxMcpError } from "../errors.js";
import { bareHost, HostKeys, placeOf } from "./ssh-hostkeys.js";
import { type Credential, credentialsOf, Login, type Ssh2Package } from "./ssh-login.js";
import type { SshLogin, SshTarget } from "./types.js";

const HANDSHAKE_SECONDS = 20;
const KEEPALIVE_SECONDS = 15;

/** One SSH connection, logged in. */
export class SshLink {
  readonly client: Client;
  /** False once it dropped, or once either side began to end it. */
  alive = true;
  /** Commands that it was asked to run, without those that the server refused a session. */
  commands = 0;
  readonly closed: Promise<void>;
  readonly #socket: Duplex;
  #channels = 0;
  #retired = false;

  constructor(client: Client, socket: Duplex) {
    this.client = client;
    this.#socket = socket;
    client.on("end", () => {
      this.alive = false;
    });
    client.on("error", () => {
      this.alive = false;
      socket.destroy(); // whatever fails after the login leaves nothing to go on with
    });
    this.closed = new Promise((resolve) => {
      client.on("close", () => {
        this.alive = false;
        resolve();
      });
    });
  }

  /** Counts a channel, from the request for it until it is refused or has closed. */
  hold(): void {
    this.#channels += 1;
  }

  release(): void {
    this.#channels -= 1;
    if (this.#retired && this.#channels === 0) void this.end();
  }

  /** Whether new channels may be opened on it. */
  get usable(): boolean {
    return this.alive && !this.#retired;
  }

  /** No new channels; to be ended as soon as the last one closes. */
  retire(): void {
    this.#retired = true;
    if (this.#channels === 0) void this.end();
  }

  /** Says goodbye, and hangs up when the other side doesn't within a second. */
  async end(): Promise<void> {
    this.alive = false;
    this.client.end();
    const timer = setTimeout(() => this.#socket.destroy(), 1000);
    await this.closed;
    clearTimeout(timer);
  }
}

/**
 * Connects, checks the host key, then logs in: with the first login, then with the others as long as each is refused. The signal ends the
 * attempt. ssh2 is loaded with the first one, never at start.
 */
export async function openLink(target: SshTarget, signal: AbortSignal): Promise<SshLink> {
  const { also = [], ...first } = target;
  const refused: ProxMcpError[] = [];
  for (const login of [{} as SshLogin, ...also]) {
    // A login with credentials of its own uses no others; the user may stay the same.
    const own = Object.keys(login).some((name) => name !== "user");
    const bare: SshTarget = own ? { ...first, key: undefined, passphrase: undefined, password: undefined, agent: undefined } : first;
    try {
      return await openOnce({ ...bare, ...login, user: login.user ?? target.user }, signal);
    } catch (error) {
      if (!isProxMcpError(error) || error.code !== "AUTH_FAILED" || also.length === 0) throw error;
      refused.push(error);
    }
  }
  throw refusedAll(target, refused);
}

/** Every login was refused: all that was tried, each with its user. */
function refusedAll(target: SshTarget, refused: readonly ProxMcpError[]): ProxMcpError {
  const users = [{} as SshLogin, ...(target.also ?? [])].map((login) => login.user ?? target.user);
  const tried = refused.flatMap((error, at) => {
    const ways = error.details.tried ?? [];
    return (ways.length > 0 ? ways : [error.message]).map((way) => `${users[at]}: ${way}`);
  });
  return new ProxMcpError("AUTH_FAILED", `${placeOf(target)} refused every login. Tried: ${tried.join("; ")}.`, {
    tried,
    next: "Check the user names, and that one of the keys is in the authorized_keys of its user or a password is right.",
  });
}

async function openOnce(target: SshTarget, signal: AbortSignal): Promise<SshLink> {
  const { default: ssh2 } = await import("ssh2");
  const hostKeys = await HostKeys.load(target);
  const credentials = credentialsOf(ssh2, target);
  let refusal: ProxMcpError | undefined;
  for (;;) {
    try {
      const way = target.jump ? await throughHost(target, target.jump, signal) : undefined;
      const link = await handshake(ssh2, target, hostKeys, credentials, signal, way?.stream).catch(async (error: unknown) => {
        await way?.link.end();
        throw error;
      });
      if (way) void link.closed.then(() => way.link.end());
      return link;
    } catch (error) {
      const code = isProxMcpError(error) ? error.code : undefined;
      // A host has keys of several types, and the pinned one may be another than it showed: then we ask for the rest.
      // When it has no other, the first refusal is the news, and not that the handshake failed.
      if (refusal && code === "UNREACHABLE") throw refusal;
      if (code !== "HOST_KEY_UNKNOWN") throw error;
      refusal ??= error as ProxMcpError;
      if (!hostKeys.mayHaveOther) throw refusal;
    }
  }
}

/** A stream to the target's SSH port, from a host on the way. */
async function throughHost(target: SshTarget, jump: SshTarget, signal: AbortSignal): Promise<{ link: SshLink; stream: Duplex }> {
  const link = await openLink(jump, signal);
  const [host, port] = [bareHost(target), target.port ?? 22];
  return await new Promise((resolve, reject) => {
    link.client.forwardOut("127.0.0.1", 0, host, port, (error, stream) => {
      if (!error) return resolve({ link, stream });
      void link.end();
      const said = error.message.replace(/^\(SSH\) Channel open failure: ?/, "") || "nothing listens there, or forwarding is not allowed";
      const message = `${placeOf(target)} can't be reached from ${placeOf(jump)}: ${said}.`;
      reject(new ProxMcpError("UNREACHABLE", message, { tried: [`SSH to ${placeOf(jump)}`, `SSH from there to ${placeOf(target)}`], cause: error }));
    });
  });
}

function handshake(
  ssh2: Ssh2Package,
  target: SshTarget,
  hostKeys: HostKeys,
  credentials: readonly Credential[],
  signal: AbortSignal,
  way?: Duplex,
): Promise<SshLink> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    const socket = way ?? connectPlain({ host: bareHost(target), port: target.port ?? 22, noDelay: true });
    const login = new Login(target, credentials);
    let refused: ProxMcpError | undefined;
    const settle = (error?: ProxMcpError): void => {
      signal.removeEventListener("abort", aborted);
      client.removeListener("error", failed).removeListener("close", closed);
      if (!error) return resolve(new SshLink(client, socket));
      client.on("error", () => {}); // what a dying connection still says is of no interest
      socket.destroy();
      reject(error);
    };
    const aborted = (): void => settle(new ProxMcpError("UNREACHABLE", `The connection to ${placeOf(target)} was closed.`));
    const failed = (error: SshError): void => {
      if (refused) return settle(refused);
      // An agent that doesn't answer and a key that can't sign are one credential less; the login goes on.
      if (error.level === "agent" || error.level === "client-authentication") return login.note(error.message);
      settle(login.begun && typeof error.code === "number" ? login.failure(error.message) : unreachable(error, target));
    };
    const closed = (): void => settle(unreachable({ code: "ECONNRESET", message: "" }, target));
    client
      .on("error", failed)
      .on("close", closed)
      .on("ready", () => settle());
    client.on("change password", () => settle(login.failure("the password has expired and must be changed")));
    client.on("handshake", () => {
      login.begun = true;
    });
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) return aborted();
    try {
      client.connect({
        sock: socket as Socket,
        username: target.user,
        readyTimeout: HANDSHAKE_SECONDS * 1000,
        keepaliveInterval: KEEPALIVE_SECONDS * 1000,
        keepaliveCountMax: 3,
        strictVendor: false, // others than OpenSSH forward to unix sockets, too; let the server say what it can
        algorithms: { serverHostKey: hostKeys.algorithms },
        hostVerifier: (key: Buffer) => {
          refused = hostKeys.judge(key);
          return refused === undefined;
        },
        authHandler: login.handler(settle),
      });
    } catch (error) {
      settle(unreachable(error as Error, target));
    }
  });
}

interface SshError {
  readonly message: string;
  readonly code?: unknown;
  /** Where in ssh2 it comes from. What the server said before it hung up has none, but a number as its code. */
  readonly level?: string;
}

const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name could not be looked up just now",
  EHOSTUNREACH: "there is no route to the host",
  ENETUNREACH: "there is no route to the network",
  ETIMEDOUT: "it did not answer",
  ECONNRESET: "it closed the connection",
  EPIPE: "it closed the connection",
};

function unreachable(error: SshError, target: SshTarget): ProxMcpError {
  const why = error.level === "client-timeout" ? `no SSH login within ${HANDSHAKE_SECONDS} s` : (WHY[String(error.code)] ?? error.message);
  return new ProxMcpError("UNREACHABLE", `${placeOf(target)} can't be reached: ${why}.`, {
    tried: [`SSH to ${placeOf(target)}`],
    data: { code: error.code ?? error.level },
    cause: error,
  });
}
