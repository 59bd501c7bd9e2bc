import { facet, SAID, type Where } from "proxmcp/plugin";
import { z } from "zod";
import { nameIn } from "./each-container.ts";
import { bytesOf, coresOf } from "./sizes.ts";
import { enumOf, intOf, known, momentOf, positiveOf, textOf, type WireContainer, type WireMetrics } from "./wire.ts";

const STATUSES = ["running", "stopped", "frozen", "creating", "provisioning", "error", "unknown"] as const;
const ENCRYPTION = ["none", "unlocked", "key_unavailable"] as const;

export const Container = z.object({
  username: facet(z.string(), "User whose container it is; there is one for each", { says: ["user", "owner", "belongs to"] }),
  name: facet(z.string(), "Name of the Incus instance, mostly <username>-container"),
  status: facet(z.enum(STATUSES), "State now", {
    says: ["state"],
    values: {
      running: SAID.running,
      stopped: [...SAID.stopped, "asleep"],
      frozen: SAID.paused,
      creating: ["being created"],
      provisioning: ["being set up", "installing"],
      error: SAID.failed,
    },
  }),
  cpu: facet(z.number(), "CPU limit", { says: ["cpus", "cores", "cpu limit"], unit: "cores" }).optional(),
  memory: facet(z.int(), "Memory limit", { says: ["ram", "memory limit"], unit: "bytes" }).optional(),
  disk: facet(z.int(), "Disk limit", { says: ["storage", "disk limit"], unit: "bytes" }).optional(),
  gpus: facet(z.array(z.string()), "GPUs passed through", { says: ["gpu", "graphics card"] }),
  os: facet(z.string(), "Operating system", {
    says: ["distro", "distribution"],
    values: { ubuntu: [], rocky: [], rhel: ["red hat"], windows: [] },
  }).optional(),
  image: facet(z.string(), "Image it was made from", { says: ["based on"] }).optional(),
  stack: facet(z.string(), "Software installed at creation", { says: ["software", "software stack"] }).optional(),
  docker: facet(z.boolean(), "Can run containers inside", { says: ["podman", "nesting", "docker enabled"] }),
  node: facet(z.string(), "Backend it runs on", { says: ["backend", "host"], place: true }).optional(),
  pool: facet(z.string(), "Pool of its backend", { place: true }).optional(),
  ip: facet(z.string(), "Address", { says: ["ip address", "address"] }).optional(),
  connect: facet(z.string(), "Where to log in: user@host for SSH, host:port for RDP", { says: ["ssh", "rdp", "login"] }).optional(),
  created: facet(z.iso.datetime(), "When it was made", { says: ["creation date", "age"] }).optional(),
  stopped_at: facet(z.iso.datetime(), "Since when it is stopped", { says: ["stopped since"] }).optional(),
  expires: facet(z.iso.datetime(), "When it is deleted by itself", { says: ["expiry", "ttl", "deleted on"] }).optional(),
  protected: facet(z.boolean(), "Spared by automatic deletion", { says: ["delete protection"] }),
  auto_sleep: facet(z.int(), "Idle time after which it is stopped", { says: ["auto sleep", "idle timeout"], unit: "seconds" }).optional(),
  encryption: facet(z.enum(ENCRYPTION), "Encryption of its disk", {
    says: ["encrypted"],
    values: { none: ["unencrypted"], unlocked: ["encrypted"], key_unavailable: ["locked"] },
  }).optional(),
  monitored: facet(z.boolean(), "Whether its applications report telemetry", { says: ["monitoring", "telemetry"] }),
  tags: facet(z.array(z.string()), "Labels, key=value", { says: ["labels", "label", "tag"] }),
  memory_used: facet(z.int(), "Memory in use", { says: ["memory usage", "using memory"], unit: "bytes", onDemand: true }).optional(),
  disk_used: facet(z.int(), "Disk in use", { says: ["disk usage"], unit: "bytes", onDemand: true }).optional(),
  processes: facet(z.int(), "Processes in it", { says: ["process count"], onDemand: true }).optional(),
  ssh_keys: facet(z.array(z.string()), "Public keys that may log in", { says: ["public keys"], onDemand: true }).optional(),
});
export type ContainerItem = z.output<typeof Container>;

