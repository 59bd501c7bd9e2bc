import { pack } from "tar-stream";
import type { SandboxReply } from "proxmcp/testing";
import { unpacked } from "./files.js";
import { filtersOf } from "./listing.js";
import { nameImage } from "./operations.js";
import type { Context } from "./request.js";
import { checkReference, type Image, newId, type State, withTag } from "./state.js";
import { empty, goTime, json, Refusal, streamed } from "./wire.js";

export const line = (value: object): string => `${JSON.stringify(value)}\r\n`;

function find(state: State, key: string): Image {
  const image = state.findImage(key);
  if (image) return image;
  if (!/^(sha256:)?[0-9a-f]{12,64}$/.test(key)) checkReference(key);
  throw new Refusal(404, `No such image: ${withTag(key)}`);
}

export function tag({ state, call: { query }, at }: Context): SandboxReply {
  const image = find(state, at[0]!);
  const reference = `${query.get("repo") ?? ""}:${query.get("tag") || "latest"}`;
  checkReference(reference, 500);
  nameImage(state, image, reference);
  state.tell("image", "tag", `sha256:${image.id}`, { name: reference });
  return empty(201);
}

export function history({ state, at }: Context): SandboxReply {
  const image = find(state, at[0]!);
  return json(
    200,
    image.layers.toReversed().map(({ size }, step) => ({
      Comment: "",
      Created: Math.floor(image.created / 1000),
      CreatedBy: step === 0 ? `/bin/sh -c #(nop)  CMD ${JSON.stringify(image.command)}` : "/bin/sh -c #(nop) ADD file:rootfs in / ",
      Id: step === 0 ? `sha256:${image.id}` : "<missing>",
      Size: size,
      Tags: step === 0 && image.references.length ? image.references : null,
    })),
  );
}

/** The login that came with a request. */
export function loginOf({ call }: Context): { username?: string; password?: string } {
  const header = call.headers["x-registry-auth"];
  if (typeof header === "string" && header.length % 4 !== 0) return {}; // without its padding it is none
  return typeof header === "string" ? (JSON.parse(Buffer.from(header, "base64url").toString("utf8") || "{}") as object) : {};
}

/** Repositories below this one want a login, which is always the same. */
const PRIVATE = /^registry\.example(:\d+)?\/private\//;
export const PRIVATE_LOGIN = { username: "robot", password: "opens-the-private-registry" };

export const mayAccess = (reference: string, login: { username?: string; password?: string }): boolean =>
  !PRIVATE.test(reference) || (login.username === PRIVATE_LOGIN.username && login.password === PRIVATE_LOGIN.password);

export function push(context: Context): SandboxReply {
  const { state, call, at, taskTime } = context;
  if (call.headers["x-registry-auth"] === undefined) throw new Refusal(400, "Bad parameters and missing X-Registry-Auth: EOF");
  const reference = `${at[0]}:${call.query.get("tag") || "latest"}`;
  const image = state.findImage(reference);
  const login = loginOf(context);
  return streamed(
    (async function* () {
      yield line({ status: `The push refers to repository [${at[0]}]` });
      if (!image) {
        const message = `An image does not exist locally with the tag: ${at[0]}`;
        return yield line({ errorDetail: { message }, error: message });
      }
      for (const { id, size } of image.layers) {
        yield line({ status: "Preparing", progressDetail: {}, id });
        await new Promise((done) => setTimeout(done, taskTime / 4));
        yield line({ status: "Pushing", progressDetail: { current: Math.floor(size / 2), total: size }, id });
        if (call.taskError) return yield line({ errorDetail: { message: call.taskError }, error: call.taskError });
        yield line({ status: "Pushed", progressDetail: {}, id });
      }
      if (!mayAccess(reference, login)) {
        const message = "unauthorized: authentication required";
        return yield line({ errorDetail: { message }, error: message });
      }
      if (!state.published.some(({ references }) => references.includes(reference))) state.published.push({ ...image, references: [reference] });
      const digest = `sha256:${image.id}`;
      yield line({ status: `${call.query.get("tag") || "latest"}: digest: ${digest} size: 528` });
      yield line({ progressDetail: {}, aux: { Tag: call.query.get("tag") || "latest", Digest: digest, Size: 528 } });
    })(),
    "application/json",
  );
}

