import type { Sandbox, SandboxModule, SandboxOptions } from "proxmcp/plugin";
import { selfSignedCertificate, serveSandbox } from "proxmcp/testing";
import { DEFAULT_ESTATE, type Estate, type SeedImage } from "./estate.js";
import { SWARM_ESTATE } from "./swarm-estate.js";
import { converse } from "./exec.js";
import { answer } from "./routes.js";
import { seedBox } from "./seed.js";
import { type Image, idOf, State } from "./state.js";
import { swarmOf } from "./swarm.js";

const TASK_TIME = 30;

/**
 * Starts a Docker Engine in miniature. `estate` is an `Estate`, "empty" for one without containers, or "swarm" for a manager of three nodes. With `tls` it asks for a
 * client certificate, as an engine on a network should.
 */
export async function start(options: SandboxOptions = {}): Promise<Sandbox> {
  const state = stateOf(options.estate);
  const taskTime = options.taskTime ?? TASK_TIME;
  const [server, client] = options.tls ? await Promise.all([selfSignedCertificate("dock1"), selfSignedCertificate("client")]) : [];
  const served = await serveSandbox((call) => answer(state, call, taskTime), {
    errorBody: (_status, reason) => ({ message: reason }),
    upgrade: (request, socket) => void converse(state, request, socket),
    ...(options.latency ? { latency: options.latency } : {}),
    ...(options.socket ? { socket: options.socket } : {}),
    ...(server && client ? { tls: { key: server.key, cert: server.cert, ca: client.cert, requireClientCert: true } } : {}),
  });
  const connection = options.socket
    ? { socket: options.socket }
    : { url: served.url, ...(server && client ? { ca: server.cert, cert: client.cert, key: client.key } : {}) };
  return { ...served, connection };
}

/** One engine, and a container's short life on it. */
export const demo: NonNullable<SandboxModule["demo"]> = {
  connections: { docker: {} },
  tour: [
    {
      say: "Which containers of the shop are not healthy?",
      tool: "docker_container_list",
      args: { where: { compose_project: "shop", health: ["unhealthy", "starting"] } },
    },
    { say: "What did the API print last?", tool: "docker_container_logs", args: { name: "shop-api", tail: 5 } },
    {
      say: "Start a Redis with 64 MB beside it.",
      tool: "docker_container_create",
      args: { name: "scratch-cache", image: "redis:7", networks: ["shop_back"], memory: 67_108_864, labels: { env: "dev" } },
    },
    { say: "Is it alive?", tool: "docker_container_exec", args: { name: "scratch-cache", command: ["sh", "-c", "hostname; echo PONG"] } },
    { say: "What does it use?", tool: "docker_container_stats", args: { name: "scratch-cache" } },
    { say: "Stop it.", tool: "docker_container_stop", args: { name: "scratch-cache", timeout: 2 } },
    { say: "And away with it.", tool: "docker_container_delete", args: { name: "scratch-cache" } },
  ],
};

function stateOf(wanted: unknown): State {
  const named: Readonly<Record<string, Estate>> = { empty: { images: DEFAULT_ESTATE.images ?? [] }, swarm: SWARM_ESTATE };
  const estate: Estate = typeof wanted === "string" ? (named[wanted] ?? DEFAULT_ESTATE) : ((wanted as Estate | undefined) ?? DEFAULT_ESTATE);
  const state = new State();
  const now = Date.now();
  for (const image of estate.images ?? DEFAULT_ESTATE.images ?? []) state.images.push(imageOf(image));
  for (const image of estate.registry ?? DEFAULT_ESTATE.registry ?? []) if (image.reference) state.published.push(imageOf(image));
  const network = { created: now - 86_400_000 * 200, labels: {}, internal: false };
  for (const [name, driver] of [
    ["none", "null"],
    ["host", "host"],
  ] as const)
    state.networks.push({ ...network, id: idOf(`network ${name}`), name, driver });
  for (const { name, ...rest } of [{ name: "bridge", subnet: "172.17.0.0/16" }, ...(estate.networks ?? [])])
    state.networks.push({ ...network, ...rest, id: idOf(`network ${name}`), name, driver: "bridge" });
  for (const { name, labels = null } of estate.volumes ?? []) state.volumes.push({ name, labels, created: now - 86_400_000 * 30, anonymous: false });
  for (const container of estate.containers ?? []) seedBox(state, container);
  if (estate.swarm) state.swarm = swarmOf(estate.swarm);
  return state;
}

function imageOf({ reference, size, age, command, labels = {} }: SeedImage): Image {
  const id = idOf(`${reference ?? "untagged"} ${size} ${age}`);
  const part = Math.floor(size / 2);
  return {
    id,
    references: reference ? [reference] : [],
    digests: reference ? [`${reference.replace(/:[^:/]*$/, "")}@sha256:${id}`] : [],
    size,
    created: Date.now() - age * 1000,
    labels,
    command,
    layers: [
      { id: idOf(`${id} 1`).slice(0, 12), size: part },
      { id: idOf(`${id} 2`).slice(0, 12), size: size - part },
    ],
  };
}
