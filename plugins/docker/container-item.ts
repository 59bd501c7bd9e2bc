import { facet, type Where, SAID } from "proxmcp/plugin";
import { z } from "zod";
import { looksSecret, maskedText, maskedVariable } from "./masking.js";
import { portsOf, portsOfMap } from "./run-options.js";
import { dateOf, known } from "./words.js";

const STATUSES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"] as const;
const HEALTHS = ["healthy", "unhealthy", "starting"] as const;

export const Container = z.object({
  name: facet(z.string(), "Name, unique on its host"),
  id: facet(z.string(), "First 12 digits of the id", { says: ["container id", "hash"] }),
  status: facet(z.enum(STATUSES), "State now", {
    says: ["state"],
    values: {
      running: SAID.running,
      exited: [...SAID.stopped, "finished"],
      paused: SAID.paused,
      created: ["never started"],
      restarting: ["crash looping", "rebooting"],
      dead: SAID.failed,
    },
  }),
  health: facet(z.enum(HEALTHS), "Result of its health check", {
    says: ["health check", "health status"],
    values: { unhealthy: ["sick", "failing"], healthy: ["well"], starting: ["warming up"] },
  }).optional(),
  exit_code: facet(z.int(), "How its last run ended", {
    says: ["exit status", "return code", "exited with", "exited with code", "exited with status"],
  }).optional(),
  image: facet(z.string(), "Image it was made from", { says: ["based on", "using image"] }),
  command: facet(z.string(), "Command it runs", { says: ["cmd", "entrypoint"] }).optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it was made", { says: ["creation date", "age"] }),
  uptime: facet(z.int(), "Time since its start; a listing rounds it down", { says: ["running for", "up for"], unit: "seconds" }).optional(),
  ports: facet(z.array(z.string()), "host:container ports, as in 8080:80/tcp", {
    says: ["published ports", "exposed ports", "exposed", "published", "exposing", "publishing"],
  }),
  ip: facet(z.string(), "Address in its first network", { says: ["ip address", "address"] }).optional(),
  networks: facet(z.array(z.string()), "Networks it is in", { says: ["network"] }),
  compose_project: facet(z.string(), "Compose project it belongs to", { says: ["project", "stack", "compose"] }).optional(),
  compose_service: facet(z.string(), "Its service in the compose project", { says: ["service"] }).optional(),
  tags: facet(z.array(z.string()), "Labels, key=value", { says: ["labels", "label", "tag"] }),
  volumes: facet(z.array(z.string()), "source:path of what is mounted", { says: ["mounts", "mounted"] }),
  cpu: facet(z.number(), "CPU limit", { says: ["cpus", "cores", "cpu limit"], unit: "cores", detail: true }).optional(),
  memory: facet(z.int(), "Memory limit", { says: ["ram", "mem", "memory limit"], unit: "bytes", detail: true }).optional(),
  restart: facet(z.string(), "Restart policy", { says: ["restart policy"], detail: true }).optional(),
  settings: facet(
    z.object({
      env: facet(z.array(z.string()), "NAME=value; what looks secret is masked"),
      processes: facet(z.int(), "Limit of processes").optional(),
      user: facet(z.string(), "User it runs as").optional(),
      cwd: facet(z.string(), "Folder it runs in").optional(),
      health_check: facet(z.array(z.string()), "Command that tells its health").optional(),
      privileged: facet(z.boolean(), "Has all rights on its host").optional(),
    }),
    "How it was set up; only in get",
  ).optional(),
});
export type ContainerItem = z.input<typeof Container>;

export interface Mount {
  readonly Type?: string;
  readonly Name?: string;
  readonly Source?: string;
  readonly Destination?: string;
  readonly RW?: boolean;
}
type Networks = Readonly<Record<string, { readonly IPAddress?: string } | null>> | null;

/** One of GET /containers/json. */
export interface ContainerSummary {
  readonly Id: string;
  readonly Names?: readonly string[] | null;
  readonly Image: string;
  readonly Command?: string;
  readonly Created: number;
  readonly Ports?: Parameters<typeof portsOf>[0];
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly State: string;
  readonly Status?: string;
  readonly Health?: { readonly Status?: string };
  readonly NetworkSettings?: { readonly Networks?: Networks };
  readonly Mounts?: readonly Mount[] | null;
  readonly SizeRw?: number;
}

