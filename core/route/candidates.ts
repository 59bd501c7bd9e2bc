import type { Caller } from "../call/context.js";
import { parseInput } from "../call/input.js";
import { barredFrom, type Policy, type ToolRef } from "../call/policy.js";
import type { OperationTool } from "../call/dispatch.js";
import type { ConnectionEntry } from "../connections.js";
import type { CapacityPlace, HostedWorkload } from "../declare/provider.js";
import type { WorkloadSpec } from "../declare/workload.js";
import type { Tool } from "../derive/tools.js";
import { isProxMcpError } from "../errors.js";
import type { Wanted } from "./requirement.js";
import { present } from "./requirement.js";
import type { Ruling } from "./rules.js";
import { offers } from "./score.js";
import { archOf, sameTag } from "./words.js";

/** Something that can't take the workload, and why. */
export interface Exclusion {
  readonly provider: string;
  readonly connection: string;
  /** The node or member, if it is only that one. */
  readonly place?: string;
  /** The workload type, if the connection hosts others too. */
  readonly isolation?: string;
  readonly why: string;
}

/** A connection together with a workload type that it hosts and may be asked to create. Its places are not known yet. */
export interface Home {
  readonly entry: ConnectionEntry;
  readonly hosted: HostedWorkload;
  /** Tools that create such a workload, in the order they are declared. */
  readonly tools: readonly OperationTool[];
}

export interface CreateCall {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** It has to be confirmed. */
  readonly confirm?: true;
}

/** Types that the words of everybody mean. Any other is a plugin's own: for who asks for it by name, or where a rule prefers it. */
const COMMON = ["vm", "system-container", "app-container"];
const CONTAINERS = ["system-container", "app-container"];

export interface HomeOptions {
  readonly entries: readonly ConnectionEntry[];
  readonly tools: readonly Tool[];
  readonly policy: Policy;
  readonly caller: Caller;
  readonly through: ToolRef;
}

/** Connections and workload types that declarations, tags and policy leave over; nothing is asked yet. */
export function homesFor(
  wanted: Wanted,
  ruling: Ruling,
  options: HomeOptions,
): { readonly homes: readonly Home[]; readonly excluded: readonly Exclusion[] } {
  const homes: Home[] = [];
  const excluded: Exclusion[] = [];
  const asked = typeAsked(wanted, ruling, options.entries);
  for (const entry of options.entries) {
    const at = { provider: entry.provider.name, connection: entry.name };
    const closed = barredFrom(entry.name, options.through, options.caller, options.policy);
    const why = closed ? `${options.through.name} is not allowed there: ${closed}` : connectionMisfit(entry, wanted);
    if (why) {
      excluded.push({ ...at, why });
      continue;
    }
    const { hosts } = entry.provider;
    const suitable = hosts.filter(({ workload }) => asked.accepts(workload));
    if (suitable.length === 0) {
      excluded.push({
        ...at,
        why: hosts.length === 0 ? "it runs no workloads" : `it runs ${listed(hosts.map((host) => host.workload))}, not ${asked.text}`,
      });
      continue;
    }
    for (const hosted of suitable) {
      const { home, why } = homeOf(entry, hosted, wanted, ruling, options);
      if (home) homes.push(home);
      else excluded.push({ ...at, ...(hosts.length > 1 ? { isolation: hosted.workload } : {}), why: why ?? "" });
    }
  }
  return { homes, excluded };
}

interface TypeAsked {
  readonly text: string;
  accepts(type: string): boolean;
}

/** A plugin's own type is meant when its word is used as isolation or as workload. */
function typeAsked({ isolation, workload }: Wanted, { by }: Ruling, entries: readonly ConnectionEntry[]): TypeAsked {
  if (isolation === "container") return { text: "containers", accepts: (type) => CONTAINERS.includes(type) };
  if (isolation !== undefined) return { text: isolation, accepts: (type) => type === isolation };
  const own = entries.flatMap((entry) => entry.provider.hosts.map((host) => host.workload)).filter((type) => !COMMON.includes(type));
  const named = own.find((type) => type.replaceAll("-", "_") === workload);
  if (named !== undefined) return { text: named, accepts: (type) => type === named };
  return { text: "what was asked for", accepts: (type) => COMMON.includes(type) || by?.prefer?.includes(type) === true };
}

function connectionMisfit(entry: ConnectionEntry, { connections = {}, tags }: Wanted): string | undefined {
  const names = (list: readonly string[]): boolean => list.some((one) => [entry.name, entry.provider.name].some((name) => globMatches(one, name)));
  if (connections.deny && names(connections.deny)) return "it was ruled out by the request";
  if (connections.allow && !names(connections.allow)) return `the request allows only ${connections.allow.join(", ")}`;
  for (const [tag, value] of Object.entries(tags)) {
    const own = entry.connection.tags[tag];
    if (own === undefined) return `it has no tag ${tag}; ${value} was asked for`;
    if (!sameTag(own, value)) return `its ${tag} is ${own}; ${value} was asked for`;
  }
  return undefined;
}

