import type { SandboxReply } from "proxmcp/testing";
import { isLive } from "./container-views.js";
import { bodyOf, type Context } from "./request.js";
import { runCommand } from "./shell.js";
import { type Exec, newId, type State } from "./state.js";
import { frame, json, Refusal, streamed } from "./wire.js";

export function createExec({ state, call, at }: Context): SandboxReply {
  const body = bodyOf<{ Cmd?: string[]; User?: string; WorkingDir?: string; Env?: string[] }>(call);
  if (!body.Cmd?.length) throw new Refusal(400, "No exec command specified");
  const box = state.box(at[0]!);
  if (box.status === "paused") throw new Refusal(409, `Container ${at[0]} is paused, unpause the container before exec`);
  if (!isLive(box)) throw new Refusal(409, `Container ${box.id} is not running`);
  const exec: Exec = {
    ...{ id: newId(), box, argv: body.Cmd, user: body.User ?? "", cwd: body.WorkingDir ?? "", env: body.Env ?? [] },
    ...{ ran: false, running: false, exitCode: null, pid: 0 },
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
  const complaint = exec.running ? "is already running" : exec.ran ? "has already run" : undefined;
  if (complaint) return streamed(pieces([frame("stderr", `Error: Exec command ${exec.id} ${complaint}\r\n`)]), raw);
  Object.assign(exec, { ran: true, running: true });
  const written: Buffer[] = [];
  const run = runCommand(exec, (stream, text) => written.push(frame(stream, text)), call.signal).then((outcome) => {
    Object.assign(exec, { running: false, exitCode: outcome.exitCode, pid: outcome.ran ? state.nextPid() : 0 });
  });
  return streamed(
    (async function* () {
      await run;
      yield* written;
    })(),
    raw,
  );
}

async function* pieces(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}
