import picomatch from "picomatch";
import type { CONFIRM, ToolRules } from "../config/schema.js";
import type { Safety } from "../declare/action.js";
import { token } from "../declare/tokens.js";
import type { Caller } from "./context.js";

export interface ToolRef {
  readonly name: string;
  readonly safety: Safety;
  readonly aliases?: readonly string[];
}

export type Decision =
  | { readonly allowed: true; readonly confirm: boolean }
  /** `why` names the rule: "denied by tools.deny \"*_delete\"". */
  | { readonly allowed: false; readonly why: string; readonly by?: "deny" | "allow" | "readOnly" };

/** Decides on calls. Pure: the same question always gets the same answer. */
export interface Policy {
  /** Without a connection: whether the tool is allowed anywhere at all. */
  decide(caller: Caller, tool: ToolRef, connection?: string, args?: Readonly<Record<string, unknown>>): Decision;
}

export const POLICY = token<Policy>("policy");

/**
 * The policy of the config: a tool must be allowed by the general rules and by those of the connection. Deny wins over allow, read-only
 * over both; the stricter of the two `confirm` settings holds. A rule that names an alias means the tool.
 */
export function configPolicy(
  general: ToolRules & { readonly confirm: (typeof CONFIRM)[number] },
  byConnection: ReadonlyMap<string, ToolRules>,
): Policy {
  const generalRefusal = refusal("tools", general);
  const refusals = new Map([...byConnection].map(([name, rules]) => [name, refusal(`connections.${name}.tools`, rules)]));
  return {
    decide(_caller, tool, connection) {
      const refused = generalRefusal(tool) ?? (connection === undefined ? undefined : refusals.get(connection)?.(tool));
      if (refused) return refused;
      const here = connection === undefined ? undefined : byConnection.get(connection)?.confirm;
      return {
        allowed: true,
        confirm: needsConfirmation(general.confirm, tool.safety) || (here !== undefined && needsConfirmation(here, tool.safety)),
      };
    },
  };
}

const needsConfirmation = (from: (typeof CONFIRM)[number], safety: Safety): boolean =>
  from !== "never" && safety !== "read" && (from === "write" || safety === "destructive");

function refusal(path: string, rules: ToolRules): (tool: ToolRef) => Extract<Decision, { allowed: false }> | undefined {
  const deny = (rules.deny ?? []).map((glob) => ({ glob, matches: picomatch(glob) }));
  const allow = rules.allow?.map((glob) => picomatch(glob));
  return (tool) => {
    const names = [tool.name, ...(tool.aliases ?? [])];
    if (rules.readOnly && tool.safety !== "read") return { allowed: false, by: "readOnly", why: `it is not read-only, and ${path}.readOnly is set` };
    const denied = deny.find(({ matches }) => names.some((name) => matches(name)));
    if (denied) return { allowed: false, by: "deny", why: `denied by ${path}.deny ${JSON.stringify(denied.glob)}` };
    if (allow && !allow.some((matches) => names.some((name) => matches(name)))) return { allowed: false, by: "allow", why: `not in ${path}.allow` };
    return undefined;
  };
}
