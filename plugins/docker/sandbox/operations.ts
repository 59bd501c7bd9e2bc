import type { SandboxReply } from "proxmcp/testing";
import { isLive } from "./container-views.js";
import { checkRestart, endBox, hasAddresses, isName, MIN_MEMORY, NAMES } from "./containers.js";
import { writtenIn } from "./files.js";
import { filtersOf } from "./listing.js";
import { bodyOf, type Context } from "./request.js";
import { type Box, checkReference, type Image, newId, type State, withTag } from "./state.js";
import { volumeOf } from "./views.js";
import { empty, json, Refusal } from "./wire.js";

export function update({ state, call, at }: Context): SandboxReply {
  const box = state.box(at[0]!);
  const body = bodyOf<{ Memory?: number; NanoCpus?: number; PidsLimit?: number; RestartPolicy?: { Name: string; MaximumRetryCount?: number } }>(call);
  const refuse = (why: string): Refusal => new Refusal(409, `Cannot update container ${box.id}: ${why}`);
  if (body.Memory && body.Memory < MIN_MEMORY) throw new Refusal(400, "Minimum memory limit allowed is 6MB");
  if (body.NanoCpus && body.NanoCpus > state.cpus * 1e9)
    throw new Refusal(400, `Range of CPUs is from 0.01 to ${state.cpus.toFixed(2)}, as there are only ${state.cpus} CPUs available`);
  if (box.status === "dead") throw refuse('Container is marked for removal and cannot be "update".');
  if (body.RestartPolicy?.Name) {
    const restart = { Name: body.RestartPolicy.Name, MaximumRetryCount: body.RestartPolicy.MaximumRetryCount ?? 0 };
    checkRestart(restart);
    box.restart = restart;
  }
  if (body.Memory) box.memory = body.Memory;
  if (body.NanoCpus) box.nanoCpus = body.NanoCpus;
  if (body.PidsLimit) box.pids = body.PidsLimit;
  return json(200, { Warnings: null });
}

const SIGNALS: Readonly<Record<string, number>> = { HUP: 1, INT: 2, QUIT: 3, KILL: 9, USR1: 10, USR2: 12, TERM: 15, CONT: 18, STOP: 19, WINCH: 28 };

/** A signal ends the main process, unless it is one that servers live through. */
export function kill({ state, call, at }: Context): SandboxReply {
  const named = (call.query.get("signal") ?? "KILL").replace(/^SIG/, "");
  const number = /^\d+$/.test(named) ? Number(named) : SIGNALS[named];
  if (number === undefined) throw new Refusal(400, `Invalid signal: ${call.query.get("signal")}`);
  let box: Box;
  try {
    box = state.box(at[0]!);
  } catch (error) {
    throw new Refusal(404, `Cannot kill container: ${at[0]}: ${(error as Error).message}`);
  }
  if (!isLive(box)) throw new Refusal(409, `Cannot kill container: ${at[0]}: Container ${box.id} is not running`);
  if (number === 9 || number === 15 || number === 2) endBox(box, number === 15 ? 0 : 128 + number);
  return empty(204);
}

