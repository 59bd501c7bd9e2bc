import { type CallArgs, type Capacity, type ConnectionReport, isProxMcpError } from "proxmcp/plugin";
import type { ContainariumClient } from "./client.ts";
import { positiveOf, textOf, type WireSystem } from "./wire.ts";

type Args = CallArgs<ContainariumClient>;

/** A backend without an id of its own is the only one. */
export const backendName = ({ backendId, hostname }: WireSystem): string => textOf(backendId) ?? textOf(hostname) ?? "local";

/** What there is less what is free. Unknown where either is. */
export function usedOf(total: string | undefined, available: string | undefined): number | undefined {
  const [all, free] = [positiveOf(total), positiveOf(available)];
  return all === undefined || free === undefined ? undefined : Math.max(0, all - free);
}

/** Load as a share of the cores. It counts what waits as well, so it can exceed them. */
export const cpuUsage = ({ cpuLoad1min, totalCpus }: WireSystem): number | undefined =>
  totalCpus && cpuLoad1min !== undefined ? Math.min(1, cpuLoad1min / totalCpus) : undefined;

/** Proves that the server answers and takes the token; says what the token may do, and for how long. */
export async function testConnection({ client, signal }: Args): Promise<ConnectionReport> {
  const { token, url } = client;
  const warnings: string[] = [];
  if (client.expiry) warnings.push(client.expiry);
  if (url.protocol === "http:" && !/^(localhost|127\..*|\[::1\])$/.test(url.hostname))
    warnings.push("The token goes over the network unencrypted: use https.");
  if (!token.roles.includes("admin")) warnings.push(`The token has no role admin: only what belongs to ${token.username || "its user"} is seen.`);
  const facts = {
    address: url.href,
    username: token.username,
    roles: token.roles.join(", "),
    ...(token.scopes.length > 0 ? { scopes: token.scopes.join(", ") } : {}),
    ...(token.expires === undefined ? {} : { token_expires: new Date(token.expires).toISOString() }),
  };
  try {
    const [local, ...peers] = await client.systems(signal);
    const version = local?.daemonVersion ? `Containarium ${local.daemonVersion}` : "Containarium";
    return { version: `${version} on Incus ${local?.incusVersion ?? "?"}`, facts: { ...facts, backends: peers.length + 1 }, warnings };
  } catch (error) {
    if (!isProxMcpError(error) || error.code !== "FORBIDDEN") throw error;
    // A token with few rights may still see its own containers.
    await client.get("/v1/containers", { doing: "list containers", signal });
    return { version: "Containarium", facts, warnings: [...warnings, error.message] };
  }
}

/** What each backend has and has left. */
export async function capacity({ client, signal }: Args): Promise<Capacity> {
  const systems = await client.systems(signal);
  return {
    places: systems.map((system) => ({
      name: backendName(system),
      // Those that can't be reached are not among them.
      healthy: true,
      cpu: positiveOf(system.totalCpus),
      cpu_usage: cpuUsage(system),
      memory: positiveOf(system.totalMemoryBytes),
      memory_used: usedOf(system.totalMemoryBytes, system.availableMemoryBytes),
      disk: positiveOf(system.totalDiskBytes),
      disk_used: usedOf(system.totalDiskBytes, system.availableDiskBytes),
    })),
  };
}
