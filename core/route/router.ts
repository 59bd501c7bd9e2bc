import type { CallContext } from "../call/context.js";
import type { Invoker } from "../call/invoke.js";
import type { Policy, ToolRef } from "../call/policy.js";
import type { ConnectionEntry, Connections } from "../connections.js";
import type { Kind } from "../declare/kind.js";
import type { CapacityPlace } from "../declare/provider.js";
import type { Tool } from "../derive/tools.js";
import { ProxMcpError } from "../errors.js";
import { type CapacityServices, type Load, misfit, NOTHING, readCapacity } from "./capacity.js";
import { type CreateCall, createCall, type Exclusion, type Home, homesFor, placeMisfit } from "./candidates.js";
import { neighboursOn, type Neighbours } from "./neighbours.js";
import { Requirement, type Wanted, wantedOf } from "./requirement.js";
import { type Routing, ruleOn, type Ruling } from "./rules.js";
import { type Reason, scoreOf } from "./score.js";
import { readSentence } from "./sentence.js";

export interface Placement {
  readonly provider: string;
  readonly connection: string;
  /** The node or member; the connection's own name where there are none. */
  readonly place: string;
  readonly isolation: string;
  readonly score: number;
  readonly reasons: readonly Reason[];
  /** The exact call that creates it there. */
  readonly create: CreateCall;
  readonly notes?: readonly string[];
}

/** One copy of the workload, and where it goes. */
export interface Copy extends Placement {
  readonly name: string;
}

export interface RoutePlan {
  /** Where one could go, best first. */
  readonly placements: readonly Placement[];
  /** Where each of `count` copies goes. Shorter than that when there is no room for all. */
  readonly copies: readonly Copy[];
  readonly excluded: readonly Exclusion[];
  /** Words of the sentence that were not understood. */
  readonly ignored: readonly string[];
  /** What was understood, sentence and fields together. */
  readonly requirement: Requirement;
  readonly notes: readonly string[];
}

export interface RouterOptions extends CapacityServices {
  readonly connections: Connections;
  readonly tools: readonly Tool[];
  readonly policy: Policy;
  readonly invoker: Invoker;
  readonly routing: Routing;
  /** The tool that asks: a connection that is closed to it is no place. */
  readonly through: ToolRef;
}

/** One workload type on one place that could take it. */
interface Candidate {
  readonly home: Home;
  readonly place: CapacityPlace;
  /** How many places the connection has in all. */
  readonly places: number;
}

const SELF = "self";
const DEFAULT_NAME = "workload";

