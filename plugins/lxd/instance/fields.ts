import { type Clock, facet, SAID, type Where } from "proxmcp/plugin";
import { z } from "zod";
import { parseCores, parseSize } from "../sizes.js";
import { type Config, type Devices, moment, type WireInstance, type WireInterface } from "../wire.js";

/** One instance, as the tools show it. */
export const Instance = z.object({
  name: facet(z.string(), "Name", { says: ["hostname"] }),
  type: facet(z.enum(["container", "virtual-machine"]), "Container or virtual machine", {
    values: { container: ["ct", "lxc", "system container"], "virtual-machine": ["vm", "virtual machine"] },
    nouns: true,
  }).optional(),
  status: facet(z.enum(["running", "stopped", "frozen", "starting", "stopping", "error"]), "State now", {
    says: ["state"],
    values: {
      running: SAID.running,
      stopped: SAID.stopped,
      frozen: SAID.paused,
      error: [...SAID.failed, "unreachable"],
    },
  }),
  cpu: facet(z.int(), "Cores it may use", { says: ["cpus", "cores", "vcpu", "vcpus"], unit: "cores" }).optional(),
  memory: facet(z.int(), "Memory limit", { says: ["ram", "mem"], unit: "bytes" }).optional(),
  memory_used: facet(z.int(), "Memory in use", { says: ["ram used", "memory usage"], unit: "bytes" }).optional(),
  disk: facet(z.int(), "Size of its root disk", { says: ["storage", "root disk"], unit: "bytes" }).optional(),
  disk_used: facet(z.int(), "Used on its root disk", { says: ["storage used", "disk usage"], unit: "bytes" }).optional(),
  uptime: facet(z.int(), "Time since its start", { unit: "seconds" }).optional(),
  ip: facet(z.string(), "First global IPv4 address", { says: ["address", "ip address", "ipv4"] }).optional(),
  ips: facet(z.array(z.string()), "All global addresses", { says: ["addresses", "ipv6"] }).optional(),
  os: facet(z.string(), "Operating system of its image", {
    says: ["distro", "distribution", "operating system"],
    values: {
      ubuntu: [],
      debian: [],
      alpine: [],
      fedora: [],
      centos: [],
      rocky: [],
      alma: ["almalinux"],
      opensuse: ["suse"],
      arch: ["archlinux", "arch linux"],
      busybox: [],
      windows: ["win"],
    },
  }).optional(),
  release: facet(z.string(), "Release of that system", { says: ["version", "os version"] }).optional(),
  arch: facet(z.string(), "Processor architecture", {
    says: ["architecture"],
    values: { x86_64: ["amd64", "x64", "x86", "intel"], aarch64: ["arm64", "arm"], armv7l: ["armhf", "arm32"] },
  }).optional(),
  image: facet(z.string(), "Description of its image").optional(),
  node: facet(z.string(), "Cluster member it is on", { says: ["member", "location"], place: true }).optional(),
  profiles: facet(z.array(z.string()), "Profiles applied to it", { says: ["profile"] }),
  ephemeral: facet(z.boolean(), "Whether stopping deletes it", { says: ["temporary"] }),
  snapshots: facet(z.int(), "How many snapshots it has", { says: ["snapshot count"] }).optional(),
  snapshot_schedule: facet(z.string(), "When snapshots are taken by themselves", { says: ["schedule"] }).optional(),
  description: facet(z.string(), "Its owner's words").optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it was created", { says: ["creation date", "age"] }).optional(),
});
export type Instance = z.input<typeof Instance>;

const STATUS: Readonly<Record<string, Instance["status"]>> = {
  running: "running",
  started: "running",
  ready: "running",
  thawed: "running",
  stopped: "stopped",
  frozen: "frozen",
  freezing: "frozen",
  starting: "starting",
  stopping: "stopping",
  aborting: "stopping",
};
/** The server's words for the values that one of its filters can express. */
const FILTERS: Readonly<Record<string, readonly string[]>> = {
  running: ["Running", "Ready", "Thawed", "Started"],
  stopped: ["Stopped"],
  frozen: ["Frozen", "Freezing"],
  starting: ["Starting"],
  stopping: ["Stopping", "Aborting"],
};

