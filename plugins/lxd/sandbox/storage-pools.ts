import { Refusal, sync } from "./answers.js";
import { checkMatch, etagOf } from "./etag.js";
import type { Call } from "./router.js";
import { memberNames, shownConfig, spreadOf, targetOf } from "./spread.js";
import type { Pool } from "./storage-state.js";
import type { Text, World } from "./world.js";

const KEYS = /^(user\.|rsync\.|volume\.|volatile\.initial_source$|source$)/;
/** What a host that has no tools for other drivers says to them. */
const DRIVERS: Readonly<Record<string, { readonly keys?: RegExp; readonly lacks?: string }>> = {
  dir: {},
  zfs: { keys: /^(size$|zfs\.)/ },
  btrfs: { lacks: 'Required tool "btrfs" is missing' },
  lvm: { lacks: 'Required tool "vgs" is missing' },
  ceph: { lacks: 'Required tool "ceph" is missing' },
};

const WORDS = {
  title: "Pool",
  definedOn: (member: string) => `The storage pool already defined on member "${member}"`,
  notPending: "Storage pool is not in pending state",
  created: "The storage pool is already created",
  own: /^(source|size|volatile\.initial_source|zfs\.pool_name|lvm\.(vg_name|thinpool_name))$/,
};

const usersOf = (world: World, pool: Pool): string[] => [
  ...world.usersOf(({ devices }) => Object.values(devices).some((device) => device.pool === pool.name)),
  ...[...pool.volumes.values()].flatMap(({ name, snapshots }) => {
    const path = `/1.0/storage-pools/${pool.name}/volumes/custom/${name}`;
    return [path, ...snapshots.map((snapshot) => `${path}/snapshots/${snapshot.name}`)];
  }),
];

const render = (call: Call, pool: Pool) => ({
  config: shownConfig(call, pool.config, pool.spread),
  description: pool.description,
  name: pool.name,
  driver: pool.driver,
  used_by: usersOf(call.world, pool),
  status: pool.spread.status,
  locations: pool.spread.locations,
});

const changeable = ({ name, driver, description, config }: Pool) => [name, driver, description, config];

export function poolOf(call: Call): Pool {
  targetOf(call);
  const found = call.world.pools.get(call.names[0] ?? "");
  if (!found) throw new Refusal(404, "Storage pool not found");
  return found;
}

export function listPools(call: Call) {
  const all = [...call.world.pools.values()];
  return sync(
    Number(call.query.get("recursion") ?? 0) > 0 ? all.map((pool) => render(call, pool)) : all.map(({ name }) => `/1.0/storage-pools/${name}`),
  );
}

export function showPool(call: Call) {
  const pool = poolOf(call);
  return sync(render(call, pool), { etag: `"${etagOf(changeable(pool))}"` });
}

export function poolResources(call: Call) {
  targetOf(call);
  const pool = call.world.pools.get(call.names[0] ?? "");
  if (!pool) throw new Refusal(500, "Storage pool not found");
  return sync({ space: { used: pool.used, total: pool.total }, inodes: { used: 436_089, total: 16_777_216 } });
}

interface Body {
  readonly name?: string;
  readonly driver?: string;
  readonly description?: string;
  readonly config?: Readonly<Record<string, string | null>>;
}

const texts = (config: Body["config"]): Text =>
  Object.fromEntries(Object.entries(config ?? {}).filter((entry): entry is [string, string] => Boolean(entry[1])));

/** `POST /1.0/storage-pools`. */
export function createPool(call: Call) {
  const { world } = call;
  const { name = "", driver = "", description = "", ...body } = call.json<Body>();
  if (!name) throw new Refusal(400, "No name provided");
  if (name.includes("/")) throw new Refusal(400, "Storage pool names may not contain slashes");
  if (!driver) throw new Refusal(400, "No driver provided");
  const known = world.pools.get(name);
  if (known && !memberNames(world).length) throw new Refusal(409, "The storage pool already exists: The record already exists");
  const config = texts(body.config);
  const { spread, whole } = spreadOf(call, known?.spread, config, WORDS);
  const shared = whole && memberNames(world).length === 0 ? { source: defaultSource(name), ...config } : config;
  const size = { total: 64 * 1024 ** 3, used: 24_576 };
  const pool: Pool = { name, driver, description, config: whole ? shared : {}, ...size, spread, volumes: new Map() };
  if (whole) {
    try {
      for (const own of [config, ...Object.values(spread.own)]) check(driver, name, own);
    } catch (error) {
      if (known) world.pools.set(name, { ...known, spread: { ...spread, status: "Errored" } });
      throw error;
    }
    for (const [member, own] of Object.entries(spread.own)) spread.own[member] = { source: defaultSource(name), ...own };
  }
  world.pools.set(name, pool);
  return sync(null);
}

const defaultSource = (name: string): string => `/var/lib/lxd/storage-pools/${name}`;

function check(driver: string, name: string, config: Text, status = 500): void {
  const { keys, lacks } = DRIVERS[driver] ?? { lacks: "Unknown driver" };
  if (lacks) throw new Refusal(status, lacks);
  if (/\s/.test(name)) throw new Refusal(status, "Storage name cannot contain white space");
  for (const key of Object.keys(config)) if (!KEYS.test(key) && !keys?.test(key)) throw new Refusal(status, `Invalid option "${key}"`);
  if (driver === "dir" && config["source"] && config["source"] !== defaultSource(name)) {
    throw new Refusal(status, `Source path '${config["source"]}' doesn't exist`);
  }
}

/** `PATCH /1.0/storage-pools/{name}`: keys are merged in; `PUT` replaces all. The description is forgotten where it is not sent. */
export function changePool(call: Call) {
  const pool = poolOf(call);
  checkMatch(call, changeable(pool));
  const { description = "", config = {} } = call.json<Body>();
  const changed = texts(call.method === "PATCH" ? { ...pool.config, ...config } : config);
  if (memberNames(call.world).length && !call.query.get("target")) {
    const own = Object.keys(config).find((key) => WORDS.own.test(key));
    if (own) throw new Refusal(400, `Config key "${own}" is cluster member specific`);
  }
  check(pool.driver, pool.name, pool.driver === "dir" ? changed : texts(config), 400);
  Object.assign(pool, { config: changed, description });
  return sync(null);
}

export function deletePool(call: Call) {
  const pool = poolOf(call);
  if (usersOf(call.world, pool).length) throw new Refusal(400, "The storage pool is currently in use");
  call.world.pools.delete(pool.name);
  return sync(null);
}
