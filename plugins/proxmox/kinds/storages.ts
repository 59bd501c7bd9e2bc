import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "../client.js";
import { hintAtPermissions, known, lostNodes, offlineNodes, present, resourcesOf } from "../resources.js";

const { kind } = forClient<ProxmoxClient>();

const Storage = z.object({
  id: facet(z.string(), "Node and storage: pve1/local"),
  name: facet(z.string(), "Name; the same on every node that has it", { says: ["storage"] }),
  node: facet(z.string(), "Node it is seen from", { says: ["host", "server"] }),
  status: facet(z.enum(["available", "unavailable", "unknown"]), "Whether the node can use it now", {
    says: ["state"],
    values: { available: ["active", "online", "up"], unavailable: ["inactive", "down"] },
  }),
  type: facet(z.string(), "What it is: dir, lvmthin, zfspool, nfs, rbd, pbs", { says: ["kind", "backend", "driver"] }).optional(),
  shared: facet(z.boolean(), "The same contents on all its nodes", { says: ["shared storage"] }).optional(),
  content: facet(z.array(z.string()), "What it may hold: images, rootdir, iso, vztmpl, backup, snippets, import", { says: ["contents", "holds"] }),
  disk: facet(z.int(), "Size", { says: ["size", "capacity", "total"], unit: "bytes" }).optional(),
  disk_used: facet(z.int(), "In use", { says: ["used", "used space"], unit: "bytes" }).optional(),
});

export const storages = kind({
  name: "storage",
  about: "A storage as one node sees it; a shared one is listed for each of its nodes",
  says: ["storage", "datastore", "storage pool"],
  item: Storage,
  key: "id",
  alsoBy: ["name"],
  everyday: ["list"],
  aliases: { list: ["proxmox-list-storage", "proxmox_list_storage", "proxmox_get_storage"] },
  list: async (args) => {
    const rows = await resourcesOf(args.client, args.signal);
    const offline = offlineNodes(rows);
    const found = rows.filter((row) => row.type === "storage");
    if (found.length === 0) await hintAtPermissions(args, "Datastore.Audit");
    const items = found.map((row) =>
      present({
        id: `${row.node}/${row.storage}`,
        name: row.storage ?? "",
        node: row.node ?? "",
        status: offline.has(row.node ?? "") ? ("unknown" as const) : (STATUS[row.status ?? ""] ?? "unavailable"),
        type: row.plugintype,
        shared: row.shared === undefined ? undefined : row.shared === 1,
        content: (row.content ?? "").split(",").filter((kind) => kind !== ""),
        disk: known(row.maxdisk),
        disk_used: known(row.maxdisk) === undefined ? undefined : row.disk,
      }),
    );
    return { items: items as z.infer<typeof Storage>[], errors: lostNodes(found, offline, "storages") };
  },
});

const STATUS: Readonly<Record<string, z.infer<typeof Storage>["status"]>> = { available: "available", unknown: "unknown" };
