import type { Where } from "../declare/action.js";
import type { Field } from "./fields.js";
import { asList, isRecord } from "./filter.js";

type Item = Readonly<Record<string, unknown>>;
/** Undefined: it can't be told, because the item does not say. Not even its negation holds then. */
type Test = (item: Item) => boolean | undefined;

/** A checked filter as a predicate on items. An unknown number or time matches no comparison, not even a negated one. */
export function matcher(fields: readonly Field[], where: Where): (item: Item) => boolean {
  const byName = new Map(fields.map((field) => [field.name, field]));
  const test = allOf(byName, where);
  return (item) => test(item) === true;
}

function allOf(fields: ReadonlyMap<string, Field>, where: Where): Test {
  const tests = Object.entries(where).map(([name, condition]): Test => {
    if (name === "not") return negated(allOf(fields, condition as Where));
    if (name === "and") return every((condition as Where[]).map((one) => allOf(fields, one)));
    if (name === "or") return some((condition as Where[]).map((one) => allOf(fields, one)));
    return conditionTest(name, fields.get(name) as Field, condition);
  });
  return tests.length === 1 && tests[0] ? tests[0] : every(tests);
}

function every(tests: readonly Test[]): Test {
  return (item) => {
    let known = true;
    for (const test of tests) {
      const holds = test(item);
      if (holds === false) return false;
      if (holds === undefined) known = false;
    }
    return known ? true : undefined;
  };
}

function some(tests: readonly Test[]): Test {
  return (item) => {
    let known = true;
    for (const test of tests) {
      const holds = test(item);
      if (holds) return true;
      if (holds === undefined) known = false;
    }
    return known ? false : undefined;
  };
}

const negated =
  (test: Test): Test =>
  (item) => {
    const holds = test(item);
    return holds === undefined ? undefined : !holds;
  };

function conditionTest(name: string, field: Field, condition: unknown): Test {
  if (field.type === "number") return numberTest(name, condition);
  if (isRecord(condition) && "empty" in condition) {
    return (item) => (isAbsent(item[name]) || item[name] === "" || (Array.isArray(item[name]) && item[name].length === 0)) === condition["empty"];
  }
  if (field.type === "time") return timeTest(name, condition as { after?: string; before?: string });
  if (field.type === "boolean") return (item) => item[name] === condition;
  const wanted = asList(condition).map(textTest);
  if (field.type === "list")
    return (item) => Array.isArray(item[name]) && (item[name] as unknown[]).some((one) => wanted.some((test) => test(String(one))));
  return (item) => {
    const value = item[name];
    return !isAbsent(value) && wanted.some((test) => test(String(value)));
  };
}

interface NumberCondition {
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly below?: number;
  readonly of?: string;
  readonly minus?: string;
}

function numberTest(name: string, condition: unknown): Test {
  const { min, max, above, below, of, minus }: NumberCondition = isRecord(condition)
    ? condition
    : { min: condition as number, max: condition as number };
  return (item) => {
    let value = item[name];
    if (typeof value !== "number") return undefined;
    if (of !== undefined) {
      const whole = item[of];
      if (typeof whole !== "number" || whole === 0) return undefined;
      value = (value as number) / whole;
    }
    if (minus !== undefined) {
      const part = item[minus];
      if (typeof part !== "number") return undefined;
      value = (value as number) - part;
    }
    const number = value as number;
    return (
      (min === undefined || number >= min) &&
      (max === undefined || number <= max) &&
      (above === undefined || number > above) &&
      (below === undefined || number < below)
    );
  };
}

function timeTest(name: string, { after, before }: { after?: string; before?: string }): Test {
  const from = after === undefined ? Number.NEGATIVE_INFINITY : Date.parse(after);
  const until = before === undefined ? Number.POSITIVE_INFINITY : Date.parse(before);
  return (item) => {
    const value = typeof item[name] === "string" ? Date.parse(item[name]) : Number.NaN;
    return Number.isNaN(value) ? undefined : value >= from && value < until;
  };
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

const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;
