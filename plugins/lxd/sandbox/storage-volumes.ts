import { parseSize } from "../sizes.js";
import { accepted, Refusal, sync } from "./answers.js";
import { checkMatch, etagOf } from "./etag.js";
import type { Call } from "./router.js";
import { memberNames, targetOf } from "./spread.js";
import { poolOf } from "./storage-pools.js";
import type { Pool, Volume } from "./storage-state.js";
import type { Guest, Text, World } from "./world.js";

const MISSING = "Storage pool volume not found";
const TYPES = ["custom", "container", "virtual-machine", "image"];
/** LXD 5.0 does not note when a volume was made. */
export const madeAt = (world: World): string => (world.host.flavor === "incus" ? new Date().toISOString() : "0001-01-01T00:00:00Z");

const usersOf = (world: World, pool: Pool, volume: Volume): string[] =>
  world.usersOf(({ devices }) => Object.values(devices).some((device) => device.pool === pool.name && device.source === volume.name));

/** Whether an instance that runs has it. */
export function isBusy(world: World, pool: Pool, volume: Volume): boolean {
  return usersOf(world, pool, volume).some((path) => world.guests.get(path.replace("/1.0/instances/", ""))?.status === "Running");
}

const common = { project: "default" };
const render = (world: World, pool: Pool, volume: Volume) => ({
  config: volume.config,
  description: volume.description,
  name: volume.name,
  type: "custom",
  used_by: usersOf(world, pool, volume),
  location: volume.location,
  content_type: volume.content_type,
  created_at: volume.created_at,
  ...common,
});

const renderDisk = (guest: Guest) => ({
  config: {},
  description: "",
  name: guest.name,
  type: guest.type,
  used_by: [`/1.0/instances/${guest.name}`],
  location: guest.location,
  content_type: guest.type === "container" ? "filesystem" : "block",
  created_at: guest.created_at,
  ...common,
});

/** Instances whose root disk is in a pool. */
const guestsIn = (world: World, pool: Pool): Guest[] =>
  [...world.guests.values()].filter((guest) =>
    Object.values(world.expanded(guest).devices).some((device) => device.path === "/" && device.pool === pool.name),
  );

export function listVolumes(call: Call) {
  const { world } = call;
  const pool = poolOf(call);
  const disks = guestsIn(world, pool).flatMap((guest) => {
    const disk = renderDisk(guest);
    return [disk, ...guest.snapshots.map(({ name }) => ({ ...disk, name: `${guest.name}/${name}` }))];
  });
  const custom = [...pool.volumes.values()].flatMap((volume) => {
    const shown = render(world, pool, volume);
    return [shown, ...volume.snapshots.map(({ name }) => ({ ...shown, name: `${volume.name}/${name}`, used_by: [] }))];
  });
  const all = [...disks, ...custom];
  const path = ({ type, name }: (typeof all)[number]): string =>
    `/1.0/storage-pools/${pool.name}/volumes/${type}/${name.replace("/", "/snapshots/")}`;
  return sync(Number(call.query.get("recursion") ?? 0) > 0 ? all : all.map(path));
}

const changeable = ({ name, description, config }: Volume) => [name, description, config];

/** The custom volume that a request is for. One name may be on several members. */
export function volumeOf(call: Call, pool: Pool): Volume {
  const target = call.query.get("target");
  const name = call.names[1] ?? "";
  const found = [...pool.volumes.values()].filter((volume) => volume.name === name && (!target || volume.location === target));
  if (found.length > 1) throw new Refusal(500, `More than one cluster member has a volume named "${name}". Please target a specific member`);
  if (!found[0]) throw new Refusal(404, MISSING);
  return found[0];
}

/** `/1.0/storage-pools/{pool}/volumes/{type}/{name}`: custom ones only. */
const typed = (call: Call): Call => {
  const [pool = "", type = "", ...rest] = call.names;
  if (!TYPES.includes(type)) throw new Refusal(400, "Invalid storage volume type name");
  return { ...call, names: [pool, ...rest, type] };
};
const typeOf = (call: Call): string => call.names.at(-1) ?? "";

export function showVolume(raw: Call) {
  const call = typed(raw);
  const pool = poolOf(call);
  if (typeOf(call) !== "custom") {
    const guest = guestsIn(call.world, pool).find(({ name, type }) => name === call.names[1] && type === typeOf(call));
    if (!guest) throw new Refusal(404, MISSING);
    return sync(renderDisk(guest));
  }
  const volume = volumeOf(call, pool);
  return sync(render(call.world, pool, volume), { etag: `"${etagOf(changeable(volume))}"` });
}

/** `GET .../state`: a folder can't tell what is in it. */
export function volumeState(raw: Call) {
  const call = typed(raw);
  const pool = poolOf(call);
  if (pool.driver === "dir") throw new Refusal(500, "Not supported");
  if (typeOf(call) === "custom") return sync({ usage: { used: 98_304, total: parseSize(volumeOf(call, pool).config["size"]) ?? 0 } });
  const guest = guestsIn(call.world, pool).find(({ name }) => name === call.names[1]);
  if (!guest) throw new Refusal(404, MISSING);
  return sync({ usage: { used: guest.diskUsage, total: 0 } });
}

interface Body {
  readonly name?: string;
  readonly content_type?: string;
  readonly description?: string;
  readonly config?: Readonly<Record<string, string | null>>;
  readonly restore?: string;
  readonly pool?: string;
  readonly source?: { readonly type?: string; readonly pool?: string; readonly name?: string; readonly volume_only?: boolean };
}

const texts = (config: Body["config"]): Text =>
  Object.fromEntries(Object.entries(config ?? {}).filter((entry): entry is [string, string] => Boolean(entry[1])));

