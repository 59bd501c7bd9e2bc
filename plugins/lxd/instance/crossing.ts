import { type ActionArgs, forClient, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { LxdClient } from "../client.js";
import type { Config, Devices, WireInstance } from "../wire.js";
import { LONG } from "./exports.js";
import { rootDisk } from "./fields.js";
import { changeState, pathOf } from "./power.js";
import { hasInstance, type Road, ROADS, transfer } from "./transfer.js";

const { write, destructive } = forClient<LxdClient>();

const crossing = {
  to_host: z.string().describe("Where to: name of a configured host"),
  new_name: z.string().optional().describe("Its name there, default: the same"),
  node: z.string().optional().describe("Cluster member there"),
  pool: z.string().optional().describe("Storage pool there, default: as here"),
  profiles: z.array(z.string()).optional().describe("Profiles there, default: as here"),
  live: z.boolean().default(false).describe("While it runs, with its memory, where both hosts can"),
  start: z.boolean().optional().describe("Start it there; after a move: default if it ran"),
  road: z
    .enum(["auto", ...ROADS])
    .default("auto")
    .describe("pull or push between the hosts; relay through ProxMCP"),
};
type Input = z.output<z.ZodObject<typeof crossing>>;
type Args<More = object> = ActionArgs<LxdClient, Input & More>;

const Crossed = z.object({
  to_host: z.string(),
  name: z.string(),
  road: z.enum(ROADS).describe("How it went: pull, push or relay"),
  snapshots: z.int().describe("Snapshots that went along"),
  started: z.boolean(),
  source_deleted: z.boolean(),
});

/** The client of the other host. Refuses where it is this one, or where the tool is not allowed there. */
export function farSide(client: LxdClient, host: string, tool: { readonly name: string; readonly safety: "write" | "destructive" }): LxdClient {
  if (host === client.connection.name)
    throw new ProxMcpError("INVALID_INPUT", `to_host: found ${host}, which is where it is. Within a host, use clone or migrate.`);
  const far = client.peers.client(host, tool);
  if (!(far instanceof LxdClient)) throw new ProxMcpError("INTERNAL", `${host} is no LXD host.`);
  return far;
}

/** Sends it over and looks whether it is there as it was here. */
async function cross(args: Args, far: LxdClient, wire: WireInstance, how: { snapshot?: string; instanceOnly: boolean; same: boolean }) {
  const { client, key, input, signal, progress } = args;
  const name = input.new_name ?? key;
  const { snapshot, instanceOnly, same } = how;
  const doing = `${same ? "move" : "copy"} instance "${key}" to ${input.to_host}`;
  if (await hasInstance(far, name, signal))
    throw new ProxMcpError("ALREADY_EXISTS", `Unable to ${doing}: there is an instance "${name}" already`, { next: "Give it a `new_name`." });
  const path = snapshot === undefined ? pathOf(key) : `${pathOf(key)}/snapshots/${encodeURIComponent(snapshot)}`;
  const spec = {
    name,
    type: wire.type,
    architecture: wire.architecture,
    config: configThere(wire.config, same),
    devices: devicesThere(wire, input.pool),
    profiles: input.profiles ?? [...(wire.profiles ?? [])],
    ephemeral: wire.ephemeral,
    ...(wire.description ? { description: wire.description } : {}),
  };
  const job = { from: client, to: far, node: input.node, path, spec, instanceOnly, live: input.live, road: input.road };
  let road: Road;
  try {
    road = await transfer({ ...job, doing, signal, progress });
  } catch (error) {
    throw await namingRest(far, name, error);
  }
  const ask = { doing: `read instance "${name}" on ${input.to_host}`, signal, query: { recursion: 1 } };
  const there = await far.get<WireInstance>(pathOf(name), ask);
  return { name, road, snapshots: there.snapshots?.length ?? 0 };
}

/** The servers undo what they began. Should they not, it is named. */
async function namingRest(far: LxdClient, name: string, error: unknown): Promise<unknown> {
  if (!isProxMcpError(error)) return error;
  const left = await hasInstance(far, name, AbortSignal.timeout(10_000)).catch(() => true);
  if (!left) return error;
  return new ProxMcpError(error.code, error.message, {
    ...error.details,
    next: `Something of it may be left: look at instance "${name}" on ${far.connection.name}, and delete it before trying again.`,
  });
}

/** What the server noted for itself stays here, but for the image. What was moved keeps its addresses too. */
function configThere(config: Config, same: boolean): Config {
  const kept = /^volatile\.(base_image|uuid|.+\.hwaddr)$/;
  return Object.fromEntries(
    Object.entries(config).filter(([key]) => !key.startsWith("volatile.") || (same ? kept.test(key) : key === "volatile.base_image")),
  );
}

function devicesThere(wire: WireInstance, pool: string | undefined): Devices {
  const root = rootDisk(wire);
  return pool && root ? { ...wire.devices, [root[0]]: { ...root[1], pool } } : wire.devices;
}

const read = (args: Args): Promise<WireInstance> =>
  args.client.get<WireInstance>(pathOf(args.key), { doing: `read instance "${args.key}"`, signal: args.signal, query: { recursion: 1 } });

const clone_host = write({
  about: "Copy an instance, or one of its snapshots, to another host",
  input: {
    ...crossing,
    snapshot: z.string().optional().describe("Copy this snapshot instead of the present state"),
    with_snapshots: z.boolean().default(false).describe("Copy its snapshots too"),
  },
  output: Crossed,
  timeout: LONG,
  aliases: ["lxd_copy_container_to_host", "lxd_instance_copy_host"],
  async run(args) {
    const { client, input } = args;
    const far = farSide(client, input.to_host, { name: "lxd_instance_clone_host", safety: "write" });
    const wire = await read(args);
    const { snapshot } = input;
    const how = { ...(snapshot === undefined ? {} : { snapshot }), instanceOnly: !input.with_snapshots, same: false };
    const done = await cross(args, far, wire, how);
    if (input.start) await changeState({ ...args, client: far }, done.name, { action: "start" });
    return { to_host: input.to_host, ...done, started: input.start ?? false, source_deleted: false };
  },
});

const migrate_host = destructive({
  about: "Move an instance to another host with its snapshots; here it is deleted once it is there",
  input: { ...crossing, stop: z.boolean().default(false).describe("Shut it down for the move if it runs") },
  output: Crossed,
  timeout: LONG,
  aliases: ["lxd_move_container_to_host", "lxd_instance_move_host"],
  async loses(args) {
    farSide(args.client, args.input.to_host, { name: "lxd_instance_migrate_host", safety: "destructive" });
    const wire = await read(args);
    return `Instance "${args.key}" goes to ${args.input.to_host} with ${wire.snapshots?.length ?? 0} snapshots. Once it is there it is deleted here.`;
  },
  async run(args) {
    const { client, key, input, signal, progress } = args;
    const far = farSide(client, input.to_host, { name: "lxd_instance_migrate_host", safety: "destructive" });
    const wire = await read(args);
    const quiet = { ...args, note: () => {} };
    const ran = wire.status.toLowerCase() !== "stopped";
    if (ran && !input.live && !input.stop)
      throw new ProxMcpError("WRONG_STATE", `Unable to move instance "${key}": it is ${wire.status.toLowerCase()}`, {
        next: "Pass `stop` to shut it down for the move, or `live` where both hosts can.",
      });
    if (ran && !input.live) await changeState(quiet, key, { action: "stop" });
    let done: Awaited<ReturnType<typeof cross>>;
    try {
      done = await cross(args, far, wire, { instanceOnly: false, same: true });
      const expected = wire.snapshots?.length ?? 0;
      if (done.snapshots < expected)
        throw new ProxMcpError(
          "TASK_FAILED",
          `Instance "${key}" is on ${input.to_host} now, with ${done.snapshots} of ${expected} snapshots; here it was kept`,
        );
    } catch (error) {
      if (ran && !input.live) await changeState({ ...quiet, signal: AbortSignal.timeout(60_000) }, key, { action: "start" }).catch(() => {});
      throw error;
    }
    await client.change("DELETE", pathOf(key), undefined, { doing: `delete instance "${key}", which is on ${input.to_host} now`, signal, progress });
    const start = !input.live && (input.start ?? ran);
    if (start) await changeState({ ...args, client: far }, done.name, { action: "start" });
    return { to_host: input.to_host, ...done, started: start || input.live, source_deleted: true };
  },
});

export const crossings = { clone_host, migrate_host };
