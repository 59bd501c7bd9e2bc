import { createHash } from "node:crypto";
import { Refusal, sync } from "./answers.js";
import type { Call } from "./router.js";
import { configFault, deviceFault } from "./rules.js";
import type { DeviceSet, Profile, Text, World } from "./world.js";

const usersOf = (world: World, name: string): string[] =>
  world.usersOf(({ profiles }, user) => user.profiles === world.profiles && profiles.includes(name));

const renderProfile = (world: World, profile: Profile) => ({ ...profile, used_by: usersOf(world, profile.name) });

function profileOf({ world, names }: Call, words: (name: string) => string): Profile {
  const found = world.profiles.get(names[0] ?? "");
  if (!found) throw new Refusal(404, words(names[0] ?? ""));
  return found;
}

const etagOf = ({ config, description, devices }: Profile): string =>
  createHash("sha256")
    .update(JSON.stringify([config, description, devices]))
    .digest("hex");

export function listProfiles({ world, query }: Call) {
  const all = [...world.profiles.values()];
  return sync(Number(query.get("recursion") ?? 0) > 0 ? all.map((one) => renderProfile(world, one)) : all.map(({ name }) => `/1.0/profiles/${name}`));
}

export function showProfile(call: Call) {
  const profile = profileOf(call, () => "Fetch profile: Profile not found");
  return sync(renderProfile(call.world, profile), { etag: `"${etagOf(profile)}"` });
}

interface Body {
  readonly name?: string;
  readonly description?: string;
  readonly config?: Text;
  readonly devices?: DeviceSet;
}

function check(world: World, { config = {}, devices = {} }: Body): void {
  const wrong = configFault(config);
  if (wrong) throw new Refusal(wrong === "Memory limit can't be 0" ? 500 : 400, wrong);
  const device = deviceFault(world, devices);
  if (device) throw new Refusal(400, device);
}

function checkName(name: string): void {
  if (!name) throw new Refusal(400, "No name provided");
  if (name.includes("/")) throw new Refusal(400, "Profile names may not contain slashes");
  if (name === "." || name === "..") throw new Refusal(400, `Invalid profile name "${name}"`);
}

export function createProfile(call: Call) {
  const { world } = call;
  const body = call.json<Body>();
  const { name = "", description = "", config = {}, devices = {} } = body;
  checkName(name);
  check(world, body);
  if (world.profiles.has(name)) throw new Refusal(500, `Error inserting "${name}" into database: The profile already exists`);
  world.profiles.set(name, { name, description, config, devices });
  return { ...sync(null), status: 201 };
}

/** `PUT` replaces the settings, `PATCH` merges keys and whole devices in. */
export function changeProfile(call: Call) {
  const { world } = call;
  const profile = profileOf(call, (name) => `Failed to retrieve profile "${name}": Profile not found`);
  const match = call.headers["if-match"];
  const etag = etagOf(profile);
  if (match !== undefined && String(match).replaceAll('"', "") !== etag) throw new Refusal(412, `ETag doesn't match: ${etag} vs ${match}`);
  const body = call.json<Body>();
  check(world, body);
  const whole = call.method === "PUT";
  profile.config = whole ? { ...body.config } : { ...profile.config, ...body.config };
  profile.devices = whole ? { ...body.devices } : { ...profile.devices, ...body.devices };
  if (whole || body.description !== undefined) profile.description = body.description ?? "";
  refuseLeftBehind(call, profile);
  return sync({});
}

/** The profile is saved all the same when instances that use it can't follow. */
function refuseLeftBehind({ world, project }: Call, { name, devices }: Profile): void {
  const pool = Object.values(devices).find(({ type, path }) => type === "disk" && path === "/")?.pool;
  if (!pool || world.pools.has(pool)) return;
  const users = [...world.guests.values()].filter(({ profiles }) => profiles.includes(name));
  if (!users.length) return;
  const lines = users.map((guest) => ` - Project: ${project}, Instance: ${guest.name}: Cannot update root disk device pool name to "${pool}"\n`);
  throw new Refusal(500, `The following instances failed to update (profile change still saved):\n${lines.join("")}`);
}

export function renameProfile(call: Call) {
  const { world } = call;
  const { name = "" } = call.json<Body>();
  if (call.names[0] === "default") throw new Refusal(403, 'The "default" profile cannot be renamed');
  const profile = profileOf(call, () => "Profile not found");
  checkName(name);
  if (world.profiles.has(name)) throw new Refusal(500, `Name "${name}" already in use`);
  const old = profile.name;
  world.profiles.delete(old);
  profile.name = name;
  world.profiles.set(name, profile);
  for (const guest of world.guests.values()) guest.profiles = guest.profiles.map((one) => (one === old ? name : one));
  return { ...sync(null), status: 201 };
}

export function deleteProfile(call: Call) {
  if (call.names[0] === "default") throw new Refusal(403, 'The "default" profile cannot be deleted');
  const { name } = profileOf(call, () => "Profile not found");
  if (usersOf(call.world, name).length) throw new Refusal(500, "Profile is currently in use");
  call.world.profiles.delete(name);
  return sync({});
}