/** Finds places for workloads: filters by what is required, asks those that are left for their capacity, scores what fits. */
export class Router {
  readonly #options: RouterOptions;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Sentence and fields as one requirement. Throws INVALID_INPUT with every fault. */
  understand(given: Requirement | string): { readonly requirement: Requirement; readonly ignored: readonly string[] } {
    const parsed = Requirement.safeParse(typeof given === "string" ? { sentence: given } : given);
    if (!parsed.success) {
      const faults = parsed.error.issues.map((issue) => `${issue.path.join(".") || "requirement"}: ${issue.message}`);
      throw new ProxMcpError("INVALID_INPUT", `The requirement has faults: ${faults.join("; ")}`, { data: { faults } });
    }
    const { sentence, ...fields } = parsed.data;
    if (sentence === undefined) return { requirement: fields, ignored: [] };
    const read = readSentence(sentence, this.#options.connections.all);
    const { connections: said, tags, ...rest } = read.requirement;
    const connections = { ...said, ...fields.connections };
    return {
      requirement: {
        ...rest,
        ...fields,
        ...((tags ?? fields.tags) ? { tags: { ...tags, ...fields.tags } } : {}),
        ...(Object.keys(connections).length > 0 ? { connections } : {}),
      },
      ignored: read.ignored,
    };
  }

  /** Plans where the workload goes. `without` are places that have just refused it: `connection/place`. */
  async route(given: Requirement | string, context: CallContext, without: ReadonlyMap<string, string> = new Map()): Promise<RoutePlan> {
    const { connections, tools, policy, routing, through } = this.#options;
    const entries = connections.all;
    if (entries.length === 0) throw new ProxMcpError("NO_CONNECTION", "No connection is configured, so nothing can be placed.");
    const { requirement, ignored } = this.understand(given);
    const wanted = wantedOf(requirement);
    const ruling = ruleOn(wanted, routing.rules);
    const { homes, excluded } = homesFor(wanted, ruling, { entries, tools, policy, through, caller: context.caller });
    const out: Exclusion[] = [...excluded];
    const candidates = await this.#candidates(homes, wanted, context, out);
    const fitting = candidates.filter(({ home, place }) => {
      const why = without.get(keyOf(home, place));
      if (why !== undefined) out.push(exclusion(home, place, why));
      return why === undefined;
    });
    const name = requirement.name ?? nameFor(wanted);
    const { placements, ruledOut } = this.#rank(fitting, new Map(), wanted, ruling, name, context);
    out.push(...ruledOut);
    const { copies, notes } = this.#copies(fitting, wanted, ruling, name, context);
    return { placements, copies, excluded: sorted(out), ignored, requirement, notes: [...readOnlyNote(policy, tools, context), ...notes] };
  }

  /** The places of the homes, without those that are out for good. */
  async #candidates(homes: readonly Home[], wanted: Wanted, context: CallContext, out: Exclusion[]): Promise<readonly Candidate[]> {
    const terms = { near: others(wanted.affinity), apart: others(wanted.anti_affinity) };
    const { invoker } = this.#options;
    const looking = terms.near.length + terms.apart.length > 0;
    const entries = [...new Set(homes.map((home) => home.entry))];
    const known = new Map(
      await Promise.all(
        entries.map(async (entry) => {
          const [capacity, neighbours] = await Promise.all([
            readCapacity(entry, this.#options, context),
            looking
              ? neighboursOn(entry, [...terms.near, ...terms.apart], { invoker, context, lists: (kind) => this.#lists(entry, kind, context) })
              : undefined,
          ]);
          return [entry, { capacity, neighbours }] as const;
        }),
      ),
    );
    const told = new Set<string>();
    return homes.flatMap((home) => {
      const { capacity, neighbours } = known.get(home.entry) ?? {};
      const at = { provider: home.entry.provider.name, connection: home.entry.name };
      const error = capacity && "error" in capacity ? capacity.error : neighbours?.error;
      if (!capacity || "error" in capacity || error) {
        if (!told.has(home.entry.name)) out.push({ ...at, why: `it could not be asked: ${error?.code}: ${error?.message}` });
        told.add(home.entry.name);
        return [];
      }
      const { places } = capacity;
      if (places.length === 0) out.push({ ...at, why: "it has no place to put anything" });
      return places.flatMap((place): Candidate[] => {
        const why = placeMisfit(home, place, wanted) ?? (neighbours && apartFrom(neighbours, place, places.length, terms));
        if (why === undefined) return [{ home, place, places: places.length }];
        out.push(exclusion(home, place, why));
        return [];
      });
    });
  }

  /** Whether the caller may list a kind on a connection. */
  #lists(entry: ConnectionEntry, kind: Kind, { caller }: CallContext): boolean {
    const { tools, policy } = this.#options;
    const tool = tools.find(({ operation }) => operation?.provider === entry.provider && operation.kind === kind && operation.verb === "list");
    return tool !== undefined && policy.decide(caller, tool, entry.name).allowed;
  }

  /** The candidates that fit, best first. Ties are broken by name, so that the same numbers give the same order. */
  #rank(candidates: readonly Candidate[], loads: ReadonlyMap<string, Load>, wanted: Wanted, ruling: Ruling, name: string, context: CallContext) {
    const { routing, policy, connections } = this.#options;
    const ruledOut: Exclusion[] = [];
    const placements = candidates.flatMap(({ home, place, places }): Placement[] => {
      const load = loads.get(keyOf(home, place)) ?? NOTHING;
      const { call, notes, why } = createCall(
        home,
        wanted,
        { name, ...(places > 1 ? { place: place.name } : {}) },
        { policy, caller: context.caller, several: connections.of(home.entry.provider.name).length > 1 },
      );
      const refusal = misfit(place, wanted, load, routing.reserve) ?? why;
      if (refusal !== undefined || !call) {
        ruledOut.push(exclusion(home, place, refusal ?? "it can't be created there"));
        return [];
      }
      const { score, reasons } = scoreOf({ hosted: home.hosted, place, asked: wanted, load, ruling }, routing.weights);
      const at = { provider: home.entry.provider.name, connection: home.entry.name, place: place.name, isolation: home.hosted.workload };
      return [{ ...at, score, reasons, create: call, ...(notes.length > 0 ? { notes } : {}) }];
    });
    return { placements: placements.sort((a, b) => b.score - a.score || order(a, b)), ruledOut };
  }

  /** One copy after the other, each on the place that is best once the earlier ones are there. */
  #copies(candidates: readonly Candidate[], wanted: Wanted, ruling: Ruling, name: string, context: CallContext) {
    const count = wanted.count ?? 1;
    const loads = new Map<string, Load>();
    const copies: Copy[] = [];
    const notes: string[] = [];
    let together: string | undefined;
    for (let at = 1; at <= count; at += 1) {
      const own = count === 1 ? name : `${name}-${at}`;
      const within = candidates.filter(({ home, place }) => together === undefined || keyOf(home, place) === together);
      const { placements } = this.#rank(within, loads, wanted, ruling, own, context);
      const copiesAt = (one: Placement): number => loads.get(placeKey(one))?.copies ?? 0;
      const fewest = placements.reduce((least, one) => Math.min(least, copiesAt(one)), Number.POSITIVE_INFINITY);
      const chosen = isApart(wanted) ? placements.find((one) => copiesAt(one) === fewest) : placements[0];
      if (!chosen) {
        notes.push(`There is room for ${copies.length} of ${count}.`);
        break;
      }
      const key = placeKey(chosen);
      const load = loads.get(key) ?? NOTHING;
      const { cpu = 0, memory = 0, disk = 0 } = wanted;
      loads.set(key, { copies: load.copies + 1, cpu: load.cpu + cpu, memory: load.memory + memory, disk: load.disk + disk });
      copies.push({ ...chosen, name: own });
      if (wanted.affinity?.includes(SELF)) together ??= key;
    }
    const crowded = [...loads.values()].some((load) => load.copies > 1);
    if (isApart(wanted) && crowded) notes.push(`There are fewer places than copies: ${loads.size} places take ${copies.length}.`);
    return { copies, notes };
  }
}

