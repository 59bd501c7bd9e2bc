import { isProxMcpError } from "proxmcp/plugin";
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
 * A volume by its name. Names are unique only for each type; a custom volume comes first, as that is what is managed by itself.
 */
export async function findVolume(client: LxdClient, { pool, node }: Place, name: string, ask: Ask): Promise<WireVolume> {
  try {
    return await client.get<WireVolume>(volumePath(pool, name), { ...ask, query: { target: node } });
  } catch (error) {
    if (!isProxMcpError(error) || error.code !== "NOT_FOUND") throw error;
    const others = await listVolumes(client, pool, ask);
    const found = others.find((one) => one.name === name && (node === undefined || one.location === node));
    if (!found) throw error;
    return found;
  }
}
