/**
 * Commands in a container. Proxmox has no method for them: they are typed into its console, or run by `pct exec` on its node over SSH
 * where the connection has that.
 * @module
 */
import { randomBytes } from "node:crypto";
import { type ActionArgs, isProxMcpError, ProxMcpError, type WebSocketStream } from "proxmcp/plugin";
import type { z } from "zod";
import type { ProxmoxClient } from "../client.js";
import { reachable, withGuest } from "../guests.js";
import type { Resource } from "../resources.js";
import { openShell } from "../shell.js";
import { argvOf, type Executed, type Execution } from "./agent.js";

type Args = ActionArgs<ProxmoxClient, Execution>;
type Result = z.infer<typeof Executed>;

const MOST_OUTPUT = 64 * 1024;
/** A line that is typed may have no more bytes than the terminal's own buffer. */
const MOST_TYPED = 3_900;

export const execInCt = (args: Args): Promise<Result> =>
  withGuest(args, "lxc", async (row, path, lost) => {
    reachable(row, lost, "run a command in", "lxc");
    if (row.status !== "running")
      throw new ProxMcpError("WRONG_STATE", `Container ${row.vmid} is ${row.status}: commands need a running one.`, { next: "Start it first." });
    const argv = argvOf(args.input);
    return args.client.options.ssh ? await overSsh(args, row, argv) : await overConsole(args, row, path, argv);
  });

async function overSsh({ client, input, signal }: Args, row: Resource, argv: readonly string[]): Promise<Result> {
  const shell = await openShell(client, row.node ?? "", signal);
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout((input.timeout ?? 60) * 1000)]);
    const command = ["pct", "exec", String(row.vmid), "--", ...argv];
    const { exitCode, stdout, stderr } = await shell.exec(command, {
      signal: limited,
      maxBytes: 4 * MOST_OUTPUT,
      ...(input.stdin === undefined ? {} : { stdin: input.stdin }),
    });
    const truncated = stdout.length > MOST_OUTPUT || stderr.length > MOST_OUTPUT;
    return { exit_code: exitCode, stdout: stdout.slice(0, MOST_OUTPUT), stderr: stderr.slice(0, MOST_OUTPUT), truncated };
  } finally {
    await shell.close();
  }
}

interface Ticket {
  readonly port: string | number;
  readonly ticket: string;
  readonly user: string;
}