/**
 * The server's instance in our fields. What it does not say is absent: of an instance whose cluster member is away it knows the name, the
 * place and nothing else.
 */
export function instanceOf(of: WireInstance, clock: Clock): Instance {
  const wire = { ...of, config: of.config ?? {}, devices: of.devices ?? {} };
  const config = wire.expanded_config ?? wire.config;
  const { state } = wire;
  const status = STATUS[(state?.status ?? wire.status).toLowerCase()] ?? "error";
  const alive = status === "running" || status === "frozen";
  const addresses = globalAddresses(state?.network ?? {});
  const ipv4 = addresses.find(({ family }) => family === "inet")?.address;
  // Older servers lack `started_at`; there, and everywhere, `last_used_at` is the last start.
  const started = alive ? (moment(state?.started_at) ?? moment(wire.last_used_at)) : undefined;
  return defined({
    name: wire.name,
    type: wire.type ? (wire.type === "virtual-machine" ? "virtual-machine" : "container") : undefined,
    status,
    cpu: parseCores(config["limits.cpu"]),
    memory: parseSize(config["limits.memory"]),
    memory_used: (alive && state?.memory?.usage) || undefined,
    disk: parseSize(rootDisk(wire)?.[1].size),
    disk_used: Object.entries(state?.disk ?? {}).find(([name]) => name === "root")?.[1].usage || undefined,
    uptime: started && Math.max(0, Math.floor((clock.now() - Date.parse(started)) / 1000)),
    ip: ipv4,
    ips: addresses.length ? addresses.map(({ address }) => address) : undefined,
    os: config["image.os"] || undefined,
    // Ubuntu's own images have both: "22.04" and "jammy".
    release: config["image.version"] || config["image.release"] || undefined,
    arch: wire.architecture || undefined,
    image: config["image.description"] || undefined,
    node: memberName(wire.location),
    project: wire.project,
    profiles: [...(wire.profiles ?? [])],
    ephemeral: wire.ephemeral,
    // null both when there are none and when they were not asked for; with a state they were.
    snapshots: wire.snapshots?.length ?? (state ? 0 : undefined),
    snapshot_schedule: config["snapshots.schedule"] || undefined,
    description: wire.description || undefined,
    created: moment(wire.created_at),
  }) as Instance;
}

/** The device that holds the root file system, with its name. */
export function rootDisk(wire: { readonly expanded_devices?: Devices; readonly devices: Devices }): readonly [string, Config] | undefined {
  return Object.entries(wire.expanded_devices ?? wire.devices).find(([, device]) => device.type === "disk" && device.path === "/");
}

/** The server says "none" where there is no cluster. */
export const memberName = (location: string | undefined): string | undefined => (location && location !== "none" ? location : undefined);

/** Interfaces that the host has an end of come first: the others are bridges made inside, such as docker0. */
function globalAddresses(network: Readonly<Record<string, WireInterface>>) {
  const interfaces = Object.values(network).sort((one, other) => Number(Boolean(other.host_name)) - Number(Boolean(one.host_name)));
  return interfaces.flatMap(({ addresses }) => (addresses ?? []).filter(({ scope }) => scope === "global"));
}

/**
 * The part of a filter that the server can apply itself. Its `eq` takes a pattern and ignores case; names of instances hold nothing
 * that a pattern would read differently. It gets one field only: how its `or` binds beside `and` is not documented. Values
 * stay unquoted: LXD 5.0 fails on a quote at the end. A server too old for filters ignores the parameter.
 */
export function filterOf(where: Where): string | undefined {
  if (typeof where.name === "string" && /^[a-z0-9-]+$/i.test(where.name)) return `name eq ${where.name}`;
  const statuses = textsOf(where.status).map((status) => FILTERS[status]);
  if (statuses.length && statuses.every((words) => words !== undefined)) return alternatives("status", statuses.flat() as string[]);
  const types = textsOf(where.type);
  return types.length === 1 ? alternatives("type", types) : undefined;
}

const textsOf = (condition: unknown): readonly string[] =>
  (Array.isArray(condition) ? condition : [condition]).filter((one): one is string => typeof one === "string");

const alternatives = (field: string, values: readonly string[]): string => values.map((value) => `${field} eq ${value}`).join(" or ");

/** Without the fields that are undefined. */
export const defined = <Fields extends object>(fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
