/**
 * `/cluster/resources`: nodes, guests, storages and pools of the whole cluster in one answer. Every node knows it, so it
 * works while others are down; what it says about the guests of a node that is down is from before.
 * @module
 */
import type { CallArgs, ErrorReport } from "proxmcp/plugin";
import type { ProxmoxClient } from "./client.js";

/** A row of any type; which fields it has depends on the type and on what the token may see. */
export interface Resource {
  readonly type: "node" | "qemu" | "lxc" | "storage" | "pool" | "network";
  readonly id: string;
  readonly node?: string;
  readonly status?: string;
  readonly name?: string;
  readonly vmid?: number;
  readonly pool?: string;
  readonly storage?: string;
  readonly template?: number;
  readonly tags?: string;
  readonly lock?: string;
  readonly hastate?: string;
  /** Share of `maxcpu`. */
  readonly cpu?: number;
  readonly maxcpu?: number;
  readonly mem?: number;
  readonly maxmem?: number;
  readonly disk?: number;
  readonly maxdisk?: number;
  readonly uptime?: number;
  readonly content?: string;
  readonly plugintype?: string;
  readonly shared?: number;
}

type Failed = ErrorReport & { readonly source?: string };

export const resourcesOf = (client: ProxmoxClient, signal: AbortSignal, type?: "vm" | "node" | "storage"): Promise<readonly Resource[]> =>
  client.get<readonly Resource[]>("/cluster/resources", signal, { type });

/** Names of the nodes that the cluster has lost. A state other than these two is a node that has only just come up. */
export const offlineNodes = (rows: readonly Resource[]): ReadonlySet<string> =>
  new Set(rows.filter((row) => row.type === "node" && row.status === "offline").map((row) => row.node ?? ""));

/** An error for each lost node that has some of these rows. */
export function lostNodes(rows: readonly Resource[], offline: ReadonlySet<string>, what: string): readonly Failed[] {
  return [...offline].flatMap((node) => {
    const count = rows.filter((row) => row.node === node).length;
    if (count === 0) return [];
    return {
      source: node,
      code: "UNREACHABLE" as const,
      message: `Node ${node} is offline. Its ${what} (${count}) are listed as they were before, with an unknown status.`,
      next: `Bring ${node} back, or look at its console. What is on other nodes is listed as it is now.`,
      data: { node, items: count },
    };
  });
}

/**
 * Proxmox hides what a token may not see instead of refusing: an empty list can mean an empty cluster or a token without
 * permissions. Says so when it is the latter.
 */
export async function hintAtPermissions(
  { client, signal, note }: Pick<CallArgs<ProxmoxClient>, "client" | "signal" | "note">,
  privilege: string,
): Promise<void> {
  const permissions = await permissionsOf(client, signal);
  if (Object.values(permissions).some((privileges) => privileges[privilege])) return;
  note(
    `The list is empty because the API token ${client.token} has ${privilege} nowhere, and Proxmox hides what a token may not see. ` +
      "Give the token a role such as PVEAuditor under Datacenter > Permissions; a token with privilege separation needs its own.",
  );
}

/** What the token may do, by path: `{ "/vms/100": { "VM.Audit": 1 } }`. */
export const permissionsOf = (client: ProxmoxClient, signal: AbortSignal): Promise<Readonly<Record<string, Readonly<Record<string, number>>>>> =>
  client.get("/access/permissions", signal);

export const tagsOf = (tags: string | undefined): string[] => (tags ?? "").split(/[;,\s]+/).filter((tag) => tag !== "");

/** A number that means something: Proxmox writes 0 where it does not know a size. */
export const known = (size: number | undefined): number | undefined => (size === undefined || size <= 0 ? undefined : Math.round(size));

/** Without the fields that are undefined, which a schema of optional fields would show as null. */
export const present = <Fields extends object>(fields: Fields): { [Name in keyof Fields]: Exclude<Fields[Name], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