/** GET /containers/{id}/json. */
export interface ContainerDetails {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  readonly Path?: string;
  readonly Args?: readonly string[] | null;
  readonly State: {
    readonly Status: string;
    readonly ExitCode?: number;
    readonly StartedAt?: string;
    readonly Health?: { readonly Status?: string } | null;
  };
  readonly Mounts?: readonly Mount[] | null;
  readonly Config: {
    readonly Image: string;
    readonly Env?: readonly string[] | null;
    readonly Labels?: Readonly<Record<string, string>> | null;
    readonly User?: string;
    readonly WorkingDir?: string;
    readonly Healthcheck?: { readonly Test?: readonly string[] | null } | null;
  };
  readonly SizeRw?: number;
  readonly HostConfig: {
    readonly Memory?: number;
    readonly MemorySwap?: number;
    readonly PidsLimit?: number | null;
    readonly Privileged?: boolean;
    readonly NanoCpus?: number;
    readonly CpuQuota?: number;
    readonly CpuPeriod?: number;
    readonly RestartPolicy?: { readonly Name?: string; readonly MaximumRetryCount?: number };
    readonly PortBindings?: Parameters<typeof portsOfMap>[0];
  };
  readonly NetworkSettings?: { readonly Ports?: Parameters<typeof portsOfMap>[0]; readonly Networks?: Networks };
}

const STARTED = new Set(["running", "paused", "restarting"]);