const KEYS = /^(user\.|size$|snapshots\.|security\.(shifted|unmapped|shared)$|volatile\.|block\.|zfs\.)/;

function check(name: string, config: Text): void {
  for (const [key, value] of Object.entries(config)) {
    if (!KEYS.test(key)) throw new Refusal(500, `Invalid option for volume "default_${name}" option "${key}"`);
    if (key === "size" && parseSize(value) === undefined) {
      throw new Refusal(500, `Invalid value for volume "default_${name}" option "size": Invalid value: ${value}`);
    }
  }
}

function checkName(name: string): void {
  if (!name) throw new Refusal(400, "No name provided");
  if (name.includes("/")) throw new Refusal(400, "Storage volume names may not contain slashes");
}

const here = (call: Call): string => targetOf(call) ?? memberNames(call.world)[0] ?? "none";
const task = (call: Call, description: string, run: () => void) =>
  accepted(
    call.world.operations.start({
      description,
      instances: [],
      taskError: call.taskError,
      async run(one) {
        await one.pause(call.world.taskTime);
        run();
      },
    }),
  );

/** `POST /1.0/storage-pools/{pool}/volumes/custom`: empty, or a copy. */
export function createVolume(raw: Call) {
  const call = typed(raw);
  const { world } = call;
  const pool = poolOf(call);
  const { name = "", content_type: type = "filesystem", description = "", config, source } = call.json<Body>();
  if (typeOf(call) !== "custom") throw new Refusal(400, `Currently not allowed to create storage volumes of type ${typeOf(call)}`);
  checkName(name);
  if (!["filesystem", "block", "iso"].includes(type)) throw new Refusal(400, "Invalid volume content type name");
  const location = here(call);
  const key = `${name} ${location}`;
  if (pool.volumes.has(key)) throw new Refusal(409, "Volume by that name already exists");
  const fresh = { name, location, created_at: madeAt(world), snapshots: [] };
  if (source?.type === "copy") {
    return task(call, "Copying storage volume", () => {
      const from = world.pools.get(source.pool ?? "");
      if (!from) throw new Error("Storage pool not found");
      const [base, snapshot] = (source.name ?? "").split("/");
      const found = [...from.volumes.values()].find((one) => one.name === base);
      const state = snapshot === undefined ? found : found?.snapshots.find((one) => one.name === snapshot);
      if (!found || !state) {
        const why = `Storage volume "${source.name}" in project "default" of type "custom" does not exist on pool "${source.pool}": Storage volume not found`;
        throw new Error(`Failed generating volume copy config: ${why}`);
      }
      const snapshots = source.volume_only || snapshot !== undefined ? [] : found.snapshots.map((one) => ({ ...one }));
      pool.volumes.set(key, { ...fresh, content_type: found.content_type, description: state.description, config: { ...state.config }, snapshots });
    });
  }
  check(name, texts(config));
  pool.volumes.set(key, { ...fresh, content_type: type, description, config: texts(config) });
  return sync(null);
}

/** `PATCH` and `PUT /1.0/storage-pools/{pool}/volumes/custom/{name}`; PUT with `restore` puts back a snapshot. */
export function changeVolume(raw: Call) {
  const call = typed(raw);
  const pool = poolOf(call);
  const volume = volumeOf(call, pool);
  const body = call.json<Body>();
  if (body.restore !== undefined) {
    const snapshot = volume.snapshots.find(({ name }) => name === body.restore);
    if (!snapshot) throw new Refusal(500, "Snapshot not found");
    if (isBusy(call.world, pool, volume)) throw new Refusal(500, "Cannot restore custom volume used by running instances");
    return sync(null);
  }
  checkMatch(call, changeable(volume));
  const config = texts(call.method === "PATCH" ? { ...volume.config, ...body.config } : body.config);
  check(volume.name, config);
  const [before, after] = [volume.config, config].map(({ size }) => parseSize(size) ?? 0);
  if (volume.content_type === "block" && (after ?? 0) < (before ?? 0)) throw new Refusal(500, "Block volumes cannot be shrunk: Cannot be shrunk");
  Object.assign(volume, { config, description: body.description ?? "" });
  return sync(null);
}

/** `POST /1.0/storage-pools/{pool}/volumes/custom/{name}`: renames it, or moves it to another pool. */
export function moveVolume(raw: Call) {
  const call = typed(raw);
  const { world } = call;
  const pool = poolOf(call);
  const { name = "", pool: into } = call.json<Body>();
  checkName(name);
  const target = into === undefined ? pool : world.pools.get(into);
  if (!target) throw new Refusal(404, "Storage pool not found");
  const volume = volumeOf(call, pool);
  const key = `${name} ${volume.location}`;
  if (target.volumes.has(key)) throw new Refusal(409, "Volume by that name already exists");
  if (isBusy(world, pool, volume)) throw new Refusal(500, "Volume is still in use by running instances");
  const move = (): void => {
    pool.volumes.delete(`${volume.name} ${volume.location}`);
    target.volumes.set(key, { ...volume, name });
  };
  if (into !== undefined) return task(call, "Moving storage volume", move);
  move();
  return sync(null);
}

export function deleteVolume(raw: Call) {
  const call = typed(raw);
  const pool = poolOf(call);
  if (typeOf(call) !== "custom") throw new Refusal(400, `Storage volumes of type "${typeOf(call)}" cannot be deleted with the storage API`);
  const volume = volumeOf(call, pool);
  if (usersOf(call.world, pool, volume).length) throw new Refusal(400, "The storage volume is still in use");
  pool.volumes.delete(`${volume.name} ${volume.location}`);
  return sync(null);
}
