import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import { type DockerClient, isOlder } from "./client.js";
import { stopped, untilFilter } from "./container-lifecycle.js";
import { pruneImages, unusedImages } from "./image-actions.js";
import { networksLoss, pruneNetworks, unusedNetworks } from "./kinds/networks.js";
import { pruneVolumes } from "./kinds/volumes.js";
import { imagesLoss, stoppedLoss, volumesLoss } from "./losses.js";
import { type DiskUsage, diskUsage, sum, unusedAmong } from "./usage.js";
import { namesText, shortId, sizeText } from "./words.js";

const { destructive } = forClient<DockerClient>();

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

export const prune = destructive({
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
    disk_freed: facet(z.int(), "Bytes freed", { unit: "bytes" }),
  }),
  run: async ({ client, input, signal, note, progress }) => {
    const step = (at: number, message: string): void => progress({ progress: at, total: 5, message });
    step(0, "containers");
    const gone = await client.json<{ ContainersDeleted?: string[] | null; SpaceReclaimed?: number }>({
      what: "delete stopped containers",
      method: "POST",
      path: "/containers/prune",
      since: "1.25",
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
