/**
 * The state of a cluster as a whole.
 * @module
 */
import { type CallArgs, facet } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "./client.js";
import { type Resource, resourcesOf } from "./resources.js";

export const Counts = z.object({ running: z.int(), stopped: z.int(), other: z.int(), templates: z.int() });

export const Cluster = z.object({
  name: facet(z.string(), "Name; that of the node where there is no cluster", { says: ["cluster name"] }),
  quorate: facet(z.boolean(), "A majority of nodes is there; without it nothing can be changed", { says: ["quorum"] }),
  clustered: facet(z.boolean(), "False: a single node without a cluster"),
  version: facet(z.string(), "Release of Proxmox VE", { says: ["pve version", "release"] }),
  nodes: facet(
    z.array(z.object({ name: z.string(), online: z.boolean(), ip: z.string().optional(), local: z.boolean().describe("It answered this call") })),
    "Nodes",
  ),
  vms: facet(Counts, "Number of VMs by state"),
  cts: facet(Counts, "Number of containers by state"),
  cpu: facet(z.int(), "Cores of all nodes online", { unit: "cores" }).optional(),
  cpu_usage: facet(z.number(), "Share of them in use", { unit: "ratio" }).optional(),
  memory: facet(z.int(), "Memory of all nodes online", { unit: "bytes" }).optional(),
  memory_used: facet(z.int(), "Memory in use", { unit: "bytes" }).optional(),
});

/** `GET /cluster/status`: one row for the cluster, if there is one, and one for each node. */
export interface StatusRow {
  readonly type: "cluster" | "node";
  readonly name: string;
  readonly quorate?: number;
  readonly online?: number;
  readonly local?: number;
  readonly ip?: string;
}

/** Quorum, nodes, release, and what all have together. */
export async function statusOf({ client, signal }: Pick<CallArgs<ProxmoxClient>, "client" | "signal">): Promise<z.infer<typeof Cluster>> {
  const [status, version, rows] = await Promise.all([
    client.get<readonly StatusRow[]>("/cluster/status", signal),
    client.get<{ readonly version: string }>("/version", signal),
    resourcesOf(client, signal),
  ]);
  const cluster = status.find(({ type }) => type === "cluster");
  const nodes = status.filter(({ type }) => type === "node");
  return {
    name: cluster?.name ?? nodes[0]?.name ?? "",
    // A node on its own is always its own majority.
    quorate: cluster ? cluster.quorate === 1 : true,
    clustered: cluster !== undefined,
    version: version.version,
    nodes: nodes.map(({ name, online, local, ip }) => ({ name, online: online === 1, local: local === 1, ...(ip ? { ip } : {}) })),
    vms: counted(rows, "qemu"),
    cts: counted(rows, "lxc"),
    ...totals(rows),
  };
}

export function counted(rows: readonly Resource[], type: Resource["type"]): z.infer<typeof Counts> {
  const offline = new Set(rows.filter((row) => row.type === "node" && row.status === "offline").map((row) => row.node));
  const counts = { running: 0, stopped: 0, other: 0, templates: 0 };
  for (const row of rows) {
    if (row.type !== type) continue;
    const status = offline.has(row.node) ? "unknown" : row.status;
    if (row.template === 1) counts.templates += 1;
    else if (status === "running" || status === "stopped") counts[status] += 1;
    else counts.other += 1;
  }
  return counts;
}

export function totals(rows: readonly Resource[]): Pick<z.infer<typeof Cluster>, "cpu" | "cpu_usage" | "memory" | "memory_used"> {
  // Without Sys.Audit the rows of nodes carry no numbers.
  const nodes = rows.filter((row) => row.type === "node" && row.status === "online" && row.maxcpu !== undefined);
  const sum = (of: (row: Resource) => number): number => nodes.reduce((total, row) => total + of(row), 0);
  const cpu = sum((row) => row.maxcpu ?? 0);
  if (cpu === 0) return {};
  return {
    cpu,
    cpu_usage: sum((row) => (row.cpu ?? 0) * (row.maxcpu ?? 0)) / cpu,
    memory: sum((row) => row.maxmem ?? 0),
    memory_used: sum((row) => row.mem ?? 0),
  };
}