export function fromSummary(found: ContainerSummary): ContainerItem {
  const exit = /^(?:Exited|Restarting|Dead) \((-?\d+)\)/.exec(found.Status ?? "")?.[1];
  return known({
    // With links a container has further names, such as "/other/alias".
    name: (found.Names?.find((name) => name.lastIndexOf("/") === 0) ?? found.Names?.[0] ?? found.Id.slice(0, 12)).replace(/^\//, ""),
    id: found.Id.slice(0, 12),
    status: found.State as ContainerItem["status"],
    health: healthOf(found.Health?.Status ?? /\((healthy|unhealthy|health: starting)\)/.exec(found.Status ?? "")?.[1]?.replace("health: ", "")),
    exit_code: exit === undefined ? undefined : Number(exit),
    image: shortImage(found.Image),
    command: maskedText(found.Command ?? "") || undefined,
    created: dateOf(found.Created),
    uptime: uptimeOf(found.Status ?? ""),
    ports: portsOf(found.Ports),
    volumes: mountsOf(found.Mounts),
    ...networksOf(found.NetworkSettings?.Networks),
    ...labelsOf(found.Labels),
  });
}

/** As the engine's own list writes it. */
const commandOf = ({ Path, Args }: ContainerDetails): string =>
  [Path, ...(Args ?? []).map((word) => (word.includes(" ") ? `'${word}'` : word))].filter((word) => word !== undefined).join(" ");

export function fromDetails(found: ContainerDetails, now: number): ContainerItem {
  const { State: state, HostConfig: host, Config: config } = found;
  const started = STARTED.has(state.Status);
  const policy = host.RestartPolicy;
  return known({
    name: found.Name.replace(/^\//, ""),
    id: found.Id.slice(0, 12),
    status: state.Status as ContainerItem["status"],
    health: healthOf(state.Health?.Status),
    exit_code: state.Status === "exited" || state.Status === "dead" || state.Status === "restarting" ? state.ExitCode : undefined,
    image: shortImage(config.Image),
    command: maskedText(commandOf(found)) || undefined,
    created: dateOf(found.Created),
    uptime: started && state.Status !== "restarting" ? Math.max(0, Math.floor((now - Date.parse(state.StartedAt ?? "")) / 1000)) : undefined,
    // What is published now, or what will be once it runs.
    ports: portsOfMap(started ? found.NetworkSettings?.Ports : host.PortBindings),
    volumes: mountsOf(found.Mounts),
    cpu: cpuLimit(host),
    memory: host.Memory || undefined,
    restart: restartText(policy?.Name, policy?.MaximumRetryCount),
    settings: known({
      env: (config.Env ?? []).map(maskedVariable),
      processes: (host.PidsLimit ?? 0) > 0 ? (host.PidsLimit ?? undefined) : undefined,
      user: config.User || undefined,
      cwd: config.WorkingDir || undefined,
      health_check: config.Healthcheck?.Test?.length ? config.Healthcheck.Test.map(maskedText) : undefined,
      privileged: host.Privileged || undefined,
    }),
    ...networksOf(found.NetworkSettings?.Networks),
    ...labelsOf(config.Labels),
  });
}

/** The limit in cores, however it was set. */
export function cpuLimit({ NanoCpus, CpuQuota, CpuPeriod }: ContainerDetails["HostConfig"]): number | undefined {
  if (NanoCpus) return NanoCpus / 1e9;
  return CpuQuota && CpuQuota > 0 ? CpuQuota / (CpuPeriod || 100_000) : undefined;
}

const restartText = (name: string | undefined, tries: number | undefined): string => `${name || "no"}${tries ? `:${tries}` : ""}`;
const shortImage = (image: string): string => image.replace(/^sha256:([0-9a-f]{12})[0-9a-f]*$/, "$1");
const healthOf = (status: string | undefined): ContainerItem["health"] => HEALTHS.find((health) => health === status);

function networksOf(networks: Networks | undefined): Pick<ContainerItem, "networks" | "ip"> {
  const ip = Object.values(networks ?? {}).find((network) => network?.IPAddress)?.IPAddress;
  return { networks: Object.keys(networks ?? {}), ...(ip ? { ip } : {}) };
}

/** Written as create takes them, so that what was read can be used again. */
function mountsOf(mounts: readonly Mount[] | null | undefined): string[] {
  const texts = (mounts ?? []).map((mount) => {
    const source = mount.Type === "volume" ? mount.Name : mount.Source;
    return `${source || mount.Type}:${mount.Destination}${mount.RW === false ? ":ro" : ""}`;
  });
  return texts.sort(); // the engine has them in another order each time
}

/** Compose writes a dozen labels on each container that say nothing to a reader; what matters of them are fields. */
function labelsOf(labels: Readonly<Record<string, string>> | null | undefined): Pick<ContainerItem, "tags" | "compose_project" | "compose_service"> {
  const project = labels?.[PROJECT];
  const service = labels?.["com.docker.compose.service"];
  return {
    tags: Object.entries(labels ?? {})
      .filter(([key]) => !key.startsWith("com.docker.compose."))
      .map(([key, value]) => `${key}=${looksSecret(key) ? "[secret]" : maskedText(value)}`),
    ...(project ? { compose_project: project } : {}),
    ...(service ? { compose_service: service } : {}),
  };
}
const PROJECT = "com.docker.compose.project";

const UNITS: Readonly<Record<string, number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 7 * 86_400,
  month: 30 * 86_400,
  year: 365 * 86_400,
};

/** A listing only has the engine's words: "Up 3 hours (healthy)", "Up About a minute", "Up Less than a second". */
export function uptimeOf(status: string): number | undefined {
  const [, count = "", unit = ""] = /^Up (less than a|about an?|\d+) (\w+?)s?\b/i.exec(status) ?? [];
  const seconds = UNITS[unit];
  if (seconds === undefined) return undefined;
  return /^less/i.test(count) ? 0 : (/^about/i.test(count) ? 1 : Number(count)) * seconds;
}

/** What the engine can filter of a condition. Its matching is case-sensitive, ours is not: only what can't lose a row is handed down. */
export function filtersOf({ status, health, name, id, compose_project: project }: Where): string | undefined {
  const filters: Record<string, readonly string[]> = {};
  if (isSubset(status, STATUSES)) filters.status = status;
  if (isSubset(health, HEALTHS)) filters.health = health;
  // The engine takes a regular expression of Go, which can ignore case.
  if (typeof name === "string" && /^[\w.*-]+$/.test(name))
    filters.name = [`(?i)^/?${name.replace(/[.*]/g, (sign) => (sign === "*" ? ".*" : "\\."))}$`];
  if (typeof id === "string" && /^[0-9a-f]+$/i.test(id)) filters.id = [id.toLowerCase()];
  // Compose only makes projects in lower case.
  if (typeof project === "string" && /^[\w-]+$/.test(project)) filters.label = [`${PROJECT}=${project.toLowerCase()}`];
  return Object.keys(filters).length ? JSON.stringify(filters) : undefined;
}

const isSubset = (values: unknown, allowed: readonly string[]): values is string[] =>
  Array.isArray(values) && values.length > 0 && values.every((value) => allowed.includes(value));
