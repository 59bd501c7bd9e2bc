import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import { poolSpace } from "../capacity.js";
import type { LxdClient } from "../client.js";
import { defined, memberName } from "../instance/fields.js";
import type { WirePool } from "../wire.js";

const { kind } = forClient<LxdClient>();

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

/** Ceph and its like are one store for all members; any other pool is another disk on each. */
const SHARED = /^(ceph|cephfs|cephobject|powerflex|pure|linstor|truenas|lvmcluster)$/;

export const storagePools = kind({
  name: "storage_pool",
  about: "A store that holds the disks of instances",
  says: ["storage pool", "storage", "pool"],
  item: StoragePool,
  key: "name",
  aliases: { list: ["lxd_list_storage", "lxd_list_storage_pools", "get_lxd_storage_pools"] },

  async list({ client, signal }) {
    const found = await client.get<readonly WirePool[]>("/1.0/storage-pools", { doing: "list storage pools", signal, query: { recursion: 1 } });
    return Promise.all(
      found.map(async (wire) => {
        const nodes = (wire.locations ?? []).filter((location) => memberName(location));
        const targets = nodes.length && !SHARED.test(wire.driver) ? nodes : [undefined];
        const ask = { doing: "read storage", signal };
        const spaces = await Promise.all(targets.map((target) => poolSpace(client, wire.name, { ...ask, query: { target } })));
        // Half a sum is worse than none.
        const known = spaces.filter((space) => space !== undefined);
        const whole = known.length === spaces.length ? known : [];
        return defined({
          name: wire.name,
          driver: wire.driver,
          status: wire.status?.toLowerCase() || undefined,
          disk: whole.reduce((sum, { total }) => sum + total, 0) || undefined,
          disk_used: whole.length ? whole.reduce((sum, { used }) => sum + used, 0) : undefined,
          nodes: nodes.length ? nodes : undefined,
          used_by: wire.used_by?.length ?? 0,
          source: wire.config.source || undefined,
          description: wire.description || undefined,
        });
      }),
    );
  },
});
