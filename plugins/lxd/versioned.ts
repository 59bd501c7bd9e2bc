import type { Ask, LxdClient } from "./client.js";

/**
 * Reads something that is to be changed, with the ask of that change: its ETag has the server refuse what would overwrite changes that
 * others made meanwhile. The command over SSH tells no ETag; there the last change wins.
 */
export async function versioned<Wire>(client: LxdClient, path: string, ask: Ask): Promise<{ readonly wire: Wire; readonly guarded: Ask }> {
  const response = await client.send("GET", path, ask);
  const { metadata: wire } = await response.json<{ metadata: Wire }>();
  const { etag } = response.headers;
  return { wire, guarded: { ...ask, ...(typeof etag === "string" ? { headers: { "if-match": etag } } : {}) } };
}
