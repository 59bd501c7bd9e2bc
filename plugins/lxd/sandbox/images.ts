import { createHash } from "node:crypto";
import { accepted, Refusal, sync } from "./answers.js";
import type { Call } from "./router.js";
import type { Image, Text, World } from "./world.js";

/** An image as it would be fresh, but for what is given. */
export const makeImage = (image: Pick<Image, "fingerprint" | "architecture" | "size" | "properties"> & Partial<Image>): Image => ({
  aliases: [],
  type: "container",
  cached: false,
  public: false,
  auto_update: false,
  profiles: ["default"],
  expires_at: "0001-01-01T00:00:00Z",
  created_at: new Date().toISOString(),
  uploaded_at: new Date().toISOString(),
  last_used_at: "0001-01-01T00:00:00Z",
  filename: "",
  split: false,
  ...image,
});

export const renderImage = ({ split: _, update_source, aliases, ...image }: Image) => ({
  ...image,
  aliases: aliases.map((name) => ({ name, description: "" })),
  ...(update_source ? { update_source: { certificate: "", image_type: "", ...update_source } } : {}),
});

const etagOf = (image: Image): string =>
  createHash("sha256")
    .update(JSON.stringify(renderImage(image)))
    .digest("hex");

/** The image that the path names by its fingerprint or a beginning of it. Strangers see those that are public, or those they know a word for. */
export function imageOf(call: Call): Image {
  const [wanted = " "] = call.names;
  const found = call.world.images.find(({ fingerprint }) => fingerprint.startsWith(wanted));
  if (!found || !(call.trusted || found.public || call.world.secrets.get(call.query.get("secret") ?? "") === found))
    throw new Refusal(404, "Image not found");
  return found;
}

export const imageWithAlias = (world: World, name: string): Image | undefined => world.images.find(({ aliases }) => aliases.includes(name));

export function listImages(call: Call) {
  const all = call.world.images.filter((image) => call.trusted || image.public);
  return sync(Number(call.query.get("recursion") ?? 0) > 0 ? all.map(renderImage) : all.map(({ fingerprint }) => `/1.0/images/${fingerprint}`));
}

export function showImage(call: Call) {
  const image = imageOf(call);
  return sync(renderImage(image), { etag: `"${etagOf(image)}"` });
}

const renderAlias = (name: string, { fingerprint, type }: Image) => ({ description: "", target: fingerprint, name, type });

function aliasOf(call: Call): { readonly name: string; readonly image: Image } {
  const name = call.names[0] ?? "";
  const image = imageWithAlias(call.world, name);
  if (!image || !(call.trusted || image.public)) throw new Refusal(404, "Image alias not found");
  return { name, image };
}

export function listAliases(call: Call) {
  const all = call.world.images.flatMap((image) => image.aliases.map((name) => renderAlias(name, image)));
  return sync(Number(call.query.get("recursion") ?? 0) > 0 ? all : all.map(({ name }) => `/1.0/images/aliases/${encodeURIComponent(name)}`));
}

export function showAlias(call: Call) {
  const { name, image } = aliasOf(call);
  return sync(renderAlias(name, image));
}

function refuseTaken(world: World, name: string): void {
  if (imageWithAlias(world, name)) throw new Refusal(409, `Alias "${name}" already exists`);
}

/** `POST /1.0/images/aliases`. */
export function addAlias(call: Call) {
  const { name, target } = call.json<{ name?: string; target?: string }>();
  if (!name || !target) throw new Refusal(400, "name and target are required");
  refuseTaken(call.world, name);
  const image = call.world.images.find(({ fingerprint }) => fingerprint.startsWith(target));
  if (!image) throw new Refusal(404, "Image not found");
  image.aliases.push(name);
  return { ...sync(null), status: 201 };
}

export function renameAlias(call: Call) {
  const { name, image } = aliasOf(call);
  const { name: other = "" } = call.json<{ name?: string }>();
  refuseTaken(call.world, other);
  image.aliases.splice(image.aliases.indexOf(name), 1, other);
  return { ...sync(null), status: 201 };
}

/** `PATCH /1.0/images/aliases/{name}`: it names another image from now on. */
export function pointAlias(call: Call) {
  const { name, image } = aliasOf(call);
  const { target = "" } = call.json<{ target?: string }>();
  const other = call.world.images.find(({ fingerprint }) => fingerprint.startsWith(target));
  if (!other) throw new Refusal(404, "Image not found");
  image.aliases.splice(image.aliases.indexOf(name), 1);
  other.aliases.push(name);
  return sync({});
}

export function deleteAlias(call: Call) {
  const { name, image } = aliasOf(call);
  image.aliases.splice(image.aliases.indexOf(name), 1);
  return sync({});
}

/** `PUT` replaces the settings, `PATCH` merges properties in. */
export function changeImage(call: Call) {
  const image = imageOf(call);
  const match = call.headers["if-match"];
  const etag = etagOf(image);
  if (match !== undefined && String(match).replaceAll('"', "") !== etag) throw new Refusal(412, `ETag doesn't match: ${etag} vs ${match}`);
  const body = call.json<Partial<Pick<Image, "public" | "auto_update" | "expires_at" | "profiles">> & { properties?: Text }>();
  const whole = call.method === "PUT";
  for (const profile of body.profiles ?? []) if (!call.world.profiles.has(profile)) throw new Refusal(404, "Profile not found");
  image.properties = whole ? { ...body.properties } : { ...image.properties, ...body.properties };
  if (whole || body.public !== undefined) image.public = body.public ?? false;
  if (whole || body.auto_update !== undefined) image.auto_update = body.auto_update ?? false;
  if (body.expires_at !== undefined) image.expires_at = body.expires_at;
  if (body.profiles) image.profiles = [...body.profiles];
  return sync({});
}

const task = (call: Call, description: string, run: () => void, image?: Image) =>
  accepted(
    call.world.operations.start({
      description,
      instances: [],
      ...(image ? { images: [`/1.0/images/${image.fingerprint}`] } : {}),
      taskError: call.taskError,
      run,
    }),
  );

export function deleteImage(call: Call) {
  const image = imageOf(call);
  const { images } = call.world;
  return task(call, "Deleting image", () => void images.splice(images.indexOf(image), 1), image);
}

/** `POST /1.0/images/{fingerprint}/refresh`: only what was fetched has a place to look at; there is never anything newer. */
export function refreshImage(call: Call) {
  const image = imageOf(call);
  const { world, project } = call;
  return accepted(
    world.operations.start({
      description: "Refreshing image",
      instances: [],
      taskError: call.taskError,
      run({ report }) {
        if (!image.update_source) throw new Error(`Failed to update image "${image.fingerprint}" in project "${project}": Image source not found`);
        report({ refreshed: false });
      },
    }),
  );
}
