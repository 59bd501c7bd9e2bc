/**
 * What VMs and containers have in common: fields, where one is, and switching it on and off.
 * @module
 */
import { type ItemArgs, type ListArgs, type Listing, ProxMcpError } from "proxmcp/plugin";
import type { z } from "zod";
import { at, type ProxmoxClient } from "./client.js";
import type { guestFields } from "./guest/fields.js";
import { disksOf, nicsOf } from "./guest/hardware.js";
import { hintAtPermissions, known, lostNodes, offlineNodes, present, type Resource, resourcesOf, tagsOf } from "./resources.js";

/** The API's word for a VM or a container, and its part of the path. */
export type GuestType = "qemu" | "lxc";
type Args = ItemArgs<ProxmoxClient>;

export const NOUN = { qemu: "VM", lxc: "container" } as const;

/** `GET .../status/current` */
export interface Current {
  readonly status: string;
  /** Of a VM: finer than `status`. */
  readonly qmpstatus?: string;
  readonly cpu?: number;
  readonly mem?: number;
  readonly disk?: number;
  readonly uptime?: number;
  readonly lock?: string;
  readonly ha?: { readonly managed?: number; readonly state?: string };
}

/** `GET .../config`: numbers come as numbers or as text. */
export type Config = Readonly<Record<string, string | number | undefined>>;

const ASLEEP: Readonly<Record<string, z.infer<typeof guestFields.status>>> = {
  running: "running",
  stopped: "stopped",
  paused: "paused",
  prelaunch: "paused", // created with its CPU frozen
  suspended: "suspended",
  "io-error": "error",
  "internal-error": "error",
  "guest-panicked": "error",
  unknown: "unknown",
};

/** A row of the listing as an item. What only a running guest has is left out of others. */
export function guestOf(row: Resource, lost: boolean): z.infer<z.ZodObject<typeof guestFields>> & { disk_used?: number } {
  const asleep = row.lock === "suspended" && row.status === "stopped"; // suspended to disk
  const status = lost ? "unknown" : asleep ? "suspended" : (ASLEEP[row.status ?? "unknown"] ?? "running");
  const active = status === "running" || status === "paused";
  return present({
    id: row.vmid ?? Number(row.id.split("/")[1]),
    name: row.name,
    status,
    node: row.node ?? "",
    cpu: known(row.maxcpu),
    cpu_usage: active ? row.cpu : undefined,
    memory: known(row.maxmem),
    memory_used: active ? known(row.mem) : undefined,
    disk: known(row.maxdisk),
    disk_used: row.type === "lxc" && active ? known(row.disk) : undefined, // of a VM it is always 0
    uptime: active ? row.uptime : undefined,
    tags: tagsOf(row.tags),
    pool: row.pool,
    template: row.template === undefined ? undefined : row.template === 1,
    lock: row.lock,
    ha: row.hastate,
  }) as ReturnType<typeof guestOf>;
}

/** All VMs or all containers of the cluster, in one request. */
export async function listGuests(args: ListArgs<ProxmoxClient>, type: GuestType): Promise<Listing<ReturnType<typeof guestOf>>> {
  // Without a type the answer has the nodes too, which say whose guests are only remembered.
  const rows = await resourcesOf(args.client, args.signal);
  if (!rows.some((row) => row.type === "qemu" || row.type === "lxc")) await hintAtPermissions(args, "VM.Audit");
  const offline = offlineNodes(rows);
  const guests = rows.filter((row) => row.type === type);
  return {
    items: guests.map((row) => guestOf(row, offline.has(row.node ?? ""))),
    errors: lostNodes(guests, offline, type === "qemu" ? "VMs" : "containers"),
  };
}

