import { isProxMcpError } from "proxmcp/plugin";
import { type DockerClient, isOlder } from "./client.js";

/** What things take on the engine's disk: GET /system/df. A size of -1 is one that nobody knows. */
export interface DiskUsage {
  readonly LayersSize?: number;
  readonly Images?: readonly { readonly Size: number; readonly Containers?: number }[] | null;
  readonly Containers?: readonly { readonly SizeRw?: number; readonly State: string }[] | null;
  readonly Volumes?: readonly MeasuredVolume[] | null;
  readonly BuildCache?: readonly { readonly Size: number; readonly InUse?: boolean; readonly Shared?: boolean }[] | null;
}

export interface MeasuredVolume {
  readonly Name: string;
  readonly UsageData?: { readonly Size?: number; readonly RefCount?: number } | null;
}

const TRIES = 50;
const PAUSE_MS = 200;

/** Measures the disk. Engines measure for one caller at a time and refuse the others, who then wait their turn. */
export async function diskUsage(client: DockerClient, signal: AbortSignal, only?: "volume"): Promise<DiskUsage> {
  const query = only && !isOlder(await client.apiVersion(signal), "1.42") ? { type: only } : {};
  for (let left = TRIES; ; left -= 1) {
    try {
      return await client.json<DiskUsage>({ what: "measure disk use", path: "/system/df", query, signal });
    } catch (error) {
      if (left === 0 || !isProxMcpError(error) || !/disk usage operation is already running/i.test(error.message)) throw error;
      await client.clock.sleep(PAUSE_MS, signal);
    }
  }
}

/** Volumes that no container uses: those that nobody named, or all. */
export const unusedAmong = ({ Volumes }: DiskUsage, all: boolean): MeasuredVolume[] =>
  (Volumes ?? []).filter(({ Name, UsageData }) => UsageData?.RefCount === 0 && (all || isUnnamed(Name)));

/** The engine names a volume that nobody named by 64 hex digits. */
export const isUnnamed = (name: string | undefined): boolean => /^[0-9a-f]{64}$/.test(name ?? "");

/** All sizes together; those that nobody knows count nothing. */
export const sum = <T>(items: readonly T[] | null | undefined, size: (item: T) => number | undefined): number =>
  (items ?? []).reduce((total, item) => total + Math.max(0, size(item) ?? 0), 0);
