import { facet } from "proxmcp/plugin";
import { z } from "zod";
import { intOf, known, type WireMetrics } from "./wire.ts";

const bytes = (about: string) => facet(z.int(), about, { unit: "bytes" }).optional();

const Measured = z.object({
  name: facet(z.string(), "Container"),
  cpu_time: facet(z.int(), "CPU time used since its start", { unit: "seconds" }).optional(),
  memory_used: bytes("Memory in use"),
  memory_peak: bytes("Most memory that was in use"),
  disk_used: bytes("Disk in use"),
  network_received: bytes("Received on all interfaces"),
  network_sent: bytes("Sent on all interfaces"),
  processes: facet(z.int(), "Processes in it").optional(),
});

export const Metrics = z.object({ metrics: z.array(Measured) });

export const metricsOf = ({ metrics = [] }: { readonly metrics?: readonly WireMetrics[] }): z.output<typeof Metrics> => ({
  metrics: metrics.map((wire) =>
    known<z.output<typeof Measured>>({
      name: wire.name,
      cpu_time: intOf(wire.cpuUsageSeconds),
      memory_used: intOf(wire.memoryUsageBytes),
      memory_peak: intOf(wire.memoryPeakBytes),
      disk_used: intOf(wire.diskUsageBytes),
      network_received: intOf(wire.networkRxBytes),
      network_sent: intOf(wire.networkTxBytes),
      processes: intOf(wire.processCount),
    }),
  ),
});