async function overConsole(args: Args, row: Resource, path: string, argv: readonly string[]): Promise<Result> {
  const { client, input, signal } = args;
  if (input.stdin !== undefined)
    throw new ProxMcpError("UNSUPPORTED", "A container's console can't be given input apart from what is typed.", {
      next: "Use `shell` with a here-document, or configure `ssh` in the connection.",
    });
  const mark = randomBytes(6).toString("hex");
  const typed = lineFor(argv, mark);
  if (Buffer.byteLength(typed) > MOST_TYPED)
    throw new ProxMcpError("INVALID_INPUT", `The command has ${Buffer.byteLength(typed)} bytes; a container's console takes ${MOST_TYPED}.`, {
      next: "Write a script into the container in parts and run that, or configure `ssh` in the connection.",
    });
  const proxy = (await client.write("POST", `${path}/termproxy`, {}, { signal, progress: () => {}, note: () => {} })) as Ticket;
  const stream = await client.terminal(`${path}/vncwebsocket`, { port: proxy.port, vncticket: proxy.ticket }, signal);
  const limited = AbortSignal.any([signal, AbortSignal.timeout((input.timeout ?? 60) * 1000)]);
  const leave = (): void => stream.close();
  limited.addEventListener("abort", leave, { once: true });
  try {
    stream.send(`${proxy.user}:${proxy.ticket}\n`);
    return await converse(stream, typed, mark);
  } catch (error) {
    if (signal.aborted) throw isProxMcpError(signal.reason) ? signal.reason : new ProxMcpError("CANCELLED", "The call was cancelled.");
    if (!limited.aborted) throw consoleFault(error, row);
    throw new ProxMcpError("TIMEOUT", `The command in container ${row.vmid} did not end within ${input.timeout ?? 60} s.`, {
      next: "It may go on in the container's console. Look at its processes, or run it again with a longer `timeout`.",
    });
  } finally {
    limited.removeEventListener("abort", leave);
    stream.close();
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/**
 * The line that is typed. The marks around the output are put together by the shell, so that the echo of the line itself has none;
 * the leading space keeps it out of the history.
 */
function lineFor(argv: readonly string[], mark: string): string {
  const command = argv.length === 3 && argv[0] === "/bin/sh" && argv[1] === "-c" ? `(${argv[2]}\n)` : argv.map(quoted).join(" ");
  return ` printf '\\n%s%s\\n' '<' '${mark}<'; ${command} </dev/null; printf '\\n%s%s%s\\n' '>' '${mark}>' "$?"\n`;
}

/** Logs in, waits for a prompt, types the line and takes what comes between the marks. */
async function converse(stream: WebSocketStream, typed: string, mark: string): Promise<Result> {
  let heard = "";
  let state: "greeting" | "prompt" | "running" = "greeting";
  for await (const message of stream) {
    heard += typeof message === "string" ? message : Buffer.from(message).toString("utf8");
    if (state === "greeting") {
      if (!heard.startsWith("OK")) {
        if (heard.length >= 2) throw new ProxMcpError("AUTH_FAILED", "The console did not accept its own ticket.");
        continue;
      }
      heard = heard.slice(2);
      state = "prompt";
      stream.send("1:400:50:");
      stream.send("0:1:\n");
    }
    if (state === "prompt") {
      const screen = plain(heard);
      if (/login:\s*$/i.test(screen)) throw new ProxMcpError("UNSUPPORTED", "asks for a login");
      if (!/[#$>%]\s*$/.test(screen)) continue;
      state = "running";
      heard = "";
      stream.send(`0:${Buffer.byteLength(typed)}:${typed}`);
    }
    const result = resultIn(plain(heard), mark);
    if (result) return result;
    // What scrolls by is not kept for ever: the beginning counts, and the mark at the end.
    if (heard.length > 8 * MOST_OUTPUT) heard = heard.slice(0, 4 * MOST_OUTPUT) + heard.slice(-MOST_OUTPUT);
  }
  throw new ProxMcpError("UPSTREAM", "The console was closed before the command had ended.");
}

function resultIn(text: string, mark: string): Result | undefined {
  const end = new RegExp(`\\n>${mark}>(\\d+)`).exec(text);
  if (!end) return undefined;
  const begin = text.indexOf(`<${mark}<\n`);
  const from = begin < 0 ? 0 : begin + mark.length + 3;
  const output = text.slice(from, end.index);
  return { exit_code: Number(end[1]), stdout: output.slice(0, MOST_OUTPUT), truncated: output.length > MOST_OUTPUT };
}

/** Without colours, cursor movements and carriage returns. */
// oxlint-disable-next-line no-control-regex -- terminals speak in control characters
const plain = (text: string): string => text.replace(/\u001b(\[[0-9;?]*[A-Za-z]|\][^\u0007]*\u0007|[=>()][A-Z0-9]?)/g, "").replaceAll("\r", "");

function consoleFault(error: unknown, { vmid }: Resource): unknown {
  if (!isProxMcpError(error) || error.message !== "asks for a login") return error;
  return new ProxMcpError("UNSUPPORTED", `The console of container ${vmid} asks for a login, so no command can be run through it.`, {
    next: 'Either let its console be a shell (update it with `console: "shell"`, then restart it), or configure `ssh` in the connection: commands then go through pct on the node.',
  });
}

/** What it takes to open a console in a browser or another client. */
export async function consoleTicket(
  args: ActionArgs<ProxmoxClient, unknown>,
  path: string,
  node: string,
): Promise<{ port: number; ticket: string; password?: string; url: string }> {
  type Proxy = Ticket & { readonly password?: string };
  const proxy = (await args.client.write("POST", `${path}/vncproxy`, { websocket: true, "generate-password": true }, args)) as Proxy;
  const url = new URL(args.client.address);
  url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
  url.pathname = `/api2/json${path}/vncwebsocket`;
  url.searchParams.set("port", String(proxy.port));
  url.searchParams.set("vncticket", proxy.ticket);
  args.log.debug("console ticket made", { node });
  return { port: Number(proxy.port), ticket: proxy.ticket, url: url.toString(), ...(proxy.password ? { password: proxy.password } : {}) };
}
