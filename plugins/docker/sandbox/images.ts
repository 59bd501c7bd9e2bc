import { isLive } from "./container-views.js";
import { checkReference, idOf, type Image, type State, withTag } from "./state.js";
import { Refusal } from "./wire.js";

const short = (id: string): string => id.slice(0, 12);

/** DELETE /images/{name}: takes a name away, and the image itself with its last one. */
export function removeImage(state: State, key: string, force: boolean): Record<string, string>[] {
  const image = state.findImage(key);
  if (!image) {
    if (!/^(sha256:)?[0-9a-f]{12,64}$/.test(key)) checkReference(key);
    throw new Refusal(404, `No such image: ${withTag(key)}`);
  }
  const reference = withTag(key);
  const users = state.boxes.filter((box) => box.imageId === image.id);
  const running = users.find(isLive);
  const byName = image.references.includes(reference);
  if (byName) {
    // A further name can always go. The last one holds the containers' image.
    if (image.references.length > 1) return [untag(image, reference)];
    if (users[0] && !force)
      throw new Refusal(
        409,
        `conflict: unable to remove repository reference "${key}" (must force) - container ${short(users[0].id)} is using its referenced image ${short(image.id)}`,
      );
    if (running) return [untag(image, reference)];
  } else {
    if (running)
      throw new Refusal(
        409,
        `conflict: unable to delete ${short(image.id)} (cannot be forced) - image is being used by running container ${short(running.id)}`,
      );
    if (image.references.length > 1 && !force)
      throw new Refusal(409, `conflict: unable to delete ${short(image.id)} (must be forced) - image is referenced in multiple repositories`);
    if (users[0] && !force)
      throw new Refusal(
        409,
        `conflict: unable to delete ${short(image.id)} (must be forced) - image is being used by stopped container ${short(users[0].id)}`,
      );
  }
  const names = [...image.references, ...image.digests].map((name) => ({ Untagged: name }));
  state.images.splice(state.images.indexOf(image), 1);
  return [...names, ...[image.id, ...image.layers.map(({ id }) => idOf(id))].map((id) => ({ Deleted: `sha256:${id}` }))];
}

function untag(image: Image, reference: string): Record<string, string> {
  image.references = image.references.filter((name) => name !== reference);
  return { Untagged: reference };
}

const STEPS = 4;

/** POST /images/create: refuses at once what the registry doesn't have, else tells layer by layer how far it is. */
export function pullImage(state: State, query: URLSearchParams, taskTime: number, taskError: string | undefined): AsyncIterable<string> {
  const name = query.get("fromImage") ?? "";
  const tag = query.get("tag");
  if (name === "") throw new Refusal(500, 'Get "http:": http: no Host in request URL');
  checkReference(name);
  const reference = withTag(tag ? `${name}:${tag}` : name);
  const published = state.published.find((image) => image.references.includes(reference));
  if (!published) throw new Refusal(404, missing(state, reference));
  return pullStream(state, published, reference, taskTime, taskError);
}

/** Docker Hub doesn't say whether a repository is private or isn't there; a known one lacks only the tag. */
function missing(state: State, reference: string): string {
  const repository = reference.replace(/:[^:/]*$/, "");
  const known = state.published.some((image) => image.references.some((name) => name.startsWith(`${repository}:`)));
  if (known || /^[^/]*[.:][^/]*\//.test(reference)) return `manifest for ${reference} not found: manifest unknown: manifest unknown`;
  return `pull access denied for ${repository}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`;
}

async function* pullStream(
  state: State,
  published: Image,
  reference: string,
  taskTime: number,
  taskError: string | undefined,
): AsyncGenerator<string> {
  const line = (value: object): string => `${JSON.stringify(value)}\r\n`;
  const pause = (): Promise<void> => new Promise((done) => setTimeout(done, taskTime / (published.layers.length * STEPS)));
  const repository = reference.replace(/:[^:/]*$/, "");
  yield line({
    status: `Pulling from ${repository.includes("/") ? repository.replace(/^[^/]*[.:][^/]*\//, "") : `library/${repository}`}`,
    id: reference.slice(repository.length + 1),
  });
  const digest = `sha256:${published.id}`;
  const present = state.images.find((image) => image.id === published.id);
  if (present?.references.includes(reference) && !taskError) {
    yield line({ status: `Digest: ${digest}` });
    return yield line({ status: `Status: Image is up to date for ${reference}` });
  }
  for (const { id } of published.layers) yield line({ status: "Pulling fs layer", progressDetail: {}, id });
  for (const { id, size } of published.layers) {
    for (let step = 1; step <= STEPS; step += 1) {
      await pause();
      yield line({
        status: "Downloading",
        progressDetail: { current: Math.floor((size * step) / (STEPS + 1)), total: size },
        progress: "[=>  ]",
        id,
      });
      if (taskError && step === 2) return yield line({ errorDetail: { message: taskError }, error: taskError });
    }
    yield line({ status: "Verifying Checksum", progressDetail: {}, id });
    yield line({ status: "Download complete", progressDetail: {}, id });
  }
  for (const { id, size } of published.layers) {
    yield line({ status: "Extracting", progressDetail: { current: size, total: size }, progress: "[==>]", id });
    yield line({ status: "Pull complete", progressDetail: {}, id });
  }
  if (present) present.references.push(reference);
  else {
    for (const image of state.images) image.references = image.references.filter((name) => name !== reference); // the name moves on
    state.images.push({ ...published, references: [reference], digests: [`${repository}@${digest}`] });
  }
  yield line({ status: `Digest: ${digest}` });
  yield line({ status: `Status: Downloaded newer image for ${reference}` });
}