/** GET get: an archive as `docker save` writes it, with what this sandbox knows of an image in its config. */
export function save({ state, at }: Context): SandboxReply {
  const image = state.findImage(at[0]!);
  if (!image) throw new Refusal(404, `No such image: ${at[0]}`);
  const archive = pack();
  const { id, references, ...rest } = image;
  archive.entry({ name: `${id}.json` }, JSON.stringify({ ...rest, references }));
  archive.entry(
    { name: "manifest.json" },
    JSON.stringify([{ Config: `${id}.json`, RepoTags: references.includes(withTag(at[0]!)) ? [withTag(at[0]!)] : references, Layers: [] }]),
  );
  archive.finalize();
  return streamed(archive as AsyncIterable<Uint8Array>, "application/x-tar");
}

export async function load({ state, call }: Context): Promise<SandboxReply> {
  const files = await unpacked(call.body).catch(() => []);
  const manifest = files.find(({ header }) => header.name === "manifest.json");
  if (!manifest) {
    const message = "open /var/lib/docker/tmp/docker-import-1/repositories: no such file or directory";
    return streamed(pieces([line({ errorDetail: { message }, error: message })]), "application/json");
  }
  const said: string[] = [];
  for (const { Config, RepoTags } of JSON.parse(manifest.content.toString("utf8")) as { Config: string; RepoTags: string[] | null }[]) {
    const id = Config.replace(/\.json$/, "");
    const kept = JSON.parse(files.find(({ header }) => header.name === Config)?.content.toString("utf8") ?? "{}") as Image;
    let image = state.images.find((one) => one.id === id);
    if (!image) state.images.push((image = { ...kept, id, references: [] }));
    for (const name of RepoTags ?? []) {
      nameImage(state, image, name);
      said.push(line({ stream: `Loaded image: ${name}\n` }));
    }
    if (!RepoTags?.length) said.push(line({ stream: `Loaded image ID: sha256:${id}\n` }));
  }
  return streamed(pieces(said), "application/json");
}

/** POST images/create?fromSrc=-: an image of one layer from an archive. */
export function importImage({ state, call: { query, body } }: Context): SandboxReply {
  const id = newId();
  const image: Image = {
    ...{ id, references: [], digests: [], size: body.length, created: Date.now(), labels: {}, command: [] },
    layers: [{ id: id.slice(0, 12), size: body.length }],
  };
  state.images.push(image);
  if (query.get("repo")) nameImage(state, image, `${query.get("repo")}:${query.get("tag") || "latest"}`);
  return streamed(pieces([line({ status: `sha256:${id}` })]), "application/json");
}

export async function* pieces(texts: readonly string[]): AsyncGenerator<string> {
  yield* texts;
}

const isUsed = (state: State, { id }: Image): boolean => state.boxes.some(({ imageId }) => imageId === id);

export function listImages({ state, call }: Context): Image[] {
  const { dangling } = filtersOf(call.query.get("filters"));
  const wanted = dangling && (dangling[0] === "true" || dangling[0] === "1");
  return dangling ? state.images.filter(({ references }) => (references.length === 0) === wanted) : state.images;
}

export function prune({ state, call }: Context): SandboxReply {
  const { dangling, until } = filtersOf(call.query.get("filters"));
  const all = dangling?.[0] === "false" || dangling?.[0] === "0";
  const before = Number(until?.[0] ?? Number.POSITIVE_INFINITY) * 1000;
  const gone = state.images.filter((image) => !isUsed(state, image) && (all || image.references.length === 0) && image.created < before);
  for (const image of gone) state.images.splice(state.images.indexOf(image), 1);
  return json(200, {
    ImagesDeleted: gone.length
      ? gone.flatMap(({ id, references }) => [...references.map((name) => ({ Untagged: name })), { Deleted: `sha256:${id}` }])
      : null,
    SpaceReclaimed: gone.reduce((sum, { size }) => sum + size, 0),
  });
}

/** GET system/df. */
export function diskUsage({ state }: Context): SandboxReply {
  return json(200, {
    LayersSize: state.images.reduce((sum, { size }) => sum + size, 0),
    Images: state.images.map((image) => ({
      Id: `sha256:${image.id}`,
      RepoTags: image.references,
      Size: image.size,
      SharedSize: 0,
      Created: Math.floor(image.created / 1000),
      Containers: state.boxes.filter(({ imageId }) => imageId === image.id).length,
    })),
    Containers: state.boxes.map((box) => ({
      Id: box.id,
      Names: [`/${box.name}`],
      State: box.status,
      SizeRw: [...box.files.values()].reduce((sum, { content }) => sum + content.length, 0),
    })),
    Volumes: state.volumes.map(({ name, created }) => ({
      Name: name,
      CreatedAt: goTime(created),
      Driver: "local",
      UsageData: { Size: 4096, RefCount: state.boxes.filter(({ mounts }) => mounts.some((mount) => mount.Name === name)).length },
    })),
    BuildCache: null,
    BuilderSize: 0,
  });
}
