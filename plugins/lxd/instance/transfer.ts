/**
 * An instance from one host to another, by the migration of the API. The hosts talk to each other where one can reach the other; where
 * neither can, all goes through here.
 * @module
 */
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { isProxMcpError, type Progress, ProxMcpError } from "proxmcp/plugin";
import type { Ask, LxdClient } from "../client.js";
import { taskFailed } from "../errors.js";
import { remask } from "../frames.js";
import type { Operation } from "../wire.js";
import { pathOf } from "./power.js";

export const ROADS = ["pull", "push", "relay"] as const;
export type Road = (typeof ROADS)[number];

export interface Transfer {
  readonly from: LxdClient;
  readonly to: LxdClient;
  /** Cluster member on the far side. */
  readonly node: string | undefined;
  /** `/1.0/instances/web`, or one of its snapshots. */
  readonly path: string;
  /** The body of `POST /1.0/instances` on the far side, without its source. */
  readonly spec: { readonly name: string; readonly config: Readonly<Record<string, string>> };
  readonly instanceOnly: boolean;
  readonly live: boolean;
  readonly road: Road | "auto";
  readonly doing: string;
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/** Carries it over and says by which road: `pull`, the far side fetches it; `push`, this side sends it; `relay`, through here. */
export async function transfer(job: Transfer): Promise<Road> {
  const roads = job.road === "auto" ? ROADS : [job.road];
  const tried: string[] = [];
  for (const road of roads) {
    const failure = await attempt(job, road);
    if (failure === undefined) return road;
    tried.push(`${road}: ${failure.message}`);
    // Another road helps only where this one led nowhere.
    if (road === roads.at(-1) || !isClosed(failure)) {
      const { message, code, details } = failure;
      throw new ProxMcpError(code, message, { ...details, tried: roads.length > 1 ? tried : [...(details.tried ?? [])] });
    }
  }
  throw new ProxMcpError("INTERNAL", `Unable to ${job.doing}: there is no road.`);
}

async function attempt(job: Transfer, road: Road): Promise<ProxMcpError | undefined> {
  try {
    if (road === "relay") await relay(job);
    else if (road === "pull") await pull(job, await addressOf(job.from, job));
    else await push(job, await addressOf(job.to, job));
    return undefined;
  } catch (error) {
    if (job.signal.aborted || !isProxMcpError(error)) throw error;
    return error;
  }
}

const isClosed = ({ code, message }: ProxMcpError): boolean =>
  code === "UNSUPPORTED" ||
  /dial|connect|refused|unreachable|no route|timed? ?out|no such host|bad handshake|certificate|x509|network is|broken pipe/i.test(message);

interface Address {
  readonly url: string;
  readonly certificate: string | undefined;
}

/** Where the other server finds this one: as we do, or where it listens by its own word. */
export async function addressOf(client: LxdClient, { signal, doing }: Pick<Transfer, "signal" | "doing">): Promise<Address> {
  const { environment } = await client.server(signal);
  const [listening] = (environment?.addresses ?? []).toSorted((one, other) => Number(isLocal(one)) - Number(isLocal(other)));
  const url = client.connection.options.url ?? (listening ? `https://${listening}` : undefined);
  if (!url) {
    throw new ProxMcpError("UNSUPPORTED", `Unable to ${doing}: ${client.connection.name} does not listen on the network`, {
      next: "Set `core.https_address` there, or let it go by the road `relay`.",
    });
  }
  return { url: url.replace(/\/+$/, ""), certificate: environment?.certificate };
}

const isLocal = (address: string): boolean => /^(127\.|\[?::1\]?|localhost)/.test(address);

const askOf = ({ doing, signal }: Transfer): Ask => ({ doing, signal });
const operationUrl = ({ url }: Address, { id }: Operation): string => `${url}/1.0/operations/${encodeURIComponent(id)}`;
const base = ({ config }: Transfer["spec"]): Record<string, string> => {
  const image = config["volatile.base_image"];
  return image ? { "base-image": image } : {};
};
const secretsOf = ({ metadata }: Operation): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === "string"));

