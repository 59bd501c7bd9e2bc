import { isIP } from "node:net";
import { Refusal, sync } from "./answers.js";
import { checkMatch, etagOf } from "./etag.js";
import { managedNetwork } from "./networks.js";
import type { Call } from "./router.js";
import { memberNames } from "./spread.js";
import type { Forward, Network } from "./network-state.js";
import type { Text } from "./world.js";

interface Body {
  readonly listen_address?: string;
  readonly description?: string;
  readonly config?: Text | null;
  readonly ports?: readonly Readonly<Record<string, string>>[] | null;
}

/** The member that the request is for. The bridge of each has forwards of its own. */
const memberOf = (call: Call): string => call.query.get("target") ?? memberNames(call.world)[0] ?? "none";
const changeable = ({ description, config, ports }: Forward) => [description, config, ports];

export function listForwards(call: Call) {
  const network = managedNetwork(call);
  const all = [...network.forwards.values()];
  return sync(Number(call.query.get("recursion") ?? 0) > 0 ? all : all.map((one) => `/1.0/networks/${network.name}/forwards/${one.listen_address}`));
}

function forwardOf(call: Call, network: Network): Forward {
  const target = call.query.get("target");
  const found = [...network.forwards.values()].find(
    ({ listen_address: address, location }) => address === call.names[1] && (!target || location === target),
  );
  if (!found) throw new Refusal(404, "Network forward not found");
  return found;
}

export function showForward(call: Call) {
  const forward = forwardOf(call, managedNetwork(call));
  return sync(forward, { etag: `"${etagOf(changeable(forward))}"` });
}

const inSubnet = (network: Network, address: string): boolean => {
  const [own = ""] = (network.config["ipv4.address"] ?? "").split("/");
  return own.split(".").slice(0, 3).join(".") === address.split(".").slice(0, 3).join(".");
};

/** How many ports a list of ranges names: "80,8000-8010". */
function portsIn(ranges: string, at: number): number[] {
  return ranges.split(",").flatMap((range) => {
    const [first = "", last = first] = range.trim().split("-");
    for (const port of [first, last]) {
      if (!/^\d+$/.test(port)) {
        throw new Refusal(500, `Invalid listen port in port specification ${at}: strconv.ParseInt: parsing "${port}": invalid syntax`);
      }
    }
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, step) => Number(first) + step);
  });
}

/** What is wrong with a forward, in the server's words. `doing`: what stands before them. */
function check(network: Network, address: string, { config, ports }: Body, doing: string): void {
  const wrong = (why: string): never => {
    throw new Refusal(500, `${doing}: ${why}`);
  };
  if (!isIP(address)) wrong(`Failed parsing address forward listen address "${address}": invalid CIDR address: ${address}/32`);
  const own = network.config["ipv4.address"] ?? "none";
  if (own === "none") wrong(`invalid CIDR address: ${own}`);
  for (const key of Object.keys(config ?? {})) if (key !== "target_address" && !key.startsWith("user.")) wrong(`Invalid option "${key}"`);
  const target = config?.["target_address"];
  if (target && !inSubnet(network, target)) wrong("Default target address is not within the network subnet");
  const taken = new Set<string>();
  for (const [at, port] of (ports ?? []).entries()) {
    const { protocol = "" } = port;
    if (!["tcp", "udp"].includes(protocol)) wrong(`Invalid port protocol in port specification ${at}, protocol must be one of: tcp, udp`);
    if (!isIP(port["target_address"] ?? "")) wrong(`Invalid target address in port specification ${at}`);
    if (!inSubnet(network, port["target_address"] ?? "")) wrong(`Target address is not within the network subnet in port specification ${at}`);
    let listen: number[] = [];
    try {
      listen = portsIn(port["listen_port"] ?? "", at);
    } catch (error) {
      wrong(String((error as Error).message));
    }
    for (const one of listen) {
      if (taken.has(`${protocol} ${one}`)) wrong(`Duplicate listen port ${one} for protocol "${protocol}" in port specification ${at}`);
      taken.add(`${protocol} ${one}`);
    }
    const targets = port["target_port"] ? portsIn(port["target_port"], at).length : listen.length;
    if (targets !== 1 && targets !== listen.length) wrong(`Mismatch of listen port(s) and target port(s) count in port specification ${at}`);
  }
}

const whole = (ports: Body["ports"]): Forward["ports"] =>
  (ports ?? []).map((port) => ({ description: "", protocol: "", listen_port: "", target_port: "", target_address: "", ...port }));

/** `POST /1.0/networks/{network}/forwards`. */
export function createForward(call: Call) {
  const network = managedNetwork(call);
  const body = call.json<Body>();
  const { listen_address: address = "", description = "", config, ports } = body;
  const key = `${address} ${memberOf(call)}`;
  if (network.forwards.has(key)) throw new Refusal(409, "Failed creating forward: A forward for that listen address already exists");
  check(network, address, body, "Failed creating forward");
  network.forwards.set(key, { listen_address: address, location: memberOf(call), description, config: config ?? {}, ports: whole(ports) });
  return sync(null);
}

/** `PUT` and `PATCH .../forwards/{address}`: what is not sent is forgotten by both, but for the ports and keys that PATCH leaves. */
export function changeForward(call: Call) {
  const network = managedNetwork(call);
  const forward = forwardOf(call, network);
  checkMatch(call, changeable(forward));
  const body = call.json<Body>();
  check(network, forward.listen_address, body, "Failed updating forward");
  const patch = call.method === "PATCH";
  forward.description = body.description ?? "";
  forward.config = patch ? { ...forward.config, ...body.config } : (body.config ?? {});
  if (!patch || body.ports) forward.ports = whole(body.ports);
  return sync(null);
}

export function deleteForward(call: Call) {
  const network = managedNetwork(call);
  const forward = forwardOf(call, network);
  network.forwards.delete(`${forward.listen_address} ${forward.location}`);
  return sync(null);
}
