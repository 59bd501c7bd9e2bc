import { facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { nodeActions } from "../node-actions.js";
import { known, present, type Resource, resourcesOf } from "../resources.js";

const { kind } = forClient<ProxmoxClient>();

const Node = z.object({
  name: facet(z.string(), "Name", { says: ["hostname"] }),
  status: facet(z.enum(["online", "offline", "unknown"]), "Whether the cluster sees it", {
    says: ["state"],
    values: { online: ["up", "running", "alive", "healthy"], offline: ["down", "dead", "lost", "unreachable"] },
  }),
  cpu: facet(z.int(), "Cores", { says: ["cpus", "cores", "threads", "processors"], unit: "cores" }).optional(),
  cpu_usage: facet(z.number(), "Share of its cores in use", { says: ["cpu load", "cpu use"], unit: "ratio" }).optional(),
  memory: facet(z.int(), "Memory", { says: ["ram", "mem"], unit: "bytes" }).optional(),
  memory_used: facet(z.int(), "Memory in use", { says: ["ram used", "memory use", "used memory"], unit: "bytes" }).optional(),
  disk: facet(z.int(), "Size of its root file system", { says: ["root disk"], unit: "bytes" }).optional(),
  disk_used: facet(z.int(), "Root file system in use", { says: ["disk use", "used disk"], unit: "bytes" }).optional(),
  uptime: facet(z.int(), "Time since it booted", { says: ["up for"], unit: "seconds" }).optional(),
  version: facet(z.string(), "Release of Proxmox VE", { says: ["pve version", "release"], detail: true }).optional(),
  kernel: facet(z.string(), "Kernel", { says: ["kernel version"], detail: true }).optional(),
  arch: facet(z.string(), "Processor architecture", { says: ["architecture"], detail: true }).optional(),
  cpu_model: facet(z.string(), "Processor", { says: ["processor model"], detail: true }).optional(),
  load: facet(z.array(z.number()), "Load average over 1, 5 and 15 minutes", { says: ["load average"], detail: true }).optional(),
});

/** `GET /nodes/{node}/status` */
interface Status {
  readonly pveversion?: string;
  readonly loadavg?: readonly string[];
  readonly cpu?: number;
  readonly cpuinfo?: { readonly model?: string };
  readonly memory?: { readonly used?: number };
  readonly rootfs?: { readonly used?: number };
  readonly uptime?: number;
  readonly "current-kernel"?: { readonly release?: string; readonly machine?: string };
}

export const nodes = kind({
  name: "node",
  about: "A server of the cluster",
  says: ["node", "server", "host", "hypervisor"],
  item: Node,
  key: "name",
  everyday: ["list"],
  aliases: {
    list: ["proxmox-list-nodes", "proxmox_list_nodes", "proxmox_get_nodes", "proxmox_cluster_nodes"],
    get: ["proxmox_cluster_get_node_info", "proxmox-node-status", "proxmox_get_node_status", "proxmox_node_status"],
  },
  list: async ({ client, signal }) => (await resourcesOf(client, signal, "node")).filter(({ type }) => type === "node").map(nodeOf),
  get: async ({ client, key, signal, note }) => {
    const row = (await resourcesOf(client, signal, "node")).find(({ node }) => node?.toLowerCase() === key.toLowerCase());
    if (!row?.node) throw new ProxMcpError("NOT_FOUND", `There is no node ${key} in this cluster.`, { tried: ["GET /cluster/resources"] });
    const known = nodeOf(row);
    if (known.status === "offline") {
      note(`Node ${row.node} is offline: only what the cluster remembers is shown.`);
      return known;
    }
    return { ...known, ...detailsOf(await client.get<Status>(at`/nodes/${row.node}/status`, signal)) };
  },
  actions: nodeActions,
});

function nodeOf(row: Resource): z.infer<typeof Node> {
  const online = row.status === "online";
  return present({
    name: row.node ?? row.id.replace(/^node\//, ""),
    status: online || row.status === "offline" ? row.status : "unknown",
    cpu: known(row.maxcpu),
    cpu_usage: online ? row.cpu : undefined,
    memory: known(row.maxmem),
    memory_used: online ? known(row.mem) : undefined,
    disk: known(row.maxdisk),
    disk_used: online ? known(row.disk) : undefined,
    uptime: online ? row.uptime : undefined,
  }) as z.infer<typeof Node>;
}

/** Fresher than the row, and with what only the node itself knows. */
function detailsOf(status: Status): Partial<z.infer<typeof Node>> {
  const { pveversion, loadavg, cpuinfo, memory, rootfs, uptime, cpu } = status;
  const kernel = status["current-kernel"];
  return present({
    version: pveversion?.split("/")[1],
    kernel: kernel?.release,
    arch: kernel?.machine,
    cpu_model: cpuinfo?.model,
    load: loadavg?.map(Number),
    cpu_usage: cpu,
    memory_used: known(memory?.used),
    disk_used: known(rootfs?.used),
    uptime,
  }) as Partial<z.infer<typeof Node>>;
}
