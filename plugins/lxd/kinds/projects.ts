import { type ActionArgs, facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { defined } from "../instance/fields.js";
import { given, readGuarded } from "../settings.js";
import { formatSize, parseCores, parseSize } from "../sizes.js";
import { deleteUnused } from "../users.js";
import type { Config } from "../wire.js";

const { kind, read, write, destructive } = forClient<LxdClient>();

interface WireProject {
  readonly name: string;
  readonly description?: string;
  readonly config: Config;
  readonly used_by?: readonly string[] | null;
}

const Project = z.object({
  name: facet(z.string(), "Name of the project", { says: ["tenant"] }),
  description: facet(z.string(), "Its owner's words").optional(),
  own: facet(z.array(z.string()), "What it has for itself, and does not share with project default: images, profiles, networks, storage.volumes"),
  instances: facet(z.int(), "How many instances it has"),
  max_instances: facet(z.int(), "How many instances it may have").optional(),
  cpu: facet(z.int(), "Cores it may use", { unit: "cores", says: ["cores"] }).optional(),
  memory: facet(z.int(), "Memory it may use", { unit: "bytes", says: ["ram"] }).optional(),
  disk: facet(z.int(), "Disk it may use", { unit: "bytes" }).optional(),
  restricted: facet(z.boolean(), "Whether what weakens isolation is forbidden in it"),
  used_by: facet(z.int(), "How many things are in it"),
});

const FEATURES = ["images", "profiles", "networks", "storage.volumes", "storage.buckets", "networks.zones"] as const;
const pathOf = (name: string): string => `/1.0/projects/${encodeURIComponent(name)}`;

function projectOf({ name, description, config, used_by }: WireProject) {
  const users = used_by ?? [];
  return defined({
    name,
    description: description || undefined,
    own: FEATURES.filter((feature) => config[`features.${feature}`] === "true"),
    instances: users.filter((path) => path.startsWith("/1.0/instances/")).length,
    max_instances: Number(config["limits.instances"]) || undefined,
    cpu: parseCores(config["limits.cpu"]),
    memory: parseSize(config["limits.memory"]),
    disk: parseSize(config["limits.disk"]),
    restricted: config["restricted"] === "true",
    used_by: users.length,
  });
}

const settings = {
  description: z.string().optional().describe("Free text"),
  own: z.array(z.enum(FEATURES)).optional().describe("What it has for itself; the rest is that of project default"),
  max_instances: z.int().min(0).optional().describe("Instances it may have"),
  cpu: z.int().min(1).optional().describe("Cores it may use"),
  memory: z.int().min(1).optional().describe("Memory it may use, bytes"),
  disk: z.int().min(1).optional().describe("Disk it may use, bytes"),
  restricted: z.boolean().optional().describe("Forbid what weakens isolation"),
  config: z.record(z.string(), z.string()).optional().describe('Further configuration keys; "" removes one'),
};
type Settings = z.output<z.ZodObject<typeof settings>>;

const configOf = ({ own, max_instances, cpu, memory, disk, restricted, config }: Settings): Config => ({
  ...(own ? Object.fromEntries(FEATURES.flatMap((name) => featureLine(name, own))) : {}),
  ...given({
    "limits.instances": max_instances,
    "limits.cpu": cpu,
    "limits.memory": memory === undefined ? undefined : formatSize(memory),
    "limits.disk": disk === undefined ? undefined : formatSize(disk),
    restricted,
  }),
  ...config,
});

/** Buckets and zones came later: an older server does not know them, and has them off where it does. */
function featureLine(name: (typeof FEATURES)[number], own: readonly string[]): readonly (readonly [string, string])[] {
  if (own.includes(name)) return [[`features.${name}`, "true"]];
  return name === "storage.buckets" || name === "networks.zones" ? [] : [[`features.${name}`, "false"]];
}

export const projects = kind({
  name: "project",
  about: "A part of a server with instances of its own, and as it is set up images, profiles, networks and volumes of its own",
  says: ["project", "tenant"],
  item: Project,
  key: "name",
  aliases: { list: ["lxd_list_projects"], get: ["lxd_project_show"] },

  async list({ client, signal }) {
    const found = await client.get<readonly WireProject[]>("/1.0/projects", { doing: "list projects", signal, query: { recursion: 1 } });
    return found.map(projectOf);
  },

  async get({ client, key, signal }) {
    return projectOf(await client.get<WireProject>(pathOf(key), { doing: `read project "${key}"`, signal }));
  },

  actions: {
    create: write({
      about: "Create a project; without `own` it has images, profiles and volumes of its own, and the networks of project default",
      input: { name: z.string().min(1).describe("Its name"), ...settings },
      aliases: ["lxd_create_project"],
      async run({ client, input, signal, progress }) {
        const { name, description = "" } = input;
        const body = { name, description, config: configOf(input) };
        await client.change("POST", "/1.0/projects", body, { doing: `create project "${name}"`, signal, progress });
        return { key: name };
      },
    }),

    update: write({
      about: "Change limits and settings of a project; what it has for itself only while it is empty",
      input: settings,
      aliases: ["lxd_project_edit", "lxd_project_set"],
      async run({ client, key, input, signal, progress }: ActionArgs<LxdClient, Settings>) {
        const ask = { doing: `change project "${key}"`, signal, progress };
        if (Object.values(input).every((value) => value === undefined))
          throw new ProxMcpError("INVALID_INPUT", `Nothing to change: give one of ${Object.keys(settings).join(", ")}.`);
        const { metadata: wire, guard } = await readGuarded<WireProject>(client, pathOf(key), ask);
        const config = Object.entries({ ...wire.config, ...configOf(input) }).filter(([, value]) => value !== "");
        const body = { description: input.description ?? wire.description ?? "", config: Object.fromEntries(config) };
        await client.change("PUT", pathOf(key), body, { ...ask, headers: guard });
      },
    }),

    rename: write({
      about: "Give an empty project another name",
      input: { new_name: z.string().min(1).describe("Its new name") },
      async run({ client, key, input: { new_name: name }, signal, progress }) {
        refuseStandard(key, "renamed");
        await client.change("POST", pathOf(key), { name }, { doing: `rename project "${key}" to "${name}"`, signal, progress });
        return { key: name };
      },
    }),

    delete: destructive({
      about: "Delete an empty project",
      loses: "Deletes the project.",
      aliases: ["lxd_delete_project"],
      async run({ client, key, signal, progress }) {
        refuseStandard(key, "deleted");
        await deleteUnused(client, pathOf(key), { doing: `delete project "${key}"`, signal, progress });
      },
    }),

    usage: read({
      about: "What of its limits a project uses: instances, cores, memory, disk, processes, networks",
      aliases: ["lxd_project_info"],
      output: z.object({
        usage: z.array(
          z.object({
            name: z.string(),
            used: facet(z.number(), "Bytes of memory and disk, else a number"),
            limit: facet(z.number(), "Absent: none").optional(),
          }),
        ),
      }),
      async run({ client, key, signal }) {
        type State = { readonly resources: Readonly<Record<string, { readonly Limit: number; readonly Usage: number }>> };
        const { resources } = await client.get<State>(`${pathOf(key)}/state`, { doing: `read what project "${key}" uses`, signal });
        const usage = Object.entries(resources).map(([name, { Limit: limit, Usage: used }]) =>
          defined({ name, used, limit: limit < 0 ? undefined : limit }),
        );
        return { usage };
      },
    }),
  },
});

function refuseStandard(key: string, how: string): void {
  if (key === "default") throw new ProxMcpError("INVALID_INPUT", `Project "default" can't be ${how}.`);
}
