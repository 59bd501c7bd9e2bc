import type { Duplex } from "node:stream";
import type { SandboxRequest } from "proxmcp/plugin";
import type { SandboxReply } from "proxmcp/testing";
import { isLive } from "./container-views.js";
import { bodyOf, type Context } from "./request.js";
import { runCommand } from "./shell.js";
import { type Exec, newId, type State } from "./state.js";
import { frame, json, Refusal, streamed } from "./wire.js";

export function createExec({ state, call, at }: Context): SandboxReply {
  const body = bodyOf<{ Cmd?: string[]; User?: string; WorkingDir?: string; Env?: string[]; AttachStdin?: boolean }>(call);
  if (!body.Cmd?.length) throw new Refusal(400, "No exec command specified");
  const box = state.box(at[0]!);
  if (box.status === "paused") throw new Refusal(409, `Container ${at[0]} is paused, unpause the container before exec`);
  if (!isLive(box)) throw new Refusal(409, `Container ${box.id} is not running`);
  const exec: Exec = {
    ...{ id: newId(), box, argv: body.Cmd, user: body.User ?? "", cwd: body.WorkingDir ?? "", env: body.Env ?? [] },
    ...{ listens: body.AttachStdin === true, stdin: "", ran: false, running: false, exitCode: null, pid: 0 },
  };
  state.execs.set(exec.id, exec);
  return json(201, { Id: exec.id });
}

export function findExec(state: State, id: string): Exec {
  const exec = state.execs.get(id);
  if (!exec) throw new Refusal(404, `No such exec instance: ${id}`);
  return exec;
}

export function startExec({ state, call, at }: Context): SandboxReply {
  const exec = findExec(state, at[0]!);
  const raw = "application/vnd.docker.raw-stream";
  const complaint = complaintOf(exec);
  if (complaint) return streamed(pieces([complaint]), raw);
  return streamed(run(state, exec, call.signal), raw);
}

const complaintOf = (exec: Exec): Buffer | undefined => {
  const why = exec.running ? "is already running" : exec.ran ? "has already run" : undefined;
  return why ? frame("stderr", `Error: Exec command ${exec.id} ${why}\r\n`) : undefined;
};

async function* run(state: State, exec: Exec, signal: AbortSignal): AsyncGenerator<Buffer> {
  Object.assign(exec, { ran: true, running: true });
  const written: Buffer[] = [];
  const outcome = await runCommand(exec, (stream, text) => written.push(frame(stream, text)), signal);
  Object.assign(exec, { running: false, exitCode: outcome.exitCode, pid: outcome.ran ? state.nextPid() : 0 });
  yield* written;
}

const PATH = /^\/v[\d.]+\/exec\/([^/]+)\/start$/;

/**
 * The same over a hijacked connection: after the request's body the socket is the process's stdin, and its output comes back on it. The
 * end of what is said ends stdin, and what the process wrote ends the connection.
 */
export async function converse(state: State, request: SandboxRequest, socket: Duplex): Promise<void> {
  const refuse = (status: number, message: string): void => {
    const body = JSON.stringify({ message });
    socket.end(
      `HTTP/1.1 ${status} ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  };
  const [, id = ""] = PATH.exec(request.path) ?? [];
  const exec = state.execs.get(id);
  if (!exec) return refuse(404, id ? `No such exec instance: ${id}` : "page not found");
  const left = new AbortController();
  socket.once("close", () => left.abort());
  socket.write("HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
  const heard: Buffer[] = [];
  // Not by iterating: that would destroy the socket at the end, and the other direction with it.
  socket.on("data", (chunk: Buffer) => heard.push(chunk));
  await new Promise<void>((ended) => socket.once("end", ended).once("close", ended));
  exec.stdin = Buffer.concat(heard)
    .subarray(Number(request.headers["content-length"] ?? 0))
    .toString("utf8");
  const complaint = complaintOf(exec);
  if (complaint) socket.write(complaint);
  else for await (const piece of run(state, exec, left.signal)) socket.write(piece);
  socket.end();
}

async function* pieces(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}
