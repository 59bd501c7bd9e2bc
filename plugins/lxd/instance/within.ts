import { type ActionArgs, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import type { Config, Devices, WireInstance } from "../wire.js";
import { LONG } from "./exports.js";
import { changeState, pathOf } from "./power.js";
import { changeSettings } from "./update.js";

const { write } = forClient<LxdClient>();

export const newName = z.string().describe("Name: letters, digits and hyphens");
const node = z.string().optional().describe("Cluster member to put it on");
const pool = z.string().optional().describe("Storage pool to put it in");

const rename = write({
  about: "Give a stopped instance another name",
  input: { new_name: newName },
  aliases: ["lxd_rename_container"],
  async run({ client, key, input: { new_name: name }, signal, progress }) {
    await client.change("POST", pathOf(key), { name }, { doing: `rename instance "${key}" to "${name}"`, signal, progress });
    return { key: name };
  },
});

const CloneInput = {
  new_name: newName,
  snapshot: z.string().optional().describe("Copy this snapshot instead of the present state"),
  with_snapshots: z.boolean().default(false).describe("Copy its snapshots too"),
  node,
  pool,
  to_project: z.string().optional().describe("Project to put it in"),
};

const clone = write({
  about: "Copy an instance, or one of its snapshots, to a new stopped one",
  input: CloneInput,
  timeout: LONG,
  aliases: ["lxd_copy_container", "lxd_clone_container", "lxd_instance_copy"],
  async run({ client, key, input, signal, progress }: ActionArgs<LxdClient, z.output<z.ZodObject<typeof CloneInput>>>) {
    const ask = { doing: `copy instance "${key}" to "${input.new_name}"`, signal, progress, query: { target: input.node } };
    const { type, architecture, profiles, ...wire } = await client.get<WireInstance>(pathOf(key), { ...ask, query: {} });
    const source = input.snapshot === undefined ? key : `${key}/${input.snapshot}`;
    // The server copies configuration and devices by itself, the profiles it does not; and nothing at all to another member.
    const of =
      input.node && input.snapshot !== undefined ? await client.get<WireInstance>(snapshotPath(key, input.snapshot), { ...ask, query: {} }) : wire;
    const own = input.node ? { architecture, config: settingsOf(of.config), devices: of.devices } : {};
    const root = input.pool === undefined ? {} : { devices: { ...of.devices, ...rootIn(wire, input.pool) } };
    const from = input.to_project === undefined ? {} : { project: client.connection.options.project ?? "default" };
    const copied = { type: "copy", source, instance_only: !input.with_snapshots, ...from };
    const body = { name: input.new_name, type, profiles, ...own, ...root, source: copied };
    await client.inProject(input.to_project).change("POST", "/1.0/instances", body, ask);
    return { key: input.new_name, ...(input.to_project === undefined ? {} : { at: { project: input.to_project } }) };
  },
});

const snapshotPath = (instance: string, name: string): string => `${pathOf(instance)}/snapshots/${encodeURIComponent(name)}`;

/** Without what the server has noted for itself, but for the image. */
const settingsOf = (config: Config): Config =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !key.startsWith("volatile.") || key === "volatile.base_image"));

function rootIn(wire: Pick<WireInstance, "devices" | "expanded_devices">, pool: string): Devices {
  const root = Object.entries(wire.expanded_devices ?? wire.devices).find(([, { type, path }]) => type === "disk" && path === "/");
  return root ? { [root[0]]: { ...root[1], pool } } : { root: { type: "disk", path: "/", pool } };
}

const migrate = write({
  about: "Move an instance to another cluster member, storage pool or project of the same host",
  input: {
    node,
    pool,
    to_project: z.string().optional().describe("Project to put it in"),
    live: z.boolean().default(false).describe("While it runs, where the servers can"),
    stop: z.boolean().default(false).describe("Shut it down for the move if it runs, and start it again"),
  },
  timeout: LONG,
  aliases: ["lxd_move_container", "lxd_migrate_container", "lxd_instance_move"],
  async run(args) {
    const { client, key, input, signal, progress } = args;
    const { node: target, pool: into, to_project: project, live, stop } = input;
    if (!target && !into && !project)
      throw new ProxMcpError("INVALID_INPUT", "Where to? Give node, pool or to_project; for another host there is migrate_host.");
    const ask = { doing: `move instance "${key}"`, signal, progress };
    const { status } = await client.get<WireInstance>(pathOf(key), ask);
    const runs = status.toLowerCase() !== "stopped" && !live;
    // LXD 5.0 takes a running one along all the same: cut off, and started anew.
    if (runs && !stop)
      throw new ProxMcpError("WRONG_STATE", `Unable to ${ask.doing}: it is ${status.toLowerCase()}`, {
        next: "Pass `stop` to shut it down for the move, or `live` where the servers can.",
      });
    const quiet = { ...args, note: () => {} };
    if (runs) await changeState(quiet, key, { action: "stop" });
    const body = { name: key, migration: true, live, ...(into ? { pool: into } : {}), ...(project ? { project } : {}) };
    try {
      await client.change("POST", pathOf(key), body, { ...ask, query: { target } });
    } catch (error) {
      if (runs) await changeState({ ...quiet, signal: AbortSignal.timeout(60_000) }, key, { action: "start" }).catch(() => {});
      throw error;
    }
    if (runs) await changeState({ ...args, client: client.inProject(project) }, key, { action: "start" });
    return project === undefined ? undefined : { at: { project } };
  },
});

const snapshot_schedule = write({
  about: "Say when snapshots of an instance are taken by themselves, and how long they are kept",
  input: {
    schedule: z.string().optional().describe('Cron: "0 3 * * *", or @hourly, @daily, @weekly; "" for never'),
    keep: z.string().optional().describe('How long: "7d", "1m 2w"; "" for ever'),
    pattern: z.string().optional().describe('Names, default snap%d; "" for the default'),
    when_stopped: z.boolean().optional().describe("Also while it is stopped"),
  },
  idempotent: true,
  aliases: ["lxd_schedule_snapshots"],
  async run({ client, key, input, signal, progress }) {
    const config = Object.fromEntries(
      Object.entries({
        "snapshots.schedule": input.schedule,
        "snapshots.expiry": input.keep,
        "snapshots.pattern": input.pattern,
        "snapshots.schedule.stopped": input.when_stopped === undefined ? undefined : String(input.when_stopped),
      }).filter((entry): entry is [string, string] => entry[1] !== undefined),
    );
    if (!Object.keys(config).length) throw new ProxMcpError("INVALID_INPUT", "Nothing to change: give schedule, keep, pattern or when_stopped.");
    await changeSettings(client, key, { doing: `schedule snapshots of instance "${key}"`, signal, progress }, () => ({ config }));
  },
});

export const within = { rename, clone, migrate, snapshot_schedule };
