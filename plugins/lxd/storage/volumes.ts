import { isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import type { Ask, LxdClient } from "../client.js";
import type { WireVolume, WireVolumeState } from "./wire.js";

/** Where a volume is: its pool, and in a cluster the member. */
export interface Place {
  readonly pool: string;
  readonly node?: string | undefined;
}

const volumesPath = (pool: string): string => `/1.0/storage-pools/${encodeURIComponent(pool)}/volumes`;

export const volumePath = (pool: string, name: string, type = "custom"): string => `${volumesPath(pool)}/${type}/${encodeURIComponent(name)}`;

/** Where new custom volumes go. */
export const customPath = (pool: string): string => `${volumesPath(pool)}/custom`;

/** All volumes of a pool, with their snapshots. */
export const listVolumes = async (client: LxdClient, pool: string, ask: Ask): Promise<readonly WireVolume[]> =>
  (await client.get<readonly WireVolume[] | null>(volumesPath(pool), { ...ask, query: { recursion: 1 } })) ?? [];

/** Volumes apart from their snapshots, which the list has among them by names of two parts; and how many snapshots each has. */
export function volumesOf(found: readonly WireVolume[]): { readonly volumes: readonly WireVolume[]; snapshots(of: WireVolume): number } {
  const keyOf = (volume: WireVolume): string => JSON.stringify([volume.type, volume.name.split("/")[0], volume.location]);
  const counts = new Map<string, number>();
  for (const one of found) if (one.name.includes("/")) counts.set(keyOf(one), (counts.get(keyOf(one)) ?? 0) + 1);
  return { volumes: found.filter(({ name }) => !name.includes("/")), snapshots: (of) => counts.get(keyOf(of)) ?? 0 };
}

/** Bytes that a volume takes. Undefined where its driver can't tell, or its member is away. */
export async function usedBy(client: LxdClient, pool: string, { name, type, location }: WireVolume, ask: Ask): Promise<number | undefined> {
  try {
    const query = { target: location && location !== "none" ? location : undefined };
    const { usage } = await client.get<WireVolumeState>(`${volumePath(pool, name, type)}/state`, { ...ask, query });
    return usage?.used;
  } catch (error) {
    if (ask.signal.aborted || !isProxMcpError(error)) throw error;
    return undefined;
  }
}

/**
 * A volume by its name, and how many snapshots it has. Names are unique only for each type, and in a cluster for each member; a custom volume
 * comes first, as that is what is managed by itself.
 */
export async function findVolume(client: LxdClient, { pool, node }: Place, name: string, ask: Ask): Promise<{ wire: WireVolume; snapshots: number }> {
  const { volumes, snapshots } = volumesOf(await listVolumes(client, pool, ask));
  const named = volumes.filter((one) => one.name === name && (node === undefined || one.location === node));
  const custom = named.filter(({ type }) => type === "custom");
  const [found, ...others] = custom.length ? custom : named;
  const tried = [`GET ${volumesPath(pool)}`];
  if (!found) {
    const where = `storage pool "${pool}"${node === undefined ? "" : ` on ${node}`}`;
    throw new ProxMcpError("NOT_FOUND", `Unable to ${ask.doing}: there is no volume "${name}" in ${where}`, { tried });
  }
  if (others.length) {
    const nodes = [found, ...others].map(({ location }) => location);
    throw new ProxMcpError("NAME_AMBIGUOUS", `Unable to ${ask.doing}: several members have it: ${nodes.join(", ")}`, {
      tried,
      next: "Pass `node`, the member whose it is.",
      data: { candidates: nodes },
    });
  }
  return { wire: found, snapshots: snapshots(found) };
}
