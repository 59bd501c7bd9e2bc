import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2, { type AuthContext, type Connection, type KeyboardAuthContext, type ParsedKey, type ServerChannel } from "ssh2";
import { isProxMcpError, type ProxMcpError } from "../../core/errors.js";
import type { SshTarget } from "../../core/transport/types.js";

const { Server, utils } = ssh2;

/**
 * An Ed25519 key pair. About one in 170 that ssh2 generates is malformed by its own reading (keys of ssh-keygen never are),
 * so a pair is made until one can be read.
 */
export function ed25519Pair(lock?: {
  readonly passphrase: string;
  readonly cipher: string;
  readonly rounds: number;
}): ReturnType<typeof utils.generateKeyPairSync> {
  for (;;) {
    const pair = utils.generateKeyPairSync("ed25519", lock);
    if (!(utils.parseKey(pair.private, lock?.passphrase) instanceof Error)) return pair;
  }
}

/** Keys are made once: RSA takes its time. */
export const hostKeys = {
  ed25519: ed25519Pair().private,
  ecdsa: utils.generateKeyPairSync("ecdsa", { bits: 256 }).private,
  rsa: utils.generateKeyPairSync("rsa", { bits: 2048 }).private,
};
export const userKey = ed25519Pair();

export const parsed = (key: string): ParsedKey => {
  const result = utils.parseKey(key);
  if (result instanceof Error) throw result;
  return result;
};
/** `ssh-ed25519 AAAA...`, as it stands in known_hosts and authorized_keys. */
export const publicLine = (key: string): string => `${parsed(key).type} ${parsed(key).getPublicSSH().toString("base64")}`;

export interface ServerOptions {
  readonly keys?: readonly (keyof typeof hostKeys)[];
  /** Methods the server demands, all of them, in any order. Default: the key of `userKey`. */
  readonly demands?: readonly ("publickey" | "password" | "keyboard-interactive" | "none")[];
  /** Sessions on one connection, as sshd's MaxSessions. */
  readonly maxSessions?: number;
  readonly forwarding?: boolean;
  /** A keyboard-interactive login asks for a code after the password. */
  readonly code?: boolean;
  /** Whether commands are run at all; "drop": the connection dies instead. */
  readonly exec?: boolean | "drop";
  /** Added to the environment of the commands. */
  readonly env?: Readonly<Record<string, string>>;
}

export const PASSWORD = "correct horse";

/** An SSH server on loopback that runs commands with the local `sh` and forwards for real. Remembers what it was asked. */
export class TestServer {
  readonly attempts: string[] = [];
  readonly commands: string[] = [];
  /** Answers to keyboard-interactive questions. */
  readonly answers: string[] = [];
  readonly connections = new Set<Connection>();
  connected = 0;
  /** Sessions open right now, and the most there ever were at once. */
  sessions = 0;
  most = 0;
  port = 0;
  readonly folder = mkdtempSync(join(tmpdir(), "ssh-test-"));
  readonly #options: ServerOptions;
  readonly #server: InstanceType<typeof Server>;

  private constructor(options: ServerOptions) {
    this.#options = options;
    const keys = (options.keys ?? ["ed25519"]).map((name) => hostKeys[name]);
    this.#server = new Server({ hostKeys: keys, ident: "not-openssh" }, (connection) => this.#serve(connection));
  }

