import { type CallArgs, facet, forClient, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { defined, memberName } from "../instance/fields.js";
import { given, patchSettings } from "../settings.js";
import { formatSize, parseSize } from "../sizes.js";
import { customPath, findVolume, listVolumes, type Place, usedBy, volumePath, volumesOf } from "../storage/volumes.js";
import type { WireVolume } from "../storage/wire.js";
import { deleteUnused } from "../users.js";
import { moment, type WirePool } from "../wire.js";

const { kind, write, destructive } = forClient<LxdClient, Place>();

const Volume = z.object({
  name: facet(z.string(), "Its name; that of its instance or image for their disks"),
  pool: facet(z.string(), "Storage pool it is in", { says: ["storage pool"], place: true }),
  type: facet(
    z.enum(["custom", "container", "virtual-machine", "image"]),
    "Custom ones are managed by themselves; the others belong to what they are named after",
  ),
  content: facet(z.string(), "filesystem, block or iso").optional(),
  disk: facet(z.int(), "Size it may grow to", { says: ["size"], unit: "bytes" }).optional(),
  disk_used: facet(z.int(), "What it takes, where the pool can tell", { says: ["used"], unit: "bytes", detail: true }).optional(),
  in_use: facet(z.boolean(), "Whether anything uses it"),
  used_by: facet(z.int(), "How many instances and profiles use it", { says: ["users"] }),
  snapshots: facet(z.int(), "How many snapshots it has", { says: ["snapshot count"] }).optional(),
  node: facet(z.string(), "Cluster member it is on", { says: ["member", "location"], place: true }).optional(),
  project: facet(z.string(), "Project it belongs to", { place: true }).optional(),
  description: facet(z.string(), "Its owner's words").optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it was made", { says: ["age"] }).optional(),
});
type Item = z.input<typeof Volume>;

/** Seconds. Copies of large volumes take their time. */
const LONG = 6 * 3600;

const volumeOf = (wire: WireVolume, pool: string, more: Pick<Item, "snapshots" | "disk_used"> = {}): Item =>
  defined({
    name: wire.name,
    pool,
    type: wire.type as Item["type"],
    content: wire.content_type || undefined,
    disk: parseSize(wire.config["size"]),
    in_use: Boolean(wire.used_by?.length),
    used_by: wire.used_by?.length ?? 0,
    ...more,
    node: memberName(wire.location),
    project: wire.project,
    description: wire.description || undefined,
    created: moment(wire.created_at),
  });

/** The pools that are asked for: the one that is named, or all. */
export async function poolsFor(
  { client, signal }: Pick<CallArgs<LxdClient>, "client" | "signal">,
  pool: string | undefined,
): Promise<readonly string[]> {
  if (pool !== undefined) return [pool];
  const found = await client.get<readonly WirePool[]>("/1.0/storage-pools", { doing: "list storage pools", signal, query: { recursion: 1 } });
  return found.map(({ name }) => name);
}

const content = {
  disk: z.int().min(1).optional().describe("Bytes it may grow to"),
  description: z.string().optional().describe("Free text"),
  config: z.record(z.string(), z.string()).optional().describe('Configuration keys; "" removes one'),
};
const sizeOf = (disk: number | undefined) => given({ size: disk === undefined ? undefined : formatSize(disk) });

export const storageVolumes = kind({
  name: "storage_volume",
  about: "A disk in a storage pool: a custom one that instances can share, or that of an instance or image",
  says: ["volume", "storage volume", "lxd volume"],
  item: Volume,
  key: "name",
  within: { pool: z.string().describe("Storage pool it is in"), node: z.string().optional().describe("Cluster member, where several have the name") },
  aliases: { list: ["lxd_list_storage_volumes", "lxd_list_volumes"], get: ["lxd_get_storage_volume"] },

  async list({ client, at, signal }) {
    const pools = await poolsFor({ client, signal }, at.pool);
    const parts = await Promise.all(
      pools.map(async (pool) => {
        try {
          const { volumes, snapshots } = volumesOf(await listVolumes(client, pool, { doing: `list the volumes of storage pool "${pool}"`, signal }));
          const here = volumes.filter(({ location }) => at.node === undefined || location === at.node);
          return { items: here.map((wire) => volumeOf(wire, pool, { snapshots: snapshots(wire) })), errors: [] };
        } catch (error) {
          if (at.pool !== undefined || signal.aborted || !isProxMcpError(error)) throw error;
          return { items: [], errors: [{ ...error.report(), source: pool }] };
        }
      }),
    );
    return { items: parts.flatMap(({ items }) => items), errors: parts.flatMap(({ errors }) => errors) };
  },

  async get({ client, key, at, signal }) {
    const ask = { doing: `read volume "${key}" in storage pool "${at.pool}"`, signal };
    const { wire, snapshots } = await findVolume(client, at, key, ask);
    return volumeOf(wire, at.pool, defined({ snapshots, disk_used: await usedBy(client, at.pool, wire, ask) }));
  },

  actions: {
    create: write({
      about: "Create a custom volume; instance_update attaches it to an instance, as a disk device with pool, source and path",
      input: {
        name: z.string().min(1).describe("Its name"),
        content: z.enum(["filesystem", "block"]).default("filesystem").describe("block only for virtual machines"),
        ...content,
      },
      aliases: ["lxd_create_storage_volume", "lxd_create_volume"],
      async run({ client, at, input, signal, progress }) {
        const { name, content: type, disk, description = "", config } = input;
        const ask = { doing: `create volume "${name}" in storage pool "${at.pool}"`, signal, progress, query: { target: at.node } };
        await client.change("POST", customPath(at.pool), { name, content_type: type, description, config: { ...sizeOf(disk), ...config } }, ask);
        return { key: name };
      },
    }),

    update: write({
      about: "Resize a custom volume, or change its settings",
      input: content,
      aliases: ["lxd_update_storage_volume", "lxd_resize_storage_volume", "lxd_storage_volume_resize"],
      async run({ client, key, at, input, signal, progress }) {
        const ask = { doing: `change volume "${key}" in storage pool "${at.pool}"`, signal, progress, query: { target: at.node } };
        await patchSettings(
          client,
          volumePath(at.pool, key),
          { config: { ...sizeOf(input.disk), ...input.config }, description: input.description },
          ask,
        );
      },
    }),

    rename: write({
      about: "Give a custom volume that nothing uses another name",
      input: { new_name: z.string().min(1).describe("Its new name") },
      async run({ client, key, at, input: { new_name: name }, signal, progress }) {
        const ask = { doing: `rename volume "${key}" to "${name}"`, signal, progress, query: { target: at.node } };
        await client.change("POST", volumePath(at.pool, key), { name }, ask);
        return { key: name };
      },
    }),

    clone: write({
      about: "Copy a custom volume, or one of its snapshots, to a new one on the same host",
      input: {
        new_name: z.string().min(1).describe("Name of the copy"),
        to_pool: z.string().optional().describe("Storage pool for it, default: the same"),
        snapshot: z.string().optional().describe("Copy this snapshot instead of the present state"),
        with_snapshots: z.boolean().default(false).describe("Copy its snapshots too"),
      },
      output: z.object({ name: z.string(), pool: z.string() }),
      timeout: LONG,
      async run({ client, key, at, input, signal, progress }) {
        const { new_name: name, to_pool: pool = at.pool, snapshot } = input;
        const ask = { doing: `copy volume "${key}" to "${name}" in storage pool "${pool}"`, signal, progress };
        // The copy is made by the member that has the volume.
        const { location } = (await findVolume(client, at, key, ask)).wire;
        const source = { type: "copy", pool: at.pool, name: snapshot === undefined ? key : `${key}/${snapshot}`, volume_only: !input.with_snapshots };
        await client.change("POST", customPath(pool), { name, source }, { ...ask, query: { target: memberName(location) } });
        return { name, pool };
      },
    }),

    migrate: write({
      about: "Move a custom volume that nothing uses to another storage pool of the same host",
      input: { to_pool: z.string().describe("Storage pool to put it in") },
      output: z.object({ name: z.string(), pool: z.string() }),
      timeout: LONG,
      aliases: ["lxd_move_storage_volume"],
      async run({ client, key, at, input: { to_pool: pool }, signal, progress }) {
        const ask = { doing: `move volume "${key}" to storage pool "${pool}"`, signal, progress, query: { target: at.node } };
        if (pool === at.pool) throw new ProxMcpError("INVALID_INPUT", `Unable to ${ask.doing}: it is there.`);
        await client.change("POST", volumePath(at.pool, key), { name: key, pool }, ask);
        return { name: key, pool };
      },
    }),

    delete: destructive({
      about: "Delete a custom volume that nothing uses, with its snapshots",
      loses: "Deletes the volume with all its data and snapshots.",
      aliases: ["lxd_delete_storage_volume", "lxd_delete_volume"],
      async run({ client, key, at, signal, progress }) {
        const ask = { doing: `delete volume "${key}" in storage pool "${at.pool}"`, signal, progress, query: { target: at.node } };
        await deleteUnused(client, volumePath(at.pool, key), ask);
      },
    }),
  },
});
