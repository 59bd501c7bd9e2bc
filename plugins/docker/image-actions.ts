import { facet, forClient, secret } from "proxmcp/plugin";
import { z } from "zod";
import { buildImage } from "./build.js";
import type { DockerClient } from "./client.js";
import { untilFilter } from "./container-lifecycle.js";
import { exportImage, importImage } from "./image-files.js";
import { imagesLoss } from "./losses.js";
import { moment } from "./logs.js";
import { fullReference, pullImage, pushImage, splitReference } from "./pull.js";
import { countText, dateOf, namesText, sizeText } from "./words.js";

const { read, write, destructive } = forClient<DockerClient>();

const LONG = 3600;
interface ImageSummary {
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Size: number;
  readonly Created: number;
}

const pull = write({
  about: "Fetch an image from its registry",
  openWorld: true,
  timeout: LONG,
  aliases: ["docker_pull", "docker_pull_image"],
  input: {
    image: z.string().min(1).describe("Reference, as in nginx:1.27 or ghcr.io/a/b:2"),
    platform: z.string().optional().describe("As in linux/arm64"),
  },
  run: async ({ client, input: { image, platform }, signal, progress }) => {
    await pullImage(client, image, { signal, progress }, platform);
    return { key: fullReference(image) };
  },
});

const push = write({
  about: "Publish an image in its registry, under the name that it has here",
  openWorld: true,
  timeout: LONG,
  aliases: ["docker_push", "docker_push_image"],
  output: z.object({ image: z.string(), digest: z.string().optional(), size: facet(z.int(), "Bytes of its manifest", { unit: "bytes" }).optional() }),
  run: async ({ client, key, signal, progress }) => {
    await client.image(key, signal);
    return { image: fullReference(key), ...(await pushImage(client, key, { signal, progress })) };
  },
});

const tag = write({
  about: "Give an image a further name; the image that had this name loses it",
  aliases: ["docker_tag", "docker_tag_image"],
  idempotent: true,
  input: { new_name: z.string().min(1).describe("Reference, as in registry:5000/a/b:2") },
  run: async ({ client, key, input: { new_name }, signal }) => {
    const { repository, tag } = splitReference(new_name);
    const path = `${await client.image(key, signal)}/tag`;
    await client.done({ what: `tag image "${key}"`, method: "POST", path, query: { repo: repository, tag }, signal });
    return { key: `${repository}:${tag}` };
  },
});

const texts = (about: string) => z.record(z.string().min(1), z.string()).optional().describe(about);

const build = write({
  about: "Build an image from a folder or from the text of a Dockerfile",
  on: "kind",
  openWorld: true,
  timeout: LONG,
  aliases: ["docker_build", "docker_build_image"],
  input: {
    image: z.string().min(1).describe("Name of the new image"),
    context: z.string().optional().describe("Absolute path of a folder where ProxMCP runs"),
    dockerfile: z.string().optional().describe("Text of a Dockerfile"),
    file: z.string().optional().describe("Path of the Dockerfile in the context"),
    files: texts("Further files by path, with their text"),
    args: secret(z.record(z.string(), z.string()), "Build arguments").optional(),
    labels: texts("Labels"),
    target: z.string().optional().describe("Stage to stop at"),
    platform: z.string().optional().describe("As in linux/arm64"),
    cache: z.boolean().default(true).describe("Use what was built before"),
    pull: z.boolean().default(false).describe("Fetch newer base images"),
  },
  output: z.object({ image: z.string(), id: z.string(), log: facet(z.string(), "The end of what was printed"), truncated: z.boolean() }),
  run: async ({ client, input, signal, progress }) => await buildImage(client, input, { signal, progress }),
});

const history = read({
  about: "List the steps that an image was made in, newest first",
  aliases: ["docker_history"],
  output: z.object({
    steps: z.array(
      z.object({
        command: z.string(),
        size: facet(z.int(), "Bytes added", { unit: "bytes" }),
        created: z.string().optional(),
        comment: z.string().optional(),
        tags: z.array(z.string()),
      }),
    ),
  }),
  run: async ({ client, key, signal }) => {
    const path = `${await client.image(key, signal)}/history`;
    const steps = await client.json<{ CreatedBy: string; Created: number; Size: number; Comment?: string; Tags?: string[] | null }[]>({
      what: `show the history of image "${key}"`,
      path,
      signal,
    });
    return {
      steps: steps.map(({ CreatedBy, Created, Size, Comment, Tags }) => {
        const created = dateOf(Created);
        return { command: CreatedBy, size: Size, ...(created ? { created } : {}), ...(Comment ? { comment: Comment } : {}), tags: Tags ?? [] };
      }),
    };
  },
});

