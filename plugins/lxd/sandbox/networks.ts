import { Refusal, sync } from "./answers.js";
import { checkMatch, etagOf } from "./etag.js";
import type { Call } from "./router.js";
import { shownConfig, spreadOf, targetOf } from "./spread.js";
import type { Network } from "./network-state.js";
import type { Text, World } from "./world.js";

const TYPES = ["bridge", "macvlan", "sriov", "physical", "ovn"];
const KEYS =
  /^(user\.|volatile\.|(ipv4|ipv6)\.(address|nat|dhcp|firewall|routes|routing|ovn|gateway)|dns\.|bridge\.|bgp\.|security\.acls|parent$|mtu$|vlan$|gvrp$|raw\.dnsmasq$|network$|tunnel\.)/;
const BOOLEANS = /^(ipv[46]\.(nat|dhcp|dhcp\.stateful|firewall|routing)|gvrp)$/;

const WORDS = {
  title: "Network",
  definedOn: (member: string) => `The network is already defined on member "${member}"`,
  notPending: "Network is not in pending state",
  created: "The network is already created",
  own: /^(parent|bridge\.external_interfaces|bgp\.ipv[46]\.nexthop)$/,
};

export function renderNetwork(call: Call, network: Network) {
  const { world } = call;
  const { spread, ...plain } = network;
  return {
    ...plain,
    config: shownConfig(call, network.config, spread),
    status: spread?.status ?? "",
    locations: spread?.locations ?? null,
    used_by: spread ? world.usersOf(({ devices }) => Object.values(devices).some((device) => device.network === network.name)) : [],
  };
}

export function listNetworks(call: Call) {
  const all = [...call.world.networks.values()];
  return sync(
    Number(call.query.get("recursion") ?? 0) > 0
      ? all.map((network) => renderNetwork(call, network))
      : all.map(({ name }) => `/1.0/networks/${name}`),
  );
}

/** A network that the server runs, not an interface that it merely sees. */
export function managedNetwork(call: Call): Network {
  targetOf(call);
  const found = call.world.networks.get(call.names[0] ?? "");
  if (!found?.managed) throw new Refusal(404, "Failed loading network: Network not found");
  return found;
}

/** What can be changed of it, which is what the digest is of. */
const changeable = (network: Network) => [network.name, network.managed, network.type, network.description, network.config];

export function showNetwork(call: Call) {
  targetOf(call);
  const found = call.world.networks.get(call.names[0] ?? "");
  if (!found) throw new Refusal(404, "Network not found");
  return sync(renderNetwork(call, found), { etag: `"${etagOf(changeable(found))}"` });
}

interface Body {
  readonly name?: string;
  readonly type?: string;
  readonly description?: string;
  readonly config?: Record<string, string | null>;
}

const texts = (config: Body["config"]): Text =>
  Object.fromEntries(Object.entries(config ?? {}).filter((entry): entry is [string, string] => Boolean(entry[1])));

/** `POST /1.0/networks`. */
export function createNetwork(call: Call) {
  const { world } = call;
  const { name = "", type = "bridge", description = "", ...body } = call.json<Body>();
  checkName(name);
  if (!TYPES.includes(type)) throw new Refusal(400, "Unknown driver");
  const known = world.networks.get(name);
  const clustered = world.host.members.length > 0;
  if (known && !clustered) throw new Refusal(400, "The network already exists");
  const config = texts(body.config);
  if (clustered && type === "ovn" && call.query.get("target")) {
    throw new Refusal(400, `Network type "ovn" does not support member specific config`);
  }
  const { spread, whole } = spreadOf(call, known?.spread, config, WORDS);
  // In a cluster the description is dropped.
  const network: Network = {
    name,
    type,
    managed: true,
    description: clustered ? "" : description,
    config: known?.config ?? {},
    spread,
    forwards: known?.forwards ?? new Map(),
  };
  if (!whole) {
    world.networks.set(name, network);
    return sync(null);
  }
  network.config = type === "bridge" ? { ...addressesFor(world, config), ...config } : config;
  const own = Object.values(spread.own);
  try {
    check(world, network, own.length ? own : [config]);
  } catch (error) {
    if (known) world.networks.set(name, { ...known, spread: { ...spread, status: "Errored" } });
    throw error;
  }
  world.networks.set(name, network);
  return sync(null);
}

function checkName(name: string): void {
  if (!name) throw new Refusal(400, "No name provided");
  if (name.length > 15) throw new Refusal(400, "Network interface is too long (maximum 15 characters)");
  if (!/^[-_a-zA-Z0-9.]+$/.test(name)) throw new Refusal(400, "Network interface contains invalid characters");
}

/** What the server chooses where the caller does not. */
function addressesFor(world: World, config: Text): Text {
  const chosen: Text = {};
  if (!config["ipv4.address"] || config["ipv4.address"] === "auto") {
    Object.assign(chosen, { "ipv4.address": `10.171.${world.networks.size}.1/24`, "ipv4.nat": "true" });
  }
  if (!config["ipv6.address"] || config["ipv6.address"] === "auto") {
    Object.assign(chosen, { "ipv6.address": `fd42:474b:622d:${world.networks.size}::1/64`, "ipv6.nat": "true" });
  }
  return chosen;
}

