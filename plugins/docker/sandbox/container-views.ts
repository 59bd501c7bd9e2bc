import { writtenIn } from "./files.js";
import { type Box, idOf, type State } from "./state.js";
import { goTime, humanDuration } from "./wire.js";

const LIVE = new Set(["running", "paused", "restarting"]);
export const isLive = (box: Box): boolean => LIVE.has(box.status);
const quoted = (word: string): string => (/[^\w@%+=:,./-]/.test(word) ? `'${word}'` : word);

/** One entry of GET /containers/json. */
export function summaryOf(box: Box, size = false): Record<string, unknown> {
  return {
    ...(size ? { SizeRw: writtenIn(box), SizeRootFs: writtenIn(box) } : {}),
    Id: box.id,
    Names: [`/${box.name}`],
    Image: box.image,
    ImageID: `sha256:${box.imageId}`,
    Command: box.argv.map(quoted).join(" "),
    Created: Math.floor(box.created / 1000),
    Ports: isLive(box) ? publishedPorts(box) : [],
    Labels: box.labels,
    State: box.status,
    Status: statusText(box),
    HostConfig: { NetworkMode: box.networkMode },
    NetworkSettings: { Networks: networksOf(box) },
    Mounts: mountsOf(box),
  };
}

function publishedPorts(box: Box): Record<string, unknown>[] {
  const ports = new Set([...Object.keys(box.exposed), ...Object.keys(box.bindings)]);
  return [...ports].flatMap((port) => {
    const [number, Type] = port.split("/");
    const PrivatePort = Number(number);
    const bindings = box.bindings[port] ?? [];
    if (bindings.length === 0) return [{ PrivatePort, Type }];
    return bindings.flatMap(({ HostIp, HostPort }) =>
      (HostIp ? [HostIp] : ["0.0.0.0", "::"]).map((IP) => ({ IP, PrivatePort, PublicPort: hostPort(box, port, HostPort), Type })),
    );
  });
}

/** A port of the host that the engine chose itself, always the same for one container. */
const hostPort = (box: Box, port: string, wanted: string): number =>
  wanted === "" ? 32_768 + (Number.parseInt(idOf(box.id + port).slice(0, 4), 16) % 28_000) : Number(wanted);

function statusText(box: Box): string {
  const now = Date.now();
  const up = (): string => `Up ${humanDuration(now - (box.startedAt ?? now))}`;
  const health = box.health ? ` (${box.health === "starting" ? "health: starting" : box.health})` : "";
  if (box.status === "running") return up() + health;
  if (box.status === "paused") return `${up()} (Paused)`;
  if (box.status === "exited") return `Exited (${box.exitCode}) ${humanDuration(now - (box.finishedAt ?? now))} ago`;
  if (box.status === "restarting") return `Restarting (${box.exitCode}) ${humanDuration(now - (box.finishedAt ?? now))} ago`;
  return box.status === "dead" ? "Dead" : "Created";
}

function networksOf(box: Box): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(box.networks).map(([name, { ip, id }]) => [
      name,
      {
        IPAMConfig: null,
        Links: null,
        Aliases: null,
        NetworkID: box.status === "created" ? "" : (id ?? idOf(`network ${name}`)),
        EndpointID: ip ? idOf(`${box.id} ${name}`) : "",
        Gateway: ip ? ip.replace(/\.\d+$/, ".1") : "",
        IPAddress: ip,
        IPPrefixLen: ip ? 16 : 0,
        IPv6Gateway: "",
        GlobalIPv6Address: "",
        GlobalIPv6PrefixLen: 0,
        MacAddress: ip ? macOf(ip) : "",
        DriverOpts: null,
      },
    ]),
  );
}

const macOf = (ip: string): string => ["02", "42", ...ip.split(".").map((part) => Number(part).toString(16).padStart(2, "0"))].join(":");

const mountsOf = (box: Box): Record<string, unknown>[] =>
  box.mounts.map(({ Type, Name, Source, Destination, Mode, RW }) => ({
    Type,
    ...(Name ? { Name } : {}),
    Source,
    Destination,
    ...(Type === "volume" ? { Driver: "local" } : {}),
    Mode,
    RW,
    Propagation: Type === "bind" ? "rprivate" : "",
  }));

/** GET /containers/{id}/json. */
export function detailsOf(state: State, box: Box, size = false): Record<string, unknown> {
  const networks = networksOf(box);
  const bridge = (networks.bridge ?? {}) as Record<string, unknown>;
  const ports = Object.fromEntries(
    [...new Set([...Object.keys(box.exposed), ...Object.keys(box.bindings)])].map((port) => {
      const bindings = (box.bindings[port] ?? []).flatMap(({ HostIp, HostPort }) =>
        (HostIp ? [HostIp] : ["0.0.0.0", "::"]).map((ip) => ({ HostIp: ip, HostPort: String(hostPort(box, port, HostPort)) })),
      );
      return [port, bindings.length ? bindings : null];
    }),
  );
  const execs = [...state.execs.values()].filter((exec) => exec.box === box && exec.running).map(({ id }) => id);
  return {
    ...(size ? { SizeRw: writtenIn(box), SizeRootFs: writtenIn(box) } : {}),
    Id: box.id,
    Created: goTime(box.created),
    Path: box.argv[0] ?? "",
    Args: box.argv.slice(1),
    State: {
      Status: box.status,
      Running: isLive(box),
      Paused: box.status === "paused",
      Restarting: box.status === "restarting",
      OOMKilled: false,
      Dead: box.status === "dead",
      Pid: box.pid,
      ExitCode: box.exitCode,
      Error: box.error,
      StartedAt: goTime(box.startedAt),
      FinishedAt: goTime(box.finishedAt),
      ...(box.health ? { Health: { Status: box.health, FailingStreak: box.health === "unhealthy" ? 5 : 0, Log: [] } } : {}),
    },
    Image: `sha256:${box.imageId}`,
    Name: `/${box.name}`,
    RestartCount: 0,
    Driver: "overlay2",
    Platform: "linux",
    ExecIDs: execs.length ? execs : null,
    HostConfig: {
      Binds: box.binds.length ? box.binds : null,
      LogConfig: { Type: "json-file", Config: {} },
      NetworkMode: box.networkMode,
      PortBindings: box.bindings,
      RestartPolicy: box.restart,
      AutoRemove: false,
      Privileged: false,
      ReadonlyRootfs: false,
      Runtime: "runc",
      Memory: box.memory,
      MemorySwap: box.memory * 2,
      NanoCpus: box.nanoCpus,
      CpuPeriod: 0,
      CpuQuota: 0,
      PidsLimit: box.pids || null,
    },
    Mounts: mountsOf(box),
    Config: {
      Hostname: box.id.slice(0, 12),
      Domainname: "",
      User: box.user,
      ...(Object.keys(box.exposed).length ? { ExposedPorts: box.exposed } : {}),
      Tty: box.tty,
      OpenStdin: false,
      Env: box.env.length ? box.env : null,
      Cmd: box.argv,
      Image: box.image,
      Volumes: null,
      WorkingDir: box.cwd,
      Entrypoint: null,
      Labels: box.labels,
      ...(box.healthcheck ? { Healthcheck: box.healthcheck } : {}),
    },
    NetworkSettings: {
      Bridge: "",
      Ports: isLive(box) ? ports : {},
      Gateway: bridge.Gateway ?? "",
      IPAddress: bridge.IPAddress ?? "",
      IPPrefixLen: bridge.IPPrefixLen ?? 0,
      MacAddress: bridge.MacAddress ?? "",
      Networks: networks,
    },
  };
}
