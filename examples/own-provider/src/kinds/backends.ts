import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import { backendName, cpuUsage, usedOf } from "../capacity.ts";
import type { ContainariumClient } from "../client.ts";
import { intOf, known, positiveOf, textOf, type WireSystem } from "../wire.ts";

const { kind } = forClient<ContainariumClient>();

const bytes = (about: string, says: readonly string[]) => facet(z.int(), about, { says, unit: "bytes" }).optional();

const Backend = z.object({
  name: facet(z.string(), "Its id; of a single one the host name"),
  hostname: facet(z.string(), "Host name", { says: ["host name"] }).optional(),
  os: facet(z.string(), "Operating system", { says: ["distribution"] }).optional(),
  kernel: facet(z.string(), "Kernel version").optional(),
  version: facet(z.string(), "Version of Containarium on it", { says: ["daemon version"] }).optional(),
  incus: facet(z.string(), "Version of Incus on it", { says: ["incus version"] }).optional(),
  cpu: facet(z.int(), "Cores", { says: ["cpus", "cores"], unit: "cores" }).optional(),
  cpu_usage: facet(z.number(), "Load of the last minute as a share of its cores", { says: ["load"], unit: "ratio" }).optional(),
  memory: bytes("Memory", ["ram"]),
  memory_used: bytes("Memory in use", ["memory usage"]),
  disk: bytes("Disk", ["storage"]),
  disk_used: bytes("Disk in use", ["disk usage"]),
  uptime: facet(z.int(), "Time since its start", { says: ["up for"], unit: "seconds" }).optional(),
  running: facet(z.int(), "Containers that run"),
  stopped: facet(z.int(), "Containers that do not"),
  containers: facet(z.int(), "Containers in all", { says: ["container count"] }),
  gpus: facet(z.array(z.string()), "GPUs it has", { says: ["gpu", "graphics cards"] }),
  network: facet(z.string(), "Network of the containers", { says: ["cidr"] }).optional(),
  ssh_host: facet(z.string(), "Where SSH comes in from outside", { says: ["ssh entry"] }).optional(),
  storage: facet(z.string(), "Driver of its storage pool", { says: ["storage driver"], values: { zfs: [], btrfs: [] } }).optional(),
});

const backendOf = (system: WireSystem): z.output<typeof Backend> =>
  known<z.output<typeof Backend>>({
    name: backendName(system),
    hostname: textOf(system.hostname),
    os: textOf(system.os),
    kernel: textOf(system.kernelVersion),
    version: textOf(system.daemonVersion),
    incus: textOf(system.incusVersion),
    cpu: positiveOf(system.totalCpus),
    cpu_usage: cpuUsage(system),
    memory: positiveOf(system.totalMemoryBytes),
    memory_used: usedOf(system.totalMemoryBytes, system.availableMemoryBytes),
    disk: positiveOf(system.totalDiskBytes),
    disk_used: usedOf(system.totalDiskBytes, system.availableDiskBytes),
    uptime: positiveOf(system.uptimeSeconds),
    running: intOf(system.containersRunning) ?? 0,
    stopped: intOf(system.containersStopped) ?? 0,
    containers: intOf(system.containersTotal) ?? 0,
    gpus: (system.gpus ?? []).map(({ modelName }) => modelName ?? "GPU"),
    network: textOf(system.networkCidr),
    ssh_host: textOf(system.sshIngressHost),
    storage: textOf(system.storage?.driverName),
  });

/** What the server calls system information: one row for each backend that it reaches. */
export const backends = kind({
  name: "backend",
  about: "A host that containers run on, with what it has and what is used",
  says: ["backend", "host", "node", "system"],
  item: Backend,
  key: "name",
  alsoBy: ["hostname"],
  everyday: ["list"],
  aliases: { list: ["get_system_info", "list_backends"] },
  list: async ({ client, signal }) => (await client.systems(signal)).map(backendOf),
});
