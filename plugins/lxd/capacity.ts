import { type CallArgs, type Capacity, type CapacityPlace, type ConnectionReport, isProxMcpError } from "proxmcp/plugin";
import type { Ask, LxdClient } from "./client.js";
import type { WireMember, WirePool, WireResources, WireSpace } from "./wire.js";

type Args = CallArgs<LxdClient>;

/** Proves that the server answers and trusts us: `GET /1.0`. */
export async function testConnection({ client, signal }: Args): Promise<ConnectionReport> {
  const { options } = client.connection;
  const { environment, api_extensions: extensions, auth } = await client.freshServer(signal);
  const warnings: string[] = [];
  if (options.url && options.verify === false && !options.fingerprint) {
    warnings.push("The server's certificate is not checked (`verify` is false): pin it by its `fingerprint`.");
  }
  if (!extensions.includes("instances")) warnings.push("The server is older than LXD 4.0: instances can't be read.");
  if (options.project) {
    // An unknown project lists as empty, so only asking for it tells.
    await client.get(`/1.0/projects/${encodeURIComponent(options.project)}`, { doing: `use project "${options.project}"`, signal });
  }
  return {
    version: `${environment?.server === "incus" ? "Incus" : "LXD"} ${environment?.server_version ?? "of unknown version"}`,
    facts: {
      address: options.socket ?? options.url ?? "",
      server_name: environment?.server_name ?? "",
      clustered: environment?.server_clustered ?? false,
      api_extensions: extensions.length,
      auth,
      project: options.project ?? "default",
      ...(environment?.kernel_version ? { kernel: environment.kernel_version } : {}),
    },
    warnings,
  };
}

/** Cores, memory and disk of the server, or of each member of its cluster: `GET /1.0/resources`. */
export async function capacity({ client, signal }: Args): Promise<Capacity> {
  const { environment } = await client.server(signal);
  const pools = client.get<readonly WirePool[]>("/1.0/storage-pools", { doing: "list storage pools", signal, query: { recursion: 1 } });
  if (!environment?.server_clustered) {
    return { places: [await place(client, await pools, { name: environment?.server_name || client.connection.name }, signal)] };
  }
  const members = await client.get<readonly WireMember[]>("/1.0/cluster/members", { doing: "list members", signal, query: { recursion: 1 } });
  const known = await pools;
  return {
    places: await Promise.all(
      members.map(
        async (member): Promise<CapacityPlace> =>
          member.status.toLowerCase() === "online"
            ? place(client, known, { name: member.server_name, target: member.server_name }, signal)
            : { name: member.server_name, healthy: false, arch: member.architecture },
      ),
    ),
  };
}

/** A member that can't be read is there, and unhealthy. */
async function place(
  client: LxdClient,
  pools: readonly WirePool[],
  { name, target }: { readonly name: string; readonly target?: string },
  signal: AbortSignal,
): Promise<CapacityPlace> {
  const ask = { doing: `read the resources of ${name}`, signal, query: { target } };
  try {
    const [resources, spaces] = await Promise.all([
      client.get<WireResources>("/1.0/resources", ask),
      Promise.all(pools.map((pool) => poolSpace(client, pool.name, ask))),
    ]);
    const { cpu, memory, load } = resources;
    // An instance lives in one pool, so the roomiest says what fits; pools that share a disk would count twice in a sum.
    const roomiest = spaces.filter((space) => space !== undefined).sort((one, other) => other.total - other.used - (one.total - one.used))[0];
    return {
      name,
      healthy: true,
      arch: cpu.architecture,
      cpu: cpu.total,
      cpu_usage: load && cpu.total ? Math.min(1, load.Average1Min / cpu.total) : undefined,
      memory: memory.total,
      memory_used: memory.used,
      disk: roomiest?.total,
      disk_used: roomiest?.used,
    };
  } catch (error) {
    if (!target || signal.aborted || !isProxMcpError(error)) throw error;
    return { name, healthy: false };
  }
}

/** Bytes of a storage pool: `GET /1.0/storage-pools/{name}/resources`. A pool that can't say has none. */
export async function poolSpace(client: LxdClient, pool: string, ask: Ask): Promise<{ total: number; used: number } | undefined> {
  try {
    const { space } = await client.get<WireSpace>(`/1.0/storage-pools/${encodeURIComponent(pool)}/resources`, {
      ...ask,
      doing: `read the space of storage pool "${pool}"`,
    });
    return space.total > 0 ? { total: space.total, used: space.used } : undefined;
  } catch (error) {
    if (ask.signal.aborted) throw error;
    return undefined;
  }
}
