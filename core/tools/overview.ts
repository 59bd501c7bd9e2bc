import { z } from "zod";
import type { CallContext } from "../call/context.js";
import { withDeadline } from "../call/deadline.js";
import type { Invoker, Item } from "../call/invoke.js";
import { barredFrom, type Policy } from "../call/policy.js";
import type { ConnectionEntry, Connections } from "../connections.js";
import type { CapacityPlace } from "../declare/provider.js";
import type { Kind } from "../declare/kind.js";
import { ownersIn } from "../derive/owners.js";
import { deriveFields } from "../derive/fields.js";
import type { Tool } from "../derive/tools.js";
import { type ErrorReport, ProxMcpError, toProxMcpError } from "../errors.js";
import { type CapacityServices, readCapacity } from "../route/capacity.js";
import { type CoreTool, coreTool } from "./tool.js";

/** An overview should not wait long for a platform that hangs. */
const LIST_SECONDS = 15;

/** How many there are, in all and by each state. */
export type Counts = Readonly<Record<string, number>>;
/** Counts by kind. */
export type KindCounts = Readonly<Record<string, Counts>>;

/** Cores and bytes; a number is absent where nobody knows it. */
export interface Totals {
  readonly cpu?: number;
  /** Cores kept busy. */
  readonly cpu_used?: number;
  readonly memory?: number;
  readonly memory_used?: number;
  readonly disk?: number;
  readonly disk_used?: number;
}

export interface PlaceOverview extends Totals {
  readonly name: string;
  readonly healthy: boolean;
  readonly arch?: string;
  readonly kinds?: KindCounts;
}

export interface ConnectionOverview extends Totals {
  readonly connection: string;
  readonly provider: string;
  /** `ok`, `degraded` (a place is down or a source failed) or `down`. */
  readonly health: "ok" | "degraded" | "down";
  readonly places: readonly PlaceOverview[];
  readonly kinds: KindCounts;
}

export interface Overview {
  readonly connections: readonly ConnectionOverview[];
  /** By provider. Disks and machines that two connections share are counted by both. */
  readonly providers: Readonly<Record<string, Totals & { readonly connections: number; readonly kinds: KindCounts }>>;
  /** One for each source that failed. */
  readonly errors?: readonly (ErrorReport & { readonly source?: string })[];
}

const numbers = { cpu: z.number(), cpu_used: z.number(), memory: z.number(), memory_used: z.number(), disk: z.number(), disk_used: z.number() };
const counts = z.record(z.string(), z.record(z.string(), z.int()));
const totals = z.object(numbers).partial();

export const OverviewSchema = z.object({
  connections: z.array(
    totals.extend({
      connection: z.string(),
      provider: z.string(),
      health: z.enum(["ok", "degraded", "down"]),
      places: z.array(totals.extend({ name: z.string(), healthy: z.boolean(), arch: z.string().optional(), kinds: counts.optional() })),
      kinds: counts,
    }),
  ),
  providers: z.record(z.string(), totals.extend({ connections: z.int(), kinds: counts })),
  errors: z.array(z.looseObject({ code: z.string(), message: z.string(), next: z.string() })).optional(),
});

export interface OverviewOptions extends CapacityServices {
  readonly connections: Connections;
  readonly tools: readonly Tool[];
  readonly policy: Policy;
  readonly invoker: Invoker;
}

/** What there is and what of it is in use, from declarations alone: one call for a connection's capacity and one for each kind that is counted. */
export async function overviewOf(options: OverviewOptions, context: CallContext, connection?: string): Promise<Overview> {
  const entries = options.connections.chosen(connection).filter((entry) => {
    const why = barredFrom(entry.name, REF, context.caller, options.policy);
    if (why && connection !== undefined)
      throw new ProxMcpError("TOOL_DENIED", `${REF.name} is not allowed on ${entry.name}: ${why}.`, { connection: entry.name });
    return !why;
  });
  const seen = await Promise.all(entries.map((entry) => lookAt(entry, options, context)));
  const connections = seen.map((one) => one.overview);
  const errors = seen.flatMap((one) => one.errors);
  const providers: Record<string, Overview["providers"][string]> = {};
  for (const provider of new Set(connections.map((one) => one.provider))) {
    const own = connections.filter((one) => one.provider === provider);
    providers[provider] = { connections: own.length, ...summed(own), kinds: mergedKinds(own.map((one) => one.kinds)) };
  }
  return { connections, providers, ...(errors.length > 0 ? { errors } : {}) };
}

type SourceError = ErrorReport & { readonly source?: string };

