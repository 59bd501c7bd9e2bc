import type { Where } from "../declare/action.js";
import type { Field } from "./fields.js";
import type { JsonSchema } from "./json.js";

/**
 * The filter of a kind's `list`, from its fields. A condition for each field, all of which must hold:
 * text: equal ignoring case, `*` stands for anything, a list means any of them; enum: one of; boolean: equal; list: has one that matches;
 * number: the number itself, or `min`, `max` (included), `above`, `below` (not included), of a share (`of` another field) or of what is
 * left (`minus` another field); time: `after` (included), `before` (not included); list and text: `empty`.
 * `and`, `or` (lists of filters) and `not` (a filter) nest. The same tree is what a query in words is turned into.
 */
export function deriveFilter(fields: readonly Field[]): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const field of fields) {
    const condition = conditionSchema(field);
    if (condition) properties[field.name] = condition;
  }
  const nested: JsonSchema = { type: "array", items: { type: "object" } };
  return {
    type: "object",
    description: `All must hold. Text may use *.${comparisonsOf(fields)}${unitsOf(fields)}`,
    properties: { ...properties, or: nested, not: { type: "object" } },
    additionalProperties: false,
  };
}

/** What a number and a time are compared by. */
function comparisonsOf(fields: readonly Field[]): string {
  const has = (type: Field["type"]): boolean => fields.some((field) => field.type === type && !field.facet.secret);
  return `${has("number") ? " Numbers: {min,max,above,below}." : ""}${has("time") ? " Times: {after,before}." : ""}`;
}

/** `memory, disk in bytes; uptime in seconds` */
function unitsOf(fields: readonly Field[]): string {
  const byUnit = Object.groupBy(
    fields.filter((field) => field.type === "number" && field.facet.unit && field.facet.unit !== field.name),
    (field) => String(field.facet.unit),
  );
  const parts = Object.entries(byUnit).map(([unit, of]) => `${of?.map((field) => field.name).join(", ")} in ${unit}`);
  return parts.length > 0 ? ` ${parts.join("; ")}.` : "";
}

/** Names that combine filters and so can't be names of fields. */
export const COMBINING = ["and", "or", "not"] as const;

/** What a field can be filtered by, or undefined if it can't. */
export function conditionSchema(field: Field): JsonSchema | undefined {
  if (field.facet.secret) return undefined;
  switch (field.type) {
    case "text":
      return { type: "string" };
    case "enum":
      return { type: "array", items: { enum: [...(field.values ?? [])] } };
    // What these take is said once for all of them: spelled out for each field it would cost more than all the rest of a list tool.
    case "number":
    case "time":
      return { type: "object" };
    case "boolean":
      return { type: "boolean" };
    case "list":
      return { type: "array", items: { type: "string" } };
    case "object":
      return undefined;
  }
}

const MAX_DEPTH = 8;

/** What is wrong with a filter, in words; empty when nothing is. */
export function checkWhere(fields: readonly Field[], where: Where, path = "where", depth = 0): readonly string[] {
  if (depth > MAX_DEPTH) return [`${path}: nested deeper than ${MAX_DEPTH}`];
  const inner = (value: unknown, at: string): readonly string[] =>
    isRecord(value) ? checkWhere(fields, value, at, depth + 1) : [`${at}: found ${show(value)}; allowed: an object of filters`];
  const faults: string[] = [];
  for (const [name, condition] of Object.entries(where)) {
    const at = `${path}.${name}`;
    if (name === "not") faults.push(...inner(condition, at));
    else if (name === "and" || name === "or") {
      if (Array.isArray(condition) && condition.length > 0) faults.push(...condition.flatMap((one: unknown, index) => inner(one, `${at}.${index}`)));
      else faults.push(`${at}: found ${show(condition)}; allowed: a list of filters`);
    } else {
      const field = fields.find((one) => one.name === name);
      const usable = fields.filter((one) => conditionSchema(one)).map((one) => one.name);
      if (!field || !conditionSchema(field)) faults.push(`${at}: no such filter; allowed: ${[...usable, ...COMBINING].join(", ")}`);
      else faults.push(...checkCondition(field, condition, fields).map((fault) => `${at}: ${fault}`));
    }
  }
  return faults;
}

function checkCondition(field: Field, condition: unknown, fields: readonly Field[]): readonly string[] {
  const found = `found ${show(condition)}`;
  const emptiness = isRecord(condition) && Object.keys(condition).length === 1 && typeof condition["empty"] === "boolean";
  switch (field.type) {
    case "number":
      return checkNumber(condition, fields);
    case "time": {
      if (emptiness) return [];
      if (!isRecord(condition)) return [`${found}; allowed: an object with after and before, each a time as in 2026-01-31 or 2026-01-31T12:00:00Z`];
      const wrong = Object.entries(condition).filter(
        ([name, value]) => !["after", "before"].includes(name) || typeof value !== "string" || Number.isNaN(Date.parse(value)),
      );
      return wrong.map(
        ([name, value]) => `${name}: found ${show(value)}; allowed: after and before, each a time as in 2026-01-31 or 2026-01-31T12:00:00Z`,
      );
    }
    case "boolean":
      return typeof condition === "boolean" ? [] : [`${found}; allowed: true or false`];
    case "enum": {
      const unknown = asList(condition).filter((value) => !field.values?.includes(String(value)));
      return unknown.length > 0 ? [`found ${unknown.map(show).join(", ")}; allowed: ${field.values?.join(", ")}`] : [];
    }
    default:
      return emptiness || asList(condition).every((value) => typeof value === "string")
        ? []
        : [`${found}; allowed: text, or a list of texts, or { empty: true }`];
  }
}

function checkNumber(condition: unknown, fields: readonly Field[]): readonly string[] {
  if (typeof condition === "number") return [];
  if (!isRecord(condition)) return [`found ${show(condition)}; allowed: a number, or an object with min, max, above, below`];
  const numbers = fields.filter((field) => field.type === "number").map((field) => field.name);
  return Object.entries(condition).flatMap(([name, value]) => {
    if (["min", "max", "above", "below"].includes(name)) return typeof value === "number" ? [] : [`${name}: found ${show(value)}; allowed: a number`];
    if (name === "of" || name === "minus")
      return numbers.includes(String(value)) ? [] : [`${name}: found ${show(value)}; allowed: a number field: ${numbers.join(", ")}`];
    return [`${name}: no such comparison; allowed: min, max, above, below, of, minus`];
  });
}

/** Every field that a filter looks at, so that what costs extra is fetched only for those that need it. */
export function fieldsIn(where: Where): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [name, condition] of Object.entries(where)) {
    const inner = name === "not" ? [condition] : name === "and" || name === "or" ? (condition as unknown[]) : undefined;
    if (inner) for (const one of inner) for (const found of fieldsIn(one as Where)) names.add(found);
    else {
      names.add(name);
      if (isRecord(condition)) for (const other of [condition["of"], condition["minus"]]) if (typeof other === "string") names.add(other);
    }
  }
  return names;
}

const show = (value: unknown): string => JSON.stringify(value)?.slice(0, 60) ?? "nothing";
export const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
