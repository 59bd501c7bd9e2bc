import { parseCores, parseSize } from "../sizes.js";
import type { Guest, Snapshot, World } from "./world.js";

const CODES = { Running: 103, Stopped: 102, Frozen: 110 } as const;

/** What the cluster says of an instance whose member it can't reach. */
const UNKNOWN = {
  architecture: "",
  config: null,
  devices: null,
  ephemeral: false,
  profiles: null,
  stateful: false,
  description: "",
  created_at: "0001-01-01T00:00:00Z",
  status: "Error",
  status_code: 112,
  last_used_at: "0001-01-01T00:00:00Z",
  type: "",
  project: "default",
};
const NOTHING = { backups: null, state: null, snapshots: null };

/** An instance as `GET /1.0/instances/{name}` shows it; with `full` also its state and snapshots, as recursion does. */
export function renderGuest(world: World, guest: Guest, full = false): Record<string, unknown> {
  const { config, devices } = world.expanded(guest);
  if (world.host.members.includes(`!${guest.location}`)) return { ...UNKNOWN, name: guest.name, location: guest.location, ...(full ? NOTHING : {}) };
  return {
    architecture: guest.architecture,
    config: guest.config,
    devices: guest.devices,
    ephemeral: guest.ephemeral,
    profiles: guest.profiles,
    stateful: false,
    description: guest.description,
    created_at: guest.created_at,
    expanded_config: config,
    expanded_devices: devices,
    name: guest.name,
    status: guest.status,
    status_code: CODES[guest.status],
    last_used_at: guest.last_used_at,
    location: guest.location,
    type: guest.type,
    project: world.project,
    ...(full
      ? {
          backups: guest.backups.length
            ? guest.backups.map(({ content: _, ...backup }) => ({ ...backup, container_only: backup.instance_only }))
            : null,
          state: renderState(world, guest),
          snapshots: guest.snapshots.length ? guest.snapshots.map((snapshot) => renderSnapshot(world, guest, snapshot)) : null,
        }
      : {}),
  };
}

export function renderState(world: World, guest: Guest): Record<string, unknown> {
  const alive = guest.status !== "Stopped";
  const { devices } = world.expanded(guest);
  const size = parseSize(devices.root?.size);
  // A quarter of one core, and some traffic, from its start on.
  const seconds = Math.max(0, Date.now() - Date.parse(guest.last_used_at)) / 1000;
  const counters = {
    bytes_received: Math.floor(seconds * 900),
    bytes_sent: Math.floor(seconds * 400),
    packets_received: 0,
    packets_sent: 0,
    errors_received: 0,
    errors_sent: 0,
  };
  const address = (family: string, value: string, netmask: string, scope: string) => ({ family, address: value, netmask, scope });
  return {
    status: guest.status,
    status_code: CODES[guest.status],
    disk: { root: { usage: guest.diskUsage, ...(world.host.flavor === "incus" ? { total: size ?? 0 } : {}) } },
    memory: { usage: alive ? guest.memoryUsage : 0, usage_peak: alive ? guest.memoryUsage * 2 : 0, swap_usage: 0, swap_usage_peak: 0 },
    network: alive
      ? {
          eth0: {
            addresses: [address("inet", `10.10.10.${guest.host}`, "24", "global"), address("inet6", "fe80::216:3eff:fe00:1", "64", "link")],
            counters,
            hwaddr: guest.mac,
            host_name: `veth${guest.mac.replaceAll(":", "").slice(4)}`,
            mtu: 1500,
            state: "up",
            type: "broadcast",
          },
          lo: {
            addresses: [address("inet", "127.0.0.1", "8", "local"), address("inet6", "::1", "128", "local")],
            counters,
            hwaddr: "",
            host_name: "",
            mtu: 65536,
            state: "up",
            type: "loopback",
          },
        }
      : null,
    pid: alive ? 4000 + guest.host : 0,
    processes: alive ? 12 : 0,
    cpu: {
      usage: alive ? Math.floor((guest.status === "Frozen" ? 1 : seconds) * 250_000_000) : 0,
      ...(world.host.flavor === "incus"
        ? { allocated_time: (parseCores(world.expanded(guest).config["limits.cpu"]) ?? world.host.cores) * 1_000_000_000 }
        : {}),
    },
    ...(world.host.flavor === "incus" ? { started_at: alive ? guest.last_used_at : "0001-01-01T00:00:00Z" } : {}),
  };
}

export function renderSnapshot(world: World, guest: Guest, snapshot: Snapshot): Record<string, unknown> {
  const { config, devices } = world.expanded(snapshot.of);
  return {
    expires_at: snapshot.expires_at,
    architecture: guest.architecture,
    config: snapshot.of.config,
    created_at: snapshot.created_at,
    devices: snapshot.of.devices,
    ephemeral: guest.ephemeral,
    expanded_config: config,
    expanded_devices: devices,
    last_used_at: "0001-01-01T00:00:00Z",
    name: snapshot.name,
    profiles: snapshot.of.profiles,
    stateful: snapshot.stateful,
    size: -1,
  };
}
