import type { CallArgs, Capacity, ConnectionReport } from "proxmcp/plugin";
import type { ProxmoxClient } from "./client.js";
import { known, permissionsOf, type Resource, resourcesOf } from "./resources.js";

type Args = CallArgs<ProxmoxClient>;

/** Reachable, authenticated, and allowed to see something. */
export async function testConnection({ client, signal }: Args): Promise<ConnectionReport> {
  const [version, permissions] = await Promise.all([
    client.get<{ readonly version: string; readonly release: string }>("/version", signal),
    permissionsOf(client, signal),
  ]);
  const warnings: string[] = [];
  const may = (privilege: string): boolean => Object.values(permissions).some((privileges) => privileges[privilege]);
  if (Object.keys(permissions).length === 0)
    warnings.push(
      `The API token ${client.token} has no permissions, so lists come back empty. A token with privilege separation needs its own: Datacenter > Permissions.`,
    );
  else if (!may("VM.Audit")) warnings.push(`The API token ${client.token} has VM.Audit nowhere: it sees no VMs and no containers.`);
  else if (!may("VM.PowerMgmt")) warnings.push(`The API token ${client.token} has VM.PowerMgmt nowhere: it can't start or stop anything.`);
  if (client.options.verify === false && client.options.fingerprint === undefined)
    warnings.push("The server's certificate is not verified. Pin its fingerprint, or give its authority as `ca`.");
  if (client.options.url.startsWith("http:")) warnings.push("The token travels unencrypted, as the address is http.");
  return {
    version: `Proxmox VE ${version.version}`,
    facts: { address: client.options.url, token: client.token, permission_paths: Object.keys(permissions).length },
    warnings,
  };
}

/** What each node has, in one request. */
export async function capacityOf({ client, signal }: Args): Promise<Capacity> {
  const rows = await resourcesOf(client, signal);
  return {
    places: rows
      .filter((row) => row.type === "node")
      .map((row) => {
        const storage = roomiest(rows.filter((one) => one.type === "storage" && one.node === row.node));
        const online = row.status === "online";
        return {
          name: row.node ?? "",
          healthy: online,
          cpu: known(row.maxcpu),
          cpu_usage: online ? row.cpu : undefined,
          memory: known(row.maxmem),
          memory_used: online ? known(row.mem) : undefined,
          disk: known(storage?.maxdisk),
          disk_used: storage?.disk,
        };
      }),
  };
}

/** The storage with the most room for disks. Storages are not added up: several may share one file system, and a disk lies on one. */
function roomiest(storages: readonly Resource[]): Resource | undefined {
  const room = ({ maxdisk = 0, disk = 0 }: Resource): number => maxdisk - disk;
  return storages
    .filter(({ status, content }) => status === "available" && /\b(images|rootdir)\b/.test(content ?? ""))
    .sort((one, other) => room(other) - room(one))[0];
}