/** Throws what the server says to a network that can't be. `own`: what its members have for themselves. */
function check(world: World, { name, type, config }: Network, own: readonly Text[], status = 500): void {
  const wrong = (key: string, why: string): Refusal => new Refusal(status, `Invalid value for network "${name}" option "${key}": ${why}`);
  for (const [key, value] of Object.entries(config)) {
    if (!KEYS.test(key)) throw new Refusal(status, `Invalid option for network "${name}" option "${key}"`);
    if (BOOLEANS.test(key) && !/^(true|false|1|0|yes|no|on|off)$/i.test(value)) throw wrong(key, `Invalid value for a boolean "${value}"`);
    if (/^ipv[46]\.address$/.test(key) && !/^(none|auto|[0-9a-f.:]+\/\d+)$/i.test(value)) throw wrong(key, `invalid CIDR address: ${value}`);
  }
  for (const acl of aclsOf(config)) if (!world.acls.has(acl)) throw new Refusal(status, `Network ACL "${acl}" does not exist`);
  if (type !== "bridge" && type !== "ovn") {
    for (const { parent } of own) {
      if (!parent) throw wrong("parent", "Required value");
      if (!world.networks.has(parent)) throw new Refusal(status, `Parent interface "${parent}" not found`);
    }
  }
  const [address] = (config["ipv4.address"] ?? "none").split("/");
  const taken = [...world.networks.values()].some((other) => other.name !== name && other.config["ipv4.address"]?.split("/")[0] === address);
  if (address !== "none" && taken) {
    const words = `dnsmasq: failed to create listening socket for ${address}: Address already in use`;
    throw new Refusal(500, `The DNS and DHCP service exited prematurely: Process exited with non-zero value 2 ("${words}")`);
  }
}

export const aclsOf = (config: Text): string[] =>
  (config["security.acls"] ?? "")
    .split(",")
    .map((acl) => acl.trim())
    .filter(Boolean);

/** `PATCH /1.0/networks/{name}`: keys are merged in, "" takes one away; `PUT` replaces all. What is not sent of the rest is forgotten. */
export function changeNetwork(call: Call) {
  const { world } = call;
  const network = managedNetwork(call);
  const target = call.query.get("target");
  checkMatch(call, changeable(network));
  const { description = "", config = {} } = call.json<Body>();
  const own = network.spread?.own ?? {};
  const clustered = world.host.members.length > 0;
  if (clustered && !target) {
    const key = Object.keys(config).find((one) => WORDS.own.test(one));
    if (key) throw new Refusal(400, `Config key "${key}" is cluster member specific`);
  }
  if (target) {
    const merged = texts({ ...own[target], ...config });
    network.spread = { ...(network.spread as NonNullable<Network["spread"]>), own: { ...own, [target]: merged } };
    return sync(null);
  }
  const changed = { ...network, config: texts(call.method === "PATCH" ? { ...network.config, ...config } : config) };
  check(world, changed, clustered ? Object.values(own) : [changed.config], 400);
  Object.assign(network, { config: changed.config, description });
  return sync(null);
}

/** `POST /1.0/networks/{name}`. */
export function renameNetwork(call: Call) {
  const { world } = call;
  const network = managedNetwork(call);
  const { name = "" } = call.json<Body>();
  if (world.host.members.length) throw new Refusal(400, "Renaming clustered network not supported");
  checkName(name);
  const other = world.networks.get(name);
  if (other?.managed) throw new Refusal(409, `Network "${name}" already exists`);
  if (other) throw new Refusal(500, `Network interface "${name}" already exists`);
  if (renderNetwork(call, network).used_by.length) throw new Refusal(400, "Network is currently in use");
  world.networks.delete(network.name);
  world.networks.set(name, { ...network, name });
  return sync(null);
}

export function deleteNetwork(call: Call) {
  const network = managedNetwork(call);
  if (renderNetwork(call, network).used_by.length) throw new Refusal(400, "The network is currently in use");
  call.world.networks.delete(network.name);
  return sync(null);
}

/** `GET /1.0/networks/{name}/leases`. */
export function leases(call: Call) {
  const { world } = call;
  const network = managedNetwork(call);
  if (network.type !== "bridge" && network.type !== "ovn") throw new Refusal(500, "Not implemented");
  const [gateway] = (network.config["ipv4.address"] ?? "none").split("/");
  if (!gateway || gateway === "none") return sync(null);
  const guests = [...world.guests.values()].filter(
    (guest) => guest.status !== "Stopped" && Object.values(world.expanded(guest).devices).some((device) => device.network === network.name),
  );
  return sync([
    { hostname: `${network.name}.gw`, hwaddr: "", address: gateway, type: "gateway", location: "" },
    ...guests.map(({ name, mac, host, location }) => ({ hostname: name, hwaddr: mac, address: `10.10.10.${host}`, type: "dynamic", location })),
  ]);
}
