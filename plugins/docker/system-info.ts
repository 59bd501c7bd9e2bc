import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "./client.js";
import { testEngine } from "./engine.js";
import { known } from "./words.js";

const { read } = forClient<DockerClient>();

const bytes = (about: string) => facet(z.int(), about, { unit: "bytes" });
const count = (about: string) => facet(z.int(), about);

const Info = z.object({
  name: facet(z.string(), "Host name of the engine"),
  id: facet(z.string(), "Id of the engine").optional(),
  version: z.string(),
  os: z.string().optional(),
  kernel: z.string().optional(),
  arch: z.string().optional(),
  cpu: facet(z.int(), "Cores", { unit: "cores" }).optional(),
  memory: bytes("Memory of the machine").optional(),
  containers: count("Containers"),
  running: count("Of these running"),
  paused: count("Of these paused"),
  stopped: count("Of these stopped"),
  images: count("Images"),
  storage_driver: z.string().optional(),
  data_folder: facet(z.string(), "Where it keeps everything").optional(),
  cgroup: facet(z.string(), "Version of cgroups").optional(),
  logging_driver: z.string().optional(),
  swarm: facet(z.string(), "active, or inactive").optional(),
  rootless: z.boolean(),
  warnings: z.array(z.string()),
});

interface InfoFacts {
  readonly ID?: string;
  readonly Name: string;
  readonly ServerVersion: string;
  readonly OperatingSystem?: string;
  readonly KernelVersion?: string;
  readonly Architecture?: string;
  readonly NCPU?: number;
  readonly MemTotal?: number;
  readonly Containers?: number;
  readonly ContainersRunning?: number;
  readonly ContainersPaused?: number;
  readonly ContainersStopped?: number;
  readonly Images?: number;
  readonly Driver?: string;
  readonly DockerRootDir?: string;
  readonly CgroupVersion?: string;
  readonly LoggingDriver?: string;
  readonly Swarm?: { readonly LocalNodeState?: string };
  readonly SecurityOptions?: readonly string[] | null;
  readonly Warnings?: readonly string[] | null;
}

export const info = read({
  about: "Show what an engine is and has: version, machine, counts, storage, warnings",
  on: "kind",
  aliases: ["docker_info"],
  output: Info,
  run: async ({ client, signal }) => {
    const found = await client.json<InfoFacts>({ what: "ask what the engine has", path: "/info", signal });
    return known({
      name: found.Name,
      id: found.ID || undefined,
      version: found.ServerVersion,
      os: found.OperatingSystem,
      kernel: found.KernelVersion,
      arch: found.Architecture,
      cpu: found.NCPU || undefined,
      memory: found.MemTotal || undefined,
      containers: found.Containers ?? 0,
      running: found.ContainersRunning ?? 0,
      paused: found.ContainersPaused ?? 0,
      stopped: found.ContainersStopped ?? 0,
      images: found.Images ?? 0,
      storage_driver: found.Driver,
      data_folder: found.DockerRootDir,
      cgroup: found.CgroupVersion ? `v${found.CgroupVersion}` : undefined,
      logging_driver: found.LoggingDriver,
      swarm: found.Swarm?.LocalNodeState,
      rootless: found.SecurityOptions?.some((option) => option.includes("rootless")) ?? false,
      warnings: [...(found.Warnings ?? [])],
    });
  },
});

export const version = read({
  about: "Show the version of an engine and of its API",
  on: "kind",
  aliases: ["docker_version"],
  output: z.object({
    version: z.string(),
    api: facet(z.string(), "API version that is spoken"),
    newest_api: facet(z.string(), "The newest that it has"),
    os: z.string().optional(),
    arch: z.string().optional(),
  }),
  run: async (args) => {
    const { version: product, facts = {} } = await testEngine(args);
    const text = (name: string): string | undefined => (facts[name] === undefined ? undefined : String(facts[name]));
    return known({ version: product, api: text("api") ?? "", newest_api: text("engine_api") ?? "", os: text("os"), arch: text("arch") });
  },
});
