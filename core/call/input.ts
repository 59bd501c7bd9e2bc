import { objectOf } from "../derive/json.js";
import { checkWhere } from "../derive/filter.js";
import { partOf } from "../config/nested.js";
import { holdsSecret } from "../config/secrets.js";
import type { Tool } from "../derive/tools.js";
import type { Where } from "../declare/action.js";
import type { SchemaIssue } from "../declare/facet.js";
import { ProxMcpError } from "../errors.js";

/** The arguments of a call, sorted by what they are for. */
export interface ParsedInput {
  readonly connection?: string;
  readonly confirm?: string;
  readonly key?: string;
  readonly at: Readonly<Record<string, unknown>>;
  readonly where: Where;
  readonly limit: number;
  readonly cursor?: string;
  /** The action's own arguments, as its schema parsed them. */
  readonly input: Readonly<Record<string, unknown>>;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1000;

/** Checks all arguments before anything is sent; the error lists every fault with what is allowed. */
export function parseInput(
  tool: Tool & { readonly operation: NonNullable<Tool["operation"]> },
  args: Readonly<Record<string, unknown>>,
): ParsedInput {
  const { provider, kind, verb, action, on, fields } = tool.operation;
  const faults: string[] = [];
  const noun = provider.connection.noun;
  const allowed = Object.keys(tool.inputSchema.properties ?? {});
  for (const name of Object.keys(args))
    if (!allowed.includes(name) && name !== noun && name !== "confirm")
      faults.push(`${name}: no such argument; allowed: ${allowed.join(", ") || "none"}`);

  const parsed: { -readonly [name in keyof ParsedInput]: ParsedInput[name] } = { at: {}, where: {}, limit: DEFAULT_LIMIT, input: {} };
  for (const [target, name] of [
    ["connection", noun],
    ["confirm", "confirm"],
    ["cursor", "cursor"],
  ] as const) {
    const value = args[name];
    if (value === undefined || (name === "cursor" && verb !== "list")) continue;
    if (typeof value === "string" && value !== "") parsed[target] = value;
    else faults.push(`${name}: found ${JSON.stringify(value)}; allowed: text`);
  }
  if (on === "item") {
    const value = args[kind.key];
    if ((typeof value === "string" && value.trim() !== "") || typeof value === "number") parsed.key = String(value).trim();
    else faults.push(`${kind.key}: found ${JSON.stringify(value) ?? "nothing"}; which ${kind.name} is meant has to be said`);
  }
  parsed.at = parseWithin(tool.operation, args, faults);
  if (verb === "list") {
    const where = args["where"] ?? {};
    if (typeof where !== "object" || Array.isArray(where))
      faults.push(`where: found ${JSON.stringify(where).slice(0, 60)}; allowed: an object of filters`);
    else faults.push(...checkWhere(fields, (parsed.where = where as Where)));
    const limit = args["limit"] ?? DEFAULT_LIMIT;
    if (Number.isInteger(limit) && (limit as number) >= 1 && (limit as number) <= MAX_LIMIT) parsed.limit = limit as number;
    else faults.push(`limit: found ${JSON.stringify(limit)}; allowed: a whole number from 1 to ${MAX_LIMIT}`);
  }
  if (action?.input) {
    const schema = objectOf(action.input);
    const own = Object.fromEntries(Object.entries(args).filter(([name]) => name in schema.shape));
    const result = schema.safeParse(own);
    if (result.success) parsed.input = result.data as Record<string, unknown>;
    else faults.push(...result.error.issues.map((issue) => describe(issue, own, schema)));
  }
  if (faults.length > 0) throw new ProxMcpError("INVALID_INPUT", `${tool.name}: ${faults.join("; ")}`, { data: { faults } });
  return parsed;
}

function parseWithin(
  { kind, verb }: NonNullable<Tool["operation"]>,
  args: Readonly<Record<string, unknown>>,
  faults: string[],
): Record<string, unknown> {
  const at: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(kind.within ?? {})) {
    if (args[name] === undefined && verb === "list" && !kind.listRequires?.includes(name)) continue;
    const result = schema.safeParse(args[name]);
    if (result.success) {
      if (result.data !== undefined) at[name] = result.data;
    } else faults.push(...result.error.issues.map((issue) => describe({ ...issue, path: [name, ...issue.path] }, args)));
  }
  return at;
}

function describe(issue: SchemaIssue, args: unknown, schema?: object): string {
  let found: unknown = args;
  let at = schema;
  for (const step of issue.path) {
    found = (found as Record<PropertyKey, unknown> | undefined)?.[step];
    at = at && partOf(at, String(step));
    // Neither a secret nor what has one inside is repeated.
    if (at && holdsSecret(at)) return `${issue.path.join(".")}: ${issue.message}`;
  }
  return `${issue.path.join(".") || "arguments"}: found ${JSON.stringify(found)?.slice(0, 60) ?? "nothing"}; ${issue.message}`;
}
