import type { Where } from "../declare/action.js";
import { ProxMcpError } from "../errors.js";
import { toolName } from "../derive/tools.js";
import { plural, spaced } from "../derive/words.js";
import { allOf, anyOf, conjunction, filterFor, meaninglessIn, type Node, sayNode } from "./claim.js";
import type { Segment } from "./combine.js";
import type { KindView, Lexicon } from "./lexicon.js";
import { parseQuery, type Parsed } from "./parse.js";
import type { AggregateOp, Ambiguity, NounMeaning, Order, OrderBy, Reading } from "./reading.js";
import { wordsLike, type Correction } from "./spell.js";

export interface InterpretedKind {
  readonly provider: string;
  readonly kind: string;
  /** The list tool that takes the filter. */
  readonly tool: string;
  /** The filter of this kind, where the kinds' filters differ. */
  readonly where?: Where;
}

export interface InterpretedOrder {
  readonly field: string;
  readonly direction: "asc" | "desc";
  /** The field is taken as a share `of` this one, or what is left of it `minus` this one. */
  readonly minus?: string;
}

export interface InterpretedAggregate {
  readonly op: AggregateOp;
  readonly field?: string;
  /** What is left: the field minus this one. */
  readonly minus?: string;
  /** A field, `provider` or `connection`. */
  readonly by?: string;
}

/** How a query was understood. `where` is valid input of the list tools. */
export interface Interpretation {
  readonly kinds: readonly InterpretedKind[];
  /** The filter, where it is the same for all kinds. */
  readonly where?: Where;
  readonly order: readonly InterpretedOrder[];
  readonly limit?: number;
  readonly fields?: readonly string[];
  readonly aggregate?: InterpretedAggregate;
  /** The connections that are asked, when the query names any. */
  readonly connections?: readonly string[];
  readonly sentence: string;
  /** Words with several meanings, and which was taken. */
  readonly ambiguous?: readonly Ambiguity[];
  /** Kinds that the nouns name but that can't be asked this, and what they lack. */
  readonly left_out?: readonly string[];
  readonly ignored: readonly { readonly word: string; readonly near: readonly string[] }[];
  readonly corrected: readonly Correction[];
}

/** An interpretation with the filter of each kind spelled out. */
export interface Plan {
  readonly interpretation: Interpretation;
  readonly targets: readonly { readonly view: KindView; readonly where: Where }[];
}

/** Reads a query and settles what each kind makes of it. */
export function planQuery(text: string, lexicon: Lexicon, now: number): Plan {
  const parsed = parseQuery(text, lexicon, now);
  const { reading } = parsed;
  const connections = sourcesOf(reading, lexicon);
  const { targets: asked, leftOut } = targetsOf(parsed, lexicon, connections);
  const targets = withoutPlaces(asked, parsed);
  const same = new Set(targets.map(({ where }) => JSON.stringify(where))).size === 1;
  const [first] = targets;
  const fields = [
    ...new Set(
      reading.fields.flatMap((entries) => entries.filter((entry) => targets.some(({ view }) => view.id === entry.kind)).map((entry) => entry.field)),
    ),
  ];
  const order = ordersOf(
    reading,
    targets.map(({ view }) => view),
  );
  const aggregate = aggregateOf(
    reading,
    targets.map(({ view }) => view),
  );
  const interpretation: Interpretation = {
    kinds: targets.map(({ view, where }) => ({
      provider: view.provider.name,
      kind: view.kind.name,
      tool: toolName(view.provider.name, view.kind.name, "list"),
      ...(same ? {} : { where }),
    })),
    ...(same && first ? { where: first.where } : {}),
    order,
    ...(reading.limit === undefined ? {} : { limit: reading.limit }),
    ...(fields.length > 0 ? { fields } : {}),
    ...(aggregate ? { aggregate } : {}),
    ...(connections ? { connections } : {}),
    sentence: sentenceOf(
      parsed,
      targets.map(({ view }) => view),
      order,
      aggregate,
      fields,
    ),
    ...(reading.ambiguities.length > 0 ? { ambiguous: reading.ambiguities } : {}),
    ...(leftOut.length > 0 ? { left_out: leftOut } : {}),
    ignored: reading.ignored.map((word) => ({ word, near: wordsLike(word.toLowerCase(), lexicon) })),
    corrected: parsed.corrected,
  };
  return { interpretation, targets };
}

/** Of "total memory per cluster" the nodes are no part beside what runs on them: it would be counted twice. */
function withoutPlaces<Target extends { readonly view: KindView }>(targets: readonly Target[], { reading, segments }: Parsed): readonly Target[] {
  if (!reading.aggregate?.fields.length || segments.some((segment) => segment.nouns.length > 0)) return targets;
  const isPlace = ({ view }: Target): boolean =>
    targets.some(
      (other) => other.view !== view && other.view.provider === view.provider && other.view.fields.get(view.kind.name)?.facet.place === true,
    );
  return targets.filter((target) => !isPlace(target));
}

