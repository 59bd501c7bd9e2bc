import picomatch from "picomatch";
import type { CONFIRM, RoleRules, ToolRules } from "../config/schema.js";
import type { Safety } from "../declare/action.js";
import { token } from "../declare/tokens.js";
import type { Caller } from "./context.js";

export interface ToolRef {
  readonly name: string;
  readonly safety: Safety;
  readonly aliases?: readonly string[];
}

export type Decision =
  /** `why` names what lets it pass, `confirmedBy` what wants it confirmed: "tools.confirm". */
  | { readonly allowed: true; readonly confirm: boolean; readonly why?: string; readonly confirmedBy?: string }
  /** `why` names the rule: "denied by tools.deny \"*_delete\"". `by: "allow"`: no rule forbids it, but a list does not name it. */
  | { readonly allowed: false; readonly why: string; readonly by?: "deny" | "allow" | "readOnly" | "role" };

type Refusal = Extract<Decision, { allowed: false }>;

/** Decides on calls. Pure: the same question always gets the same answer. */
export interface Policy {
  /** Without a connection: whether the tool is allowed anywhere at all. */
  decide(caller: Caller, tool: ToolRef, connection?: string, args?: Readonly<Record<string, unknown>>): Decision;
  /** The roles that it knows, so that what any of them needs can be prepared. */
  readonly roles?: readonly string[];
}

export const POLICY = token<Policy>("policy");

/**
 * Why a tool of the core has to leave a connection out; undefined if it may look there. A list that does not name it is no reason: whatever
 * it asks there on behalf of another tool is decided for that tool.
 */
export function barredFrom(connection: string, tool: ToolRef, caller: Caller, policy: Policy): string | undefined {
  const decision = policy.decide(caller, tool, connection);
  return decision.allowed || decision.by === "allow" ? undefined : decision.why;
}

/** The rules of a config. */
export interface PolicyRules {
  readonly general: ToolRules & { readonly confirm: (typeof CONFIRM)[number] };
  readonly connections: ReadonlyMap<string, ToolRules>;
  readonly roles: ReadonlyMap<string, RoleRules>;
}

/**
 * The policy of the config: a tool must be allowed by the general rules, by those of the connection, and, if the caller comes with roles, by
 * those of one of them. Deny wins over allow, read-only over both; the strictest of the `confirm` settings holds. A rule that names an alias
 * means the tool. A role that the config does not know allows nothing.
 */
export function configPolicy({ general, connections, roles }: PolicyRules): Policy {
  const generalRules = rulesOf("tools", general);
  const byConnection = new Map([...connections].map(([name, rules]) => [name, rulesOf(`connections.${name}.tools`, rules)]));
  const byRole = new Map([...roles].map(([name, rules]) => [name, roleOf(name, rules)]));
  return {
    roles: [...roles.keys()],
    decide(caller, tool, connection) {
      const here = connection === undefined ? undefined : byConnection.get(connection);
      const allowing = rolesFor(caller, tool, connection, byRole);
      const refusals = [generalRules.refusal(tool), here?.refusal(tool), "why" in allowing ? allowing : undefined].filter((one) => one !== undefined);
      // What is forbidden outranks what is merely not named.
      const refused = refusals.find((one) => one.by !== "allow") ?? refusals[0];
      if (refused || "why" in allowing) return refused ?? (allowing as Refusal);
      const applying = [generalRules, ...(here ? [here] : []), ...allowing];
      const confirming = applying.find(({ confirm }) => confirm !== undefined && needsConfirmation(confirm, tool.safety));
      const why = applying.flatMap((rules) => rules.reason(tool) ?? []).join(", ");
      return {
        allowed: true,
        confirm: confirming !== undefined,
        ...(why ? { why } : {}),
        ...(confirming ? { confirmedBy: `${confirming.path}.confirm` } : {}),
      };
    },
  };
}

/** The roles of a caller that allow a tool: none for a caller without roles, who is held to no role; the refusal if none of them does. */
function rolesFor(
  caller: Caller,
  tool: ToolRef,
  connection: string | undefined,
  byRole: ReadonlyMap<string, Rules & { covers(connection: string): boolean }>,
): readonly Rules[] | Refusal {
  if (caller.roles === undefined) return [];
  if (caller.roles.length === 0) return { allowed: false, by: "role", why: "the caller has no role" };
  const refusals: Refusal[] = [];
  const allowing: Rules[] = [];
  for (const name of caller.roles) {
    const role = byRole.get(name);
    if (!role) refusals.push({ allowed: false, by: "role", why: `there is no role ${JSON.stringify(name)}` });
    else if (connection !== undefined && !role.covers(connection))
      refusals.push({ allowed: false, by: "role", why: `not in ${role.path}.connections` });
    else {
      const refusal = role.refusal(tool);
      if (refusal) refusals.push(refusal);
      else allowing.push(role);
    }
  }
  if (allowing.length > 0) return allowing;
  // Where one role merely does not name it, the others forbidding it do not matter: what is behind it is decided for itself.
  const by = refusals.find((one) => one.by === "allow")?.by ?? refusals[0]?.by ?? "role";
  return { allowed: false, by, why: refusals.map(({ why }) => why).join("; ") };
}

const needsConfirmation = (from: (typeof CONFIRM)[number], safety: Safety): boolean =>
  from !== "never" && safety !== "read" && (from === "write" || safety === "destructive");

interface Rules {
  readonly path: string;
  readonly confirm: (typeof CONFIRM)[number] | undefined;
  refusal(tool: ToolRef): Refusal | undefined;
  /** The pattern that lets a tool pass, where there is a list. */
  reason(tool: ToolRef): string | undefined;
}

function rulesOf(path: string, rules: ToolRules): Rules {
  const matching = (globs: readonly string[]): ((tool: ToolRef) => string | undefined) => {
    const matchers = globs.map((glob) => ({ glob, matches: picomatch(glob) }));
    return (tool) => matchers.find(({ matches }) => [tool.name, ...(tool.aliases ?? [])].some((name) => matches(name)))?.glob;
  };
  const denying = matching(rules.deny ?? []);
  const allowing = rules.allow && matching(rules.allow);
  return {
    path,
    confirm: rules.confirm,
    refusal(tool) {
      if (rules.readOnly && tool.safety !== "read")
        return { allowed: false, by: "readOnly", why: `it is not read-only, and ${path}.readOnly is set` };
      const denied = denying(tool);
      if (denied !== undefined) return { allowed: false, by: "deny", why: `denied by ${path}.deny ${JSON.stringify(denied)}` };
      if (allowing && allowing(tool) === undefined) return { allowed: false, by: "allow", why: `not in ${path}.allow` };
      return undefined;
    },
    reason(tool) {
      const glob = allowing?.(tool);
      return glob === undefined ? undefined : `allowed by ${path}.allow ${JSON.stringify(glob)}`;
    },
  };
}

function roleOf(name: string, { connections, ...rules }: RoleRules): Rules & { covers(connection: string): boolean } {
  const matchers = connections?.map((glob) => picomatch(glob));
  return { ...rulesOf(`roles.${name}`, rules), covers: (connection) => !matchers || matchers.some((matches) => matches(connection)) };
}
