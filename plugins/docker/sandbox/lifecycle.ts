import type { SandboxReply } from "proxmcp/testing";
import { isLive } from "./container-views.js";
import { createBox, endBox, removeBox, startBox } from "./containers.js";
import { bodyOf, type Context, isSet } from "./request.js";
import type { Box } from "./state.js";
import { statsOf } from "./stats.js";
import { empty, frame, goTime, json, Refusal, streamed } from "./wire.js";

export function create({ state, call }: Context): SandboxReply {
  const box = createBox(state, call.query.get("name"), bodyOf(call));
  state.tell("container", "create", box.id, { name: box.name, image: box.image });
  return json(201, { Id: box.id, Warnings: [] });
}

const wait = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

function graceOf(query: URLSearchParams): void {
  const grace = query.get("t");
  if (grace && !/^-?\d+$/.test(grace)) throw new Refusal(500, `strconv.Atoi: parsing "${grace}": invalid syntax`);
}

/** As the first process, a shell or sleep hears no TERM and is killed; a server ends by itself. */
const stoppedCode = (box: Box): number => (/(^|\/)(sh|sleep|cat|tail|top)$/.test(box.argv[0] ?? "") ? 137 : 0);

export async function stop({ state, call, at, taskTime }: Context): Promise<SandboxReply> {
  graceOf(call.query);
  const box = state.box(at[0]!);
  if (!isLive(box)) return empty(304);
  await wait(taskTime);
  if (call.taskError) throw new Refusal(500, `Cannot stop container ${at[0]}: ${call.taskError}`);
  endBox(box, stoppedCode(box));
  return empty(204);
}

export async function restart({ state, call, at, taskTime }: Context): Promise<SandboxReply> {
  graceOf(call.query);
  const box = state.box(at[0]!);
  await wait(taskTime);
  if (isLive(box)) endBox(box, stoppedCode(box));
  startBox(state, box, call.taskError);
  return empty(204);
}

export function pause({ state, at }: Context): SandboxReply {
  const box = state.box(at[0]!);
  if (box.status === "paused") throw new Refusal(409, `Container ${box.id} is already paused`);
  if (box.status !== "running") throw new Refusal(409, `Container ${box.id} is not running`);
  box.status = "paused";
  return empty(204);
}

export function unpause({ state, at }: Context): SandboxReply {
  const box = state.box(at[0]!);
  if (box.status !== "paused") throw new Refusal(500, `Container ${box.id} is not paused`);
  box.status = "running";
  return empty(204);
}

export function remove({ state, call, at }: Context): SandboxReply {
  removeBox(state, state.box(at[0]!), { force: isSet(call.query, "force"), volumes: isSet(call.query, "v") });
  return empty(204);
}

export async function stats({ state, call, at, taskTime }: Context): Promise<SandboxReply> {
  const box = state.box(at[0]!);
  if (isSet(call.query, "stream")) throw new Refusal(501, "sandbox: only stream=false");
  if (isLive(box)) await wait(taskTime); // the real engine waits for a second sample
  return json(200, statsOf(state, box));
}

export function logs({ state, call: { query }, at }: Context): SandboxReply {
  const box = state.box(at[0]!);
  const [out, err] = [isSet(query, "stdout"), isSet(query, "stderr")];
  if (!out && !err) throw new Refusal(400, "Bad parameters: you must choose at least one stream");
  const second = (name: string, missing: number): number => {
    const text = query.get(name);
    if (!text) return missing;
    if (!/^\d+(\.\d+)?$/.test(text)) throw new Refusal(500, `strconv.ParseInt: parsing "${text}": invalid syntax`);
    return Number(text) * 1000;
  };
  const [since, until] = [second("since", 0), second("until", Number.POSITIVE_INFINITY)];
  const tail = /^\d+$/.test(query.get("tail") ?? "") ? Number(query.get("tail")) : undefined; // "all", and whatever is no number
  const lines = box.log.filter(({ at: time, stream }) => time >= since && time <= until && (stream === "stdout" ? out : err));
  const kept = tail === undefined ? lines : tail === 0 ? [] : lines.slice(-tail);
  return streamed(
    (async function* () {
      for (const { at: time, stream, text } of kept) {
        const line = `${isSet(query, "timestamps") ? `${goTime(time)} ` : ""}${text}`;
        yield box.tty ? Buffer.from(`${line}\r\n`) : frame(stream, `${line}\n`);
      }
    })(),
  );
}
