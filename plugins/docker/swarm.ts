import { type CallArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import type { Ask, DockerClient } from "./client.js";

/** The API has had services since this version. */
const SINCE = "1.24";

type Call = Pick<CallArgs<DockerClient>, "client" | "signal" | "note">;

/**
 * Lists something of the swarm. An engine without a swarm has none of it, which is an answer and no failure: among several engines only
 * some are managers.
 */
export async function swarmList<T>({ client, signal, note }: Call, what: string, path: string, query: Ask["query"] = {}): Promise<T[]> {
  try {
    return await client.json<T[]>({ what: `list ${what}`, path, query, since: SINCE, signal });
  } catch (error) {
    const why = outside(error);
    if (!why) throw error;
    note(why);
    return [];
  }
}

/** Shows one thing of the swarm. Ids may be shortened here: what is found has to be what was named. */
export async function swarmItem<T extends { readonly ID: string }>(
  { client, signal }: Pick<Call, "client" | "signal">,
  kind: "node" | "service" | "task",
  key: string,
  isNamed: (found: T) => boolean = () => false,
): Promise<T> {
  const missing = (why?: string): ProxMcpError => new ProxMcpError("NOT_FOUND", `There is no ${kind} "${key}"${why ? `: ${why}` : "."}`);
  if (!/^[\w.-]+$/.test(key)) throw missing();
  try {
    const found = await client.json<T>({ what: `show ${kind} "${key}"`, path: `/${kind}s/${encodeURIComponent(key)}`, since: SINCE, signal });
    if (found.ID.startsWith(key) ? key.length < SHORTEST_ID && !isNamed(found) : !isNamed(found)) throw missing();
    return found;
  } catch (error) {
    const why = outside(error);
    throw why ? missing(why) : error;
  }
}

const SHORTEST_ID = 12;

/** Why an engine can't say anything about a swarm, if that is what the error means. */
function outside(error: unknown): string | undefined {
  if (!isProxMcpError(error) || !/not a swarm manager/i.test(error.message)) return undefined;
  return /worker nodes/i.test(error.message)
    ? "This engine is a worker of a swarm: only its managers can tell."
    : "This engine is not part of a swarm.";
}

/** Changes a service or a node: reads it, changes its settings, writes them back with the version that was read. */
export async function swarmUpdate<T extends { readonly ID: string; readonly Version: { readonly Index: number }; readonly Spec: object }>(
  { client, signal }: Pick<Call, "client" | "signal">,
  kind: "node" | "service",
  found: T,
  spec: object,
  headers: Ask["headers"] = {},
): Promise<readonly string[]> {
  const response = await client.send({
    what: `update ${kind}`,
    method: "POST",
    path: `/${kind}s/${encodeURIComponent(found.ID)}/update`,
    query: { version: found.Version.Index },
    headers,
    json: spec,
    signal,
  });
  return (await response.json<{ Warnings?: string[] | null } | undefined>())?.Warnings ?? [];
}
