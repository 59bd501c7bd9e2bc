/**
 * Backups as they lie on the storages of a cluster.
 * @module
 */
import { type CallArgs, type ErrorReport, isProxMcpError } from "proxmcp/plugin";
import { at, type ProxmoxClient } from "./client.js";
import { offlineNodes, present, type Resource, resourcesOf } from "./resources.js";

type Args = Pick<CallArgs<ProxmoxClient>, "client" | "signal">;
type Failed = ErrorReport & { readonly source: string };

/** A row of `/nodes/{node}/storage/{storage}/content`. */
export interface VolumeRow {
  readonly volid: string;
  readonly content: string;
  readonly format?: string;
  readonly size?: number;
  readonly used?: number;
  readonly vmid?: number | string;
  /** Seconds since 1970. */
  readonly ctime?: number;
  readonly notes?: string;
  readonly protected?: number;
  /** `qemu` or `lxc`, of a backup. */
  readonly subtype?: string;
  readonly parent?: string | null;
  /** Proxmox Backup Server: the last verification. */
  readonly verification?: { readonly state?: string; readonly upid?: string };
  readonly encrypted?: string;
}

export interface Placed extends VolumeRow {
  readonly node: string;
  readonly storage: string;
}

/** At most so many storages are asked at once. */
const AT_ONCE = 6;

/** Every storage that may hold such content, once: a shared one is asked of one of its nodes. */
export function storagesHolding(
  rows: readonly Resource[],
  content: string | undefined,
  { node, storage }: { readonly node?: string | undefined; readonly storage?: string | undefined } = {},
): readonly Resource[] {
  const offline = offlineNodes(rows);
  const fit = rows.filter(
    (row) =>
      row.type === "storage" &&
      row.status === "available" &&
      !offline.has(row.node ?? "") &&
      (content === undefined || (row.content ?? "").split(",").includes(content)) &&
      (node === undefined || row.node === node) &&
      (storage === undefined || row.storage === storage),
  );
  const seen = new Set<string>();
  return fit.filter((row) => {
    if (row.shared !== 1) return true;
    const known = seen.has(row.storage ?? "");
    seen.add(row.storage ?? "");
    return !known;
  });
}

/** The volumes of these storages; a storage that can't be read is an error beside the others. */
export async function volumesOn(
  { client, signal }: Args,
  storages: readonly Resource[],
  query: { readonly content?: string | undefined; readonly vmid?: number | undefined },
): Promise<{ readonly items: readonly Placed[]; readonly errors: readonly Failed[] }> {
  const items: Placed[] = [];
  const errors: Failed[] = [];
  await inParallel(storages, AT_ONCE, async ({ node = "", storage = "" }) => {
    try {
      const rows = await client.get<readonly VolumeRow[]>(at`/nodes/${node}/storage/${storage}/content`, signal, query);
      items.push(...rows.map((row) => ({ ...row, node, storage })));
    } catch (error) {
      if (signal.aborted || !isProxMcpError(error)) throw error;
      errors.push({ ...error.report(), source: `${node}/${storage}` });
    }
  });
  return { items, errors };
}

/** Runs work on all of them, so many at once, in order of their beginning. */
export async function inParallel<Item>(items: readonly Item[], most: number, work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, worker));
}

export interface Backup {
  readonly id: string;
  readonly vmid?: number;
  readonly vm?: string;
  readonly ct?: string;
  readonly node: string;
  readonly storage: string;
  readonly created?: string;
  readonly disk?: number;
  readonly format?: string;
  readonly protected: boolean;
  readonly description?: string;
  readonly verified?: "ok" | "failed" | "none";
  readonly encrypted?: boolean;
  readonly namespace?: string;
}

export function backupOf(row: Placed): Backup {
  const { volid, vmid, node, storage, ctime, size, format, notes, verification, encrypted } = row;
  // Where the row does not say, the name of the archive does: vzdump-qemu-100-..., backup/vm/100/...
  const type = row.subtype ?? /vzdump-(qemu|lxc)-|backup\/(?:ns\/.*\/)?(vm|ct)\//.exec(volid)?.slice(1).find(Boolean);
  const isVm = type === "qemu" || type === "vm";
  const isCt = type === "lxc" || type === "ct";
  const isPbs = /^pbs-/.test(format ?? "");
  return present({
    id: volid,
    vmid: vmid === undefined ? undefined : Number(vmid),
    vm: isVm && vmid !== undefined ? String(vmid) : undefined,
    ct: isCt && vmid !== undefined ? String(vmid) : undefined,
    node,
    storage,
    created: ctime === undefined ? undefined : new Date(ctime * 1000).toISOString(),
    disk: size,
    format,
    protected: row.protected === 1,
    description: notes?.trim() || undefined,
    verified: isPbs ? (verification?.state === "ok" ? "ok" : verification?.state === undefined ? "none" : "failed") : undefined,
    encrypted: isPbs ? encrypted !== undefined : undefined,
    namespace: isPbs ? /backup\/ns\/(.+?)\/(?:vm|ct|host)\//.exec(volid)?.[1] : undefined,
  }) as Backup;
}

/** All backups, or those of one guest or one storage. */
export async function backupsOf(
  args: Args,
  wanted: { readonly vmid?: number | undefined; readonly node?: string | undefined; readonly storage?: string | undefined } = {},
): Promise<{ readonly items: readonly Backup[]; readonly errors: readonly Failed[] }> {
  const rows = await resourcesOf(args.client, args.signal);
  const { items, errors } = await volumesOn(args, storagesHolding(rows, "backup", wanted), { content: "backup", vmid: wanted.vmid });
  return { items: items.map(backupOf), errors };
}
