/**
 * Everything of a cluster in numbers, from one listing of its resources.
 * @module
 */
import type { CallArgs } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "./client.js";
import { Counts, counted, statusOf } from "./cluster-status.js";
import { type Resource, resourcesOf } from "./resources.js";

const Total = z.object({ total: z.number(), used: z.number(), free: z.number() });

export const Overview = z.object({
  name: z.string(),
  quorate: z.boolean(),
  cpu: Total.describe("Cores"),
  memory: Total.describe("Bytes"),
  storage: Total.describe("Bytes; a shared storage counts once"),
  guests: z.object({ vms: Counts, cts: Counts }),
  nodes: z.array(
    z.object({
      name: z.string(),
      online: z.boolean(),
      cpu_usage: z.number().optional(),
      memory_usage: z.number().optional(),
      disk_usage: z.number().describe("Of its root file system").optional(),
      vms: z.int().describe("Running"),
      cts: z.int().describe("Running"),
    }),
  ),
});

const total = (all: number, used: number): z.infer<typeof Total> => ({ total: all, used, free: Math.max(0, all - used) });
const share = (part: number | undefined, of: number | undefined): number | undefined => (part === undefined || !of ? undefined : part / of);

export async function overviewOf(args: Pick<CallArgs<ProxmoxClient>, "client" | "signal">): Promise<z.infer<typeof Overview>> {
  const [status, rows] = await Promise.all([statusOf(args), resourcesOf(args.client, args.signal)]);
  const nodes = rows.filter((row) => row.type === "node");
  const online = nodes.filter((row) => row.status === "online");
  const sum = (list: readonly Resource[], of: (row: Resource) => number | undefined): number => list.reduce((all, row) => all + (of(row) ?? 0), 0);
  const seen = new Set<string>();
  const storages = rows.filter((row) => {
    if (row.type !== "storage" || row.status !== "available") return false;
    const id = row.shared === 1 ? String(row.storage) : row.id;
    return !seen.has(id) && seen.add(id);
  });
  const running = (node: string | undefined, type: string): number =>
    rows.filter((row) => row.type === type && row.node === node && row.status === "running").length;
  return {
    name: status.name,
    quorate: status.quorate,
    cpu: total(
      sum(online, (row) => row.maxcpu),
      sum(online, (row) => (row.cpu ?? 0) * (row.maxcpu ?? 0)),
    ),
    memory: total(
      sum(online, (row) => row.maxmem),
      sum(online, (row) => row.mem),
    ),
    storage: total(
      sum(storages, (row) => row.maxdisk),
      sum(storages, (row) => row.disk),
    ),
    guests: { vms: counted(rows, "qemu"), cts: counted(rows, "lxc") },
    nodes: nodes.map((row) => {
      const usage = {
        cpu_usage: row.status === "online" ? row.cpu : undefined,
        memory_usage: share(row.mem, row.maxmem),
        disk_usage: share(row.disk, row.maxdisk),
      };
      return {
        name: row.node ?? "",
        online: row.status === "online",
        ...(Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== undefined)) as Partial<Record<keyof typeof usage, number>>),
        vms: row.status === "online" ? running(row.node, "qemu") : 0,
        cts: row.status === "online" ? running(row.node, "lxc") : 0,
      };
    }),
  };
}
