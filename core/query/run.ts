import type { ConnectionEntry } from "../connections.js";
import type { Field } from "../derive/fields.js";
import { toolName } from "../derive/tools.js";
import { gather } from "../call/gather.js";
import type { CallContext, Caller } from "../call/context.js";
import type { Invoker, Item, SourceError } from "../call/invoke.js";
import { nothingFrom } from "../call/dispatch.js";
import { pageOf } from "../call/page.js";
import { ProxMcpError } from "../errors.js";
import type { Signer } from "../services/signer.js";
import { aggregateRows, compareBy } from "./rows.js";
import type { Interpretation, Plan } from "./interpret.js";

export interface QueryServices {
  readonly invoker: Invoker;
  readonly signer: Signer;
  /** The connections of a provider on which this caller may list this kind. */
  readonly entries: (caller: Caller, provider: string, listTool: string) => readonly ConnectionEntry[];
  /** Seconds. */
  readonly timeout: number;
  /** Bytes. */
  readonly maxBytes: number;
}

/** A row of an answer: an item with where it comes from. */
export type Row = Item & { readonly provider: string; readonly connection: string; readonly kind: string };

export interface QueryAnswer {
  readonly items: readonly Item[];
  readonly total: number;
  readonly cursor?: string;
  readonly interpretation: Interpretation;
  readonly aggregate?: unknown;
  readonly ignored?: Interpretation["ignored"];
  readonly corrected?: Interpretation["corrected"];
  readonly errors?: readonly SourceError[];
}

const DEFAULT_LIMIT = 50;

/** Runs a query that was understood: all sources at once, then one order, one page or one number over all of them. */
export async function runQuery(
  { interpretation, targets }: Plan,
  { limit = DEFAULT_LIMIT, cursor }: { limit?: number | undefined; cursor?: string | undefined },
  services: QueryServices,
  context: CallContext,
): Promise<QueryAnswer> {
  const needs = [
    ...interpretation.order.map((order) => order.field),
    ...(interpretation.fields ?? []),
    interpretation.aggregate?.field,
    interpretation.aggregate?.by,
  ].filter((name) => name !== undefined);
  const asked = targets.map((target, at) => ({ ...target, tool: interpretation.kinds[at]?.tool ?? "" }));
  const results = await Promise.all(
    asked.map(async ({ view, where, tool }) => {
      const { provider, kind, parent } = view;
      // A query reaches no more than the tools do: what lists the parents has to be allowed too.
      const tools = [tool, ...(parent ? [toolName(provider.name, parent.kind.name, "list")] : [])];
      const [first = [], ...others] = tools.map((name) => services.entries(context.caller, provider.name, name));
      const entries = first
        .filter((entry) => others.every((allowed) => allowed.includes(entry)))
        .filter((entry) => !interpretation.connections || interpretation.connections.includes(entry.name));
      const operation = { kind, fields: [...view.fields.values()] };
      const { parts, errors } = await gather(
        operation,
        entries,
        { at: {}, parent, where, needs },
        { invoker: services.invoker, what: tool, seconds: services.timeout, context },
      );
      const rows = parts.flatMap(({ entry, items }) =>
        items.map((item): Row => ({ provider: provider.name, connection: entry.name, kind: kind.name, ...item })),
      );
      return { rows, errors, sources: entries.length, answered: parts.length };
    }),
  );
  const errors = onePerSource(results.flatMap((result) => result.errors));
  const sources = results.reduce((sum, result) => sum + result.sources, 0);
  if (sources === 0) throw new ProxMcpError("NO_CONNECTION", "No connection that may be asked has anything of that kind.");
  if (results.every((result) => result.answered === 0) && errors[0]) throw nothingFrom(sources, errors, errors[0]);
  let rows = results.flatMap((result) => result.rows);
  const fields = new Map<string, Field>(targets.flatMap(({ view }) => [...view.fields]));
  if (interpretation.order.length > 0) rows = rows.toSorted(compareBy(interpretation.order, fields));
  if (interpretation.limit !== undefined) rows = rows.slice(0, interpretation.limit);
  const told = {
    interpretation,
    ...(interpretation.ignored.length > 0 ? { ignored: interpretation.ignored } : {}),
    ...(interpretation.corrected.length > 0 ? { corrected: interpretation.corrected } : {}),
    ...(errors.length > 0 ? { errors } : {}),
  };
  if (interpretation.aggregate) return { items: [], total: rows.length, aggregate: aggregateRows(rows, interpretation.aggregate), ...told };
  const page = pageOf(rows, {
    limit,
    cursor,
    listing: [interpretation.kinds, interpretation.where, interpretation.order, interpretation.limit, interpretation.connections],
    maxBytes: services.maxBytes,
    identity: (row) =>
      JSON.stringify([
        row.provider,
        row.connection,
        row.kind,
        ...targets
          .filter(({ view }) => view.kind.name === row.kind)
          .map(({ view }) => [row[view.kind.key], ...Object.keys(view.kind.within ?? {}).map((name) => row[name])]),
      ]),
    signer: services.signer,
  });
  const chosen = interpretation.fields;
  const items = chosen ? page.items.map((row) => onlyFields(row, chosen, targets)) : page.items;
  return { items, total: page.total, ...(page.cursor ? { cursor: page.cursor } : {}), ...told };
}

/** The chosen fields, with what tells the rows apart. */
function onlyFields(row: Row, fields: readonly string[], targets: Plan["targets"]): Item {
  const view = targets.find((target) => target.view.kind.name === row.kind && target.view.provider.name === row.provider)?.view;
  const kept = new Set(["provider", "connection", "kind", view?.kind.key ?? "", "name", ...fields]);
  return Object.fromEntries(Object.entries(row).filter(([name]) => kept.has(name)));
}

/** A source that is down fails for every kind it was asked for; once is enough. */
function onePerSource(errors: readonly SourceError[]): readonly SourceError[] {
  const seen = new Set<string>();
  return errors.filter((error) => {
    const key = JSON.stringify([error.connection, error.source, error.code, error.message]);
    return !seen.has(key) && seen.add(key);
  });
}
