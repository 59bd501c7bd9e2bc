import { bytesOf } from "../sizes.ts";
import { refuse } from "./refusal.ts";
import { authorize, bodyOf, boxFor, type Handler, MISSING, type Request, text, texts } from "./request.ts";
import { boxOf } from "./state.ts";
import { containerView, metricsView, systemView } from "./views.ts";

const RESOURCES = ["cpu", "memory", "disk", "gpu", "gpus", "storageClass"];
const CREATE = [
  ...["username", "resources", "sshKeys", "labels", "image", "enablePodman", "async", "staticIp", "stack", "gpu", "backendId", "osType"],
  ...["stackParameters", "monitoring", "pool", "gitSource", "gitRef", "gitCredential", "workspacePath", "ttlSeconds", "idleStopMinutes"],
  ...["deleteAfterStoppedSeconds", "gpus", "encrypted", "tenantId"],
];

export const list: Handler = (request) => {
  authorize(request, "containers:read");
  const { call, state, claims } = request;
  const admin = claims.roles.includes("admin");
  const asked = call.query.get("username") ?? "";
  if (!admin && asked && asked !== claims.username) refuse("not authorized for this tenant", "PermissionDenied");
  const username = admin ? asked : claims.username;
  const wanted = call.query.get("state");
  const containers = [...state.boxes.values()]
    .filter((box) => (!username || box.username === username) && (!wanted || `CONTAINER_STATE_${box.state}` === wanted))
    .map((box) => containerView(state, box));
  return { containers, totalCount: containers.length };
};

export const get: Handler = (request) => {
  authorize(request, "containers:read", request.parts[0]);
  return { container: containerView(request.state, boxFor(request, `failed to get container: ${MISSING}`)), metrics: null };
};

export const create: Handler = async (request) => {
  const { call, state, work } = request;
  const body = bodyOf(request, CREATE);
  const username = text(body["username"]) || refuse("username is required");
  authorize(request, "containers:write", username);
  const resources = (body["resources"] ?? {}) as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(resources)) if (!RESOURCES.includes(name)) refuse(`proto: (line 1:2): unknown field "${name}"`, "InvalidArgument");
  const ttl = Number(body["ttlSeconds"] ?? 0);
  if (ttl > 604_800) refuse(`ttl_seconds ${ttl} exceeds maximum of 604800 (7 days)`, "InvalidArgument");
  if (body["encrypted"]) refuse("encrypted=true needs a key provider, which this daemon is not configured with", "FailedPrecondition");
  const pool = text(body["pool"]);
  const backend = text(body["backendId"]) || (pool ? state.backends.find((one) => one.pool === pool)?.backendId : state.backends[0]?.backendId) || "";
  if (!state.backends.some(({ backendId = "" }) => backendId === backend))
    refuse(pool && !backend ? `no healthy backend in pool "${pool}"` : `backend "${backend}" not found`);
  for (const [at, key] of texts(body["sshKeys"]).entries())
    if (!/^(ssh|ecdsa)-\S+ [A-Za-z0-9+/]{20,}={0,2}/.test(key)) refuse(`ssh_keys[${at}]: not a valid SSH public key: ssh: no key found`);
  const created = "failed to create container: failed to create container: failed to create container";
  if (state.boxes.has(username)) refuse(`${created}: Instance "${username}-container" already exists`);

  const os = text(body["osType"]).replace("OS_TYPE_", "");
  const seed = {
    username,
    cpu: text(resources["cpu"]) || "4",
    memory: text(resources["memory"]) || "4GB",
    disk: text(resources["disk"]) || "50GB",
    docker: body["enablePodman"] === true,
    stack: text(body["stack"]),
    labels: (body["labels"] ?? {}) as Readonly<Record<string, string>>,
    keys: texts(body["sshKeys"]),
    gpus: texts(body["gpus"]),
    ...(text(body["image"]) ? { image: text(body["image"]) } : {}),
    ...(os && os !== "UNSPECIFIED" ? { os } : {}),
    ...(ttl > 0 ? { ttl } : {}),
    ...(Number(body["idleStopMinutes"] ?? 0) > 0 ? { idle: Number(body["idleStopMinutes"]) } : {}),
    memoryUsed: 350_000_000,
    diskUsed: 2_100_000_000,
  };
  const box = { ...boxOf(seed, backend, state.boxes.size), created: Date.now(), updated: Date.now(), monitored: body["monitoring"] === true };
  box.deleteAfter = Number(body["deleteAfterStoppedSeconds"] ?? 0);
  if (body["staticIp"]) box.ip = text(body["staticIp"]);
  const { ip } = box;
  Object.assign(box, { state: "CREATING", ip: "" });
  state.boxes.set(username, box);

  const finish = async (): Promise<void> => {
    await work();
    if (!call.taskError) return void Object.assign(box, { state: "RUNNING", ip });
    if (body["async"] === true) box.state = "ERROR";
    else state.boxes.delete(username);
    refuse(`failed to create container: failed to install packages: ${call.taskError}`);
  };
  if (body["async"] !== true) {
    await finish();
    const sshCommand = `ssh ${username}@${state.backends[0]?.sshIngressHost || ip}`;
    return { container: containerView(state, box), message: `Container ${username}-container created successfully`, sshCommand, rdpAddress: "" };
  }
  finish().catch(() => undefined);
  const message = `Container creation started for user ${username}. Poll GET /v1/containers/${username} to check status.`;
  return { container: containerView(state, box), message, sshCommand: "", rdpAddress: "" };
};

