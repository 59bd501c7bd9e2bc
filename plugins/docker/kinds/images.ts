import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "../client.js";
import { imageActions } from "../image-actions.js";
import { fullReference } from "../pull.js";
import { dateOf } from "../words.js";

const { kind } = forClient<DockerClient>();

const Image = z.object({
  name: facet(z.string(), "Reference, as in nginx:1.27; the id when untagged", { says: ["repository"] }),
  id: facet(z.string(), "First 12 digits of the id", { says: ["image id", "hash"] }),
  references: facet(z.array(z.string()), "All its repository:tag names", { says: ["tags", "tag", "names"] }),
  untagged: facet(z.boolean(), "No name refers to it", { says: ["dangling"] }),
  disk_used: facet(z.int(), "Size with all layers", { says: ["size", "disk"], unit: "bytes" }),
  in_use: facet(z.boolean(), "A container is made from it; only when asked for", { onDemand: true }).optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it was built", { says: ["build date", "age"] }).optional(),
  os: facet(z.string(), "Operating system", { detail: true }).optional(),
  arch: facet(z.string(), "Processor architecture", {
    says: ["architecture"],
    values: { amd64: ["x86_64", "x64"], arm64: ["aarch64"] },
    detail: true,
  }).optional(),
});
type ImageItem = z.input<typeof Image>;

interface ImageFacts {
  readonly Id: string;
  readonly RepoTags?: readonly string[] | null;
  readonly Size: number;
  readonly Created?: number | string;
  readonly Os?: string;
  readonly Architecture?: string;
}

/** From a listing or from inspect. `asked` is the reference that was used, so that what was asked for is what is answered. */
function fromFacts(found: ImageFacts, asked?: string): ImageItem {
  const id = found.Id.replace(/^sha256:/, "").slice(0, 12);
  const references = (found.RepoTags ?? []).filter((reference) => reference !== "<none>:<none>"); // old engines say it so
  const name = references.find((reference) => asked !== undefined && reference === fullReference(asked)) ?? references[0] ?? id;
  const created = dateOf(found.Created);
  return {
    name,
    id,
    references,
    untagged: references.length === 0,
    disk_used: found.Size,
    // Reproducible builds have no date, or that of year 1.
    ...(created ? { created } : {}),
    ...(found.Os ? { os: found.Os } : {}),
    ...(found.Architecture ? { arch: found.Architecture } : {}),
  };
}

/** The ids of images that containers are made from, stopped ones too: the listing of images itself does not count them. */
async function usedImages(client: DockerClient, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const query = { all: "true" };
  const found = await client.json<{ ImageID: string }[]>({ what: "list containers", path: "/containers/json", query, signal });
  return new Set(found.map(({ ImageID }) => ImageID));
}

export const images = kind({
  name: "image",
  about: "An image on the Docker host, to make containers from",
  says: ["image", "docker image"],
  item: Image,
  key: "name",
  alsoBy: ["id"],
  everyday: ["list"],
  aliases: { list: ["docker_images", "docker_list_images", "docker_image_ls"], get: ["docker_image_inspect"] },

  list: async ({ client, signal, needs }) => {
    const [found, used] = await Promise.all([
      client.json<ImageFacts[]>({ what: "list images", path: "/images/json", signal }),
      needs.has("in_use") ? usedImages(client, signal) : undefined,
    ]);
    return found.map((image) => ({ ...fromFacts(image), ...(used ? { in_use: used.has(image.Id) } : {}) }));
  },

  get: async ({ client, key, signal }) => {
    const path = await client.image(key, signal);
    return fromFacts(await client.json<ImageFacts>({ what: `show image "${key}"`, path: `${path}/json`, signal }), key);
  },

  actions: imageActions,
});