/** The named connections: each set narrows the one before; undefined when none was named. */
function sourcesOf({ connections, excludedConnections }: Reading, lexicon: Lexicon): readonly string[] | undefined {
  if (connections.length === 0 && excludedConnections.length === 0) return undefined;
  return lexicon.connections
    .map(({ name }) => name)
    .filter((name) => connections.every((named) => named.includes(name)) && !excludedConnections.includes(name))
    .toSorted();
}

function targetsOf(
  { segments, reading }: Parsed,
  lexicon: Lexicon,
  connections: readonly string[] | undefined,
): { targets: { view: KindView; where: Where }[]; leftOut: string[] } {
  const wheres = new Map<string, Where[]>();
  const lacking = new Map<string, string>();
  const reachable = connections && new Set(lexicon.connections.filter(({ name }) => connections.includes(name)).map(({ provider }) => provider));
  const views = segments.map((segment) =>
    candidatesOf(segment, lexicon, reading).filter(
      ({ provider: { name } }) => (!reachable || reachable.has(name)) && (segment.providers.length === 0 || segment.providers.includes(name)),
    ),
  );
  const askable = new Set(segments.flatMap(({ shared }) => shared).filter((node) => views.flat().some((view) => "where" in filterFor(node, view))));
  const meaningless = new Set(segments.flatMap(({ node, shared }) => [node, ...shared].flatMap((one) => meaninglessIn(one, views.flat()))));
  for (const [at, segment] of segments.entries()) {
    for (const view of views[at] ?? []) {
      const filter = filterOf(segment, view, askable, meaningless);
      if ("lacks" in filter) lacking.set(view.id, filter.lacks);
      else wheres.set(view.id, [...(wheres.get(view.id) ?? []), allOf([nounFilter(segment.nouns, view), filter.where])]);
    }
  }
  const targets = [...wheres].map(([id, parts]) => ({ view: lexicon.kinds.get(id) as KindView, where: anyOf(parts) }));
  const named = segments.some((segment) => segment.nouns.length > 0);
  const leftOut = [...lacking]
    .filter(([id]) => !wheres.has(id))
    .map(([id, claim]) => `${titleOf(lexicon.kinds.get(id) as KindView)} can't be asked whether ${claim}`);
  if (targets.length === 0) throw nobodyToAsk(leftOut, connections);
  return { targets, leftOut: named ? leftOut : [] };
}

/** In "untagged images and containers that are running" only the containers can be running, and only the images untagged. */
function filterOf(
  { node, shared }: Segment,
  view: KindView,
  askable: ReadonlySet<Node>,
  meaningless: ReadonlySet<Node>,
): ReturnType<typeof filterFor> {
  const said = [...(node ? [node] : []), ...shared.filter((one) => !askable.has(one) || "where" in filterFor(one, view))];
  return said.length > 0 ? filterFor(conjunction(said), view, meaningless) : { where: {} };
}

/** A kind whose list needs to be told a parent is left out when nobody knows what the parents are. */
function candidatesOf({ nouns, node }: Segment, lexicon: Lexicon, reading: Reading): readonly KindView[] {
  const listable = (view: KindView): boolean => view.parent !== undefined || !view.kind.listRequires?.length;
  if (nouns.length > 0) return [...new Set(nouns.map((noun) => noun.kind))].map((id) => lexicon.kinds.get(id) as KindView).filter(listable);
  const all = [...lexicon.kinds.values()].filter(listable);
  // Of a query that only orders or names a place, the things that live there are meant: those that have a state.
  const ordered = new Set(reading.orders.flatMap((order) => ("fields" in order.by ? order.by.fields.map((entry) => entry.kind) : [])));
  const chosen = new Set([...reading.fields.flat(), ...(reading.aggregate?.fields ?? [])].map((entry) => entry.kind));
  const asked = all.filter((view) => (chosen.size === 0 || chosen.has(view.id)) && (ordered.size === 0 || ordered.has(view.id)));
  if (!node && chosen.size === 0) return asked.filter((view) => view.fields.has("status") && isEveryday(view));
  // Without a noun the everyday kinds are meant, as far as one of them can be asked this.
  const everyday = asked.filter(isEveryday);
  return everyday.some((view) => !node || "where" in filterFor(node, view)) ? everyday : asked;
}

const isEveryday = ({ kind }: KindView): boolean => kind.everyday?.includes("list") ?? false;

/** "containers" can mean the instances of one type. */
function nounFilter(nouns: readonly NounMeaning[], view: KindView): Where {
  const mine = nouns.filter((noun) => noun.kind === view.id);
  if (mine.length === 0 || mine.some((noun) => noun.field === undefined)) return {};
  return anyOf(mine.map((noun) => ({ [noun.field as string]: [noun.value] })));
}

