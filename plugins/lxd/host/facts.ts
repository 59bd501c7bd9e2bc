import { readFile } from "node:fs/promises";
import type { CallArgs } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";
import { defined } from "../instance/fields.js";
import type { ServerInfo, WireMember, WireResources } from "../wire.js";

type Args = Pick<CallArgs<LxdClient>, "client" | "signal">;

/** A machine: the server, or a member of its cluster. */
export interface Machine {
  readonly name: string;
  readonly online: boolean;
  readonly arch?: string | undefined;
  /** The member to ask for, where there is a cluster. */
  readonly target?: string;
  /** Whether it is the one that the connection leads to. */
  readonly here: boolean;
}

/** The machines behind a connection: `GET /1.0`, and `GET /1.0/cluster/members` of a cluster. */
export async function machines({ client, signal }: Args): Promise<{ readonly server: ServerInfo; readonly machines: readonly Machine[] }> {
  const server = await client.server(signal);
  const name = server.environment?.server_name || client.connection.name;
  if (!server.environment?.server_clustered) return { server, machines: [{ name, online: true, here: true }] };
  const members = await client.get<readonly WireMember[]>("/1.0/cluster/members", { doing: "list the hosts", signal, query: { recursion: 1 } });
  return {
    server,
    machines: members.map((member) => ({
      name: member.server_name,
      online: member.status.toLowerCase() !== "offline",
      arch: member.architecture,
      target: member.server_name,
      here: member.server_name === name,
    })),
  };
}

/** What a machine has: `GET /1.0/resources`. */
export async function facts({ client, signal }: Args, machine: Machine, server: ServerInfo) {
  const { cpu, memory, load, storage, gpu, system } = await client.get<WireResources>("/1.0/resources", {
    doing: `read the resources of ${machine.name}`,
    signal,
    query: { target: machine.target },
  });
  const { environment } = server;
  // Loop devices and what is optical or a card reader without a card have no size worth naming.
  const disks = (storage?.disks ?? []).filter((disk) => disk.size > 0 && !disk.id.startsWith("loop"));
  return defined({
    name: machine.name,
    status: "online" as const,
    model: named(system?.vendor, system?.product),
    arch: cpu.architecture,
    cpu: cpu.total,
    cpu_model: cpu.sockets?.map(({ name }) => name).find(Boolean),
    load: load?.Average1Min,
    memory: memory.total,
    memory_used: memory.used,
    disk: disks.reduce((sum, disk) => sum + disk.size, 0) || undefined,
    disks: disks.map(({ id, model, type, size, removable }) => defined({ name: id, model: model || undefined, type, size, removable })),
    gpus: (gpu?.cards ?? []).flatMap(({ vendor, product, driver }) => named(vendor, product) ?? driver ?? []),
    // Members of a cluster run one version; their systems may differ.
    version: `${environment?.server === "incus" ? "Incus" : "LXD"} ${environment?.server_version ?? "of unknown version"}`,
    ...(machine.here
      ? {
          os: named(environment?.os_name, environment?.os_version),
          kernel: environment?.kernel_version || undefined,
          addresses: environment?.addresses ? [...environment.addresses] : undefined,
        }
      : {}),
  });
}

const named = (...parts: readonly (string | undefined)[]): string | undefined => parts.filter(Boolean).join(" ") || undefined;

/**
 * What the kernel tells and the API does not: the hottest of its sensors in °C, seconds since the boot, the load. Only of the machine that the
 * socket or SSH leads to. Nothing where it tells nothing.
 */
export async function kernelFacts({ client, signal }: Args): Promise<{ temperature?: number; uptime?: number; load?: number }> {
  const { options } = client.connection;
  const local = options.ssh === undefined && options.url === undefined;
  const zones = Array.from({ length: 8 }, (_, at) => `/sys/class/thermal/thermal_zone${at}/temp`);
  const paths = ["/proc/uptime", "/proc/loadavg", ...zones];
  const { ssh } = client.way;
  if (!local && !ssh) return {};
  // One file a line; those that are not there are empty lines.
  const text = ssh
    ? (await ssh.exec(["sh", "-c", 'for f; do head -n 1 "$f" 2>/dev/null || true; echo; done', "sh", ...paths], { signal })).stdout
    : (await Promise.all(paths.map(async (path) => (await readFile(path, "utf8").catch(() => "")).trim()))).join("\n\n");
  return parsedFacts(text.split("\n"));
}

/** Reads the lines of those files by what they look like: `3600.12 7000.00`, `0.10 0.20 0.30 1/200 4711`, `48312`. */
export function parsedFacts(lines: readonly string[]): { temperature?: number; uptime?: number; load?: number } {
  const uptime = lines.map((line) => /^(\d+)(\.\d+)? \d+(\.\d+)?$/.exec(line)?.[1]).find(Boolean);
  const load = lines.map((line) => /^(\d+\.\d+) \d+\.\d+ \d+\.\d+ \d+\/\d+ \d+$/.exec(line)?.[1]).find(Boolean);
  // Thousandths of a degree. Sensors that are off say 0 or less; none is hotter than boiling.
  const degrees = lines.flatMap((line) => (/^\d+$/.test(line) ? [Number(line) / 1000] : [])).filter((celsius) => celsius > 0 && celsius < 150);
  return {
    ...(uptime === undefined ? {} : { uptime: Number(uptime) }),
    ...(load === undefined ? {} : { load: Number(load) }),
    ...(degrees.length > 0 ? { temperature: Math.max(...degrees) } : {}),
  };
}
