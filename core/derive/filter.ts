import type { Where } from "../declare/action.js";
import type { Field } from "./fields.js";
import type { JsonSchema } from "./json.js";

/**
 * The filter of a kind's `list`, from its fields:
 * text: equal ignoring case, `*` stands for anything; enum: one of; number: `{ min, max }`, both included, or the number itself;
 * boolean: equal; list: has one that matches. Every condition must hold. An unknown value matches no condition.
 */
export function deriveFilter(fields: readonly Field[]): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const field of fields) {
    const condition = conditionSchema(field);
    if (condition) properties[field.name] = condition;
  }
  const units = Object.entries(
    Object.groupBy(
      fields.filter((field) => field.type === "number" && field.facet.unit),
      (field) => String(field.facet.unit),
    ),
  );
  const inUnits = units.map(([unit, of]) => `${of?.map((field) => field.name).join(", ")} in ${unit}`).join("; ");
  return {
    type: "object",
    description: `All must hold. Text may use *.${inUnits ? ` Numbers: ${inUnits}.` : ""}`,
    properties,
    additionalProperties: false,
  };
}

function conditionSchema(field: Field): JsonSchema | undefined {
  if (field.facet.secret) return undefined;
  switch (field.type) {
    case "text":
      return { type: "string" };
    case "enum":
      return { type: "array", items: { enum: [...(field.values ?? [])] } };
    case "number":
      return { type: "object", properties: { min: { type: "number" }, max: { type: "number" } } };
    case "boolean":
      return { type: "boolean" };
    case "list":
      return { type: "array", items: { type: "string" } };
    case "object":
      return undefined;
  }
}

/** What is wrong with a filter, in words; empty when nothing is. */
export function checkWhere(fields: readonly Field[], where: Where): readonly string[] {
  const faults: string[] = [];
  for (const [name, condition] of Object.entries(where)) {
    const field = fields.find((one) => one.name === name);
    const usable = fields.filter((one) => conditionSchema(one)).map((one) => one.name);
    if (!field || !conditionSchema(field)) faults.push(`where.${name}: no such filter; allowed: ${usable.join(", ")}`);
    else faults.push(...checkCondition(field, condition).map((fault) => `where.${name}: ${fault}`));
  }
  return faults;
}

function checkCondition(field: Field, condition: unknown): readonly string[] {
  const found = `found ${JSON.stringify(condition)?.slice(0, 60)}`;
  switch (field.type) {
    case "number": {
      if (typeof condition === "number") return [];
      if (!isRecord(condition)) return [`${found}; allowed: a number, or an object with min and max`];
      const wrong = Object.entries(condition).filter(([name, value]) => !["min", "max"].includes(name) || typeof value !== "number");
      return wrong.map(([name]) => `${name}: ${found}; allowed: min and max, each a number`);
    }
    case "boolean":
      return typeof condition === "boolean" ? [] : [`${found}; allowed: true or false`];
    case "enum": {
      const unknown = asList(condition).filter((value) => !field.values?.includes(String(value)));
      return unknown.length ? [`found ${unknown.map((value) => JSON.stringify(value)).join(", ")}; allowed: ${field.values?.join(", ")}`] : [];
    }
    default:
      return asList(condition).every((value) => typeof value === "string") ? [] : [`${found}; allowed: text, or a list of texts`];
  }
}

/** The filter as a predicate on items. The filter has been checked. */
export function matcher(fields: readonly Field[], where: Where): (item: Readonly<Record<string, unknown>>) => boolean {
  const tests = Object.entries(where).map(([name, condition]) => {
    const test = conditionTest(fields.find((one) => one.name === name) as Field, condition);
    return (item: Readonly<Record<string, unknown>>) => item[name] !== undefined && item[name] !== null && test(item[name]);
  });
  return (item) => tests.every((test) => test(item));
}

function conditionTest(field: Field, condition: unknown): (value: unknown) => boolean {
  switch (field.type) {
    case "number": {
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = isRecord(condition)
        ? (condition as { min?: number; max?: number })
        : { min: condition as number, max: condition as number };
      return (value) => (value as number) >= min && (value as number) <= max;
    }
    case "boolean":
      return (value) => value === condition;
    case "list": {
      const wanted = asList(condition).map(textTest);
      return (value) => (value as readonly string[]).some((one) => wanted.some((test) => test(one)));
    }
    default: {
      const wanted = asList(condition).map(textTest);
      return (value) => wanted.some((test) => test(String(value)));
    }
  }
}

/** Equality ignoring case, with `*` for any run of characters. Linear in the text, whatever the pattern. */
function textTest(pattern: unknown): (text: string) => boolean {
  const parts = String(pattern).toLowerCase().split("*");
  const [first = "", ...rest] = parts;
  if (rest.length === 0) return (text) => text.toLowerCase() === first;
  const last = rest.pop() ?? "";
  return (text) => {
    const lower = text.toLowerCase();
    if (!lower.startsWith(first) || !lower.endsWith(last) || lower.length < first.length + last.length) return false;
    let at = first.length;
    const end = lower.length - last.length;
    for (const part of rest) {
      const found = lower.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