/** One guest in full: where it is, then its state and its configuration at once. */
export function readGuest(args: Args, type: GuestType): Promise<{ item: ReturnType<typeof guestOf>; config: Config }> {
  return withGuest(args, type, async (row, path, lost) => {
    if (lost) {
      args.note(`Node ${row.node} is offline: this is what the cluster remembers of ${NOUN[type]} ${row.vmid}.`);
      return { item: guestOf(row, true), config: {} };
    }
    const [current, config] = await Promise.all([
      args.client.get<Current>(`${path}/status/current`, args.signal),
      args.client.get<Config>(`${path}/config`, args.signal),
    ]);
    // The row lags by some seconds, as nodes report every ten; the state asked for is that of now.
    const { status, qmpstatus, ha, ...now } = current;
    const fresh = guestOf({ ...row, ...now, status: status === "running" ? (qmpstatus ?? status) : status }, false);
    const { arch, onboot, protection, description } = config;
    const [nics, disks] = [nicsOf(config, type), disksOf(config, type)];
    const item = present({
      ...fresh,
      nics,
      disks,
      bridges: unique(nics.map(({ bridge }) => bridge)),
      storages: unique(disks.map(({ storage }) => storage)),
      ha: ha?.state ?? fresh.ha,
      arch: arch === undefined ? undefined : (ARCH[arch] ?? String(arch)),
      onboot: onboot === undefined ? undefined : Number(onboot) === 1,
      protection: protection === undefined ? undefined : Number(protection) === 1,
      description: description === undefined ? undefined : String(description).trim(),
    });
    return { item: item as ReturnType<typeof guestOf>, config };
  });
}

const unique = (values: readonly (string | undefined)[]): string[] => [...new Set(values.flatMap((value) => value ?? []))];

const ARCH: Readonly<Record<string, string>> = { amd64: "x86_64", arm64: "aarch64" };

/** Refuses what can't be done to a guest whose node the cluster has lost. */
export function reachable({ vmid, node }: Resource, lost: boolean, what: string, type: GuestType): void {
  if (!lost) return;
  throw new ProxMcpError("UNREACHABLE", `Unable to ${what} ${NOUN[type]} ${vmid}: its node ${node} is offline.`, {
    data: { node },
    next: `Bring ${node} back first. With high availability the cluster restarts its managed guests elsewhere by itself.`,
  });
}

/** Finds the guest and runs `work` with its row and path. Once more when the guest moved to another node in between. */
export async function withGuest<Result>(
  args: Pick<Args, "client" | "key" | "signal">,
  type: GuestType,
  work: (row: Resource, path: string, lost: boolean) => Promise<Result>,
): Promise<Result> {
  const run = async (): Promise<[Resource, () => Promise<Result>]> => {
    const { row, lost } = await locate(args, type);
    return [row, () => work(row, at`/nodes/${row.node ?? ""}/${type}/${row.vmid ?? 0}`, lost)];
  };
  const [row, attempt] = await run();
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof Error) || !/configuration file .*does not exist|unable to find configuration file/i.test(error.message)) throw error;
    const [now, again] = await run();
    if (now.node === row.node) throw error;
    return await again();
  }
}

async function locate({ client, key, signal }: Pick<Args, "client" | "key" | "signal">, type: GuestType): Promise<{ row: Resource; lost: boolean }> {
  const rows = await resourcesOf(client, signal);
  const offline = offlineNodes(rows);
  const guests = rows.filter((row) => row.type === "qemu" || row.type === "lxc");
  const byId = guests.filter((row) => String(row.vmid) === key.trim());
  const found = byId.length > 0 ? byId : guests.filter((row) => row.name?.toLowerCase() === key.trim().toLowerCase());
  const right = found.filter((row) => row.type === type);
  if (right.length > 1)
    throw new ProxMcpError(
      "NAME_AMBIGUOUS",
      `${right.length} ${NOUN[type]}s are called ${key}: ${right.map((row) => `${row.vmid} on ${row.node}`).join(", ")}.`,
      {
        data: { candidates: right.map((row) => ({ id: row.vmid, name: row.name, node: row.node })) },
        next: "Use the id of the one that is meant.",
      },
    );
  const [row] = right;
  if (row) return { row, lost: offline.has(row.node ?? "") };
  const other = found[0];
  if (other)
    throw new ProxMcpError("NOT_FOUND", `${key} is no ${NOUN[type]} but a ${NOUN[other.type as GuestType]} (${other.vmid} on ${other.node}).`, {
      next: `Use the tools for ${NOUN[other.type as GuestType]}s.`,
    });
  throw new ProxMcpError("NOT_FOUND", `There is no ${NOUN[type]} ${key} that ${client.token} may see.`, {
    tried: ["GET /cluster/resources"],
    ...(offline.size > 0
      ? { next: `List what exists. Nodes are offline (${[...offline].join(", ")}), and names of their guests may be missing.` }
      : {}),
  });
}
