import { Refusal, sync } from "./answers.js";
import type { Call } from "./router.js";
import type { Network, Pool, World } from "./world.js";

const listing = (call: Call, path: string, all: readonly { readonly key: string; readonly wire: unknown }[]) =>
  sync(Number(call.query.get("recursion") ?? 0) > 0 ? all.map(({ wire }) => wire) : all.map(({ key }) => `/1.0/${path}/${key}`));

function found<Thing>(thing: Thing | undefined, words: string): Thing {
  if (thing === undefined) throw new Refusal(404, words);
  return thing;
}

const locations = (world: World): readonly string[] =>
  world.host.members.length ? world.host.members.map((member) => member.replace("!", "")) : ["none"];

const renderNetwork = (world: World, network: Network) => ({
  ...network,
  status: network.managed ? "Created" : "",
  locations: network.managed ? locations(world) : null,
  used_by: network.managed ? world.usersOf(({ devices }) => Object.values(devices).some((device) => device.network === network.name)) : [],
});

export const listNetworks = (call: Call) =>
  listing(
    call,
    "networks",
    [...call.world.networks.values()].map((network) => ({ key: network.name, wire: renderNetwork(call.world, network) })),
  );

export const showNetwork = (call: Call) => sync(renderNetwork(call.world, found(call.world.networks.get(call.names[0] ?? ""), "Network not found")));

const renderPool = (world: World, { name, driver, config }: Pool) => ({
  config,
  description: "",
  name,
  driver,
  used_by: world.usersOf(({ devices }) => Object.values(devices).some((device) => device.pool === name)),
  status: "Created",
  locations: locations(world),
});

export const listPools = (call: Call) =>
  listing(
    call,
    "storage-pools",
    [...call.world.pools.values()].map((pool) => ({ key: pool.name, wire: renderPool(call.world, pool) })),
  );

export const showPool = (call: Call) => sync(renderPool(call.world, found(call.world.pools.get(call.names[0] ?? ""), "Storage pool not found")));

export function poolResources(call: Call) {
  const pool = call.world.pools.get(call.names[0] ?? "");
  if (!pool) throw new Refusal(500, "Storage pool not found");
  return sync({ space: { used: pool.used, total: pool.total }, inodes: { used: 436_089, total: 16_777_216 } });
}
