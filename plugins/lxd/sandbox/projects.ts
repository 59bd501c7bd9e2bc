import type { SandboxReply } from "proxmcp/testing";
import { accepted, Refusal, sync } from "./answers.js";
import type { Call } from "./router.js";
import { type Text, World } from "./world.js";

const FEATURES = ["images", "profiles", "storage.volumes", "networks", "storage.buckets", "networks.zones"];
const KEYS = new RegExp(
  `^(features\\.(${FEATURES.join("|").replaceAll(".", "\\.")})|limits\\..+|restricted(\\..+)?|user\\..+|images\\..+|backups\\..+)$`,
);
/** What a new project has of its own where nothing else is said. */
const STANDARD: Text = { "features.images": "true", "features.profiles": "true", "features.storage.volumes": "true" };

/** What the API keeps in projects: these paths look into the one that the request names. */
const SCOPED = /^\/1\.0\/(instances|images|profiles|networks|network-acls|storage-pools\/[^/]+\/volumes)(\/|$)/;
/** The part of the world that a request looks into; undefined where it names a project that is not there. */
export function worldOf(world: World, path: string, project: string): World | undefined {
  return SCOPED.test(path) ? world.projects.get(project) : world;
}

/** What is said of a project that is not there, by what is asked for in it. */
export function noProject(path: string, method: string, project: string): SandboxReply {
  if (path === "/1.0/instances" && method === "GET") return sync([]);
  if (path.startsWith("/1.0/instances/")) throw new Refusal(404, "Instance not found");
  if (path.startsWith("/1.0/images")) throw new Refusal(404, "Check if project has images: fetch project: Project not found");
  throw new Refusal(404, `Failed to load project "${project}": Project not found`);
}

/** Whether a request is for a list of all projects. */
export function asksAll({ world, query, method, path }: Pick<Call, "world" | "query" | "method" | "path">): boolean {
  if (query.get("all-projects") !== "true" || method !== "GET") return false;
  if (path !== "/1.0/instances" && !(path in KEPT && world.host.flavor === "incus")) return false;
  if (query.get("project")) throw new Refusal(400, "Cannot specify a project when requesting all projects");
  return true;
}

/** The lists of all projects in one. What several projects share is told once. */
export async function listAll(world: World, path: string, list: (world: World) => Promise<SandboxReply> | SandboxReply): Promise<SandboxReply> {
  const kept = KEPT[path] ?? "guests";
  const all: unknown[] = [];
  for (const one of world.projects.values()) {
    if (one !== world && one[kept] === world[kept]) continue;
    const { body } = await list(one);
    for (const row of (body as { metadata: unknown[] }).metadata) all.push(typeof row === "object" ? { ...row, project: one.project } : row);
  }
  return sync(all);
}

/** Where the things of a list are kept. */
const KEPT: Readonly<Record<string, "guests" | "images" | "profiles" | "networks" | "acls">> = {
  "/1.0/images": "images",
  "/1.0/profiles": "profiles",
  "/1.0/networks": "networks",
  "/1.0/network-acls": "acls",
};

const render = (one: World) => ({
  name: one.project,
  description: one.description,
  config: one.config,
  used_by: one.users(),
});

function projectOf({ world, names }: Call, words = "Project not found"): World {
  const found = world.projects.get(names[0] ?? "");
  if (!found) throw new Refusal(404, words);
  return found;
}

export function listProjects({ world, query }: Call) {
  const all = [...world.projects.values()];
  return sync(query.get("recursion") ? all.map(render) : all.map(({ project }) => `/1.0/projects/${project}`));
}

export const showProject = (call: Call) => sync(render(projectOf(call)));

export function projectState(call: Call) {
  const one = projectOf(call);
  const guests = [...one.guests.values()];
  const of = (usage: number, key = "") => ({ Limit: Number(one.config[key] ?? -1), Usage: usage });
  return sync({
    resources: {
      containers: of(guests.filter(({ type }) => type === "container").length, "limits.containers"),
      cpu: of(0),
      disk: of(0),
      instances: of(guests.length, "limits.instances"),
      memory: of(0),
      networks: of(one.networks === call.world.networks ? 0 : one.networks.size),
      processes: of(0),
      "virtual-machines": of(guests.filter(({ type }) => type !== "container").length, "limits.virtual-machines"),
    },
  });
}

interface Body {
  readonly name?: string;
  readonly description?: string;
  readonly config?: Text;
}

function checkName(name: string): void {
  if (!name) throw new Refusal(400, "No name provided");
  if (name.includes("/")) throw new Refusal(400, "Project names may not contain slashes");
  if (name.includes(" ")) throw new Refusal(400, "Project names may not contain spaces");
}

function checkConfig(config: Text): void {
  for (const key of Object.keys(config)) if (!KEYS.test(key)) throw new Refusal(400, `Invalid project configuration key "${key}"`);
}

export function createProject(call: Call) {
  const { world } = call;
  const { name = "", description = "", config = {} } = call.json<Body>();
  checkName(name);
  checkConfig(config);
  if (world.projects.has(name))
    throw new Refusal(409, `Failed creating project "${name}": Failed adding database record: This "projects" entry already exists`);
  world.projects.set(name, new World(world.host, world.taskTime, { root: world, project: name, description, config: { ...STANDARD, ...config } }));
  return { ...sync(null), status: 201 };
}

const features = (config: Text): string => JSON.stringify(FEATURES.map((name) => config[`features.${name}`] === "true"));

/** `PUT /1.0/projects/{name}`. What a project has for itself is settled while it is empty. */
export function changeProject(call: Call) {
  const one = projectOf(call);
  const { description = "", config = {} } = call.json<Body>();
  checkConfig(config);
  if (features(config) !== features(one.config)) {
    if (one === call.world) throw new Refusal(400, "You can't change the features of the default project");
    const changed = FEATURES.find((name) => (config[`features.${name}`] === "true") !== (one.config[`features.${name}`] === "true"));
    if (!one.isEmpty()) throw new Refusal(400, `Project feature "features.${changed}" cannot be enabled on non-empty projects`);
  }
  one.describe(description, config);
  return sync({});
}

export function renameProject(call: Call) {
  const { world } = call;
  const { name = "" } = call.json<Body>();
  if (call.names[0] === "default") throw new Refusal(403, "The 'default' project cannot be renamed");
  const one = projectOf(call);
  return accepted(
    world.operations.start({
      description: "Renaming project",
      instances: [],
      taskError: call.taskError,
      run() {
        checkName(name);
        if (world.projects.has(name)) throw new Error(`A project named "${name}" already exists`);
        if (!one.isEmpty()) throw new Error("Only empty projects can be renamed");
        world.projects.delete(one.project);
        one.project = name;
        world.projects.set(name, one);
      },
    }),
  );
}

export function deleteProject(call: Call) {
  const name = call.names[0] ?? "";
  if (name === "default") throw new Refusal(403, "The 'default' project cannot be deleted");
  const one = projectOf(call, `Fetch project "${name}": Project not found`);
  if (!one.isEmpty()) throw new Refusal(500, "Only empty projects can be removed");
  call.world.projects.delete(name);
  return sync({});
}