async function lookAt(entry: ConnectionEntry, options: OverviewOptions, context: CallContext) {
  const { policy, tools, invoker } = options;
  const counted = countedKinds(entry).filter(({ kind }) => {
    const tool = tools.find((one) => one.operation?.provider === entry.provider && one.operation.kind === kind && one.operation.verb === "list");
    return tool && policy.decide(context.caller, tool).allowed && policy.decide(context.caller, tool, entry.name).allowed;
  });
  const [capacity, ...listings] = await Promise.all([
    // The counts are lists, decided one by one; the numbers are the overview's own, so it has to be allowed itself.
    policy.decide(context.caller, REF, entry.name).allowed ? readCapacity(entry, options, context) : { places: [] },
    ...counted.map(async ({ kind, field }) => {
      try {
        const listing = await withDeadline(LIST_SECONDS, `Listing ${kind.name} on ${entry.name}`, context.signal, (signal) =>
          invoker.list({ kind }, entry, {}, {}, { ...context, signal, notes: [] }),
        );
        return { kind, field, ...listing };
      } catch (error) {
        if (context.signal.aborted) throw error;
        return { kind, field, items: [], errors: [{ ...toProxMcpError(error).on(entry.name).report(), source: kind.name }], failed: true };
      }
    }),
  ]);
  const failed = listings.filter((listing) => "failed" in listing);
  const errors: SourceError[] = ["error" in capacity ? [capacity.error] : [], ...listings.map((listing) => listing.errors)].flat();
  const known = "places" in capacity ? capacity.places : [];
  const places = known.map((place) => placeOverview(place, known.length, listings));
  const down = "error" in capacity && failed.length === listings.length;
  const degraded = errors.length > 0 || places.some((place) => !place.healthy);
  const overview: ConnectionOverview = {
    connection: entry.name,
    provider: entry.provider.name,
    health: down ? "down" : degraded ? "degraded" : "ok",
    ...summed(places),
    places,
    kinds: Object.fromEntries(listings.filter((one) => !failed.includes(one)).map(({ kind, field, items }) => [kind.name, countsOf(items, field)])),
  };
  // The same unreachable machine is said once, not once for each thing that was asked of it.
  const said = down && "error" in capacity ? [capacity.error] : errors;
  return { overview, errors: said };
}

/** Kinds that have a state and can be acted upon, with the field that holds the state. History (tasks, events) is not counted. */
function countedKinds(entry: ConnectionEntry): readonly { readonly kind: Kind; readonly field: string }[] {
  return entry.provider.kinds.flatMap((kind) => {
    const acts = Object.values(kind.actions ?? {}).some((action) => action.safety !== "read");
    if (!kind.list || ownersIn(kind).length > 0 || kind.order === "platform" || !acts) return [];
    const field = stateField(kind);
    return field === undefined ? [] : [{ kind, field }];
  });
}

const STATE = ["status", "state"];

function stateField(kind: Kind): string | undefined {
  const enums = deriveFields(kind).filter((field) => field.type === "enum");
  const found = enums.find((field) => STATE.includes(field.name)) ?? enums.find((field) => field.facet.says?.some((word) => STATE.includes(word)));
  return found?.name;
}

type Listed = { readonly kind: Kind; readonly field: string; readonly items: readonly Item[] };

function placeOverview(place: CapacityPlace, places: number, listings: readonly Listed[]): PlaceOverview {
  const { name, healthy, arch, cpu, cpu_usage: usage, memory, memory_used, disk, disk_used } = place;
  const kinds = Object.fromEntries(
    listings.flatMap(({ kind, field, items }) => {
      const here = items.filter((item) => item["node"] === name);
      return here.length > 0 ? [[kind.name, countsOf(here, field)]] : [];
    }),
  );
  const used = cpu !== undefined && usage !== undefined ? Math.round(cpu * usage * 100) / 100 : undefined;
  const all = { cpu, cpu_used: used, memory, memory_used, disk, disk_used, ...(arch === undefined ? {} : { arch }) };
  return {
    name,
    healthy,
    ...(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Totals),
    ...(places > 1 && Object.keys(kinds).length > 0 ? { kinds } : {}),
  };
}

function countsOf(items: readonly Item[], field: string): Counts {
  const counted: Record<string, number> = {};
  for (const item of items) {
    const state = String(item[field] ?? "unknown");
    counted[state] = (counted[state] ?? 0) + 1;
  }
  return { total: items.length, ...Object.fromEntries(Object.entries(counted).sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** A sum is there when any part is; what nobody knows stays unknown instead of becoming 0. */
function summed(parts: readonly Totals[]): Totals {
  const sums: Record<string, number> = {};
  for (const part of parts)
    for (const name of Object.keys(numbers) as (keyof Totals)[]) {
      const value = part[name];
      if (value !== undefined) sums[name] = Math.round(((sums[name] ?? 0) + value) * 100) / 100;
    }
  return sums;
}

function mergedKinds(all: readonly KindCounts[]): KindCounts {
  const merged: Record<string, Record<string, number>> = {};
  for (const kinds of all)
    for (const [kind, states] of Object.entries(kinds)) {
      const into = (merged[kind] ??= {});
      for (const [state, count] of Object.entries(states)) into[state] = (into[state] ?? 0) + count;
    }
  return merged;
}

/** What rules call it. */
const REF = { name: "inventory_overview", safety: "read", aliases: ["unified_resource_view"] } as const;

/** `options` is asked for when the tool runs: it knows all tools, this one among them. */
export const overviewTool = (options: () => OverviewOptions): CoreTool =>
  coreTool({
    ...REF,
    title: "Overview of everything",
    description: "Per provider, connection and node: health, counts by state, cores, memory and disk used and total.",
    input: { connection: z.string().optional() },
    output: OverviewSchema,
    run: async ({ connection }, context) => ({ ...(await overviewOf(options(), context, connection)) }),
  });
