/**
 * Proxmox VE in miniature: HTTPS with a certificate of its own, token authentication, the parameter check of the real API
 * schema, guests, and tasks that take their time. A method that the schema has and the sandbox does not answers 500 and says so.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Sandbox, SandboxModule, SandboxOptions } from "proxmcp/plugin";
import { type SandboxCall, type SandboxReply, selfSignedCertificate, serveSandbox } from "proxmcp/testing";
import { checkParameters } from "../parameters.js";
import { type FoundMethod, findMethod } from "../schema.js";
import { allowed, authenticate, TOKENS, type TokenName, type TokenSpec } from "./access.js";
import { type Call, Part, Refusal, type Routes } from "./calls.js";
import { Cluster } from "./cluster.js";
import { datacenterRoutes } from "./datacenter.js";
import { type EstateSpec, lab, production } from "./estates.js";
import { guestRoutes } from "./guests.js";
import { recordRoutes } from "./records.js";
import { neighbours } from "./neighbours.js";
import { backupRoutes } from "./backups.js";
import { storageRoutes } from "./storages.js";
import type { Volume } from "./volumes.js";
import { attach } from "./terminals.js";
import { formOf } from "./form.js";

export interface Estate {
  /** Which cluster: `production` (3 nodes) or `lab` (2 nodes). Default: production. */
  readonly name?: "production" | "lab";
  /** Release of Proxmox VE: "8.4.1". Default: 9.2. */
  readonly release?: string;
  /** Nodes that the cluster has lost. */
  readonly offline?: readonly string[];
  /** False: no majority of nodes, so reads work and writes don't. */
  readonly quorate?: boolean;
  /** What lies on the backup server, to be shared with another sandbox. */
  readonly vault?: Volume[];
  /** The token of the connection. Default: `admin`. */
  readonly token?: TokenName;
  /** Milliseconds that a refused authentication takes; about three seconds in Proxmox. */
  readonly authDelay?: number;
  /** Milliseconds until a lost node is given up; between one and twenty seconds in Proxmox. */
  readonly lostDelay?: number;
}

const ESTATES: Readonly<Record<string, EstateSpec>> = { production, lab };

const JSON_TYPE = { "content-type": "application/json;charset=UTF-8" };

/** @param options `estate`: a name, or an `Estate` */
export async function start(options: SandboxOptions = {}): Promise<Sandbox> {
  const estate: Estate = typeof options.estate === "string" ? { name: options.estate as "lab" } : ((options.estate ?? {}) as Estate);
  const named = ESTATES[estate.name ?? "production"];
  const spec = named && { ...named, ...(estate.release ? { release: estate.release } : {}) };
  if (!spec) throw new Error(`no estate ${String(estate.name)}: there are ${Object.keys(ESTATES).join(", ")}`);
  const { key, cert, fingerprint } = await selfSignedCertificate(spec.nodes[0]?.name ?? spec.cluster);
  const cluster = new Cluster(spec, {
    offline: estate.offline ?? [],
    quorate: estate.quorate ?? true,
    taskTime: options.taskTime ?? 30,
    vault: estate.vault,
  });
  const shown = fingerprint.toUpperCase().match(/../g)?.join(":") ?? "";
  const routes: Routes = { ...datacenterRoutes(shown), ...storageRoutes, ...backupRoutes, ...guestRoutes, ...recordRoutes };
  const server = await serveSandbox((call) => answer(call, { cluster, routes, estate }), {
    tls: { key, cert },
    latency: options.latency ?? 0,
    // 401, 595 and 596 have no body: the reason phrase is all there is.
    upgrade: (request, socket) => {
      if (typeof authenticate(request.headers.authorization) === "string") socket.destroy();
      else attach(cluster, request, socket);
    },
    errorBody: (status, reason) => ([401, 595, 596].includes(status) ? "" : { message: `${reason}\n`, data: null }),
  });
  const port = Number(new URL(server.url).port);
  neighbours.set(port, cluster);
  const token = TOKENS[estate.token ?? "admin"];
  return {
    connection: { url: server.url, token: `${token.id}=${token.secret}`, fingerprint },
    requests: server.requests,
    fail: server.fail,
    heal: server.heal,
    pending: server.pending,
    close: async () => {
      neighbours.delete(port);
      cluster.tasks.close();
      await server.close();
    },
  };
}

/** What `proxmcp demo` shows of it. */
export const demo: NonNullable<SandboxModule["demo"]> = {
  connections: { "pve-production": { estate: "production", taskTime: 400 }, "pve-lab": { estate: "lab", taskTime: 400 } },
  tour: [
    { say: "How is the production cluster?", tool: "proxmox_cluster_status", args: { cluster: "pve-production" } },
    { say: "Which VMs are stopped, on any cluster?", tool: "proxmox_vm_list", args: { where: { status: ["stopped"] } } },
    { say: "Start gitlab-runner in the lab.", tool: "proxmox_vm_start", args: { id: "gitlab-runner", cluster: "pve-lab" } },
  ],
};

interface World {
  readonly cluster: Cluster;
  readonly routes: Routes;
  readonly estate: Estate;
}

