import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import { type DockerClient, isOlder } from "../client.js";
import { stopped, untilFilter } from "../container-lifecycle.js";
import { testEngine } from "../engine.js";
import { type EngineEvent, eventOf, Event, readEvents } from "../events.js";
import { pruneImages, unusedImages } from "../image-actions.js";
import { imagesLoss, stoppedLoss, volumesLoss } from "../losses.js";
import { type DiskUsage, diskUsage, unusedAmong } from "../usage.js";
import { known, namesText, shortId, sizeText } from "../words.js";
import { networksLoss, pruneNetworks, unusedNetworks } from "./networks.js";
import { pruneVolumes } from "./volumes.js";

const { kind, read, destructive } = forClient<DockerClient>();

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

const info = read({
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

const version = read({
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

const sum = <T>(items: readonly T[] | null | undefined, size: (item: T) => number | undefined): number =>
  (items ?? []).reduce((total, item) => total + Math.max(0, size(item) ?? 0), 0);

const Share = z.object({
  count: count("How many"),
  used: count("Of these in use"),
  size: bytes("Bytes"),
  reclaimable: bytes("Bytes in what is not used"),
});

const disk_usage = read({
  about: "Measure what images, containers, volumes and the build cache take on the engine's disk",
  on: "kind",
  aliases: ["docker_system_df", "docker_df"],
  timeout: 300,
  output: z.object({ total: bytes("All together"), images: Share, containers: Share, volumes: Share, build_cache: Share }),
  run: async ({ client, signal }) => {
    const found = await diskUsage(client, signal);
    const share = <T>(items: readonly T[] | null | undefined, size: (item: T) => number | undefined, isUsed: (item: T) => boolean) => ({
      count: items?.length ?? 0,
      used: (items ?? []).filter(isUsed).length,
      size: sum(items, size),
      reclaimable: sum(
        (items ?? []).filter((item) => !isUsed(item)),
        size,
      ),
    });
    const images = {
      ...share(
        found.Images,
        ({ Size }) => Size,
        ({ Containers }) => (Containers ?? 0) > 0,
      ),
      size: found.LayersSize ?? 0,
    };
    const containers = share(
      found.Containers,
      ({ SizeRw }) => SizeRw,
      ({ State }) => ["running", "paused", "restarting"].includes(State),
    );
    const volumes = share(
      found.Volumes,
      ({ UsageData }) => UsageData?.Size,
      ({ UsageData }) => (UsageData?.RefCount ?? 0) > 0,
    );
    const build_cache = share(
      found.BuildCache,
      ({ Size, Shared }) => (Shared ? 0 : Size),
      ({ InUse }) => InUse === true,
    );
    return { total: images.size + containers.size + volumes.size + build_cache.size, images, containers, volumes, build_cache };
  },
});

const MAX_WAIT = 300;

const events = read({
  about: "List what happened on an engine, and what happens while waiting",
  on: "kind",
  aliases: ["docker_events"],
  timeout: MAX_WAIT + 30,
  input: {
    since: z.string().default("10m").describe('Time, or "10m", "2h" ago'),
    until: z.string().optional().describe('Time, or "1m" ago; default now'),
    wait: z.int().min(0).max(MAX_WAIT).default(0).describe("Seconds to wait for more"),
    kinds: z.array(z.string()).optional().describe("container, image, network, volume, ..."),
    name: z.string().optional().describe("Of one container"),
    limit: z.int().min(1).max(1000).default(200).describe("Events at most, the newest"),
  },
  output: z.object({ events: z.array(Event), truncated: z.boolean() }),
  run: async ({ client, input, note, signal }) => {
    const found: EngineEvent[] = [];
    let dropped = 0;
    // The engine ends the stream when its own clock says so, which may be behind ours.
    const enough = AbortSignal.timeout((input.wait + 5) * 1000);
    try {
      for await (const event of readEvents(client, input, AbortSignal.any([signal, enough]))) {
        found.push(event);
        if (found.length <= input.limit) continue;
        found.shift();
        dropped += 1;
      }
    } catch (error) {
      if (!enough.aborted || signal.aborted) throw error;
    }
    if (dropped) note(`${dropped} older ones are left out: pass a larger limit, a later since or an earlier until.`);
    return { events: found.map(eventOf), truncated: dropped > 0 };
  },
});

interface PruneInput {
  readonly all_images: boolean;
  readonly volumes: boolean;
}

/** Bytes of the build cache that a prune would free. */
const cacheIn = ({ BuildCache }: DiskUsage): number =>
  sum(
    BuildCache?.filter(({ InUse, Shared }) => !InUse && !Shared),
    ({ Size }) => Size,
  );

async function pruneLoss(client: DockerClient, { all_images, volumes }: PruneInput, signal: AbortSignal): Promise<string> {
  const [containers, networks, images, usage] = await Promise.all([
    stopped(client, undefined, signal),
    unusedNetworks(client, signal),
    unusedImages(client, { all: all_images }, signal),
    diskUsage(client, signal),
  ]);
  const unused = volumes ? unusedAmong(usage, true) : [];
  const cache = cacheIn(usage);
  const said = [
    ...(containers.length ? [stoppedLoss(containers)] : []),
    ...(networks.length ? [networksLoss(networks)] : []),
    ...(images.length ? [imagesLoss(images)] : []),
    ...(unused.length ? [volumesLoss(unused)] : []),
    ...(cache ? [`${sizeText(cache)} of build cache would go.`] : []),
  ];
  // What only the stopped containers still hold becomes unused when they go.
  if (containers.length) said.push(`What only these containers use goes as well: networks, images${volumes ? ", volumes" : ""}.`);
  return said.length ? said.join(" ") : "Nothing is unused: nothing would go.";
}

const prune = destructive({
  about: "Delete what is not used: stopped containers, networks, images without a name, the build cache, and if asked all unused images and volumes",
  on: "kind",
  loses: async ({ client, input, signal }) => await pruneLoss(client, input, signal),
  aliases: ["docker_prune_system"],
  timeout: 3600,
  input: {
    all_images: z.boolean().default(false).describe("Unused images that have a name too"),
    volumes: z.boolean().default(false).describe("All unused volumes, with their data"),
  },
  output: z.object({
    containers: z.array(z.string()),
    networks: z.array(z.string()),
    images: facet(z.array(z.string()), "Names, images and layers removed"),
    volumes: z.array(z.string()),
    disk_freed: bytes("Bytes freed"),
  }),
  run: async ({ client, input, signal, note, progress }) => {
    const step = (at: number, message: string): void => progress({ progress: at, total: 5, message });
    step(0, "containers");
    const gone = await client.json<{ ContainersDeleted?: string[] | null; SpaceReclaimed?: number }>({
      what: "delete stopped containers",
      method: "POST",
      path: "/containers/prune",
      signal,
    });
    step(1, "networks");
    const networks = await pruneNetworks(client, undefined, signal);
    step(2, "volumes");
    const volumes = input.volumes ? await pruneVolumes(client, true, signal) : { deleted: [], kept: [], disk_freed: 0 };
    if (volumes.kept.length) note(`In use meanwhile, and kept: ${namesText(volumes.kept)}.`);
    step(3, "images");
    const images = await pruneImages(client, { all: input.all_images }, signal);
    step(4, "build cache");
    const cache = isOlder(await client.apiVersion(signal), "1.39")
      ? 0
      : ((
          await client.json<{ SpaceReclaimed?: number }>({
            what: "delete the build cache",
            method: "POST",
            path: "/build/prune",
            query: { filters: untilFilter(client, undefined) },
            signal,
          })
        ).SpaceReclaimed ?? 0);
    return {
      containers: (gone.ContainersDeleted ?? []).map(shortId),
      networks,
      images: [...images.untagged, ...images.deleted],
      volumes: volumes.deleted,
      disk_freed: (gone.SpaceReclaimed ?? 0) + volumes.disk_freed + images.disk_freed + cache,
    };
  },
});

export const system = kind({
  name: "system",
  about: "The engine itself",
  says: ["engine", "docker host", "daemon"],
  item: z.object({ name: facet(z.string(), "Host name") }),
  key: "name",
  actions: { info, version, disk_usage, events, prune },
});
