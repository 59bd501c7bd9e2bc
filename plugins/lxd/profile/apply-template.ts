import { type ActionArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { Ask, LxdClient } from "../client.js";
import { rootDisk } from "../instance/fields.js";
import { weakens } from "../isolation.js";
import { formatSize } from "../sizes.js";
import { readGuarded } from "../settings.js";
import type { Devices, WireNetwork, WirePool, WireProfile } from "../wire.js";
import { applyTo } from "./apply.js";
import { profilePath } from "./fields.js";
import { filled, PARAMETERS, type Parameter, parametersOf, type Template, TEMPLATES } from "./templates.js";

const port = z.int().min(1).max(65_535);
const absolute = z.string().regex(/^\//, "an absolute path");
/** Of which type each parameter is. */
const TYPES = {
  cpu: z.int().min(1),
  memory: z.int().min(1),
  swap: z.boolean(),
  disk: z.int().min(1),
  pool: z.string(),
  network: z.string(),
  http_port: port,
  https_port: port,
  volume: z.string().min(1),
  share: absolute,
  path: absolute,
  privileged: z.boolean(),
  nesting: z.boolean(),
} satisfies Record<Parameter, z.ZodType>;

export const ApplyTemplateInput = {
  template: z.enum(TEMPLATES.map(({ name }) => name) as [string, ...string[]]).describe("Template"),
  name: z.string().min(1).optional().describe("Name of the profile, default: the template's"),
  description: z.string().optional().describe("Default: the template's"),
  instances: z.array(z.string()).default([]).describe("Instances to add the profile to"),
  ...(Object.fromEntries(Object.entries(TYPES).map(([name, type]) => [name, type.optional().describe(PARAMETERS[name as Parameter])])) as {
    [name in Parameter]: z.ZodOptional<(typeof TYPES)[name]>;
  }),
};
type Input = z.output<z.ZodObject<typeof ApplyTemplateInput>>;
type Args = ActionArgs<LxdClient, Input>;

const templateOf = (name: string): Template => TEMPLATES.find((one) => one.name === name) as Template;

/** Values as the server's configuration has them: the caller's over the template's. */
function valuesOf(template: Template, input: Input): Record<string, string> {
  const given = Object.keys(PARAMETERS).flatMap((name) => {
    const value = input[name as Parameter];
    return value === undefined ? [] : [[name, name === "memory" || name === "disk" ? formatSize(value as number) : String(value)] as const];
  });
  return { ...template.defaults, ...Object.fromEntries(given) };
}

/** Why a template with these arguments weakens the isolation from the host. */
export function templateWeakens(input: Input): string | undefined {
  const template = templateOf(input.template);
  return weakens(filled(template, valuesOf(template, input)));
}

/** Makes a profile from a template, or brings the one of that name into line with it; then adds it to instances. */
export async function applyTemplate(args: Args): Promise<{ key: string }> {
  const { client, input, signal, progress, note } = args;
  const template = templateOf(input.template);
  const name = input.name ?? template.name;
  const ask = { doing: `apply template ${template.name} as profile "${name}"`, signal, progress };
  const known = new Set<string>(parametersOf(template));
  const foreign = Object.keys(PARAMETERS).filter((parameter) => input[parameter as Parameter] !== undefined && !known.has(parameter));
  if (foreign.length)
    throw new ProxMcpError("INVALID_INPUT", `Template ${template.name} has no ${foreign.join(", ")}; it has: ${[...known].join(", ")}.`);
  const { eth0, values, volume } = await placed(args, template, ask);
  const { config, devices } = filled({ ...template, devices: { ...template.devices, eth0 } }, values);
  if (volume) await ensureVolume(client, volume, ask);
  const description = input.description ?? template.about.split(":")[0] ?? "";
  const before = await existing(client, name, ask);
  if (before) {
    // What others have set on it beside the template stays.
    const { metadata: wire, guard } = before;
    const body = { description: input.description ?? (wire.description || description), config: { ...wire.config, ...config } };
    await client.change(
      "PUT",
      profilePath(name),
      { ...body, devices: mixed(wire.devices, devices, input.network !== undefined) },
      { ...ask, headers: guard },
    );
    note(`Profile "${name}" was there, and has the settings of the template now.`);
  } else {
    await client.change("POST", "/1.0/profiles", { name, description, config, devices }, ask);
  }
  for (const instance of input.instances) await applyTo(args, name, instance, "add");
  return { key: name };
}

/** The devices of a profile with those of a template. A network card that is there stays, unless a network was asked for. */
function mixed(before: Devices, devices: Devices, joins: boolean): Devices {
  const all = { ...before };
  for (const [name, device] of Object.entries(devices)) {
    const own = before[name];
    if (own?.["type"] !== device["type"]) all[name] = device;
    else if (device["type"] !== "nic") all[name] = { ...own, ...device };
    else if (joins) all[name] = device;
  }
  return all;
}

async function existing(client: LxdClient, name: string, ask: Ask) {
  try {
    return await readGuarded<WireProfile>(client, profilePath(name), ask);
  } catch (error) {
    if (isProxMcpError(error) && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

/** What only the server knows: which network and which pool are meant, and whether they are there. */
async function placed({ client, input, signal }: Args, template: Template, ask: Ask) {
  const list = <Wire>(what: string) => client.get<readonly Wire[]>(`/1.0/${what}`, { doing: ask.doing, signal, query: { recursion: 1 } });
  const [networks, pools, profiles] = await Promise.all([
    list<WireNetwork>("networks"),
    list<WirePool>("storage-pools"),
    list<WireProfile>("profiles"),
  ]);
  const standard = profiles.find(({ name }) => name === "default");
  const nic = Object.values(standard?.devices ?? {}).find(({ type }) => type === "nic");
  const managed = networks.find(({ managed: own, type }) => own && type === "bridge")?.name;
  const network = choose("network", input.network, nic?.network ?? nic?.parent ?? managed, networks);
  const found = networks.find(({ name }) => name === network);
  // Bridges are joined by their name on the host, whoever manages them. Other networks exist only for the server.
  const eth0: Record<string, string> = { ...template.devices["eth0"] };
  if (found?.managed && found.type !== "bridge") {
    delete eth0["nictype"];
    delete eth0["parent"];
    eth0["network"] = "{network}";
  }
  const root = standard && rootDisk(standard)?.[1].pool;
  const pool = choose("pool", input.pool, root ?? pools[0]?.name, pools);
  const values = { ...valuesOf(template, input), network, pool };
  return { eth0, values, volume: input.volume === undefined ? undefined : { name: input.volume, pool } };
}

function choose(
  parameter: "network" | "pool",
  given: string | undefined,
  standard: string | undefined,
  all: readonly { readonly name: string }[],
): string {
  const name = given ?? standard;
  const there = all.map((one) => one.name).join(", ") || "none";
  if (name === undefined) throw new ProxMcpError("INVALID_INPUT", `${parameter}: which is meant has to be said. There is: ${there}.`);
  if (!all.some((one) => one.name === name)) throw new ProxMcpError("NOT_FOUND", `There is no ${parameter} "${name}". There is: ${there}.`);
  return name;
}

async function ensureVolume(client: LxdClient, { name, pool }: { readonly name: string; readonly pool: string }, ask: Ask): Promise<void> {
  const path = `/1.0/storage-pools/${encodeURIComponent(pool)}/volumes/custom`;
  try {
    await client.get(`${path}/${encodeURIComponent(name)}`, ask);
  } catch (error) {
    if (!isProxMcpError(error) || error.code !== "NOT_FOUND") throw error;
    await client.change("POST", path, { name, type: "custom", config: {} }, ask);
  }
}
