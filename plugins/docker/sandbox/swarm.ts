import { createHash } from "node:crypto";
import type { SandboxReply } from "proxmcp/testing";
import type { SeedSwarm } from "./estate.js";
import { filtersOf } from "./listing.js";
import { bodyOf, type Context } from "./request.js";
import type { State, Swarm, SwarmObject } from "./state.js";
import { frame, goTime, json, plain, Refusal, streamed } from "./wire.js";

/** Ids of the swarm are 25 letters and digits. */
const swarmId = (text: string): string =>
  BigInt(`0x${createHash("sha256").update(text).digest("hex")}`)
    .toString(36)
    .slice(0, 25);

/** Makes the swarm of an estate, with a task for each replica. */
export function swarmOf({ nodes, services }: SeedSwarm): Swarm {
  const version = (index: number) => ({ Version: { Index: index }, CreatedAt: goTime(Date.now() - 86_400_000), UpdatedAt: goTime(Date.now()) });
  const swarm: Swarm = {
    tasks: [],
    nodes: nodes.map(({ name, role = "worker", availability = "active", state = "ready", labels = {} }, at) => ({
      ID: swarmId(`node ${name}`),
      ...version(10 + at),
      Spec: { Role: role, Availability: availability, Labels: labels },
      Description: {
        Hostname: name,
        Platform: { Architecture: "x86_64", OS: "linux" },
        Resources: { NanoCPUs: 8_000_000_000, MemoryBytes: 33_554_432_000 },
        Engine: { EngineVersion: "20.10.24" },
      },
      Status: { State: state, Addr: `10.0.7.${at + 11}` },
      ...(role === "manager" ? { ManagerStatus: { Leader: at === 0, Reachability: "reachable", Addr: `10.0.7.${at + 11}:2377` } } : {}),
    })),
    services: services.map(({ name, image, replicas, stack, ports = {} }, at) => ({
      ID: swarmId(`service ${name}`),
      ...version(30 + at),
      Spec: {
        Name: name,
        Labels: stack ? { "com.docker.stack.namespace": stack } : {},
        TaskTemplate: {
          ContainerSpec: { Image: `${image}@sha256:${createHash("sha256").update(image).digest("hex")}` },
          Resources: { Limits: {} },
          ForceUpdate: 0,
        },
        Mode: replicas === undefined ? { Global: {} } : { Replicated: { Replicas: replicas } },
      },
      Endpoint: {
        Spec: { Mode: "vip" },
        Ports: Object.entries(ports).map(([target, published]) => ({
          Protocol: "tcp",
          TargetPort: Number(target),
          PublishedPort: published,
          PublishMode: "ingress",
        })),
      },
    })),
  };
  for (const service of swarm.services) fill(swarm, service);
  return swarm;
}

interface Spec {
  readonly Name: string;
  readonly Mode?: { readonly Replicated?: { readonly Replicas: number } };
  readonly TaskTemplate: { readonly ContainerSpec: { readonly Image: string }; readonly ForceUpdate?: number };
}

const specOf = (service: SwarmObject): Spec => service.Spec as unknown as Spec;
const isActive = ({ Spec, Status }: SwarmObject): boolean => Spec["Availability"] === "active" && (Status as { State: string }).State === "ready";

/** Gives a service the tasks that it should have, on the nodes that take some. */
function fill(swarm: Swarm, service: SwarmObject): void {
  const spec = specOf(service);
  const nodes = swarm.nodes.filter(isActive);
  const wanted = spec.Mode?.Replicated?.Replicas ?? nodes.length;
  const mine = swarm.tasks.filter((task) => task["ServiceID"] === service.ID && task["DesiredState"] === "running");
  const same = `${spec.TaskTemplate.ContainerSpec.Image} ${spec.TaskTemplate.ForceUpdate ?? 0}`;
  for (const [at, task] of mine.entries())
    if (at >= wanted || task["made"] !== same)
      Object.assign(task, { DesiredState: "shutdown", Status: { ...(task["Status"] as object), State: "shutdown" } });
  const kept = new Set(mine.filter((task) => task["DesiredState"] === "running").map((task) => task["Slot"]));
  for (let slot = 1; slot <= wanted; slot += 1) {
    if (kept.has(slot)) continue;
    const id = swarmId(`task ${service.ID} ${slot} ${swarm.tasks.length}`);
    const task = {
      ...{ ID: id, Version: { Index: 50 + swarm.tasks.length }, CreatedAt: goTime(Date.now()), ServiceID: service.ID, Slot: slot },
      NodeID: nodes[(slot - 1) % Math.max(1, nodes.length)]?.ID ?? "",
      Spec: { ContainerSpec: spec.TaskTemplate.ContainerSpec },
      Status: {
        State: nodes.length ? "running" : "pending",
        ...(nodes.length ? { ContainerStatus: { ContainerID: createHash("sha256").update(id).digest("hex"), PID: 4000, ExitCode: 0 } } : {}),
      },
      DesiredState: "running",
    };
    Object.defineProperty(task, "made", { value: same, enumerable: false });
    swarm.tasks.push(task);
  }
}

