import { Refusal, sync } from "./answers.js";
import type { Call } from "./router.js";
import type { Image, Profile, World } from "./world.js";

const listing = (call: Call, path: string, all: readonly { readonly key: string; readonly wire: unknown }[]) =>
  sync(Number(call.query.get("recursion") ?? 0) > 0 ? all.map(({ wire }) => wire) : all.map(({ key }) => `/1.0/${path}/${key}`));

function found<Thing>(thing: Thing | undefined, words: string): Thing {
  if (thing === undefined) throw new Refusal(404, words);
  return thing;
}

const renderImage = (image: Image) => ({
  auto_update: false,
  properties: image.properties,
  public: false,
  expires_at: "1970-01-01T00:00:00Z",
  profiles: ["default"],
  aliases: image.aliases.map((name) => ({ name, description: "" })),
  architecture: image.architecture,
  cached: image.cached,
  filename: `${image.fingerprint.slice(0, 12)}.tar.xz`,
  fingerprint: image.fingerprint,
  size: image.size,
  type: image.type,
  created_at: image.created_at,
  last_used_at: image.last_used_at,
  uploaded_at: image.uploaded_at,
});

export const listImages = (call: Call) =>
  listing(
    call,
    "images",
    call.world.images.map((image) => ({ key: image.fingerprint, wire: renderImage(image) })),
  );

export const showImage = (call: Call) =>
  sync(
    renderImage(
      found(
        call.world.images.find(({ fingerprint }) => fingerprint.startsWith(call.names[0] ?? " ")),
        "Image not found",
      ),
    ),
  );

export const listAliases = (call: Call) =>
  listing(
    call,
    "images/aliases",
    call.world.images.flatMap(({ aliases, fingerprint, type }) =>
      aliases.map((name) => ({ key: encodeURIComponent(name), wire: { description: "", target: fingerprint, name, type } })),
    ),
  );

export function showAlias(call: Call) {
  const name = call.names[0] ?? "";
  const image = found(
    call.world.images.find(({ aliases }) => aliases.includes(name)),
    "Image alias not found",
  );
  return sync({ description: "", target: image.fingerprint, name, type: image.type });
}

const renderProfile = (world: World, profile: Profile) => ({ ...profile, used_by: world.usersOf(({ profiles }) => profiles.includes(profile.name)) });

export const listProfiles = (call: Call) =>
  listing(
    call,
    "profiles",
    [...call.world.profiles.values()].map((profile) => ({ key: profile.name, wire: renderProfile(call.world, profile) })),
  );

export const showProfile = (call: Call) =>
  sync(renderProfile(call.world, found(call.world.profiles.get(call.names[0] ?? ""), "Fetch profile: Profile not found")));