const titleOf = ({ provider, kind }: KindView): string => `${provider.title} ${plural(spaced(kind.name))}`;

function nobodyToAsk(leftOut: readonly string[], connections: readonly string[] | undefined): ProxMcpError {
  const where = connections ? ` on ${connections.join(", ") || "no connection"}` : "";
  return new ProxMcpError(
    "INVALID_INPUT",
    leftOut.length > 0 ? `Nothing can be asked this${where}: ${leftOut.slice(0, 5).join("; ")}.` : `There is nothing of that kind${where}.`,
    {
      next: "Leave that condition out, or ask for something that has it. An empty query shows what there is.",
    },
  );
}

/** Field names that mean the same are the same in every plugin, so the first kind that has one speaks for all. */
function ordersOf(reading: Reading, views: readonly KindView[]): InterpretedOrder[] {
  const orders = reading.orders.flatMap((order) => resolveOrder(order, views) ?? []);
  if (orders.length === 0 && reading.direction && reading.orders.length === 0) return [];
  return orders;
}

function resolveOrder({ by, direction, used, free }: Order, views: readonly KindView[]): InterpretedOrder | undefined {
  for (const view of views) {
    const field = fieldFor(by, view);
    if (field === undefined) continue;
    const usedField = measureOf(field, view);
    if (free && usedField) return { field, direction, minus: usedField };
    return { field: used && usedField ? usedField : field, direction };
  }
  return undefined;
}

function fieldFor(by: OrderBy, view: KindView): string | undefined {
  if ("fields" in by) return by.fields.find((entry) => entry.kind === view.id)?.field;
  const fields = [...view.fields.values()];
  switch (by.means) {
    case "time":
      return fields.find((field) => field.type === "time")?.name;
    case "load":
      return (view.fields.get("cpu_usage") ?? fields.find((field) => field.facet.unit === "ratio"))?.name;
    case "uptime":
      return (view.fields.get("uptime") ?? fields.find((field) => field.facet.unit === "seconds"))?.name;
    case "size":
      return (
        view.fields.get("memory") ??
        view.fields.get("disk") ??
        view.fields.get("size") ??
        fields.find((field) => field.facet.unit === "bytes") ??
        fields.find((field) => field.type === "number" && field.facet.unit)
      )?.name;
  }
}

/** `memory` is measured by `memory_used`, `cpu` by `cpu_usage`. */
const measureOf = (field: string, view: KindView): string | undefined => [`${field}_used`, `${field}_usage`].find((name) => view.fields.has(name));

function aggregateOf({ aggregate, group }: Reading, views: readonly KindView[]): InterpretedAggregate | undefined {
  if (!aggregate) return undefined;
  const view = views.find((one) => aggregate.fields.some((entry) => entry.kind === one.id));
  const field = aggregate.fields.find((entry) => entry.kind === view?.id)?.field;
  const measured = field && view ? measureOf(field, view) : undefined;
  const grouping = group?.fields.find((entry) => views.some((one) => one.id === entry.kind))?.field;
  const by = grouping ?? group?.by;
  return {
    op: aggregate.op,
    ...(field ? { field: aggregate.used && measured ? measured : field } : {}),
    ...(aggregate.free && measured ? { minus: measured } : {}),
    ...(by ? { by } : {}),
  };
}

function sentenceOf(
  { segments, reading }: Parsed,
  views: readonly KindView[],
  order: readonly InterpretedOrder[],
  aggregate: InterpretedAggregate | undefined,
  fields: readonly string[],
): string {
  const conditions = segments.flatMap(({ node, shared }) => {
    const said = [...(node ? [node] : []), ...shared];
    return said.length > 0 ? [sayNode(conjunction(said))] : [];
  });
  const things = views.map(titleOf);
  const named = things.length > 6 ? `${things.slice(0, 5).join(", ")} and ${things.length - 5} more` : things.join(", ");
  const lead = aggregate
    ? `${{ count: "the number", sum: "the total", avg: "the average", min: "the smallest", max: "the largest" }[aggregate.op]}${aggregate.field ? ` ${aggregate.minus ? "free " : ""}${spaced(aggregate.field)}` : ""} of `
    : fields.length > 0
      ? `${fields.map(spaced).join(", ")} of `
      : "";
  const parts = [
    `${lead}${named}`,
    conditions.length > 0 ? ` where ${[...new Set(conditions)].join("; or ")}` : "",
    reading.places.length > 0 ? `, ${reading.places.join(", ")}` : "",
    aggregate?.by ? `, for each ${spaced(aggregate.by)}` : "",
    order.length > 0
      ? `, ordered by ${order.map((one) => `${one.minus ? "free " : ""}${spaced(one.field)}, ${one.direction === "desc" ? "largest or latest" : "smallest or earliest"} first`).join(", then ")}`
      : "",
    reading.limit === undefined ? "" : `, at most ${reading.limit}`,
  ];
  const text = parts.join("");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
