/**
 * Measurements over time, as every node keeps them for itself, its guests and its storages.
 * @module
 */
import type { CallArgs } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "../client.js";
import { present } from "../resources.js";

export const period = {
  period: z.enum(["hour", "day", "week", "month", "year"]).describe("Default hour").optional(),
  peaks: z.boolean().describe("Highest values instead of averages").optional(),
};

const Point = z.object({
  time: z.string().describe("ISO 8601"),
  cpu: z.number().describe("Cores").optional(),
  cpu_usage: z.number().describe("Share of its cores").optional(),
  memory: z.int().describe("Bytes").optional(),
  memory_used: z.int().describe("Bytes").optional(),
  disk: z.int().describe("Bytes").optional(),
  disk_used: z.int().describe("Bytes").optional(),
  disk_read: z.number().describe("Bytes per second").optional(),
  disk_write: z.number().describe("Bytes per second").optional(),
  net_in: z.number().describe("Bytes per second").optional(),
  net_out: z.number().describe("Bytes per second").optional(),
  load: z.number().optional(),
  io_wait: z.number().describe("Share of time").optional(),
});

export const Metrics = z.object({ period: z.string(), points: z.array(Point) });

/** A row of `.../rrddata`. Before anything was measured it has nothing but its time. */
interface Row {
  readonly time: number;
  readonly [measurement: string]: number | undefined;
}

/** The series at a path: `/nodes/pve1/qemu/100`. */
export async function metricsAt(
  { client, signal }: Pick<CallArgs<ProxmoxClient>, "client" | "signal">,
  path: string,
  { period: timeframe = "hour", peaks }: { readonly period?: string | undefined; readonly peaks?: boolean | undefined },
): Promise<z.infer<typeof Metrics>> {
  const rows = await client.get<readonly Row[]>(`${path}/rrddata`, signal, { timeframe, cf: peaks ? "MAX" : "AVERAGE" });
  return { period: timeframe, points: rows.filter((row) => Object.keys(row).length > 1).map(pointOf) };
}

const whole = (value: number | undefined): number | undefined => (value === undefined ? undefined : Math.round(value));

function pointOf(row: Row): z.infer<typeof Point> {
  // A node's series and a storage's have names of their own for the same things.
  const memory = row.maxmem ?? row.memtotal;
  return present({
    time: new Date(row.time * 1000).toISOString(),
    cpu: row.maxcpu,
    cpu_usage: row.cpu === undefined ? undefined : Math.max(0, row.cpu),
    memory: whole(memory),
    memory_used: whole(row.mem ?? row.memused),
    disk: whole(row.maxdisk ?? row.roottotal ?? row.total),
    // Of a VM it is always 0: what its disks hold is not measured.
    disk_used: whole((row.disk ?? row.rootused ?? row.used) || undefined),
    disk_read: row.diskread,
    disk_write: row.diskwrite,
    net_in: row.netin,
    net_out: row.netout,
    load: row.loadavg,
    io_wait: row.iowait,
  }) as z.infer<typeof Point>;
}
