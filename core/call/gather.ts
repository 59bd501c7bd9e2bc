import type { Where } from "../declare/action.js";
import type { ConnectionEntry } from "../connections.js";
import { fieldsIn } from "../derive/filter.js";
import { hintOf } from "../derive/hint.js";
import { matcher } from "../derive/match.js";
import type { Operation } from "../derive/tools.js";
import { toProxMcpError } from "../errors.js";
import type { CallContext } from "./context.js";
import { withDeadline } from "./deadline.js";
import { type Invoker, isNotFound, type Item, type SourceError } from "./invoke.js";
import { inOrder } from "./page.js";
import { listWithin, type Parent } from "./parents.js";

export interface Wanted {
  readonly at: Readonly<Record<string, unknown>>;
  /** Where the kind is listed within something that `at` does not say: what to list it within, one after the other. */
  readonly parent?: Parent | undefined;
  readonly where: Where;
  /** Fields that the answer needs beside those of the filter. Details among them are fetched for each item. */
  readonly needs?: readonly string[];
}

export interface Gathered {
  /** The matching rows of each source that answered. */
  readonly parts: readonly { readonly entry: ConnectionEntry; readonly items: readonly Item[] }[];
  /** Why sources, or parts of them, are missing. In the order of the connections, not of their answers. */
  readonly errors: readonly SourceError[];
}

/** Lists a kind on several connections at once. Each has its own deadline; one that fails is an error beside the others' rows. */
export async function gather(
  operation: Pick<Operation, "kind" | "fields">,
  entries: readonly ConnectionEntry[],
  wanted: Wanted,
  { invoker, what, seconds, context }: { invoker: Invoker; what: string; seconds: number; context: CallContext },
): Promise<Gathered> {
  const { kind, fields } = operation;
  const matches = matcher(fields, wanted.where);
  const used = new Set([...fieldsIn(wanted.where), ...(wanted.needs ?? [])]);
  const needs = fields.filter((field) => field.facet.onDemand && used.has(field.name)).map((field) => field.name);
  const details = new Set(kind.get ? fields.filter((field) => field.facet.detail && used.has(field.name)).map((field) => field.name) : []);
  const results = await Promise.all(
    entries.map(async (entry) => {
      const errors: SourceError[] = [];
      try {
        const items = await withDeadline(seconds, what, context.signal, async (signal) => {
          const inner = { ...context, signal };
          const hint = hintOf(fields, wanted.where);
          const listing = wanted.parent
            ? await listWithin(operation, wanted.parent, entry, { where: wanted.where, hint, needs }, invoker, inner)
            : await invoker.list(operation, entry, wanted.at, hint, inner, needs);
          errors.push(...listing.errors);
          return details.size > 0 ? await withDetails(operation, entry, listing.items, wanted.where, details, invoker, inner, errors) : listing.items;
        });
        const ordered = kind.order === "platform" ? items : inOrder(items, [...Object.keys(kind.within ?? {}), kind.key]);
        return { part: { entry, items: ordered.filter(matches) }, errors };
      } catch (error) {
        if (context.signal.aborted) throw error;
        return { errors: [...errors, toProxMcpError(error).on(entry.name).report()] };
      }
    }),
  );
  return { parts: results.flatMap(({ part }) => part ?? []), errors: results.flatMap(({ errors }) => errors) };
}

/** Asks `get` for each item that the rest of the filter leaves. The connection bounds how many run at once. */
async function withDetails(
  operation: Pick<Operation, "kind" | "fields">,
  entry: ConnectionEntry,
  items: readonly Item[],
  where: Where,
  details: ReadonlySet<string>,
  invoker: Invoker,
  context: CallContext,
  errors: SourceError[],
): Promise<readonly Item[]> {
  const { kind, fields } = operation;
  const cheap = Object.fromEntries(
    Object.entries(where).filter(([name, condition]) => ![...fieldsIn({ [name]: condition })].some((field) => details.has(field))),
  );
  const candidates = items.filter(matcher(fields, cheap));
  const full = await Promise.all(
    candidates.map(async (item) => {
      const at = Object.fromEntries(Object.keys(kind.within ?? {}).map((name) => [name, item[name]]));
      try {
        return { ...(await invoker.get(operation, entry, String(item[kind.key]), at, { ...context, notes: [] })), ...item };
      } catch (error) {
        if (context.signal.aborted) throw error;
        // It went away meanwhile: then it is not in the list either.
        if (!isNotFound(error)) errors.push({ ...toProxMcpError(error).on(entry.name).report(), source: String(item[kind.key]) });
        return undefined;
      }
    }),
  );
  return full.filter((item) => item !== undefined);
}
