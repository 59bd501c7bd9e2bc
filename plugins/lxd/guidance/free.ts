import { isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { poolSpace } from "../capacity.js";
import type { Ask, LxdClient } from "../client.js";
import { inWords } from "../sizes.js";
import type { WirePool, WireResources } from "../wire.js";

const PATIENCE = 5_000;
/** Failures that may be for want of something; the others say what is wrong by themselves. */
const WANTING = ["TASK_FAILED", "NO_CAPACITY", "UPSTREAM"];

/** What was asked for. Sizes in bytes. */
export interface Asked {
  readonly cpu?: number | undefined;
  readonly memory?: number | undefined;
  readonly disk?: number | undefined;
  /** The member of the cluster. */
  readonly node?: string | undefined;
}

/** A failed creation with what is free on the host beside what was asked. Every other error as it is. Never fails itself. */
export async function withFree(client: LxdClient, error: unknown, asked: Asked, signal: AbortSignal): Promise<unknown> {
  if (!isProxMcpError(error) || !WANTING.includes(error.code) || signal.aborted) return error;
  try {
    const free = await freeOn(client, asked.node, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]));
    const { cpu, memory, disk } = asked;
    // Where the storage was full, what is free in the pools has been said.
    const said = error.details.data?.["room"] !== undefined;
    return new ProxMcpError(
      error.code,
      `${error.message.replace(/[.\s]*$/, ".")} ${sentence({ cpu, memory, disk }, said ? { ...free, pools: [] } : free)}`,
      {
        ...error.details,
        data: { ...error.details.data, asked: { cpu, memory, disk }, free },
      },
    );
  } catch {
    return error;
  }
}

interface Free {
  readonly host: string;
  readonly cpu: number;
  /** Share of the cores that is in use, where the server knows. */
  readonly cpu_usage?: number;
  readonly memory: number;
  readonly memory_total: number;
  readonly pools: readonly { readonly name: string; readonly free: number; readonly total: number }[];
}

async function freeOn(client: LxdClient, node: string | undefined, signal: AbortSignal): Promise<Free> {
  const ask: Ask = { doing: "see what is free", signal, query: { target: node } };
  const [{ environment }, { cpu, memory, load }, pools] = await Promise.all([
    client.server(signal),
    client.get<WireResources>("/1.0/resources", ask),
    client.get<readonly WirePool[]>("/1.0/storage-pools", { ...ask, query: { recursion: 1 } }),
  ]);
  const spaces = await Promise.all(pools.map(async ({ name }) => ({ name, space: await poolSpace(client, name, ask) })));
  return {
    host: node ?? (environment?.server_name || client.connection.name),
    cpu: cpu.total,
    ...(load ? { cpu_usage: Math.min(1, load.Average1Min / cpu.total) } : {}),
    memory: Math.max(0, memory.total - memory.used),
    memory_total: memory.total,
    pools: spaces.flatMap(({ name, space }) => (space ? [{ name, free: Math.max(0, space.total - space.used), total: space.total }] : [])),
  };
}

function sentence({ cpu, memory, disk }: Asked, free: Free): string {
  const asked = [
    ...(cpu === undefined ? [] : [`${cpu} ${cpu === 1 ? "core" : "cores"}`]),
    ...(memory === undefined ? [] : [`${inWords(memory)} of memory`]),
    ...(disk === undefined ? [] : [`${inWords(disk)} of disk`]),
  ];
  const has = [
    `${free.cpu} cores${free.cpu_usage === undefined ? "" : ` (${Math.round(free.cpu_usage * 100)} % busy)`}`,
    `${inWords(free.memory)} of ${inWords(free.memory_total)} of memory`,
    ...free.pools.map(({ name, free: left, total }) => `${inWords(left)} of ${inWords(total)} in pool ${name}`),
  ];
  return `${asked.length > 0 ? `Asked for: ${asked.join(", ")}. ` : ""}Free on ${free.host}: ${has.join(", ")}.`;
}