function swarmIn(state: State): Swarm {
  if (state.swarm) return state.swarm;
  throw new Refusal(
    503,
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  );
}

/** By whole id, name, or a beginning of an id. */
function pick(kind: string, objects: readonly SwarmObject[], key: string): SwarmObject {
  const found =
    objects.find(({ ID }) => ID === key) ??
    objects.find(({ Spec }) => Spec["Name"] === key) ??
    objects.find(({ ID }) => key !== "" && ID.startsWith(key));
  if (!found) throw new Refusal(404, `${kind} ${key} not found`);
  return found;
}

export function listNodes({ state, call }: Context): SandboxReply {
  const { name } = filtersOf(call.query.get("filters"));
  // As for containers, a name is found by its beginning.
  const nodes = swarmIn(state).nodes.filter(
    ({ Description }) => !name || name.some((one) => (Description as { Hostname: string }).Hostname.startsWith(one)),
  );
  return json(200, nodes);
}

export const showNode = ({ state, at }: Context): SandboxReply => json(200, pick("node", swarmIn(state).nodes, at[0]!));

function counted(swarm: Swarm, service: SwarmObject, status: boolean): SwarmObject {
  if (!status) return service;
  const mine = swarm.tasks.filter((task) => task["ServiceID"] === service.ID);
  const desired = mine.filter((task) => task["DesiredState"] === "running");
  const running = desired.filter((task) => (task["Status"] as { State: string }).State === "running");
  return { ...service, ServiceStatus: { RunningTasks: running.length, DesiredTasks: desired.length, CompletedTasks: 0 } };
}

export function listServices({ state, call }: Context): SandboxReply {
  const swarm = swarmIn(state);
  const { id } = filtersOf(call.query.get("filters"));
  const found = swarm.services.filter(({ ID }) => !id || id.some((one) => ID.startsWith(one)));
  return json(
    200,
    found.map((service) => counted(swarm, service, call.query.get("status") === "true")),
  );
}

export const showService = ({ state, at }: Context): SandboxReply => json(200, pick("service", swarmIn(state).services, at[0]!));

function change(object: SwarmObject, { call }: Context): void {
  const version = call.query.get("version") ?? "";
  if (!/^\d+$/.test(version)) throw new Refusal(400, `invalid service version '${version}': strconv.ParseUint: parsing "${version}": invalid syntax`);
  if (Number(version) !== object.Version.Index) throw new Refusal(500, "rpc error: code = Unknown desc = update out of sequence");
  object.Spec = bodyOf(call);
  object.Version.Index += 1;
}

export function updateNode(context: Context): SandboxReply {
  const swarm = swarmIn(context.state);
  change(pick("node", swarm.nodes, context.at[0]!), context);
  return plain(200, "");
}

export function updateService(context: Context): SandboxReply {
  const swarm = swarmIn(context.state);
  const service = pick("service", swarm.services, context.at[0]!);
  change(service, context);
  fill(swarm, service);
  return json(200, { Warnings: null });
}

export const listTasks = ({ state }: Context): SandboxReply => json(200, swarmIn(state).tasks);
export const showTask = ({ state, at }: Context): SandboxReply => json(200, pick("task", swarmIn(state).tasks as unknown as SwarmObject[], at[0]!));

export function serviceLogs({ state, call, at }: Context): SandboxReply {
  const swarm = swarmIn(state);
  const service = pick("service", swarm.services, at[0]!);
  const tail = Number(call.query.get("tail") ?? 1000);
  const lines = swarm.tasks
    .filter((task) => task["ServiceID"] === service.ID)
    .map((task) => `${specOf(service).Name}.${String(task["Slot"])}: ready\n`);
  return streamed(
    (async function* () {
      for (const text of lines.slice(-tail)) yield frame("stdout", text);
    })(),
  );
}