const remove = destructive({
  about: "Delete an image, or one of its names if it has several",
  loses: async ({ client, key, signal }) => {
    const path = await client.image(key, signal);
    const found = await client.json<{ Id: string; RepoTags?: string[] | null; Size: number }>({
      what: `show image "${key}"`,
      path: `${path}/json`,
      signal,
    });
    const others = (found.RepoTags ?? []).filter((name) => name !== fullReference(key));
    if (others.length && found.RepoTags?.includes(fullReference(key))) return `Only this name goes: the image stays as ${namesText(others)}.`;
    const users = await client.json<{ Names: string[] }[]>({
      what: "list containers",
      path: "/containers/json",
      query: { all: true, filters: JSON.stringify({ ancestor: [found.Id] }) },
      signal,
    });
    const used = users.length
      ? ` ${countText(users.length, "container")} from it: ${namesText(users.map(({ Names }) => Names[0]?.slice(1) ?? ""))}.`
      : "";
    return `${sizeText(found.Size)}, less what other images share. It has to be pulled or built again.${used}`;
  },
  aliases: ["docker_rmi", "docker_remove_image", "docker_image_remove"],
  input: { force: z.boolean().optional().describe("Even if stopped containers use it") },
  output: z.object({
    untagged: facet(z.array(z.string()), "Names removed"),
    deleted: facet(z.array(z.string()), "Images and layers removed, by id"),
  }),
  run: async ({ client, key, input: { force }, signal }) => {
    const path = await client.image(key, signal);
    return goneOf(await client.json<Gone>({ what: `delete image "${key}"`, method: "DELETE", path, query: { force }, signal }));
  },
});

type Gone = readonly { readonly Untagged?: string; readonly Deleted?: string }[];
export const goneOf = (gone: Gone | null | undefined) => ({
  untagged: (gone ?? []).flatMap(({ Untagged }) => Untagged ?? []),
  deleted: (gone ?? []).flatMap(({ Deleted }) => Deleted ?? []),
});

export interface ImagePrune {
  readonly all: boolean;
  readonly older_than?: string | undefined;
}

/** Images that a prune would delete. GET /images/json knows nothing of containers, so these are asked as well. */
export async function unusedImages(client: DockerClient, { all, older_than }: ImagePrune, signal: AbortSignal): Promise<ImageSummary[]> {
  const [images, containers] = await Promise.all([
    client.json<ImageSummary[]>({
      what: "list unused images",
      path: "/images/json",
      query: all ? {} : { filters: JSON.stringify({ dangling: ["true"] }) },
      signal,
    }),
    client.json<{ ImageID: string }[]>({ what: "list containers", path: "/containers/json", query: { all: true }, signal }),
  ]);
  const used = new Set(containers.map(({ ImageID }) => ImageID));
  const until = moment("older_than", older_than, client.clock.now());
  return images.filter(({ Id, Created }) => !used.has(Id) && (until === undefined || Created < Number(until)));
}

export async function pruneImages(client: DockerClient, { all, older_than }: ImagePrune, signal: AbortSignal) {
  const done = await client.json<{ ImagesDeleted?: Gone | null; SpaceReclaimed?: number }>({
    what: "delete unused images",
    method: "POST",
    path: "/images/prune",
    since: "1.25",
    query: { filters: untilFilter(client, older_than, { dangling: [String(!all)] }) },
    signal,
  });
  return { ...goneOf(done.ImagesDeleted), disk_freed: done.SpaceReclaimed ?? 0 };
}

const prune = destructive({
  about: "Delete images that no container uses: those without a name, or all",
  loses: async ({ client, input, signal }) => imagesLoss(await unusedImages(client, input, signal)),
  aliases: ["docker_prune_images"],
  timeout: LONG,
  input: {
    all: z.boolean().default(false).describe("Those with a name too"),
    older_than: z.string().optional().describe('Only those made longer ago than "24h", "7d"'),
  },
  output: z.object({
    untagged: facet(z.array(z.string()), "Names removed"),
    deleted: facet(z.array(z.string()), "Images and layers removed, by id"),
    disk_freed: facet(z.int(), "Bytes freed", { unit: "bytes" }),
  }),
  run: async ({ client, input, signal }) => await pruneImages(client, input, signal),
});

export const imageActions = { pull, push, tag, build, history, export: exportImage, import: importImage, delete: remove, prune };