  static async start(options: ServerOptions = {}): Promise<TestServer> {
    const server = new TestServer(options);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    server.port = (server.#server.address() as AddressInfo).port;
    return server;
  }

  /** A target that knows this server by the first of its keys. */
  target(overrides: Partial<SshTarget> = {}): SshTarget {
    const key = hostKeys[this.#options.keys?.[0] ?? "ed25519"];
    const knownHosts = overrides.knownHosts ?? this.file("known_hosts", `[127.0.0.1]:${this.port} ${publicLine(key)}\n`);
    return { host: "127.0.0.1", port: this.port, user: "ops", key: userKey.private, knownHosts, ...overrides };
  }

  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Cuts every connection, as a dying host would. */
  drop(): void {
    for (const connection of this.connections) (connection as unknown as { _sock: { destroy(): void } })._sock.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  #serve(connection: Connection): void {
    const { maxSessions = 10, forwarding = true, exec = true, demands = ["publickey"] } = this.#options;
    const missing = new Set<string>(demands);
    let mine = 0;
    this.connections.add(connection);
    (connection as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true); // or each step of a handshake costs 40 ms
    connection.on("error", () => {});
    connection.on("close", () => this.connections.delete(connection));
    connection.on("authentication", (context) => {
      this.attempts.push(context.method);
      const offered = [...missing] as Parameters<AuthContext["reject"]>[0];
      if (!missing.has(context.method)) return context.reject(offered);
      const judge = context.method === "keyboard-interactive" ? this.#ask.bind(this, context) : proves.bind(undefined, context);
      judge((right) => {
        if (right && !(context.method === "publickey" && !context.signature)) missing.delete(context.method);
        if (!right) context.reject(offered);
        else if (!missing.size || (context.method === "publickey" && !context.signature)) context.accept();
        else context.reject([...missing] as Parameters<AuthContext["reject"]>[0], true);
      });
    });
    connection.on("ready", () => {
      this.connected += 1;
    });
    connection.on("session", (accept, reject) => {
      if (mine >= maxSessions) return reject();
      mine += 1;
      this.sessions += 1;
      this.most = Math.max(this.most, this.sessions);
      const session = accept();
      session.on("close", () => {
        this.sessions -= 1;
      });
      session.on("exec", (acceptExec, rejectExec, { command }) => {
        if (!exec) return rejectExec();
        if (exec === "drop") return this.drop();
        this.commands.push(command);
        // As in sshd, the session is in use until its process has gone, whatever became of the channel.
        run(command, this.#options.env ?? {}, acceptExec(), () => {
          mine -= 1;
        });
      });
    });
    if (!forwarding) return;
    connection.on("tcpip", (accept, reject, { destIP, destPort }) => forward(connect(destPort, destIP), accept, reject));
    // The types don't know this event.
    (
      connection as unknown as {
        on(event: string, listener: (accept: () => ServerChannel, reject: () => void, info: { socketPath: string }) => void): void;
      }
    ).on("openssh.streamlocal", (accept, reject, { socketPath }) => forward(connect(socketPath), accept, reject));
  }

  #ask(context: KeyboardAuthContext, done: (right: boolean) => void): void {
    context.prompt([{ prompt: "Password: ", echo: false }], ([password = ""]) => {
      this.answers.push(password);
      if (!this.#options.code || password !== PASSWORD) return done(password === PASSWORD);
      context.prompt([{ prompt: "Code: ", echo: false }], ([code = ""]) => {
        this.answers.push(code);
        done(false);
      });
    });
  }
}

function proves(context: AuthContext, done: (right: boolean) => void): void {
  if (context.method === "password") return done(context.password === PASSWORD);
  if (context.method !== "publickey") return done(context.method === "none");
  const key = parsed(userKey.private);
  if (!context.key.data.equals(key.getPublicSSH())) return done(false);
  done(!context.signature || !context.blob || key.verify(context.blob, context.signature, context.hashAlgo) === true);
}

function run(command: string, env: Readonly<Record<string, string>>, channel: ServerChannel, gone: () => void): void {
  const child = spawn("sh", ["-c", command], { env: { ...process.env, ...env } });
  child.stdout.on("data", (chunk) => channel.write(chunk));
  child.stderr.on("data", (chunk) => channel.stderr.write(chunk));
  child.stdin.on("error", () => {});
  channel.pipe(child.stdin);
  channel.on("error", () => {});
  child.on("close", (code, signal) => {
    gone();
    if (signal) channel.exit(signal.replace(/^SIG/, ""));
    else channel.exit(code ?? 0);
    channel.end();
  });
}

function forward(socket: ReturnType<typeof connect>, accept: () => ServerChannel, reject: () => void): void {
  let channel: ServerChannel | undefined;
  socket.on("error", () => {
    if (!channel) reject();
    else channel.close();
  });
  socket.on("connect", () => {
    channel = accept();
    channel.on("error", () => {});
    channel.on("close", () => socket.destroy());
    channel.pipe(socket).pipe(channel);
  });
}

/** The ProxMcpError that this must fail with. */
export async function failure(work: Promise<unknown>): Promise<ProxMcpError> {
  const error: unknown = await work.then(
    () => new Error("it did not fail"),
    (reason: unknown) => reason,
  );
  if (!isProxMcpError(error)) throw error;
  return error;
}

/** Waits for what happens on the other side of a wire, two seconds at most. */
export async function until(condition: () => boolean): Promise<void> {
  for (let left = 200; left > 0 && !condition(); left -= 1) await new Promise((resolve) => setTimeout(resolve, 10));
  if (!condition()) throw new Error(`did not come true: ${condition}`);
}
