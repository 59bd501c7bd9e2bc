/**
 * Between clusters: moving a guest to another one, and having a backup in another one. The source stays untouched until what was made on
 * the far side has been verified; what was left half done there is removed.
 * @module
 */
import { type ActionArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { type Backup, backupsOf } from "./backups.js";
import { canCarry, carry, fileStorage } from "./carry.js";
import { at, ProxmoxClient } from "./client.js";
import { disksOf } from "./guest/hardware.js";
import { nextId, placeFor } from "./guest/place.js";
import { refuseProtected } from "./guest/remove.js";
import { type Config, type GuestType, NOUN, reachable, withGuest } from "./guests.js";
import { removeStub } from "./restore.js";
import { type Resource, resourcesOf } from "./resources.js";

export const crossing = {
  to_cluster: z.string().describe("Where to: name of a configured cluster"),
  new_id: z.int().min(100).describe("VMID there; default the same if free, else the next free").optional(),
  node: z.string().describe("Node there").optional(),
  storage: z.string().describe("For its disks there").optional(),
  bridge: z.string().describe("For its network devices there").optional(),
  online: z.boolean().describe("While it runs; default if it runs").optional(),
  delete_source: z.boolean().describe("Delete it here once it is verified there; default false").optional(),
};
type Crossing = z.output<z.ZodObject<typeof crossing>>;
type Args<Input> = ActionArgs<ProxmoxClient, Input>;
type Road = z.infer<typeof Crossed>["road"];

export const Crossed = z.object({
  to_cluster: z.string(),
  vmid: z.int(),
  node: z.string(),
  road: z.enum(["remote-migrate", "backup and restore", "backup, transfer and restore"]),
  source_deleted: z.boolean(),
});

const toolFor = (type: GuestType) => ({ name: `proxmox_${type === "qemu" ? "vm" : "ct"}_migrate_cluster`, safety: "destructive" }) as const;

export function farSide(
  client: ProxmoxClient,
  name: string,
  tool: { readonly name: string; readonly safety: "write" | "destructive" },
): ProxmoxClient {
  if (name === client.name) throw new ProxMcpError("INVALID_INPUT", `to_cluster: found ${name}, which is where it is.`);
  const far = client.peers.client(name, tool);
  if (!(far instanceof ProxmoxClient)) throw new ProxMcpError("INTERNAL", `${name} is no Proxmox cluster.`);
  return far;
}

export const crossingLosses =
  (type: GuestType) =>
  (args: Args<Crossing>): Promise<string> =>
    withGuest(args as never, type, async (row, path, lost) => {
      reachable(row, lost, "move", type);
      farSide(args.client, args.input.to_cluster, toolFor(type));
      const what = `${NOUN[type]} ${row.vmid} (${row.name})`;
      const config = await args.client.get<Config>(`${path}/config`, args.signal);
      if (!args.input.delete_source) return `${what} is copied to ${args.input.to_cluster}; it stays here, switched off.`;
      refuseProtected(config, row, type);
      const disks = disksOf(config, type).filter(({ use }) => use !== "cdrom");
      return `${what} goes to ${args.input.to_cluster}. Once it is verified there it is deleted here with its disks (${disks.map(({ volume }) => volume).join(", ")}) and its snapshots.`;
    });

export const migrateCluster =
  (type: GuestType) =>
  (args: Args<Crossing> & { readonly key: string }): Promise<z.infer<typeof Crossed>> =>
    withGuest(args, type, async (row, path, lost) => {
      reachable(row, lost, "move", type);
      const { client, input, signal } = args;
      const far = farSide(client, input.to_cluster, toolFor(type));
      const config = await client.get<Config>(`${path}/config`, signal);
      if (input.delete_source) refuseProtected(config, row, type);
      const place = await placeFor({ client: far, signal, note: args.note }, input, type === "qemu" ? "images" : "rootdir");
      const vmid = await farId(far, row.vmid ?? 0, input.new_id, signal);
      let road: Road = "remote-migrate";
      try {
        await remoteMigrate(args, far, row, path, place, vmid, type);
      } catch (error) {
        await undo(args, far, place.node, vmid, type);
        if (!isProxMcpError(error) || error.code !== "UNSUPPORTED") throw error;
        road = await byBackup(args, far, row, place, vmid, type);
      }
      const node = await verified(far, vmid, config, type, signal);
      if (input.delete_source) await dropSource(args, path);
      return { to_cluster: input.to_cluster, vmid, node, road, source_deleted: input.delete_source === true };
    });

async function farId(far: ProxmoxClient, here: number, wanted: number | undefined, signal: AbortSignal): Promise<number> {
  const taken = new Set((await resourcesOf(far, signal, "vm")).map(({ vmid }) => vmid));
  if (wanted !== undefined && taken.has(wanted))
    throw new ProxMcpError("ALREADY_EXISTS", `${far.name} has a guest ${wanted} already.`, { next: "Choose another `new_id`." });
  return wanted ?? (taken.has(here) ? await nextId(far, signal) : here);
}

type Place = { readonly node: string; readonly storage: string };

async function remoteMigrate(
  args: Args<Crossing>,
  far: ProxmoxClient,
  row: Resource,
  path: string,
  place: Place,
  vmid: number,
  type: GuestType,
): Promise<void> {
  const { client, input, signal } = args;
  const running = row.status === "running";
  const { hostname, port } = new URL(far.address);
  const fingerprint = far.options.fingerprint ?? (await certificateOf(far, place.node, signal));
  const endpoint = [
    `host=${hostname}`,
    `apitoken=PVEAPIToken=${far.credentials}`,
    `port=${port || 8006}`,
    ...(fingerprint ? [`fingerprint=${colons(fingerprint)}`] : []),
  ].join(",");
  const parameters = {
    "target-endpoint": endpoint,
    "target-vmid": vmid,
    "target-storage": place.storage,
    "target-bridge": input.bridge ?? far.options.bridge ?? "vmbr0",
    // A container can't go while it runs: it is shut down here and started there.
    ...(type === "qemu" ? { online: (input.online ?? running) || undefined } : { restart: running || undefined }),
    // Proxmox would delete the source as soon as it thinks that all is well. We look first.
    delete: false,
  };
  await client.write("POST", `${path}/remote_migrate`, parameters, { ...args, cancels: true });
}

const colons = (fingerprint: string): string => fingerprint.replaceAll(":", "").toUpperCase().match(/../g)?.join(":") ?? fingerprint;

async function certificateOf(far: ProxmoxClient, node: string, signal: AbortSignal): Promise<string | undefined> {
  const rows = await far.get<readonly { readonly filename: string; readonly fingerprint?: string }[]>(at`/nodes/${node}/certificates/info`, signal);
  return (rows.find(({ filename }) => filename === "pveproxy-ssl.pem") ?? rows.find(({ filename }) => filename === "pve-ssl.pem"))?.fingerprint;
}

/** A storage that both clusters have, as the API carries no backup from one to the other. */
export async function commonStorage(here: ProxmoxClient, far: ProxmoxClient, signal: AbortSignal, only?: string): Promise<string | undefined> {
  type Definition = Readonly<Record<string, string | number | undefined>>;
  const [ours, theirs] = await Promise.all([here.get<readonly Definition[]>("/storage", signal), far.get<readonly Definition[]>("/storage", signal)]);
  const place = ({ type, server, export: path, share, datastore, namespace }: Definition): string =>
    JSON.stringify([type, server, path ?? share ?? datastore, namespace ?? ""]);
  const both = ours.filter(
    (one) =>
      one.server !== undefined &&
      String(one.content).includes("backup") &&
      theirs.some((other) => other.storage === one.storage && place(other) === place(one)),
  );
  return both.map(({ storage }) => String(storage)).find((name) => only === undefined || name === only);
}

/** A backup, by a storage that both have or carried over SSH, restored there. */
async function byBackup(args: Args<Crossing>, far: ProxmoxClient, row: Resource, place: Place, vmid: number, type: GuestType): Promise<Road> {
  const { client, signal, note } = args;
  const common = await commonStorage(client, far, signal);
  if (common === undefined && !canCarry(client, far))
    throw new ProxMcpError(
      "UNSUPPORTED",
      `${NOUN[type]} ${row.vmid} can't go to ${far.name}: this release has no remote migration, the clusters have no storage for backups in common, and not both have SSH.`,
      { next: "Add the same NFS, CIFS or Proxmox Backup Server storage to both clusters, under the same name, or `ssh` to both connections." },
    );
  const made = await backUp(args, row, common ?? (await fileStorage(client, row.node, signal)).storage);
  note(`The backup ${made.id} was made for this, and is kept.`);
  const road = common === undefined ? "backup, transfer and restore" : "backup and restore";
  const archive =
    common === undefined ? await carry(args, { ...made, node: row.node ?? "" }, far, await fileStorage(far, place.node, signal)) : made.id;
  if (common === undefined) note(`It was carried to ${far.name} as ${archive}, and is kept there too.`);
  const of = type === "qemu" ? { archive } : { ostemplate: archive, restore: true };
  try {
    await far.write("POST", at`/nodes/${place.node}/${type}`, { vmid, storage: place.storage, ...of }, { ...args, cancels: true });
  } catch (error) {
    await undo(args, far, place.node, vmid, type);
    throw error;
  }
  return road;
}

/** Backs a guest up to a storage, and answers the backup. Stopped meanwhile if it runs and is about to move. */
async function backUp(args: Args<unknown>, row: Resource, storage: string): Promise<Backup> {
  const { client, signal } = args;
  const before = new Set((await backupsOf({ client, signal }, { storage, vmid: row.vmid })).items.map(({ id }) => id));
  const parameters = { vmid: String(row.vmid), storage, mode: row.status === "running" ? "stop" : "snapshot", compress: "zstd" };
  await client.write("POST", at`/nodes/${row.node ?? ""}/vzdump`, parameters, { ...args, cancels: true });
  const made = (await backupsOf({ client, signal }, { storage, vmid: row.vmid })).items.find(({ id }) => !before.has(id));
  if (!made) throw new ProxMcpError("TASK_FAILED", `The backup of ${row.vmid} ended well, but there is no new one on ${storage}.`);
  return made;
}

/** Takes away what a failed attempt left on the far side: the VMID was free when we began, so it is ours. */
async function undo(args: Args<Crossing>, far: ProxmoxClient, node: string, vmid: number, type: GuestType): Promise<void> {
  await removeStub({ ...args, client: far } as ActionArgs<ProxmoxClient, unknown>, node, type, vmid);
}

/** There, not locked, and with as many disks of the same sizes. */
async function verified(far: ProxmoxClient, vmid: number, before: Config, type: GuestType, signal: AbortSignal): Promise<string> {
  const found = (await resourcesOf(far, signal, "vm")).find((row) => row.vmid === vmid);
  const lost = (why: string): ProxMcpError =>
    new ProxMcpError("TASK_FAILED", `The ${NOUN[type]} could not be verified on ${far.name}: ${why}. Nothing was deleted here.`, {
      next: `Look at ${NOUN[type]} ${vmid} on ${far.name}.`,
    });
  if (!found?.node) throw lost(`there is no ${NOUN[type]} ${vmid}`);
  const now = await far.get<Config>(at`/nodes/${found.node}/${type}/${vmid}/config`, signal);
  if (now.lock !== undefined) throw lost(`it is locked (${now.lock})`);
  const sizes = (config: Config): string =>
    disksOf(config, type)
      .filter(({ use, size }) => use === "disk" || (use === "mount" && size !== undefined))
      .map(({ id, size }) => `${id} ${size}`)
      .join(", ");
  if (sizes(now) !== sizes(before)) throw lost(`its disks are ${sizes(now) || "none"} instead of ${sizes(before)}`);
  return found.node;
}

async function dropSource(args: Args<Crossing>, path: string): Promise<void> {
  const { client, signal } = args;
  const { status } = await client.get<{ readonly status: string }>(`${path}/status/current`, signal);
  if (status === "running") await client.write("POST", `${path}/status/stop`, {}, args);
  await client.write("DELETE", path, { purge: true }, args);
}
