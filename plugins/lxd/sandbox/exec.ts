import { accepted, Refusal } from "./answers.js";
import { guestOf } from "./guests.js";
import type { Task } from "./operations.js";
import type { Call } from "./router.js";
import { runCommand } from "./shell.js";
import type { Socket } from "./sockets.js";
import type { Guest, World } from "./world.js";

interface ExecBody {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: unknown;
  readonly cwd?: string;
  readonly "record-output"?: boolean;
  readonly "wait-for-websocket"?: boolean;
}

interface Outcome {
  readonly code: number;
  /** Whether it said nothing at all. */
  readonly silent: boolean;
}

/** `POST /1.0/instances/{name}/exec`: recorded, over websockets, or neither. */
export function exec(call: Call) {
  const { world } = call;
  const body = call.json<ExecBody>();
  if (body.user !== undefined && !Number.isInteger(body.user)) {
    throw new Refusal(400, `json: cannot unmarshal ${typeof body.user} into Go struct field InstanceExecPost.user of type uint32`);
  }
  const guest = guestOf(call);
  if (guest.status === "Frozen") throw new Refusal(400, "Instance is frozen");
  if (guest.status !== "Running") throw new Refusal(400, "Instance is not running");
  const { command = [] } = body;
  const user = (body.user as number | undefined) ?? 0;
  const environment: Record<string, string> = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    LANG: "C.UTF-8",
    ...(user === 0 ? { HOME: "/root", USER: "root" } : {}),
    ...body.environment,
  };
  const streams = body["wait-for-websocket"] ? ["0", "1", "2", "control"] : undefined;
  return accepted(
    world.operations.start({
      description: "Executing command",
      instances: [`/1.0/instances/${guest.name}`],
      containers: guest.type === "container",
      taskError: call.taskError,
      ...(streams ? { sockets: streams, metadata: (fds) => ({ command, environment, fds, interactive: false }) } : {}),
      async run(task) {
        const run = (input: string, out: (text: string) => void, err: (text: string) => void) =>
          runIn(world, guest, task, { command, environment, user, cwd: body.cwd ?? "/root" }, input, out, err);
        const { code, silent } = streams ? await streamed(task, run) : await recorded(world, guest, task, body["record-output"] ?? false, run);
        task.report({ return: code });
        if (silent && code === 127) throw new Error("Command not found");
        if (silent && code === 126) throw new Error("Command not executable");
      },
    }),
  );
}

type Run = (input: string, out: (text: string) => void, err: (text: string) => void) => Promise<number>;

/** The command starts when its streams are open, and its input has been said. A signal on the control stream ends it. */
async function streamed(task: Task, run: Run): Promise<Outcome> {
  const [stdin, stdout, stderr] = await Promise.all(
    ["0", "1", "2"].map((name) => task.socket(name)) as [Promise<Socket>, Promise<Socket>, Promise<Socket>],
  );
  let input = "";
  for (let message = await stdin.next(); message !== undefined && message !== ""; message = await stdin.next())
    input += Buffer.from(message).toString();
  let silent = true;
  const to = (socket: Socket) => (text: string) => {
    silent = false;
    for (let at = 0; at < text.length; at += 8192) socket.send(Buffer.from(text.slice(at, at + 8192)));
  };
  const code = await run(input, to(stdout), to(stderr));
  for (const socket of [stdout, stderr]) socket.send("");
  for (const socket of [stdin, stdout, stderr]) socket.close();
  return { code, silent };
}

async function recorded(world: World, guest: Guest, task: Task, keep: boolean, run: Run): Promise<Outcome> {
  const names = { out: `exec_${task.id}.stdout`, err: `exec_${task.id}.stderr` };
  let silent = true;
  const write = (name: string) => (text: string) => {
    silent = false;
    if (keep) guest.recorded.set(name, (guest.recorded.get(name) ?? "") + text);
  };
  if (keep) for (const name of Object.values(names)) guest.recorded.set(name, "");
  const code = await run("", write(names.out), write(names.err));
  const folder = `/1.0/instances/${guest.name}/logs${world.host.flavor === "incus" ? "/exec-output" : ""}`;
  if (keep) task.report({ output: { "1": `${folder}/${names.out}`, "2": `${folder}/${names.err}` } });
  return { code, silent };
}

interface Command {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user: number;
  readonly cwd: string;
}

const KILLED = 137;

/** Runs it until it ends or is killed: by a signal, or by a command that kills what it finds in /proc. */
async function runIn(
  world: World,
  guest: Guest,
  task: Task,
  { command, environment, user, cwd }: Command,
  input: string,
  out: (text: string) => void,
  err: (text: string) => void,
): Promise<number> {
  if (!command.length) throw new Error("Failed to retrieve PID of executing child process");
  if (killsMarked(guest, command)) return 0;
  const one = { env: environment, abort: new AbortController() };
  guest.running.add(one);
  const signal = AbortSignal.any([task.signal, one.abort.signal]);
  void listen(task, one.abort);
  try {
    const session = { world, guest, user, env: { ...environment }, cwd, signal, out, err };
    const killed = new Promise<number>((resolve) => one.abort.signal.addEventListener("abort", () => resolve(KILLED), { once: true }));
    return await Promise.race([
      runCommand(command, session, input).catch((error: unknown) => (one.abort.signal.aborted ? KILLED : Promise.reject(error as Error))),
      killed,
    ]);
  } finally {
    guest.running.delete(one);
  }
}

/** What comes over the control stream: `{"command": "signal", "signal": 9}`. */
async function listen(task: Task, abort: AbortController): Promise<void> {
  try {
    const control = await task.socket("control");
    for (let message = await control.next(); message !== undefined; message = await control.next()) {
      const said = JSON.parse(Buffer.from(message).toString()) as { command?: string; signal?: number };
      if (said.command === "signal" && said.signal) abort.abort();
    }
  } catch {
    // It was never opened.
  }
}

/**
 * A script that looks through the environments in /proc and kills, as `sh -c SCRIPT sh NAME=value`: the shell here has no loops, so what it
 * would do is done for it.
 */
function killsMarked(guest: Guest, [shell, flag, script = "", , mark = ""]: readonly string[]): boolean {
  if (shell !== "sh" || flag !== "-c" || !script.includes("/environ") || !script.includes("kill -9")) return false;
  const [name = "", value] = mark.split("=");
  for (const { env, abort } of guest.running) if (env[name] === value) abort.abort();
  return true;
}