function homeOf(entry: ConnectionEntry, hosted: HostedWorkload, wanted: Wanted, ruling: Ruling, { tools, policy, caller }: HomeOptions) {
  const lacking = ruling.needs.filter(({ feature }) => !offers(hosted, feature));
  if (lacking.length > 0) return { why: `${hosted.workload} there has no ${lacking.map(({ feature, why }) => `${feature} (${why})`).join(", no ")}` };
  if (wanted.arch && hosted.arch && !hosted.arch.some((arch) => archOf(arch) === wanted.arch))
    return { why: `${hosted.workload} there is for ${listed(hosted.arch)}; ${wanted.arch} was asked for` };
  const creating = tools.filter(
    (tool): tool is OperationTool =>
      tool.operation?.provider === entry.provider && tool.operation.action?.workload?.hosts.includes(hosted.workload) === true,
  );
  if (creating.length === 0) return { why: `nothing there creates a ${hosted.workload} from a requirement` };
  const refusals: string[] = [];
  const allowed = creating.filter((tool) => {
    // A server that only reads still gives advice; what is forbidden on this very connection is no advice at all.
    const general = policy.decide(caller, tool);
    const advising = !general.allowed && general.by === "readOnly";
    const decision = policy.decide(caller, advising ? { name: tool.name, aliases: tool.aliases, safety: "read" } : tool, entry.name);
    if (advising && decision.allowed) return true;
    if (!general.allowed) refusals.push(`${tool.name} is not allowed: ${general.why}`);
    else if (!decision.allowed) refusals.push(`${tool.name} is not allowed: ${decision.why}`);
    return general.allowed && decision.allowed;
  });
  return allowed.length > 0 ? { home: { entry, hosted, tools: allowed } } : { why: refusals.join("; ") };
}

/** Why a place is out, whatever it has free. */
export function placeMisfit({ hosted }: Home, place: CapacityPlace, wanted: Wanted): string | undefined {
  if (!wanted.arch) return undefined;
  if (place.arch === undefined) return hosted.arch ? undefined : `its architecture is not known; ${wanted.arch} was asked for`;
  return archOf(place.arch) === wanted.arch ? undefined : `it is ${archOf(place.arch)}; ${wanted.arch} was asked for`;
}

export interface CallOptions {
  readonly policy: Policy;
  readonly caller: Caller;
  /** The provider has other connections too, so this one has to be named. */
  readonly several: boolean;
}

/** The exact call that creates the workload there, and what to know about it; or why there is none. */
export function createCall(
  { entry, hosted, tools }: Home,
  wanted: Wanted,
  at: { readonly name: string; readonly place?: string | undefined },
  { policy, caller, several }: CallOptions,
): { readonly call?: CreateCall; readonly notes: readonly string[]; readonly why?: string } {
  const faults: string[] = [];
  for (const tool of tools) {
    const notes: string[] = [];
    try {
      const made = tool.operation.action?.workload?.create(specOf(wanted, hosted, at), (sentence) => void notes.push(sentence));
      if (made === undefined) {
        faults.push(`${tool.name} can't make this`);
        continue;
      }
      const args = { ...present(made), ...(several ? { [entry.provider.connection.noun]: entry.name } : {}) };
      parseInput(tool, args);
      const decision = policy.decide(caller, tool, entry.name, args);
      if (!decision.allowed && decision.by !== "readOnly") {
        faults.push(`${tool.name} is not allowed: ${decision.why}`);
        continue;
      }
      return { call: { tool: tool.name, args, ...(decision.allowed && decision.confirm ? { confirm: true as const } : {}) }, notes };
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      faults.push(isProxMcpError(error) || words === "" ? words : `${tool.name} can't make this: ${words}`);
    }
  }
  return { notes: [], why: faults.join("; ") };
}

function specOf(
  wanted: Wanted,
  hosted: HostedWorkload,
  { name, place }: { readonly name: string; readonly place?: string | undefined },
): WorkloadSpec {
  const { workload, os, image, arch, cpu, memory, disk, gpu, pci, network, nesting, privileged, persistent, lifetime } = wanted;
  const [software, version] = wanted.software?.split(":") ?? [];
  return present({
    ...{ name, isolation: hosted.workload, workload, software, version, os, image, arch, cpu, memory, disk, gpu, pci, network, nesting, privileged },
    ...{ persistent, lifetime, place },
  });
}

/** `*` stands for anything; case does not matter. Linear in the length of both. */
export function globMatches(glob: string, text: string): boolean {
  const parts = glob.toLowerCase().split("*");
  const lower = text.toLowerCase();
  const [first = ""] = parts;
  if (parts.length === 1) return lower === first;
  const last = parts.at(-1) ?? "";
  if (!lower.startsWith(first) || !lower.endsWith(last) || lower.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = lower.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= lower.length - last.length;
}

const listed = (words: readonly string[]): string => words.join(", ");