/** The fields that come from measurements. */
export const MEASURED = ["memory_used", "disk_used", "processes"] as const;

const OS_NAMES: Readonly<Record<string, string>> = {
  ubuntu_2404: "ubuntu 24.04",
  rocky_9: "rocky 9",
  rhel_9: "rhel 9",
  windows_2022: "windows 2022",
};

/** `withKeys`: keys are long, and seldom asked for. */
export function itemOf(wire: WireContainer, metrics: WireMetrics | undefined, withKeys: boolean): ContainerItem {
  const { resources, network } = wire;
  const gpus = [wire.gpuDevices, resources?.gpus, wire.gpuDevice ? [wire.gpuDevice] : []].find((list) => list?.length) ?? [];
  return known<ContainerItem>({
    username: wire.username,
    name: wire.name,
    status: STATUSES.find((status) => status === enumOf("CONTAINER_STATE_", wire.state)) ?? "unknown",
    cpu: coresOf(resources?.cpu),
    memory: bytesOf(resources?.memory),
    disk: bytesOf(resources?.disk),
    gpus: [...gpus],
    os: OS_NAMES[enumOf("OS_TYPE_", wire.osType) ?? ""] ?? osOfImage(wire.image),
    image: textOf(wire.image),
    stack: textOf(wire.stack),
    docker: wire.podmanEnabled ?? false,
    node: textOf(wire.backendId),
    pool: textOf(wire.pool),
    ip: textOf(network?.ipAddress),
    connect: connectTo(wire),
    created: momentOf(wire.createdAt),
    stopped_at: momentOf(wire.stoppedAt),
    expires: momentOf(wire.ttlExpiresAt),
    protected: wire.deletePolicy === "DELETE_POLICY_PROTECTED",
    auto_sleep: wire.autoSleepEnabled ? (wire.idleThresholdMinutes || 15) * 60 : undefined,
    encryption: ENCRYPTION.find((state) => state === enumOf("ENCRYPTION_STATE_", wire.encryptionState)),
    monitored: wire.monitoringEnabled ?? false,
    tags: Object.entries(wire.labels ?? {}).map(([key, value]) => `${key}=${value}`),
    memory_used: intOf(metrics?.memoryUsageBytes),
    // 0 is what is answered where the pool has no quotas, and so can't tell.
    disk_used: positiveOf(metrics?.diskUsageBytes),
    processes: positiveOf(metrics?.processCount),
    ssh_keys: withKeys ? [...(wire.sshKeys ?? [])] : undefined,
  });
}

/** "images:ubuntu/24.04" as "ubuntu 24.04". */
function osOfImage(image: string | undefined): string | undefined {
  const [, name, release] = /^(?:\w+:)?([a-z]+)\/([\w.]+)/.exec(image ?? "") ?? [];
  return name && release ? `${name} ${release}` : undefined;
}

function connectTo({ username, accessType, rdpAddress, sshHost, network }: WireContainer): string | undefined {
  if (accessType === "ACCESS_TYPE_RDP") return textOf(rdpAddress);
  const host = textOf(sshHost) ?? textOf(network?.ipAddress);
  return host === undefined ? undefined : `${username}@${host}`;
}

/** What the API filters itself: one state, or one user. The core does the rest. */
export function queryOf(where: Where): { state?: string | undefined; username?: string | undefined } {
  const [status, ...more] = Array.isArray(where["status"]) ? where["status"].map(String) : [];
  const one = more.length === 0 && status !== "unknown" ? status : undefined;
  return { state: one && `CONTAINER_STATE_${one.toUpperCase()}`, username: nameIn(where, "username") };
}