async function answer(call: SandboxCall, world: World): Promise<SandboxReply> {
  const token = authenticate(call.headers.authorization);
  if (typeof token === "string") {
    await sleep(world.estate.authDelay ?? 20);
    return { status: 401, reason: token, body: "" };
  }
  const [, format, path] = /^\/api2\/([^/]+)(\/.*)?$/.exec(call.path) ?? [];
  if (format === undefined) return { status: 404, reason: "Not Found", body: "" };
  if (format !== "json") return refusedAsText(501, `no formatter for uri ${path ?? "/"}, ${format}`);
  const transport = transportFault(call);
  if (transport) return transport;
  const found = await findMethod(call.method, path ?? "/");
  if (!found) return refusal(new Refusal(501, `Method '${call.method} ${path ?? "/"}' not implemented`), "");
  try {
    const given = { ...received(call), ...found.path };
    const data = await run(call, found, { cluster: world.cluster, token, parameters: given, taskError: call.taskError }, world);
    return { status: 200, headers: JSON_TYPE, body: JSON.stringify(data instanceof Part ? { data: data.data, total: data.total } : { data }) };
  } catch (error) {
    if (error instanceof LostNode) {
      await sleep(world.estate.lostDelay ?? 40);
      return { status: 595, reason: "No route to host", body: "" };
    }
    if (error instanceof Refusal)
      return [595, 596].includes(error.status) ? { status: error.status, reason: error.message, body: "" } : refusal(error);
    throw error;
  }
}

/** In the order of Proxmox: permission, then the node, then the parameters. */
async function run(request: SandboxCall, { template, definition, path }: FoundMethod, call: Call, { cluster, routes }: World): Promise<unknown> {
  const route = routes[`${request.method} ${template}`];
  if (definition.token === false)
    throw new Refusal(403, `Permission check failed (URI '${template}' not available with API token, need proper ticket.\n)`);
  requireGrant(call.token, route?.needs?.(call));
  const node = definition.proxyto === undefined ? undefined : path[definition.proxyto];
  if (node !== undefined && !cluster.node(node))
    throw new Refusal(500, `hostname lookup '${node}' failed - failed to get address info for: ${node}: Temporary failure in name resolution`);
  if (node !== undefined && cluster.offline.has(node)) throw new LostNode();
  const { "sandbox-size": _, ...parameters } = call.parameters;
  const faults = checkParameters(definition, parameters);
  if (faults.length > 0)
    throw new Refusal(400, "Parameter verification failed.", Object.fromEntries(faults.map(({ parameter, message }) => [parameter, message])));
  if (!route) throw new Refusal(500, `sandbox: no state for ${request.method} ${template}`);
  return route.run(call);
}

class LostNode extends Error {}

function requireGrant(token: TokenSpec, needs: readonly [path: string, privileges: string] | undefined): void {
  if (needs && !allowed(token, ...needs)) throw new Refusal(403, `Permission check failed (${needs[0]}, ${needs[1]})`);
}

const MOST_BYTES = 512 * 1024;

/** What the HTTP server of Proxmox refuses before it looks at the method. These answers are plain text. */
function transportFault({ method, headers, body }: SandboxCall): SandboxReply | undefined {
  if (headers["transfer-encoding"] === "chunked") return refusedAsText(501, "chunked transfer encoding not supported");
  const isUpload = String(headers["content-type"] ?? "").startsWith("multipart/form-data");
  if (isUpload) return undefined;
  if (body.length > MOST_BYTES) return refusedAsText(501, "for data too large");
  if (body.length > 0 && (method === "DELETE" || method === "GET")) return refusedAsText(501, `Unexpected content for method '${method}'`);
  const type = String(headers["content-type"] ?? "application/x-www-form-urlencoded").split(";")[0];
  if (body.length > 0 && type !== "application/json" && type !== "application/x-www-form-urlencoded")
    return refusedAsText(506, `upload 'Content-Type '${type}' not implemented`);
  return undefined;
}

function received({ query, headers, body, json }: SandboxCall): Record<string, unknown> {
  const given: Record<string, unknown> = Object.fromEntries(query);
  if (body.length === 0) return given;
  const type = String(headers["content-type"]);
  if (type.startsWith("multipart/form-data")) return { ...given, ...formOf(type, body) };
  if (!String(headers["content-type"]).startsWith("application/json"))
    return { ...given, ...Object.fromEntries(new URLSearchParams(Buffer.from(body).toString("utf8"))) };
  try {
    return { ...given, ...json() };
  } catch {
    throw new Refusal(500, "malformed JSON string");
  }
}

const refusedAsText = (status: number, message: string): SandboxReply => ({ status, reason: message, body: message });

/** The message ends in a line break, except where the method itself is unknown. */
function refusal({ status, message, errors }: Refusal, end = "\n"): SandboxReply {
  return {
    status,
    reason: message.split("\n")[0] ?? "",
    headers: JSON_TYPE,
    body: JSON.stringify({ message: `${message}${end}`, data: null, ...(errors ? { errors } : {}) }),
  };
}
