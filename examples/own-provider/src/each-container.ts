import { type ErrorReport, isProxMcpError, type Listing, type Where } from "proxmcp/plugin";
import type { ContainariumClient } from "./client.ts";
import type { WireContainer } from "./wire.ts";

const AT_ONCE = 8;

interface Wanted<Item> {
  readonly client: ContainariumClient;
  readonly signal: AbortSignal;
  /** The user, if only one's container is meant. */
  readonly username: string | undefined;
  read(username: string): Promise<readonly Item[]>;
}

/** What each container has of something that the API lists for one container only. Those that fail are told beside the others. */
export async function ofEachContainer<Item>({ client, signal, username, read }: Wanted<Item>): Promise<Listing<Item>> {
  if (username !== undefined) return { items: await read(username) };
  const { containers = [] } = await client.get<{ containers?: readonly WireContainer[] }>("/v1/containers", { doing: "list containers", signal });
  const waiting = containers.map((one) => one.username);
  const items: Item[] = [];
  const errors: (ErrorReport & { readonly source: string })[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        items.push(...(await read(next)));
      } catch (error) {
        // Nobody has what the server doesn't have at all.
        if (!isProxMcpError(error) || error.code === "UNSUPPORTED") throw error;
        errors.push({ ...error.report(), source: next });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { items, errors };
}

/** The name that a filter asks for, if it is one name written out. */
export function nameIn(where: Where, field: string): string | undefined {
  const name = where[field];
  return typeof name === "string" && /^[a-z0-9_-]+$/.test(name) ? name : undefined;
}
