import { ProxMcpError } from "proxmcp/plugin";
import type { Ask, LxdClient } from "./client.js";
import type { Config } from "./wire.js";

interface Settings {
  readonly config: Config;
  readonly description?: string;
}

interface Change {
  /** Keys to set; "" removes one. */
  readonly config?: Config | undefined;
  readonly description?: string | undefined;
}

/**
 * Changes settings of a network, a pool or a volume. PATCH merges the keys, and forgets the description where none is sent. The ETag keeps
 * what others changed meanwhile from being lost.
 */
export async function patchSettings(client: LxdClient, path: string, { config = {}, description }: Change, ask: Ask): Promise<void> {
  if (!Object.keys(config).length && description === undefined)
    throw new ProxMcpError("INVALID_INPUT", `Unable to ${ask.doing}: nothing to change was given.`);
  const { metadata: wire, guard } = await readGuarded<Settings>(client, path, ask);
  await client.change("PATCH", path, { config, description: description ?? wire.description ?? "" }, { ...ask, headers: guard });
}

/** Reads what is to be changed, with the header that lets the change pass only while it is still so. */
export async function readGuarded<Metadata>(
  client: LxdClient,
  path: string,
  ask: Ask,
): Promise<{ readonly metadata: Metadata; readonly guard: Readonly<Record<string, string>> }> {
  const response = await client.send("GET", path, ask);
  const { metadata } = await response.json<{ metadata: Metadata }>();
  const { etag } = response.headers;
  return { metadata, guard: typeof etag === "string" ? { "if-match": etag } : {} };
}

/** Configuration keys and their values, without those that were not given. */
export const given = (keys: Readonly<Record<string, string | boolean | number | undefined>>): Config =>
  Object.fromEntries(Object.entries(keys).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])));
