import type { Access } from "./access.js";
import type { Caller } from "./call/context.js";
import type { Decision, Policy } from "./call/policy.js";
import type { Connections } from "./connections.js";
import { SEARCH_TOOLS, type Surface, surfaceOf } from "./derive/surface.js";
import type { Tool } from "./derive/tools.js";

/** Why a tool is listed to a caller or hidden, and where it may be called. */
export interface Explanation {
  readonly tool: string;
  readonly safety: Tool["safety"];
  readonly aliases: readonly string[];
  readonly listed: boolean;
  readonly callable: boolean;
  /** The rule that listed or hid it. */
  readonly why: string;
  /** Each connection that it could be called on. */
  readonly connections: readonly {
    readonly connection: string;
    readonly allowed: boolean;
    readonly why: string;
    /** The setting that wants it confirmed there. */
    readonly confirm?: string;
  }[];
}

const NO_RULE = "no rule forbids it";

export interface ExplainOptions {
  readonly access: Access;
  readonly policy: Policy;
  readonly connections: Connections;
  readonly surface: Surface;
  readonly caller: Caller;
}

/** Asks the rules about one tool, everywhere. */
export function explain(tool: Tool, { access, policy, connections, surface, caller }: ExplainOptions): Explanation {
  const { operation, name, safety, aliases } = tool;
  const entries = operation ? connections.of(operation.provider.name) : connections.all;
  const refusal = access.refusal(tool, caller);
  const listed = refusal === undefined && surfaceOf([tool], surface).length > 0;
  const general = policy.decide(caller, tool);
  return {
    ...{ tool: name, safety, aliases, listed, callable: refusal === undefined },
    why: refusal ?? (listed ? [whyListed(tool, surface), ruleOf(general)].filter((words) => words !== NO_RULE).join("; ") : whyHidden(surface)),
    connections: entries.map((entry) => {
      const decision = policy.decide(caller, tool, entry.name);
      const confirm = decision.allowed && decision.confirm ? { confirm: decision.confirmedBy ?? "the policy" } : {};
      // A list that does not name one of the core's own tools keeps only its own work away, see `barredFrom`.
      const reaching = !operation && !decision.allowed && decision.by === "allow" ? "; what it asks for other tools is decided for those" : "";
      return { connection: entry.name, allowed: decision.allowed, why: `${ruleOf(decision)}${reaching}`, ...confirm };
    }),
  };
}

const ruleOf = (decision: Decision): string => decision.why ?? NO_RULE;

function whyListed(tool: Tool, surface: Surface): string {
  if (SEARCH_TOOLS.includes(tool.name)) return "the search surface is these tools";
  return surface === "all" ? "surface all lists every tool that is allowed" : "it is one of the everyday tools of the default surface";
}

const whyHidden = (surface: Surface): string =>
  surface === "search"
    ? "surface search lists only the search tools, which reach it"
    : 'surface default lists everyday tools only; it can be called by its name, and tools.surface "all" lists it';
