import type { SchemaIssue } from "../declare/facet.js";
import { ProxMcpError } from "../errors.js";
import { namesOf, partOf } from "./nested.js";

export interface DescribeOptions {
  /** Whether the value at the fault may be shown; whatever may be a secret is named by its type alone. */
  readonly show: boolean;
  /** What was checked against, so that the names it knows can be listed. */
  readonly schema?: object;
}

/** `connections.prod.tools.confirm: found "maybe"; allowed: ...` An unknown name is a fault of its own. */
export function describeIssue(issue: SchemaIssue, root: unknown, { show, schema }: DescribeOptions): readonly string[] {
  const path = issue.path.map(String);
  const { keys: names, issues: inner } = issue as { keys?: readonly string[]; issues?: readonly SchemaIssue[] };
  const known = schema && path.reduce<object | undefined>((at, step) => at && partOf(at, step), schema);
  if (names && known) return names.map((name) => `${[...path, name].join(".")}: no such setting; allowed: ${namesOf(known).join(", ")}`);
  if (issue.code === "invalid_key") return [`${path.join(".")}: ${inner?.[0]?.message ?? issue.message}`];
  const found = issue.path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step], root);
  return [
    `${path.join(".") || "(top level)"}: found ${show && isScalar(found) ? shorten(JSON.stringify(found)) : typeName(found)}; ${issue.message}`,
  ];
}

/** One error for all faults. */
export function configInvalid(origin: string, faults: readonly string[]): ProxMcpError {
  const head = `${origin} has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:`;
  return new ProxMcpError("CONFIG_INVALID", [head, ...faults].join("\n  "), { data: { faults } });
}

// Objects and lists are never shown: a secret may lie anywhere in them.
const isScalar = (value: unknown): boolean => value === null || ["string", "number", "boolean"].includes(typeof value);

function typeName(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);
