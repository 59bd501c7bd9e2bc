import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { awayMembers } from "../cluster/away.js";
import { patchSettings } from "../settings.js";
import { CreatePool, createPool, poolOf, poolPath, Usage, usage } from "../storage/pools.js";
import { deleteUnused } from "../users.js";
import type { WirePool } from "../wire.js";

const { kind, read, write, destructive } = forClient<LxdClient>();

const StoragePool = z.object({
  name: facet(z.string(), "Name of the pool"),
  driver: facet(z.string(), "dir, zfs, btrfs, lvm, ceph and so on", { says: ["type", "backend"] }),
  status: facet(z.string(), "Created, pending, errored", { says: ["state"] }).optional(),
  disk: facet(z.int(), "Size of the pool", { says: ["size", "capacity", "storage"], unit: "bytes" }).optional(),
  disk_used: facet(z.int(), "Used of it", { says: ["used"], unit: "bytes" }).optional(),
  nodes: facet(z.array(z.string()), "Cluster members that have it", { says: ["members"] }).optional(),
  used_by: facet(z.int(), "How many instances, images and profiles use it", { says: ["users"] }),
  source: facet(z.string(), "Disk, folder or dataset behind it").optional(),
  description: facet(z.string(), "Its owner's words").optional(),
});

export const storagePools = kind({
  name: "storage_pool",
  about: "A store that holds the disks of instances",
  says: ["storage pool", "storage", "pool"],
  item: StoragePool,
  key: "name",
  aliases: { list: ["lxd_list_storage", "lxd_list_storage_pools", "get_lxd_storage_pools"], get: ["lxd_get_storage_pool"] },

  async list({ client, signal }) {
    const ask = { doing: "list storage pools", signal, query: { recursion: 1 } };
    const [found, away] = await Promise.all([client.get<readonly WirePool[]>("/1.0/storage-pools", ask), awayMembers({ client, signal })]);
    return await Promise.all(found.map((wire) => poolOf({ client, signal }, wire, away)));
  },

  async get({ client, key, signal }) {
    const ask = { doing: `read storage pool "${key}"`, signal };
    const [wire, away] = await Promise.all([client.get<WirePool>(poolPath(key), ask), awayMembers({ client, signal })]);
    return await poolOf({ client, signal }, wire, away);
  },

  actions: {
    create: write({
      about: "Create a storage pool, in a cluster on all its members",
      input: CreatePool,
      timeout: 600,
      aliases: ["lxd_create_storage_pool", "create_lxd_storage_pool"],
      async run(args) {
        await createPool(args);
        return { key: args.input.name };
      },
    }),

    update: write({
      about: "Change settings of a storage pool",
      input: {
        description: z.string().optional().describe("Free text"),
        config: z.record(z.string(), z.string()).optional().describe('Configuration keys; "" removes one'),
        node: z.string().optional().describe("Cluster member, for keys that only it has"),
      },
      async run({ client, key, input: { node, ...change }, signal, progress }) {
        await patchSettings(client, poolPath(key), change, { doing: `change storage pool "${key}"`, signal, progress, query: { target: node } });
      },
    }),

    usage: read({
      about: "Show what a storage pool holds, and which volumes take the most room",
      aliases: ["lxd_storage_usage", "lxd_get_storage_usage"],
      output: Usage,
      run: async (args) => await usage(args, args.key),
    }),

    delete: destructive({
      about: "Delete a storage pool that nothing uses",
      loses: "Deletes the storage pool. What it holds copies of, such as images, has to be fetched again.",
      timeout: 600,
      aliases: ["lxd_delete_storage_pool"],
      run: ({ client, key, signal, progress }) => deleteUnused(client, poolPath(key), { doing: `delete storage pool "${key}"`, signal, progress }),
    }),
  },
});
