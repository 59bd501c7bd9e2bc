import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { present } from "../resources.js";
import { cephNode } from "./ceph-pools.js";

const { kind } = forClient<ProxmoxClient>();

const Osd = z.object({
  id: facet(z.int(), "Number", { says: ["osd"] }),
  node: facet(z.string(), "Node it is on", { says: ["host"], place: true }),
  status: facet(z.enum(["up", "down"]), "State now", { says: ["state"] }),
  in: facet(z.boolean(), "It holds data").optional(),
  class: facet(z.string(), "hdd, ssd, nvme", { says: ["type"] }).optional(),
  disk: facet(z.int(), "Size", { says: ["size"], unit: "bytes" }).optional(),
  disk_used: facet(z.int(), "In use", { says: ["used"], unit: "bytes" }).optional(),
});

interface Branch {
  readonly id?: number | string;
  readonly name?: string;
  readonly type?: string;
  readonly status?: string;
  readonly in?: number;
  readonly device_class?: string;
  readonly total_space?: number;
  readonly bytes_used?: number;
  readonly children?: readonly Branch[];
}

/** The tree of Ceph as a list: an OSD is a leaf below its host. */
const leaves = (branch: Branch, host = ""): z.infer<typeof Osd>[] =>
  branch.type === "osd"
    ? [
        present({
          id: Number(branch.id),
          node: host,
          status: branch.status === "up" ? ("up" as const) : ("down" as const),
          in: branch.in === undefined ? undefined : branch.in === 1,
          class: branch.device_class,
          disk: branch.total_space,
          disk_used: branch.bytes_used,
        }) as z.infer<typeof Osd>,
      ]
    : (branch.children ?? []).flatMap((child) => leaves(child, branch.type === "host" ? (branch.name ?? host) : host));

export const cephOsds = kind({
  name: "ceph_osd",
  about: "A disk that Ceph stores on (OSD)",
  says: ["osd", "ceph osd"],
  item: Osd,
  key: "id",
  aliases: { list: ["proxmox-list-osds", "proxmox_list_ceph_osds"] },
  list: async ({ client, signal }) => {
    const { root } = await client.get<{ readonly root: Branch }>(at`/nodes/${await cephNode(client, signal)}/ceph/osd`, signal);
    return leaves(root);
  },
});
