import type { CallContext } from "../call/context.js";
import type { Invoker, Item } from "../call/invoke.js";
import type { ConnectionEntry } from "../connections.js";
import type { Kind } from "../declare/kind.js";
import { ownersIn } from "../derive/owners.js";
import { plural, spaced } from "../derive/words.js";
import { type ErrorReport, ProxMcpError, toProxMcpError } from "../errors.js";
import { globMatches } from "./candidates.js";

/** Workloads that a connection has already, as far as affinity looks at them. */
export interface Neighbours {
  /** Those that one of the terms means, by name, id or tag, with the place they are on. */
  readonly found: readonly { readonly term: string; readonly name: string; readonly place?: string }[];
  /** Nothing could be listed. */
  readonly error?: ErrorReport;
}

/** Looks for the workloads that affinity and anti-affinity name, in every kind that workloads are created in. */
export async function neighboursOn(
  entry: ConnectionEntry,
  terms: readonly string[],
  { invoker, context, lists }: { readonly invoker: Invoker; readonly context: CallContext; readonly lists: (kind: Kind) => boolean },
): Promise<Neighbours> {
  const kinds = entry.provider.kinds.filter(
    (kind) => kind.list && ownersIn(kind).length === 0 && Object.values(kind.actions ?? {}).some((action) => action.workload !== undefined),
  );
  const hidden = kinds.find((kind) => !lists(kind));
  if (hidden) {
    const what = `${plural(spaced(hidden.name))} may not be listed on ${entry.name}`;
    return { found: [], error: new ProxMcpError("TOOL_DENIED", `${what}, so what is there cannot be known.`, { connection: entry.name }).report() };
  }
  try {
    const listings = await Promise.all(
      kinds.map(async (kind) => ({ kind, ...(await invoker.list({ kind }, entry, {}, {}, { ...context, notes: [] })) })),
    );
    const found = listings.flatMap(({ kind, items }) =>
      items.flatMap((item) => {
        const names = namesOf(item, [kind.key, ...(kind.alsoBy ?? [])]);
        const place = item["node"];
        return terms
          .filter((term) => names.some((name) => globMatches(term, name)))
          .map((term) => ({ term, name: String(item["name"] ?? item[kind.key]), ...(typeof place === "string" ? { place } : {}) }));
      }),
    );
    // A part that could not be listed is a place that is down, and nothing is put there anyway.
    return { found };
  } catch (error) {
    if (context.signal.aborted) throw error;
    return { found: [], error: toProxMcpError(error).on(entry.name).report() };
  }
}

/** What an item answers to: its key, its name, its tags (a list, or `key=value` and the keys of a record). */
function namesOf(item: Item, keys: readonly string[]): readonly string[] {
  const texts = [...keys, "name"].map((key) => item[key]).filter((value) => typeof value === "string" || typeof value === "number");
  const tags = [item["tags"], item["labels"]].flatMap((value) => {
    if (Array.isArray(value)) return value.map(String);
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) => [key, `${key}=${String(inner)}`]);
  });
  return [...texts.map(String), ...tags];
}
