import type { Config, Devices, WireNetwork, WirePool, WireProfile } from "../wire.js";
import type { Admin } from "./admin.js";
import type { Software, Survey } from "./survey.js";

const GiB = 1024 ** 3;
/** Drivers that make snapshots and copies cheap, the better first. */
const GOOD = ["zfs", "btrfs"] as const;

export interface PreseedInput {
  /** Whether it is to be reached over the network, and on which port. */
  readonly port: number | undefined;
  readonly storage: string | undefined;
}

interface ServerAsItIs {
  readonly config: Config;
  readonly environment?: { readonly storage_supported_drivers?: readonly { readonly Name: string; readonly Remote?: boolean }[] };
}

export interface Preseed {
  readonly config?: Config;
  readonly storage_pools?: readonly object[];
  readonly networks?: readonly object[];
  readonly profiles?: readonly object[];
}

/** The pool's driver, by what the daemon can and what the host has. */
export function driverFor({ memory, diskFree }: Pick<Survey, "memory" | "diskFree">, drivers: readonly string[]): string {
  // A pool in a file takes room of its own, and ZFS memory: on small boards a folder does better.
  if (diskFree < 15 * GiB) return "dir";
  return GOOD.find((driver) => drivers.includes(driver) && (driver !== "zfs" || memory >= 2 * GiB)) ?? "dir";
}

/** What a daemon lacks until instances can be made on it, as `init --preseed` takes it; undefined where it lacks nothing. */
export async function lackOf(admin: Admin, host: Survey, { port, storage }: PreseedInput, signal: AbortSignal): Promise<Preseed | undefined> {
  const read = async <Metadata>(path: string, doing: string): Promise<Metadata> =>
    await admin.ask<Metadata>("GET", path, doing, signal, { query: { recursion: 1 } });
  const server = await read<ServerAsItIs>("/1.0", "read the server's settings");
  const pools = await read<readonly WirePool[]>("/1.0/storage-pools", "list storage pools");
  const networks = await read<readonly WireNetwork[]>("/1.0/networks", "list networks");
  const { devices } = await read<WireProfile>("/1.0/profiles/default", "read the default profile");
  return lacking({ software: admin.software, server, pools, networks, devices }, host, { port, storage });
}

interface Found {
  readonly software: Software;
  readonly server: ServerAsItIs;
  readonly pools: readonly Pick<WirePool, "name">[];
  readonly networks: readonly Pick<WireNetwork, "name" | "type" | "managed">[];
  readonly devices: Devices;
}

/** The same, of what was read. What is there already is used, and never changed. */
export function lacking({ software, server, pools, networks, devices }: Found, host: Survey, { port, storage }: PreseedInput): Preseed | undefined {
  const drivers = server.environment?.storage_supported_drivers?.map(({ Name }) => Name) ?? [];
  const pool = pools[0]?.name ?? "default";
  const bridge = networks.find(({ managed, type }) => managed && type === "bridge")?.name;
  const network = bridge ?? freeName(software === "incus" ? "incusbr" : "lxdbr", networks);
  const has = (type: string): boolean => Object.values(devices).some((device) => device["type"] === type);
  const added = {
    ...(has("disk") ? {} : { root: { type: "disk", path: "/", pool } }),
    ...(has("nic") ? {} : { eth0: { type: "nic", name: "eth0", network } }),
  };
  const preseed: Preseed = {
    ...(port !== undefined && !server.config["core.https_address"] ? { config: { "core.https_address": `:${port}` } } : {}),
    ...(pools.length > 0 ? {} : { storage_pools: [{ name: pool, driver: storage ?? driverFor(host, drivers) }] }),
    // A profile that has a network already needs no bridge.
    ...(bridge !== undefined || has("nic")
      ? {}
      : { networks: [{ name: network, type: "bridge", config: { "ipv4.address": "auto", "ipv6.address": "auto" } }] }),
    ...(Object.keys(added).length > 0 ? { profiles: [{ name: "default", devices: added }] } : {}),
  };
  return Object.keys(preseed).length > 0 ? preseed : undefined;
}

/** A bridge that the daemon only sees is somebody else's, such as that of another daemon. */
function freeName(prefix: string, networks: Found["networks"]): string {
  for (let at = 0; ; at += 1) if (!networks.some(({ name }) => name === `${prefix}${at}`)) return `${prefix}${at}`;
}

/** Gives a daemon what it lacks. JSON is YAML too. */
export async function preseed(admin: Admin, lack: Preseed, signal: AbortSignal): Promise<void> {
  await admin.run(["init", "--preseed"], { signal, stdin: JSON.stringify(lack) });
}

/** In words: `storage pool default (zfs), network lxdbr0`. */
export function wordsOf({ config, storage_pools: pools = [], networks = [], profiles = [] }: Preseed): string {
  const named = (what: string, all: readonly object[], more: (one: Readonly<Record<string, unknown>>) => string = () => "") =>
    all.map((one) => `${what} ${(one as { name: string }).name}${more(one as Readonly<Record<string, unknown>>)}`);
  return [
    ...(config ? [`https address ${config["core.https_address"]}`] : []),
    ...named("storage pool", pools, ({ driver }) => ` (${String(driver)})`),
    ...named("network", networks),
    ...named("devices of the profile", profiles),
  ].join(", ");
}