/** Makes the source ready to be fetched: its operation waits until somebody connects. */
async function offer(job: Transfer, target?: object): Promise<Operation> {
  const { from, path, spec, live, instanceOnly } = job;
  const body = { name: spec.name, migration: true, live, instance_only: instanceOnly, container_only: instanceOnly, ...(target ? { target } : {}) };
  return begun(await from.begin("POST", path, body, askOf(job)), `POST ${path}`, job.doing);
}

async function accept(job: Transfer, source: object): Promise<Operation> {
  const { to, spec, live, instanceOnly } = job;
  const common = { type: "migration", live, instance_only: instanceOnly, container_only: instanceOnly, ...base(spec) };
  const body = { ...spec, source: { ...common, ...source } };
  return begun(await to.begin("POST", "/1.0/instances", body, { ...askOf(job), query: { target: job.node } }), "POST /1.0/instances", job.doing);
}

function begun(operation: Operation | undefined, request: string, doing: string): Operation {
  if (operation) return operation;
  throw new ProxMcpError("INVALID_OUTPUT", `Unable to ${doing}: ${request} answered without an operation`);
}

async function pull(job: Transfer, address: Address): Promise<void> {
  const source = await offer(job);
  const websockets = { operation: operationUrl(address, source), certificate: address.certificate, secrets: secretsOf(source) };
  try {
    await finish(job, job.to, await accept(job, { mode: "pull", ...websockets }));
  } catch (error) {
    // Nobody will come for it any more.
    await withdraw(job.from, source);
    throw error;
  }
}

async function push(job: Transfer, address: Address): Promise<void> {
  const target = await accept(job, { mode: "push" });
  const websockets = { operation: operationUrl(address, target), certificate: address.certificate, secrets: secretsOf(target) };
  let source: Operation;
  try {
    source = await offer(job, websockets);
    await finish(job, job.from, source);
  } catch (error) {
    await withdraw(job.to, target);
    throw error;
  }
  await finish(job, job.to, target);
}

/** Both servers are spoken to from here, and what one says is passed on to the other. */
async function relay(job: Transfer): Promise<void> {
  const target = await accept(job, { mode: "push" });
  const streams: Duplex[] = [];
  try {
    const source = await offer(job);
    const [ours, theirs] = [secretsOf(source), secretsOf(target)];
    for (const name of Object.keys(theirs).filter((one) => ours[one] !== undefined)) {
      const near = await job.from.wire(source.id, ours[name] as string, askOf(job));
      streams.push(near);
      const far = await job.to.wire(target.id, theirs[name] as string, askOf(job));
      streams.push(far);
      // One side closing is how a migration ends; what went wrong is told by the operations.
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const)
        pipeline(one, remask(), other).catch(() => {});
    }
    await Promise.all([finish(job, job.to, target), finish(job, job.from, source)]);
  } catch (error) {
    await withdraw(job.to, target);
    throw error;
  } finally {
    for (const stream of streams) stream.destroy();
  }
}

async function finish({ doing, signal, progress }: Transfer, client: LxdClient, operation: Operation): Promise<void> {
  const request = `operation ${operation.description} on ${client.connection.name}`;
  const ended = await client.wait(operation, request, { doing, signal, progress });
  if (ended.status_code !== 200) throw taskFailed(doing, request, ended);
}

/** The side that waits for a connection would do so for a while. Where it can't be told, it gives up by itself. */
async function withdraw(client: LxdClient, { id }: Operation): Promise<void> {
  const ask = { doing: "withdraw the migration", signal: AbortSignal.timeout(5_000) };
  await client.change("DELETE", `/1.0/operations/${encodeURIComponent(id)}`, undefined, ask).catch(() => {});
}

/** Whether a host has an instance of this name. */
export async function hasInstance(client: LxdClient, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    await client.get(pathOf(name), { doing: `look for instance "${name}"`, signal });
    return true;
  } catch (error) {
    if (isProxMcpError(error) && error.code === "NOT_FOUND") return false;
    throw error;
  }
}