export const start: Handler = async (request) => {
  const { state, call, work } = request;
  authorize(request, "containers:write", request.parts[0]);
  bodyOf(request, ["waitForReady", "readyTimeoutSeconds"]);
  const box = boxFor(request, "failed to start container: failed to start container: Instance not found");
  const failed = "failed to start container: failed to start container (operation failed)";
  // A frozen one counts as running.
  if (box.state === "RUNNING" || box.state === "FROZEN") refuse(`${failed}: The instance is already running`);
  await work();
  if (call.taskError) refuse(`${failed}: ${call.taskError}`);
  Object.assign(box, { state: "RUNNING", stoppedAt: undefined, ip: box.ip || "10.100.0.99" });
  return { message: `Container for user ${box.username} started successfully`, container: containerView(state, box), readyTimedOut: false };
};

export const stop: Handler = async (request) => {
  const { state, call, work } = request;
  authorize(request, "containers:write", request.parts[0]);
  bodyOf(request, ["force", "timeout"]);
  const box = boxFor(request, "failed to stop container: failed to stop container: Instance not found");
  const failed = "failed to stop container: failed to stop container (operation failed)";
  if (box.state === "STOPPED") refuse(`${failed}: The instance is already stopped`);
  await work();
  if (call.taskError) refuse(`${failed}: ${call.taskError}`);
  Object.assign(box, { state: "STOPPED", stoppedAt: Date.now(), ip: "" });
  return { message: `Container for user ${box.username} stopped successfully`, container: containerView(state, box) };
};

/** A running one is shut down first; `force` only makes that quick. */
export const remove: Handler = async (request) => {
  const { state, call, work } = request;
  authorize(request, "containers:write", request.parts[0]);
  const box = boxFor(request, `failed to delete container: container not found: ${MISSING}`);
  await work();
  if (call.taskError) refuse(`failed to delete container: failed to stop container: ${call.taskError}`);
  state.boxes.delete(box.username);
  return { message: `Container for user ${box.username} deleted successfully`, containerName: `${box.username}-container` };
};

export const resize: Handler = (request) => {
  authorize(request, "containers:write", request.parts[0]);
  const body = bodyOf(request, ["cpu", "memory", "disk"]);
  const [cpu, memory, disk] = [text(body["cpu"]), text(body["memory"]), text(body["disk"])];
  if (!cpu && !memory && !disk) refuse("at least one resource (cpu, memory, or disk) must be specified");
  const box = boxFor(request, `failed to resize container: container not found: ${MISSING}`);
  if (disk && (bytesOf(disk) ?? 0) < (bytesOf(box.disk) ?? 0))
    refuse(`failed to resize container: failed to set disk size: cannot shrink the disk from ${box.disk} to ${disk}`);
  Object.assign(box, { cpu: cpu || box.cpu, memory: memory || box.memory, disk: disk || box.disk, updated: Date.now() });
  return { message: `Container ${box.username}-container resized successfully`, container: containerView(request.state, box) };
};

export const metrics: Handler = (request) => {
  const { state, claims, parts } = request;
  authorize(request, "containers:read", parts[0]);
  if (parts[0] !== undefined) return { metrics: [metricsView(boxFor(request, "failed to get metrics: Instance not found"))] };
  const admin = claims.roles.includes("admin");
  return { metrics: [...state.boxes.values()].filter(({ username }) => admin || username === claims.username).map(metricsView) };
};

export const system: Handler = ({ state, claims }: Request) => {
  if (!claims.roles.includes("admin")) refuse("role required: admin", "PermissionDenied");
  const [info, ...peers] = state.backends.map((backend) => systemView(state, backend));
  return { info, peers };
};
