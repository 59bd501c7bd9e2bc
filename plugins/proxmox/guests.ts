/**
 * What VMs and containers have in common: fields, where one is, and switching it on and off.
 * @module
 */
import { type ActionArgs, facet, isProxMcpError, type ItemArgs, type ListArgs, type Listing, ProxMcpError, type Written } from "proxmcp/plugin";
import { z } from "zod";
import { at, type Parameters, type ProxmoxClient } from "./client.js";
import { hintAtPermissions, known, lostNodes, offlineNodes, present, type Resource, resourcesOf, tagsOf } from "./resources.js";

/** The API's word for a VM or a container, and its part of the path. */
export type GuestType = "qemu" | "lxc";
type Args = ItemArgs<ProxmoxClient>;

const NOUN = { qemu: "VM", lxc: "container" } as const;

export const guestFields = {
  id: facet(z.int(), "VMID, unique in the cluster", { says: ["vmid", "number"] }),
  name: facet(z.string(), "Name; several guests may share one", { says: ["hostname", "called"] }).optional(),
  status: facet(z.enum(["running", "stopped", "paused", "suspended", "error", "unknown"]), "State now; unknown while its node is offline", {
    says: ["state"],
    values: {
      running: ["up", "on", "online", "started", "active", "alive"],
      stopped: ["down", "off", "shut down", "powered off", "halted", "inactive"],
      paused: ["frozen"],
      suspended: ["asleep", "hibernated"],
      error: ["crashed", "panicked", "broken"],
    },
  }),
  node: facet(z.string(), "Node it is on", { says: ["host", "server", "hypervisor"] }),
  cpu: facet(z.number(), "Cores", { says: ["cpus", "cores", "vcpus", "processors"], unit: "cores" }).optional(),
  cpu_usage: facet(z.number(), "Share of its cores in use", { says: ["cpu load", "cpu use", "load"], unit: "ratio" }).optional(),
  memory: facet(z.int(), "Memory", { says: ["ram", "mem"], unit: "bytes" }).optional(),
  memory_used: facet(z.int(), "Memory in use", { says: ["ram used", "memory use", "used memory"], unit: "bytes" }).optional(),
  disk: facet(z.int(), "Size of the boot or root disk", { says: ["disk size", "storage size"], unit: "bytes" }).optional(),
  uptime: facet(z.int(), "Time since its start", { says: ["up for", "running for"], unit: "seconds" }).optional(),
  tags: facet(z.array(z.string()), "Tags", { says: ["tag", "label", "labels", "tagged"] }),
  pool: facet(z.string(), "Resource pool", { says: ["resource pool"] }).optional(),
  template: facet(z.boolean(), "Template, to be cloned and not started", { says: ["templates"] }).optional(),
  lock: facet(z.string(), "What holds its lock: backup, migrate, snapshot", { says: ["locked", "locked by"] }).optional(),
  ha: facet(z.string(), "State in high availability", { says: ["ha state", "high availability"] }).optional(),
  os: facet(z.string(), "Operating system, when shown alone", { says: ["distro", "distribution", "operating system", "guest os"] }).optional(),
  arch: facet(z.string(), "Processor architecture, when set", { says: ["architecture"] }).optional(),
  onboot: facet(z.boolean(), "Starts with its node", { says: ["autostart", "start on boot"] }).optional(),
  protection: facet(z.boolean(), "Protected against deletion", { says: ["protected"] }).optional(),
  description: facet(z.string(), "Notes", { says: ["notes", "comment"] }).optional(),
};

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
    const item = present({
      ...fresh,
      ha: ha?.state ?? fresh.ha,
      arch: arch === undefined ? undefined : (ARCH[arch] ?? String(arch)),
      onboot: onboot === undefined ? undefined : Number(onboot) === 1,
      protection: protection === undefined ? undefined : Number(protection) === 1,
      description: description === undefined ? undefined : String(description).trim(),
    });
    return { item: item as ReturnType<typeof guestOf>, config };
  });
}

const ARCH: Readonly<Record<string, string>> = { amd64: "x86_64", arm64: "aarch64" };

/** Switches a guest on or off, follows the task, and takes "already" for success when the guest agrees. */
export async function power(
  args: ActionArgs<ProxmoxClient, unknown>,
  type: GuestType,
  command: "start" | "stop" | "shutdown" | "reboot",
  parameters: Parameters = {},
): Promise<Written> {
  const { client, signal, note } = args;
  return await withGuest(args, type, async ({ vmid = 0, node = "" }, path, lost) => {
    if (lost)
      throw new ProxMcpError("UNREACHABLE", `Unable to ${command} ${NOUN[type]} ${vmid}: its node ${node} is offline.`, {
        data: { node },
        next: `Bring ${node} back first. With high availability the cluster restarts its managed guests elsewhere by itself.`,
      });
    try {
      await client.write("POST", `${path}/status/${command}`, parameters, args);
    } catch (error) {
      const wanted = command === "start" ? "running" : "stopped";
      if (command === "reboot" || !isProxMcpError(error) || !/already running|not running/i.test(error.message)) throw error;
      const { status } = await client.get<Current>(`${path}/status/current`, signal);
      if (status !== wanted) throw error;
      note(`${NOUN[type]} ${vmid} was ${wanted} already.`);
    }
    if (command === "reboot" && type === "qemu") await comesBack(args, path);
    return { key: String(vmid) };
  });
}

/** A VM's reboot task ends when the guest is down; the node starts it again just afterwards. */
async function comesBack({ client, signal, clock, note }: Args, path: string): Promise<void> {
  for (const until = clock.now() + 15_000; clock.now() < until; await clock.sleep(250, signal)) {
    if ((await client.get<Current>(`${path}/status/current`, signal)).status === "running") return;
  }
  note("The guest has shut down, and Proxmox has not started it again yet.");
}

/** Finds the guest and runs `work` with its row and path. Once more when the guest moved to another node in between. */
export async function withGuest<Result>(
  args: Args,
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

async function locate({ client, key, signal }: Args, type: GuestType): Promise<{ row: Resource; lost: boolean }> {
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
