/**
 * Profiles for common workloads, as data. `{name}` stands for a parameter; a setting, a line of a device or a whole device that mentions
 * one without a value is left out.
 * @module
 */
import type { Config, Devices } from "../wire.js";

/** What a template can be given. */
export const PARAMETERS = {
  cpu: "Cores",
  memory: "Memory, bytes",
  swap: "Whether memory may be swapped out",
  disk: "Root disk, bytes",
  pool: "Storage pool of its disks; default: that of profile default",
  network: "Network or bridge of its eth0; default: that of profile default",
  http_port: "Port of the host that leads to port 80",
  https_port: "Port of the host that leads to port 443",
  volume: "Custom volume for its data, made where it is missing; it outlives the instance",
  share: "Folder of the host to mount",
  path: "Where the volume or the folder is mounted",
  privileged: "Root inside is root on the host",
  nesting: "Allow containers inside",
} as const;
export type Parameter = keyof typeof PARAMETERS;

export interface Template {
  readonly name: string;
  readonly about: string;
  /** Values as the server's configuration has them. `2GB` is 2,000,000,000 bytes and `2GiB` is 2,147,483,648, in LXD and in Incus alike. */
  readonly defaults: Readonly<Partial<Record<Parameter, string>>>;
  readonly config: Config;
  readonly devices: Devices;
}

const LIMITS = { "limits.cpu": "{cpu}", "limits.memory": "{memory}", "limits.memory.swap": "{swap}" };
const ETH0 = { type: "nic", name: "eth0", nictype: "bridged", parent: "{network}" };
const ROOT = { type: "disk", path: "/", pool: "{pool}", size: "{disk}" };

export const TEMPLATES: readonly Template[] = [
  {
    name: "default",
    about: "Basic networking and storage: a network card and a root disk",
    defaults: {},
    config: LIMITS,
    devices: { eth0: ETH0, root: ROOT },
  },
  {
    name: "webserver",
    about: "Web server: limits without swap, and its ports on the host",
    defaults: { cpu: "2", memory: "2GB", swap: "false", http_port: "80", https_port: "443" },
    config: LIMITS,
    devices: {
      eth0: ETH0,
      root: ROOT,
      http: { type: "proxy", listen: "tcp:0.0.0.0:{http_port}", connect: "tcp:127.0.0.1:80" },
      https: { type: "proxy", listen: "tcp:0.0.0.0:{https_port}", connect: "tcp:127.0.0.1:443" },
    },
  },
  {
    name: "database",
    about: "Database: memory that is not swapped out, a root disk of its own size, and with `volume` one for the data that outlives it",
    defaults: { memory: "2GB", swap: "false", disk: "10GB", path: "/var/lib/data" },
    config: LIMITS,
    devices: { eth0: ETH0, root: ROOT, data: { type: "disk", pool: "{pool}", source: "{volume}", path: "{path}" } },
  },
  {
    name: "development",
    about: "Development: privileged, with containers inside, and with `share` a folder of the host",
    defaults: { privileged: "true", nesting: "true", path: "/workspace" },
    config: { ...LIMITS, "security.privileged": "{privileged}", "security.nesting": "{nesting}" },
    devices: { eth0: ETH0, root: ROOT, share: { type: "disk", source: "{share}", path: "{path}" } },
  },
];

export type Values = Readonly<Partial<Record<string, string>>>;

/** The parameters that a template mentions. */
export function parametersOf({ config, devices }: Pick<Template, "config" | "devices">): readonly Parameter[] {
  const texts = [config, ...Object.values(devices)].flatMap((one) => Object.values(one));
  const named = new Set(texts.flatMap((text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)));
  return (Object.keys(PARAMETERS) as Parameter[]).filter((name) => named.has(name));
}

/** A template with values in the place of its parameters. */
export function filled(
  { config, devices }: Pick<Template, "config" | "devices">,
  values: Values,
): { readonly config: Config; readonly devices: Devices } {
  return {
    config: linesOf(config, values),
    devices: Object.fromEntries(
      Object.entries(devices).flatMap(([name, device]) => {
        const lines = linesOf(device, values);
        // A size may be absent. What a device is made of may not.
        return Object.keys(device).every((key) => key === "size" || key in lines) ? [[name, lines]] : [];
      }),
    ),
  };
}

function linesOf(lines: Config, values: Values): Config {
  return Object.fromEntries(
    Object.entries(lines).flatMap(([key, text]) => {
      const names = [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
      if (names.some((name) => values[name] === undefined)) return [];
      return [[key, text.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "")]];
    }),
  );
}