export function rename({ state, call, at }: Context): SandboxReply {
  const box = state.box(at[0]!);
  const name = call.query.get("name")?.replace(/^\//, "") ?? "";
  if (name === "") throw new Refusal(400, "Neither old nor new names may be empty");
  const refuse = (status: number, why: string): Refusal => new Refusal(status, `Error when allocating new name: ${why}`);
  if (!isName(name)) throw refuse(400, `Invalid container name (/${name}), only ${NAMES} are allowed`);
  const holder = state.boxes.find((other) => other.name === name);
  if (holder)
    throw refuse(
      409,
      `Conflict. The container name "/${name}" is already in use by container "${holder.id}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
  box.name = name;
  return empty(204);
}

export function top({ state, at }: Context): SandboxReply {
  const box = state.box(at[0]!);
  if (!isLive(box)) throw new Refusal(409, `Container ${box.id} is not running`);
  const row = (pid: number, parent: number, command: string): string[] => [
    "root",
    String(pid),
    String(parent),
    "0",
    "08:12",
    "?",
    "00:00:00",
    command,
  ];
  return json(200, {
    Processes: [row(box.pid, box.pid - 20, box.argv.join(" ")), row(box.pid + 31, box.pid, "sleep 3")],
    Titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
  });
}

export async function wait({ state, call, at }: Context): Promise<SandboxReply> {
  const box = state.box(at[0]!);
  while (isLive(box) && !call.signal.aborted) await new Promise((done) => setTimeout(done, 10));
  return json(200, { StatusCode: box.exitCode });
}

export function commit({ state, call: { query } }: Context): SandboxReply {
  const box = state.box(query.get("container") ?? "");
  const reference = query.get("repo") ? `${query.get("repo")}:${query.get("tag") || "latest"}` : undefined;
  if (reference) checkReference(reference);
  const base = state.findImage(box.image);
  const image: Image = {
    id: newId(),
    references: [],
    digests: [],
    size: (base?.size ?? 0) + writtenIn(box),
    created: Date.now(),
    labels: box.labels,
    command: box.argv,
    layers: [...(base?.layers ?? []), { id: newId().slice(0, 12), size: writtenIn(box) }],
  };
  state.images.push(image);
  if (reference) nameImage(state, image, reference);
  state.tell("container", "commit", box.id, { name: box.name });
  return json(201, { Id: `sha256:${image.id}` });
}

/** A name belongs to one image: whoever had it loses it. */
export function nameImage(state: State, image: Image, reference: string): void {
  const full = withTag(reference);
  for (const other of state.images) other.references = other.references.filter((name) => name !== full);
  image.references.push(full);
}

export function pruneBoxes({ state, call }: Context): SandboxReply {
  const until = Number(filtersOf(call.query.get("filters"))["until"]?.[0] ?? Number.POSITIVE_INFINITY) * 1000;
  const gone = state.boxes.filter((box) => !isLive(box) && box.created < until);
  for (const box of gone) state.boxes.splice(state.boxes.indexOf(box), 1);
  return json(200, {
    ContainersDeleted: gone.length ? gone.map(({ id }) => id) : null,
    SpaceReclaimed: gone.reduce((sum, box) => sum + writtenIn(box), 0),
  });
}

const PREDEFINED = new Set(["bridge", "host", "none"]);
const members = (state: State, name: string): Box[] => state.boxes.filter((box) => isLive(box) && name in box.networks);

/** The running containers in a network, as inspect shows them. */
export const membersOf = (state: State, name: string): Record<string, unknown> =>
  Object.fromEntries(
    members(state, name).map((box) => [
      box.id,
      { Name: box.name, EndpointID: newId(), MacAddress: "", IPv4Address: `${box.networks[name]?.ip}/16`, IPv6Address: "" },
    ]),
  );

export function createNetwork({ state, call }: Context): SandboxReply {
  const body = bodyOf<{
    Name?: string;
    Driver?: string;
    Internal?: boolean;
    Labels?: Record<string, string>;
    IPAM?: { Config?: { Subnet?: string }[] };
  }>(call);
  const { Name: name = "", Driver: driver = "bridge" } = body;
  const subnet = body.IPAM?.Config?.[0]?.Subnet;
  if (PREDEFINED.has(name)) throw new Refusal(403, `operation is not permitted on predefined ${name} network `);
  if (state.networks.some((network) => network.name === name)) throw new Refusal(409, `network with name ${name} already exists`);
  if (!["bridge", "macvlan", "ipvlan", "overlay"].includes(driver)) throw new Refusal(404, `plugin "${driver}" not found`);
  if (subnet !== undefined && !/^\d+(\.\d+){3}\/\d+$/.test(subnet))
    throw new Refusal(500, `Invalid subnet ${subnet} : invalid CIDR address: ${subnet}`);
  if (subnet && state.networks.some((network) => network.subnet === subnet))
    throw new Refusal(403, "Pool overlaps with other one on this address space");
  const id = newId();
  const free = subnet ?? `172.${22 + state.networks.length}.0.0/16`;
  state.networks.push({ id, name, driver, subnet: free, internal: body.Internal === true, created: Date.now(), labels: body.Labels ?? {} });
  state.tell("network", "create", id, { name, type: driver });
  return json(201, { Id: id, Warning: "" });
}

export function connect({ state, call, at }: Context): SandboxReply {
  const network = state.network(at[0]!);
  const body = bodyOf<{ Container?: string; EndpointConfig?: { IPAMConfig?: { IPv4Address?: string }; Aliases?: string[] } }>(call);
  const box = state.box(body.Container ?? "");
  if (network.name in box.networks) throw new Refusal(403, `endpoint with name ${box.name} already exists in network ${network.name}`);
  const wanted = body.EndpointConfig?.IPAMConfig?.IPv4Address;
  box.networks[network.name] = {
    id: network.id,
    ip: isLive(box) && hasAddresses(network.name) ? (wanted ?? state.freeAddress(network.name)) : "",
    aliases: body.EndpointConfig?.Aliases ?? [],
  };
  state.tell("network", "connect", network.id, { name: network.name, container: box.id });
  return empty(200);
}

export function disconnect({ state, call, at }: Context): SandboxReply {
  const network = state.network(at[0]!);
  const box = state.box(bodyOf<{ Container?: string }>(call).Container ?? "");
  if (!(network.name in box.networks)) throw new Refusal(500, `container ${box.id} is not connected to network ${network.name}`);
  delete box.networks[network.name];
  state.tell("network", "disconnect", network.id, { name: network.name, container: box.id });
  return empty(200);
}

export function removeNetwork({ state, at }: Context): SandboxReply {
  const network = state.network(at[0]!);
  if (PREDEFINED.has(network.name)) throw new Refusal(403, `${network.name} is a pre-defined network and cannot be removed`);
  if (members(state, network.name).length)
    throw new Refusal(403, `error while removing network: network ${network.name} id ${network.id} has active endpoints`);
  state.networks.splice(state.networks.indexOf(network), 1);
  state.tell("network", "destroy", network.id, { name: network.name });
  return empty(204);
}

export const ownNetworks = (state: State) => state.networks.filter(({ name }) => !PREDEFINED.has(name));

export function pruneNetworks({ state, call }: Context): SandboxReply {
  const until = Number(filtersOf(call.query.get("filters"))["until"]?.[0] ?? Number.POSITIVE_INFINITY) * 1000;
  const gone = ownNetworks(state).filter(({ name, created }) => created < until && members(state, name).length === 0);
  for (const network of gone) state.networks.splice(state.networks.indexOf(network), 1);
  return json(200, { NetworksDeleted: gone.length ? gone.map(({ name }) => name) : null });
}

export function createVolume({ state, call }: Context): SandboxReply {
  const { Name, Driver = "local", Labels = {} } = bodyOf<{ Name?: string; Driver?: string; Labels?: Record<string, string> }>(call);
  const name = Name || newId();
  if (Driver !== "local") throw new Refusal(404, `create ${name}: error looking up volume plugin ${Driver}: plugin "${Driver}" not found`);
  if (!state.volumes.some((volume) => volume.name === name)) {
    state.volumes.push({ name, created: Date.now(), labels: Labels, anonymous: !Name });
    state.tell("volume", "create", name, { driver: "local" });
  }
  return json(201, volumeOf(state.volume(name)));
}

export function removeVolume({ state, at }: Context): SandboxReply {
  const volume = state.volume(at[0]!);
  const users = state.boxes.filter(({ mounts }) => mounts.some(({ Name }) => Name === volume.name));
  if (users.length) throw new Refusal(409, `remove ${volume.name}: volume is in use - [${users.map(({ id }) => id).join(", ")}]`);
  state.volumes.splice(state.volumes.indexOf(volume), 1);
  state.tell("volume", "destroy", volume.name, { driver: "local" });
  return empty(204);
}

export function listVolumes({ state, call }: Context): SandboxReply {
  const { dangling, label } = filtersOf(call.query.get("filters"));
  const used = (name: string): boolean => state.boxes.some(({ mounts }) => mounts.some((mount) => mount.Name === name));
  const found = state.volumes.filter(
    ({ name, labels }) =>
      (!dangling || used(name) !== (dangling[0] === "true" || dangling[0] === "1")) &&
      (label ?? []).every((one) => {
        const [key = "", ...value] = one.split("=");
        return labels?.[key] !== undefined && (value.length === 0 || labels[key] === value.join("="));
      }),
  );
  return json(200, { Volumes: found.map(({ name }) => volumeOf(state.volume(name))), Warnings: null });
}
