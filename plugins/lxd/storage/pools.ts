import { type ActionArgs, type CallArgs, facet } from "proxmcp/plugin";
import { z } from "zod";
import { poolSpace } from "../capacity.js";
import type { Ask, LxdClient } from "../client.js";
import { awayMembers } from "../cluster/away.js";
import { createSpread } from "../cluster/spread.js";
import { defined, memberName } from "../instance/fields.js";
import { formatSize, parseSize } from "../sizes.js";
import { usersOf } from "../users.js";
import type { WirePool } from "../wire.js";
import { listVolumes, usedBy, volumesOf } from "./volumes.js";
import type { WireVolume } from "./wire.js";

type Args = Pick<CallArgs<LxdClient>, "client" | "signal">;

export const poolPath = (name: string): string => `/1.0/storage-pools/${encodeURIComponent(name)}`;

/** Ceph and its like are one store for all members; any other pool is another disk on each. */
const SHARED = /^(ceph|cephfs|cephobject|powerflex|pure|linstor|truenas|lvmcluster)$/;

/** Its space on each member, or as a whole under the name of no member. */
async function spacesOf({ client, signal }: Args, wire: WirePool, away: ReadonlySet<string>) {
  const nodes = (wire.locations ?? []).filter((location) => memberName(location)).sort();
  const targets = nodes.length && !SHARED.test(wire.driver) ? nodes : [undefined];
  const spaces = await Promise.all(
    targets.map(async (node) => {
      const ask = { doing: "read storage", signal, query: { target: node } };
      return { node, space: node !== undefined && away.has(node) ? undefined : await poolSpace(client, wire.name, ask) };
    }),
  );
  // Half a sum is worse than none.
  const whole = spaces.every(({ space }) => space) ? spaces.flatMap(({ space }) => space ?? []) : [];
  return {
    nodes: nodes.length ? nodes : undefined,
    spaces,
    disk: whole.reduce((sum, { total }) => sum + total, 0) || undefined,
    disk_used: whole.length ? whole.reduce((sum, { used }) => sum + used, 0) : undefined,
  };
}

/** A pool as the tools show it. `away`: members that can't be asked. */
export async function poolOf(args: Args, wire: WirePool, away: ReadonlySet<string>) {
  const { nodes, disk, disk_used } = await spacesOf(args, wire, away);
  return defined({
    name: wire.name,
    driver: wire.driver,
    status: wire.status?.toLowerCase() || undefined,
    disk,
    disk_used,
    nodes,
    used_by: wire.used_by?.length ?? 0,
    source: wire.config["source"] || undefined,
    description: wire.description || undefined,
  });
}

const bytes = (about: string) => facet(z.int(), about, { unit: "bytes" });

export const Usage = z.object({
  disk: bytes("Size of the pool").optional(),
  disk_used: bytes("Used of it").optional(),
  disk_free: bytes("Left of it").optional(),
  nodes: z
    .array(z.object({ node: z.string(), disk: z.int().optional(), disk_used: z.int().optional() }))
    .optional()
    .describe("Its part on each cluster member"),
  used_by: z.record(z.string(), z.array(z.string())).describe("What is in it: instances, images, profiles, volumes"),
  volumes: z
    .array(z.object({ name: z.string(), type: z.string(), node: z.string().optional(), disk_used: z.int().optional(), disk: z.int().optional() }))
    .describe("Its volumes, the largest first"),
});

/** What a pool holds and how much room that takes. */
export async function usage({ client, signal }: Args, name: string): Promise<z.output<typeof Usage>> {
  const ask = { doing: `read the usage of storage pool "${name}"`, signal };
  const [wire, away] = await Promise.all([client.get<WirePool>(poolPath(name), ask), awayMembers({ client, signal })]);
  const [{ nodes, spaces, disk, disk_used }, found] = await Promise.all([spacesOf({ client, signal }, wire, away), listVolumes(client, name, ask)]);
  const { volumes } = volumesOf(found);
  return {
    ...defined({ disk, disk_used, disk_free: disk === undefined || disk_used === undefined ? undefined : disk - disk_used }),
    ...(nodes ? { nodes: spaces.map(({ node, space }) => defined({ node: node ?? "all", disk: space?.total, disk_used: space?.used })) } : {}),
    used_by: Object.fromEntries(Object.entries(usersOf(wire.used_by)).map(([kind, names]) => [kind, [...names]])),
    volumes: await sized(client, name, volumes, away, ask),
  };
}

/** With what each takes. Some drivers never know, so one is asked before the others. */
async function sized(client: LxdClient, pool: string, volumes: ReturnType<typeof volumesOf>["volumes"], away: ReadonlySet<string>, ask: Ask) {
  const [first, ...others] = volumes.filter(({ location }) => !away.has(location ?? ""));
  const taken = new Map<WireVolume, number | undefined>();
  if (first) taken.set(first, await usedBy(client, pool, first, ask));
  if (first && taken.get(first) !== undefined) await Promise.all(others.map(async (one) => taken.set(one, await usedBy(client, pool, one, ask))));
  return volumes
    .map((volume) =>
      defined({
        name: volume.name,
        type: volume.type,
        node: memberName(volume.location),
        disk_used: taken.get(volume),
        disk: parseSize(volume.config["size"]),
      }),
    )
    .sort((one, other) => (other.disk_used ?? other.disk ?? 0) - (one.disk_used ?? one.disk ?? 0));
}

export const CreatePool = {
  name: z.string().min(1).describe("Its name"),
  driver: z.string().min(1).describe("dir, btrfs, zfs, lvm, ceph; the host needs the tools of it"),
  source: z.string().optional().describe("Disk, folder, dataset or Ceph pool; default: a file or folder of the server's own"),
  disk: z.int().min(1).optional().describe("Bytes of that file, where it makes one"),
  description: z.string().optional().describe("Free text"),
  config: z.record(z.string(), z.string()).optional().describe("Further configuration keys"),
  member_config: z.record(z.string(), z.record(z.string(), z.string())).optional().describe("By cluster member: its own source, where they differ"),
};

/** Keys that each member of a cluster has for itself. */
const OWN = ["source", "size", "source.wipe", "volatile.initial_source", "zfs.pool_name", "lvm.vg_name", "lvm.thinpool_name", "lvm.vg.force_reuse"];

/** Creates a pool: `POST /1.0/storage-pools`, in a cluster once for each member and once for all. */
export async function createPool({
  client,
  input,
  signal,
  progress,
}: ActionArgs<LxdClient, z.output<z.ZodObject<typeof CreatePool>>>): Promise<void> {
  const { name, driver, source, disk, description, member_config: members } = input;
  const config = {
    ...(source === undefined ? {} : { source }),
    ...(disk === undefined ? {} : { size: formatSize(disk) }),
    ...input.config,
  };
  const spread = { collection: "/1.0/storage-pools", name, kind: { driver }, description, config, own: OWN, members };
  await createSpread(client, spread, { doing: `create storage pool "${name}"`, signal, progress });
}
