import { forClient } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { numeric, text, whole } from "../columns.js";
import { records } from "../crud.js";
import { resourcesOf } from "../resources.js";

const { read } = forClient<ProxmoxClient, Record<string, string | undefined>>();

/** Any node that is there, as each of them knows all of Ceph. */
export async function cephNode(client: ProxmoxClient, signal: AbortSignal): Promise<string> {
  return (await resourcesOf(client, signal, "node")).find((row) => row.status === "online")?.node ?? "";
}

const Status = z.object({
  health: z.string().describe("HEALTH_OK, HEALTH_WARN, HEALTH_ERR"),
  checks: z.array(z.string()).describe("What is wrong"),
  monitors: z.int().optional(),
  osds: z.int().optional(),
  osds_up: z.int().optional(),
  osds_in: z.int().optional(),
  disk: z.int().describe("Bytes").optional(),
  disk_used: z.int().describe("Bytes").optional(),
});

interface Health {
  readonly health?: { readonly status?: string; readonly checks?: Readonly<Record<string, { readonly summary?: { readonly message?: string } }>> };
  readonly monmap?: { readonly mons?: readonly unknown[] };
  readonly osdmap?: { readonly num_osds?: number; readonly num_up_osds?: number; readonly num_in_osds?: number };
  readonly pgmap?: { readonly bytes_total?: number; readonly bytes_used?: number };
}

export const cephPools = records({
  name: "ceph_pool",
  about: "A pool of Ceph, where the cluster has it",
  says: ["ceph pool"],
  key: "name",
  path: async ({ client, signal }) => at`/nodes/${await cephNode(client, signal)}/ceph/pool`,
  fromList: true,
  verbs: [],
  columns: {
    name: text("pool_name", "Name", { says: ["pool"] }),
    type: text("type", "replicated, erasure"),
    copies: whole("size", "Copies of everything", { says: ["replicas", "size"] }),
    min_copies: whole("min_size", "Copies it can work with"),
    placement_groups: whole("pg_num", "Placement groups", { says: ["pgs"] }),
    crush_rule: text("crush_rule_name", "Rule of placement"),
    disk_used: whole("bytes_used", "Space in use", { says: ["used"], unit: "bytes" }),
    usage: numeric("percent_used", "Share in use", { unit: "ratio" }),
    autoscale: text("pg_autoscale_mode", "Scales its placement groups itself"),
  },
  aliases: { list: ["proxmox-list-ceph-pools", "proxmox_list_ceph_pools"] },
  actions: {
    status: read({
      about: "Health of Ceph: what is wrong, monitors, OSDs, space",
      aliases: ["proxmox_ceph_status", "proxmox-ceph-status"],
      output: Status,
      run: async ({ client, signal }) => {
        const { health, monmap, osdmap, pgmap } = await client.get<Health>("/cluster/ceph/status", signal);
        return {
          health: health?.status ?? "unknown",
          checks: Object.entries(health?.checks ?? {}).map(([name, check]) => check.summary?.message ?? name),
          ...(monmap?.mons ? { monitors: monmap.mons.length } : {}),
          ...(osdmap ? { osds: osdmap.num_osds, osds_up: osdmap.num_up_osds, osds_in: osdmap.num_in_osds } : {}),
          ...(pgmap ? { disk: pgmap.bytes_total, disk_used: pgmap.bytes_used } : {}),
        };
      },
    }),
  },
});
