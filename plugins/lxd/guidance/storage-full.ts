import { isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { poolSpace } from "../capacity.js";
import type { Ask, LxdClient } from "../client.js";
import { isStorageFull } from "../errors.js";
import { inWords } from "../sizes.js";
import { type WireImage, type WireInstance, type WirePool, moment } from "../wire.js";

/** Milliseconds for finding out; the error itself must not wait long. */
const PATIENCE = 5_000;
/** Of each sort, so many are named. */
const NAMED = 10;
/** Days from which on a snapshot counts as old. */
const OLD = 30;

interface Taker {
  readonly name: string;
  /** Bytes, where the server knows. */
  readonly size?: number;
  /** ISO 8601. */
  readonly since?: string;
}

/** What could make room. Nobody deletes it from here. */
export interface Takers {
  readonly images: readonly Taker[];
  readonly stopped: readonly Taker[];
  readonly snapshots: readonly Taker[];
  /** Free bytes of each pool. */
  readonly free: Readonly<Record<string, number>>;
}

/** An error for want of room on a disk, with what takes that room beside it; every other error as it is. Never fails itself. */
export async function withTakers(client: LxdClient, error: unknown, { signal, query }: Pick<Ask, "signal" | "query">): Promise<unknown> {
  if (!isProxMcpError(error) || !isStorageFull(error) || signal.aborted) return error;
  try {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
    const takers = await takersOf(client, { signal: bounded, query: { target: query?.["target"] } });
    return new ProxMcpError(error.code, `${error.message}. ${sentence(takers)}`, {
      ...error.details,
      data: { ...error.details.data, room: takers },
      next: advice(takers),
    });
  } catch {
    return error;
  }
}

/** Looks for what takes room: images that no instance was made from, instances that are stopped, snapshots that are old. */
async function takersOf(client: LxdClient, { signal, query }: Pick<Ask, "signal" | "query">): Promise<Takers> {
  const ask = { signal, doing: "see what takes room" };
  const [instances, images, pools] = await Promise.all([
    client.get<readonly WireInstance[]>("/1.0/instances", { ...ask, query: { recursion: 2 } }),
    client.get<readonly WireImage[]>("/1.0/images", { ...ask, query: { recursion: 1 } }),
    client.get<readonly WirePool[]>("/1.0/storage-pools", { ...ask, query: { recursion: 1 } }),
  ]);
  const used = new Set(instances.map(({ config }) => config["volatile.base_image"]));
  const now = client.clock.now();
  const spaces = await Promise.all(pools.map(async ({ name }) => [name, await poolSpace(client, name, { ...ask, query })] as const));
  return {
    images: largest(
      images
        .filter(({ fingerprint }) => !used.has(fingerprint))
        .map(({ fingerprint, aliases, size }) => ({ name: aliases?.[0]?.name ?? fingerprint.slice(0, 12), size })),
    ),
    stopped: largest(
      instances
        .filter(({ status }) => status === "Stopped")
        .map((one) => taker(one.name, one.state?.disk?.["root"]?.usage, moment(one.last_used_at) ?? moment(one.created_at))),
    ),
    snapshots: largest(
      instances.flatMap(({ name, snapshots }) =>
        (snapshots ?? [])
          .filter((one) => now - Date.parse(one.created_at) > OLD * 86_400_000)
          .map((one) => taker(`${name}/${one.name}`, one.size, moment(one.created_at))),
      ),
    ),
    free: Object.fromEntries(spaces.flatMap(([name, space]) => (space ? [[name, Math.max(0, space.total - space.used)]] : []))),
  };
}

/** The server writes 0 or -1 where it does not know a size. */
const taker = (name: string, size: number | undefined, since: string | undefined): Taker => ({
  name,
  ...(size !== undefined && size > 0 ? { size } : {}),
  ...(since ? { since } : {}),
});

const largest = (takers: readonly Taker[]): readonly Taker[] =>
  [...takers].sort((one, other) => (other.size ?? 0) - (one.size ?? 0) || (one.since ?? "").localeCompare(other.since ?? ""));

function sentence({ images, stopped, snapshots, free }: Takers): string {
  const parts = [
    list("images that no instance uses", images),
    list("stopped instances", stopped),
    list(`snapshots older than ${OLD} days`, snapshots),
  ].filter(Boolean);
  const left = Object.entries(free).map(([pool, bytes]) => `${inWords(bytes)} in ${pool}`);
  return [
    parts.length > 0 ? `What takes room: ${parts.join("; ")}.` : "No unused image, stopped instance or old snapshot was found.",
    ...(left.length > 0 ? [`Free: ${left.join(", ")}.`] : []),
  ].join(" ");
}

function list(what: string, takers: readonly Taker[]): string {
  if (takers.length === 0) return "";
  const total = takers.reduce((sum, { size = 0 }) => sum + size, 0);
  const names = takers.slice(0, NAMED).map(({ name, size }) => (size === undefined ? name : `${name} (${inWords(size)})`));
  const more = takers.length > NAMED ? ` and ${takers.length - NAMED} more` : "";
  return `${what}${total > 0 && takers.length > 1 ? `, ${inWords(total)}` : ""}: ${names.join(", ")}${more}`;
}

function advice({ images, stopped, snapshots }: Takers): string {
  const ways = [
    ...(images.length > 0 ? ["lxd_image_delete"] : []),
    ...(stopped.length > 0 ? ["lxd_instance_delete"] : []),
    ...(snapshots.length > 0 ? ["lxd_snapshot_delete"] : []),
  ];
  return ways.length > 0
    ? `Nothing was deleted. Ask the user what is not needed any more, and remove that: ${ways.join(", ")}. Or use another pool.`
    : "Nothing was deleted. Use another pool, or give this one more room.";
}
