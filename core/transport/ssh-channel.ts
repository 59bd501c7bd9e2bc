import { constants } from "node:os";
import { Duplex } from "node:stream";
import type { ClientChannel } from "ssh2";
import { ProxMcpError } from "../errors.js";
import type { SshLink } from "./ssh-connect.js";
import type { SshResult } from "./types.js";

/** A command under way on the far side. */
export interface Command {
  /** How it is called in errors. */
  readonly what: string;
  readonly signal: AbortSignal;
  readonly stdin: string | undefined;
  /** Longest stdout and stderr taken, together, in bytes. */
  readonly maxBytes: number;
}

/** A command line for a POSIX shell that runs exactly these words: SSH has no argv, the user's login shell reads one line. */
export function shellQuoted(argv: readonly string[]): string {
  if (!argv.length) throw new ProxMcpError("INVALID_INPUT", "A command needs at least the name of a program.");
  if (argv.some((word) => word.includes("\0"))) throw new ProxMcpError("INVALID_INPUT", "A command can't contain a NUL character.");
  return argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

/** Feeds a command its stdin and collects what it says until it ends. */
export function collect(channel: ClientChannel, link: SshLink, command: Command): Promise<SshResult> {
  const { what, signal, stdin, maxBytes } = command;
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let size = 0;
    // Closing our side frees the channel. sshd does not stop the process for it: that ends with its next word to us.
    const giveUp = (error: unknown): void => {
      size = Number.POSITIVE_INFINITY;
      channel.close();
      reject(error);
    };
    const aborted = (): void => giveUp(signal.reason);
    const take = (chunks: Buffer[]) => (chunk: Buffer) => {
      if (size > maxBytes) return;
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else
        giveUp(
          new ProxMcpError("UPSTREAM", `${what} answered more than ${maxBytes} bytes.`, {
            tried: [what],
            next: "Ask for less: a narrower filter, fewer lines.",
          }),
        );
    };
    channel.on("data", take(stdout));
    channel.stderr.on("data", take(stderr));
    channel.on("close", (code?: number | null, killedBy?: string) => {
      signal.removeEventListener("abort", aborted);
      const exitCode = code ?? (killedBy === undefined ? undefined : 128 + (constants.signals[killedBy as NodeJS.Signals] ?? 0));
      const settle = (): void => {
        if (exitCode === undefined) reject(unfinished(link, what));
        else resolve({ exitCode, stdout: Buffer.concat(stdout).toString("utf8"), stderr: Buffer.concat(stderr).toString("utf8") });
      };
      // ssh2 waits for the end of stdout only.
      if (channel.stderr.readableEnded) settle();
      else channel.stderr.once("end", settle);
    });
    signal.addEventListener("abort", aborted, { once: true });
    if (stdin === undefined) channel.end();
    else channel.end(stdin);
  });
}

/** A command whose end we did not see. */
export function unfinished(link: SshLink, what: string): ProxMcpError {
  if (link.alive) return new ProxMcpError("UPSTREAM", `${what} ended without an exit code.`, { tried: [what] });
  return new ProxMcpError("UNREACHABLE", `The SSH connection was lost while ${what} ran.`, {
    tried: [what],
    next: "The command may still be running, or be done: look before running it again.",
  });
}

/**
 * A forwarded channel that behaves like a socket. ssh2's own channel does not: its `destroy` takes no error and never shows as
 * `destroyed`, a write after it closed waits for ever, and a lost connection looks like the proper end of the stream.
 */
export class ChannelStream extends Duplex {
  readonly #channel: ClientChannel;
  #written: ((error?: Error | null) => void) | undefined;

  /** With `outcome` the stream ends when that is known, and as it says. */
  constructor(channel: ClientChannel, link: SshLink, outcome?: Promise<Error | undefined>) {
    super();
    this.#channel = channel;
    channel.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) channel.pause();
    });
    channel.on("end", () => {
      if (link.alive && outcome) void outcome.then((failure) => (failure ? this.destroy(failure) : this.push(null)));
      else if (link.alive) this.push(null);
      else this.destroy(socketError("ECONNRESET", "The SSH connection was lost."));
    });
    // After its end, which was pushed just above: what is buffered is still to be read.
    channel.on("close", () => {
      this.#done(socketError("EPIPE", "The far side closed the stream."));
      if (this.readableEnded) this.destroy();
      else this.once("end", () => this.destroy());
    });
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (!this.#channel.writable) return done(socketError("EPIPE", "The far side closed the stream."));
    this.#written = done;
    this.#channel.write(chunk, encoding, (error) => this.#done(error));
  }

  override _final(done: () => void): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#channel.close();
    this.#channel.resume(); // its end is seen only when everything was read
    this.#done(error ?? socketError("EPIPE", "The stream was destroyed."));
    done(error);
  }

  #done(error?: Error | null): void {
    const done = this.#written;
    this.#written = undefined;
    done?.(error);
  }
}

const LAST_WORDS = 500;

/** The stdin and stdout of a command as one stream. A command that fails ends it with an error, not as if all had been said. */
export function commandStream(channel: ClientChannel, link: SshLink, what: string): Duplex {
  let said = "";
  channel.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString("utf8")).slice(-LAST_WORDS)));
  // Its exit code and what it says of a failure come after the end of its stdout.
  const outcome = new Promise<Error | undefined>((resolve) => {
    channel.on("close", (code?: number | null) => {
      if (code === 0 || !link.alive) return resolve(undefined);
      const words = said.trim() || (typeof code === "number" ? `exit code ${code}` : "it was killed");
      resolve(new ProxMcpError("UPSTREAM", `${what} failed: ${words}`, { tried: [what] }));
    });
  });
  return new ChannelStream(channel, link, outcome);
}

const socketError = (code: string, message: string): Error => Object.assign(new Error(message), { code });
