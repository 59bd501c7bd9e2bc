import { isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import type { Ask, LxdClient } from "../client.js";
import { isAway } from "./away.js";
import { patchSettings } from "../settings.js";
import type { Config, WireMember } from "../wire.js";

/** What is made on every member of a cluster: a storage pool, a network. */
export interface Spread {
  /** `/1.0/networks`. */
  readonly collection: string;
  readonly name: string;
  /** What goes along besides name and configuration: `{ type: "bridge" }`. */
  readonly kind: Readonly<Record<string, string>>;
  readonly description?: string | undefined;
  readonly config: Config;
  /** Keys that each member has for itself, as the disk behind a pool. */
  readonly own: readonly string[];
  /** Values of such keys for single members. */
  readonly members?: Readonly<Record<string, Config>> | undefined;
  /** No member has anything for itself: the server makes it on all of them at once. */
  readonly whole?: boolean;
}

/** Milliseconds for taking back what was begun. */
const CLEANUP = 30_000;

/**
 * Creates it. A cluster wants it named on each member first, with what that member has for itself, and then once for all. What an earlier
 * attempt left pending is gone on with; what this one began and could not end is taken back.
 */
export async function createSpread(client: LxdClient, spread: Spread, ask: Ask): Promise<void> {
  const { collection, name, kind, config, description } = spread;
  const create = async (of: Config, target?: string) =>
    await client.change(
      "POST",
      collection,
      { name, ...kind, ...(description && !target ? { description } : {}), config: of },
      { ...ask, query: { target } },
    );
  const { environment } = await client.server(ask.signal);
  const clustered = environment?.server_clustered ?? false;
  if (spread.members && (!clustered || spread.whole)) {
    const why = clustered ? "its members have nothing for themselves here" : "the server stands alone";
    throw new ProxMcpError("INVALID_INPUT", `Unable to ${ask.doing}: ${why}, so \`member_config\` has no place.`);
  }
  if (!clustered || spread.whole) return void (await create(config));

  const cluster = await client.get<readonly WireMember[]>("/1.0/cluster/members", { ...ask, query: { recursion: 1 } });
  const members = cluster.map(({ server_name: one }) => one);
  // The server would fail at the last step, and then could not take anything back either.
  const away = cluster.filter(isAway).map(({ server_name: one }) => one);
  if (away.length) {
    throw new ProxMcpError("WRONG_STATE", `Unable to ${ask.doing}: it is made on all members of the cluster, and ${away.join(", ")} is offline`, {
      tried: ["GET /1.0/cluster/members"],
      next: "Bring the member back, or take it out of the cluster.",
    });
  }
  const stranger = Object.keys(spread.members ?? {}).find((one) => !members.includes(one));
  if (stranger !== undefined) throw new ProxMcpError("NOT_FOUND", `There is no member "${stranger}". There is: ${members.join(", ")}.`);
  const path = `${collection}/${encodeURIComponent(name)}`;
  const begun = await pending(client, path, ask);
  const own = pick(config, (key) => spread.own.includes(key));
  try {
    for (const member of members.filter((one) => !begun?.includes(one))) await create({ ...own, ...spread.members?.[member] }, member);
    await create(pick(config, (key) => !spread.own.includes(key)));
    // Of networks, LXD drops it on the way.
    if (description) await describe(client, path, description, ask);
  } catch (error) {
    throw begun ? error : await takenBack(client, path, ask, error);
  }
}

async function describe(client: LxdClient, path: string, description: string, ask: Ask): Promise<void> {
  const made = await client.get<{ readonly description?: string }>(path, ask);
  if (made.description !== description) await patchSettings(client, path, { description }, ask);
}

/** The members on which an attempt before named it. Undefined: nobody named it. Throws when it is there already. */
async function pending(client: LxdClient, path: string, ask: Ask): Promise<readonly string[] | undefined> {
  try {
    const { status, locations } = await client.get<{ readonly status?: string; readonly locations?: readonly string[] | null }>(path, ask);
    if (/^(pending|errored)$/i.test(status ?? "")) return locations ?? [];
    throw new ProxMcpError("ALREADY_EXISTS", `Unable to ${ask.doing}: there is one of this name, ${status?.toLowerCase()}`, {
      tried: [`GET ${path}`],
    });
  } catch (error) {
    if (isProxMcpError(error) && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

/** Removes what was begun, and returns the error that ended it. Where that fails too, the error says what is left. */
async function takenBack(client: LxdClient, path: string, ask: Ask, error: unknown): Promise<unknown> {
  try {
    await client.change("DELETE", path, undefined, { doing: "take back what was begun", signal: AbortSignal.timeout(CLEANUP) });
    return error;
  } catch (left) {
    if (!isProxMcpError(error) || (isProxMcpError(left) && left.code === "NOT_FOUND")) return error;
    return new ProxMcpError(error.code, error.message, {
      ...error.details,
      next: `What was begun is left behind: delete it, or try again. ${error.details.next ?? ""}`.trim(),
    });
  }
}

const pick = (config: Config, wanted: (key: string) => boolean): Config => Object.fromEntries(Object.entries(config).filter(([key]) => wanted(key)));
