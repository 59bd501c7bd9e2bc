import { randomUUID } from "node:crypto";
import { isProxMcpError, ProxMcpError, type WebSocketStream } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";
import { taskFailed } from "../errors.js";
import type { Operation } from "../wire.js";
import { Head } from "./exec-head.js";
import { killCommand, MARK } from "./exec-kill.js";
import { beyond, killed, withoutOperation } from "./exec-recorded.js";
import type { ExecArgs, Result } from "./exec.js";
import { pathOf } from "./power.js";

/** Milliseconds in which a command that was killed has to be over, and in which the last output of one that is over has to arrive. */
const GRACE = 5_000;
/** Bytes of standard input in one message. */
const CHUNK = 32 * 1024;

type Sockets = Readonly<Record<"control" | "0" | "1" | "2", WebSocketStream>>;

/** A command that is spoken to over the websockets of its operation. At the timeout, or when the caller goes, it is killed. */
export async function execStreamed(args: ExecArgs): Promise<Result> {
  const { client, key, input, signal, note } = args;
  const { timeout, stdin, record: _, max_output: cap, environment, ...command } = input;
  const request = `POST ${pathOf(key)}/exec`;
  const ask = { doing: `run a command in instance "${key}"`, signal };
  const mark = randomUUID();
  const body = { ...command, environment: { ...environment, [MARK]: mark }, "record-output": false, "wait-for-websocket": true, interactive: false };
  const started = await client.begin("POST", `${pathOf(key)}/exec`, body, ask);
  if (!started) throw withoutOperation(request);
  const sockets = await connect(client, started, signal);
  const deadline = AbortSignal.timeout(timeout * 1000);
  const [stdout, stderr] = [new Head(cap), new Head(cap)];
  const written = Promise.all([collect(sockets["1"], stdout, tellerOf(args)), collect(sockets["2"], stderr)]);
  try {
    speak(sockets["0"], stdin);
    let operation: Operation | undefined;
    try {
      operation = await client.wait(started, request, { ...ask, signal: AbortSignal.any([signal, deadline]) });
    } catch (error) {
      if (!signal.aborted && !deadline.aborted) throw error;
      await killCommand(client, key, mark, sockets.control);
      if (signal.aborted) throw error;
      operation = await ended(client, started, request, ask.doing);
      note(
        operation
          ? killed(timeout)
          : `The command still runs inside "${key}": killing it did not help. Look at its processes, or restart the instance.`,
      );
    }
    await Promise.race([written, client.clock.sleep(GRACE)]);
    const output = { stdout: stdout.text(), stderr: stderr.text(), truncated: stdout.truncated || stderr.truncated };
    if (output.truncated) note(beyond(cap));
    if (deadline.aborted && !(operation?.status_code === 200 && exitOf(operation) === 0)) return { ...output, timed_out: true };
    const code = operation && exitOf(operation);
    // A program that can't be found or run fails the operation with the exit code of a shell (127, 126). Without a code it never began.
    if (operation && code === undefined) throw taskFailed(ask.doing, request, operation);
    const words = operation && operation.status_code !== 200 && !output.stderr ? { stderr: operation.err } : {};
    return { ...(code === undefined ? {} : { exit_code: code }), ...output, ...words, timed_out: false };
  } finally {
    for (const socket of Object.values(sockets)) socket.close();
  }
}

const exitOf = ({ metadata }: Operation): number | undefined => (typeof metadata?.return === "number" ? metadata.return : undefined);

/** The command begins when the last of them is open. */
async function connect(client: LxdClient, { id, metadata }: Operation, signal: AbortSignal): Promise<Sockets> {
  const fds = (metadata?.fds ?? {}) as Readonly<Record<string, string>>;
  const ask = { doing: "connect to the command", signal };
  const open = async (name: string): Promise<WebSocketStream> => {
    const secret = fds[name];
    if (!secret) throw new ProxMcpError("INVALID_OUTPUT", `The operation ${id} has no websocket "${name}".`);
    return await client.stream(id, secret, ask);
  };
  const control = await open("control");
  try {
    const [zero, one, two] = await Promise.all(["0", "1", "2"].map(open));
    return { control, "0": zero, "1": one, "2": two } as Sockets;
  } catch (error) {
    control.close();
    throw error;
  }
}

/** Says what there is to say; an empty text message is its end. */
function speak(socket: WebSocketStream, stdin = ""): void {
  const bytes = Buffer.from(stdin);
  try {
    for (let at = 0; at < bytes.length; at += CHUNK) socket.send(Uint8Array.from(bytes.subarray(at, at + CHUNK)));
    socket.send("");
  } catch {
    // It closed its ears, as `true` does. What becomes of it is told by the operation.
  }
}

/** Reads to the end, which an empty text message marks too, and keeps the first of it. */
async function collect(socket: WebSocketStream, head: Head, tell?: (text: string) => void): Promise<void> {
  for await (const message of socket) {
    if (typeof message === "string") {
      if (message === "") return;
      head.push(Buffer.from(message));
      continue;
    }
    head.push(message);
    tell?.(new TextDecoder().decode(message));
  }
}

/** Passes the last line that was written on to the caller. */
function tellerOf({ progress }: ExecArgs): (text: string) => void {
  let bytes = 0;
  return (text) => {
    bytes += text.length;
    const line = text.trimEnd().split("\n").at(-1)?.slice(0, 200);
    if (line) progress({ progress: bytes, message: line });
  };
}

/** What became of a command that was killed; undefined when it would not die. */
async function ended(client: LxdClient, started: Operation, request: string, doing: string): Promise<Operation | undefined> {
  try {
    return await client.wait(started, request, { doing, signal: AbortSignal.timeout(GRACE) });
  } catch (error) {
    if (isProxMcpError(error)) return undefined;
    throw error;
  }
}