/** By platform, connection, place and type. */
const order = (a: Placement, b: Placement): number => {
  const [left, right] = [a, b].map((one) => [one.connection, one.place, one.isolation].join("\n"));
  return (left ?? "") < (right ?? "") ? -1 : 1;
};

const keyOf = ({ entry }: Home, place: CapacityPlace): string => `${entry.name}/${place.name}`;

/** `connection/place`: what a placement takes room on. */
export const placeKey = ({ connection, place }: Pick<Placement, "connection" | "place">): string => `${connection}/${place}`;

function exclusion({ entry, hosted }: Home, place: CapacityPlace, why: string): Exclusion {
  return {
    provider: entry.provider.name,
    connection: entry.name,
    place: place.name,
    ...(entry.provider.hosts.length > 1 ? { isolation: hosted.workload } : {}),
    why,
  };
}

/** In order of their names, each reason once: what holds for every workload type of a place is said without the type. */
function sorted(exclusions: readonly Exclusion[]): readonly Exclusion[] {
  const byReason = new Map<string, Exclusion[]>();
  for (const one of exclusions) {
    const key = JSON.stringify([one.connection, one.place, one.why]);
    byReason.set(key, [...(byReason.get(key) ?? []), one]);
  }
  const said = [...byReason.values()].flatMap(([first, ...more]): Exclusion[] => {
    if (!first) return [];
    if (more.length === 0) return [first];
    const { isolation: _, ...rest } = first;
    return [rest];
  });
  const key = (one: Exclusion): string => [one.connection, one.place ?? "", one.isolation ?? ""].join("\n");
  return said.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

/** Whether copies of one request shall be on different places: "self", or a term that means its own name. */
const isApart = ({ anti_affinity: apart = [], name }: Wanted): boolean => apart.some((term) => term === SELF || term === name);

const others = (terms: readonly string[] = []): readonly string[] => terms.filter((term) => term !== SELF);

/** Why a place is out because of what is on it, or is not. An item that does not say where it is counts for all places. */
function apartFrom(
  { found }: Neighbours,
  place: CapacityPlace,
  places: number,
  { near, apart }: { readonly near: readonly string[]; readonly apart: readonly string[] },
): string | undefined {
  const here = found.filter((one) => places === 1 || one.place === undefined || one.place.toLowerCase() === place.name.toLowerCase());
  const lacking = near.filter((term) => !here.some((one) => one.term === term));
  if (lacking.length > 0) return `${lacking.join(", ")} is not there`;
  const present = here.filter((one) => apart.includes(one.term));
  return present.length > 0 ? `${[...new Set(present.map((one) => one.name))].join(", ")} is there` : undefined;
}

/** `web-server` for a web_server, `postgres` for postgres. */
function nameFor({ software, workload, os, image }: Wanted): string {
  const from = software ?? workload ?? os ?? image?.split("/").at(-1) ?? DEFAULT_NAME;
  const name = from
    .split(":")[0]
    ?.toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[^a-z]+|-+$/g, "");
  return name || DEFAULT_NAME;
}

function readOnlyNote(policy: Policy, tools: readonly Tool[], { caller }: CallContext): readonly string[] {
  const creating = tools.find((tool) => tool.operation?.action?.workload);
  const decision = creating && policy.decide(caller, creating);
  return decision && !decision.allowed && decision.by === "readOnly" ? ["Nothing can be created: this server only reads."] : [];
}
