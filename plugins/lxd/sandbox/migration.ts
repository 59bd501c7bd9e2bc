import { X509Certificate } from "node:crypto";
import type { SandboxReply } from "proxmcp/testing";
import { accepted, Refusal } from "./answers.js";
import { freeze, type Frozen } from "./frozen.js";
import { guestOf } from "./guests.js";
import type { Task } from "./operations.js";
import type { Call } from "./router.js";
import { dialSocket, type Socket } from "./sockets.js";
import type { Guest, Snapshot, World } from "./world.js";

/** What says where the other side is. */
export interface FarSide {
  readonly operation?: string;
  readonly certificate?: string;
  readonly secrets?: Readonly<Record<string, string>>;
}

interface MoveBody {
  readonly name?: string;
  readonly migration?: boolean;
  readonly live?: boolean;
  readonly instance_only?: boolean;
  readonly pool?: string;
  readonly project?: string;
  readonly target?: FarSide;
}

export const STREAMS = ["control", "fs"] as const;
/** Real servers speak protobuf and rsync here. This one says everything in JSON: an offer, the instance, and whether it arrived. */
const ARRIVED = "arrived";

/** `POST /1.0/instances/{name}` with `migration`, and of a snapshot: within the server, or off to another one. */
export function moveGuest(call: Call, snapshot?: Snapshot): SandboxReply {
  const { world } = call;
  const guest = guestOf(call);
  const body = call.json<MoveBody>();
  const target = call.query.get("target");
  if (target) return toMember(call, guest, target, body);
  if (body.pool || body.project) return toPool(call, guest, body);
  if (body.live && guest.status !== "Stopped") throw new Refusal(500, "Unable to perform container live migration. CRIU isn't installed");
  if (!body.live && guest.status !== "Stopped" && !snapshot) throw new Refusal(400, "Instance is running");
  const frozen = freeze(guest, !body.instance_only && !snapshot, snapshot?.of);
  const common = {
    description: snapshot ? "Transferring snapshot" : "Migrating instance",
    instances: [`/1.0/instances/${guest.name}`],
    containers: guest.type === "container",
    taskError: call.taskError,
  };
  if (body.target) {
    const far = body.target;
    return accepted(world.operations.start({ ...common, run: async (task) => await give(world, task, frozen, await dialFar(far)) }));
  }
  return accepted(
    world.operations.start({
      ...common,
      sockets: STREAMS,
      metadata: (secrets) => secrets,
      run: async (task) => await give(world, task, frozen, await come(task)),
    }),
  );
}

function toMember(call: Call, guest: Guest, target: string, body: MoveBody): SandboxReply {
  const { world } = call;
  if (!world.host.members.length) throw new Refusal(404, "Failed to get target node: Cluster member not found");
  if (world.host.members.includes(`!${target}`)) throw new Refusal(400, "Target cluster member is offline");
  if (!world.host.members.includes(target)) throw new Refusal(404, "Failed to get target node: Cluster member not found");
  if (guest.location === target) throw new Refusal(400, "Target must be different than instance's current location");
  if (guest.status !== "Stopped" && body.live) throw new Refusal(500, "Unable to perform container live migration. CRIU isn't installed");
  return moved(call, guest, () => {
    guest.location = target;
    // One that runs is cut off, and started anew on the other member.
    if (guest.status !== "Stopped") guest.last_used_at = new Date().toISOString();
  });
}

function toPool(call: Call, guest: Guest, { pool, project }: MoveBody): SandboxReply {
  const { world } = call;
  const other = project && project !== world.project ? world.projects.get(project) : undefined;
  if (project && project !== world.project && !other) throw new Refusal(404, "Project not found");
  if (other?.guests.has(guest.name)) throw new Refusal(409, `Instance "${guest.name}" already exists`);
  if (guest.status !== "Stopped") throw new Refusal(400, "Instance must be stopped to move between pools");
  return moved(call, guest, () => {
    if (other) {
      for (const profile of guest.profiles) if (!other.profiles.has(profile)) throw new Error("Profile not found");
      world.guests.delete(guest.name);
      other.guests.set(guest.name, guest);
    }
    if (!pool) return;
    if (!world.pools.has(pool))
      throw new Error("Failed creating instance record: Failed initialising instance: Failed loading storage pool: Storage pool not found");
    const [name, device] = Object.entries(world.expanded(guest).devices).find(([, { type, path }]) => type === "disk" && path === "/") ?? [
      "root",
      {},
    ];
    guest.devices = { ...guest.devices, [name]: { ...device, pool } };
  });
}

const moved = (call: Call, guest: Guest, run: () => void): SandboxReply =>
  accepted(
    call.world.operations.start({
      description: "Migrating instance",
      instances: [`/1.0/instances/${guest.name}`],
      containers: guest.type === "container",
      taskError: call.taskError,
      async run(task) {
        await task.pause(call.world.taskTime);
        run();
      },
    }),
  );

type Pair = readonly [control: Socket, fs: Socket];

/** Waits until the other side, or whoever stands between, has opened both streams. */
const come = async (task: Task): Promise<Pair> => [await task.socket("control"), await task.socket("fs")];

async function dialFar({ operation = "", certificate = "", secrets = {} }: FarSide): Promise<Pair> {
  let known: X509Certificate;
  try {
    known = new X509Certificate(certificate);
  } catch {
    throw new Error("Invalid certificate");
  }
  const open = async (name: string): Promise<Socket> => {
    const secret = secrets[name];
    if (!secret) throw new Error("Failed sending migration offer header: Empty websocket connection");
    return await dialSocket(`${operation}/websocket?secret=${secret}`, known);
  };
  return [await open("control"), await open("fs")];
}

async function give(world: World, task: Task, frozen: Frozen, [control, fs]: Pair): Promise<void> {
  control.send(Buffer.from(JSON.stringify({ offer: frozen.name })));
  await task.pause(world.taskTime);
  task.report({ fs_progress: `${frozen.name}: 1.02MB (8.11MB/s)` });
  fs.send(Buffer.from(JSON.stringify(frozen)));
  const answer = await control.next();
  for (const socket of [control, fs]) socket.close();
  if (answer === undefined || Buffer.from(answer).toString() !== ARRIVED)
    throw new Error("Error transferring instance data: the target closed the connection");
}

/** The receiving end of `POST /1.0/instances` with `migration` as its source: fetches, or waits to be sent to. What arrived. */
export async function receive(task: Task, far: FarSide | undefined): Promise<{ readonly frozen: Frozen; arrived(): void }> {
  const [control, fs] = far ? await dialFar(far) : await come(task);
  if ((await control.next()) === undefined) throw new Error("Error transferring instance data: the source closed the connection");
  const data = await fs.next();
  if (data === undefined) throw new Error("Error transferring instance data: the source closed the connection");
  return {
    frozen: JSON.parse(Buffer.from(data).toString()) as Frozen,
    arrived: () => control.send(Buffer.from(ARRIVED)),
  };
}
