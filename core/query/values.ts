import type { Where } from "../declare/action.js";
import type { Field } from "../derive/fields.js";
import type { Claim } from "./claim.js";
import { meaningsOf } from "./lex.js";
import type { KindView } from "./lexicon.js";
import type { FieldMeaning, Reading } from "./reading.js";

export function nameClaim(values: readonly string[], how: "equal" | "prefix" | "suffix" | "contains"): Claim {
  const words = { equal: "is", prefix: "starts with", suffix: "ends with", contains: "contains" } as const;
  return {
    says: `name ${words[how]} ${values.map((value) => JSON.stringify(value)).join(" or ")}`,
    about: "name",
    exclusive: true,
    on: (kind) => {
      const wanted = one(values.map((value) => pattern(value, how)));
      // A thing may be called by what identifies it instead of by its name. Ids are asked for as ids.
      const { key } = kind.kind;
      const called = how === "equal" && key !== "id" && kind.fields.get(key)?.type === "text";
      const fields = new Set([kind.nameField ?? [], called ? key : []].flat());
      const [first, ...others] = [...fields].map((field) => ({ [field]: wanted }));
      return first && others.length > 0 ? { or: [first, ...others] } : first;
    },
  };
}

const pattern = (value: string, how: "equal" | "prefix" | "suffix" | "contains"): string => {
  if (value.includes("*")) return value;
  return { equal: value, prefix: `${value}*`, suffix: `*${value}`, contains: `*${value}*` }[how];
};

const one = (values: readonly string[]): string | readonly string[] => (values.length === 1 && values[0] !== undefined ? values[0] : values);

export function valueClaim(
  reading: Reading,
  entries: readonly FieldMeaning[],
  word: string,
  values: readonly string[],
  joint: "and" | "or",
  how: "equal" | "prefix" | "suffix" | "contains" | undefined,
): Claim {
  return {
    says: `${word} ${how && how !== "equal" ? { prefix: "starts with", suffix: "ends with", contains: "contains" }[how] : "is"} ${values.map((value) => JSON.stringify(value)).join(` ${joint} `)}`,
    about: `field:${entries[0]?.field}`,
    exclusive: fieldOf(reading, entries[0])?.type !== "list",
    on: (kind) => {
      const entry = entries.find((candidate) => candidate.kind === kind.id);
      const field = entry && kind.fields.get(entry.field);
      return field && conditionOn(kind, field, values, joint, how);
    },
  };
}

function conditionOn(
  kind: KindView,
  field: Field,
  values: readonly string[],
  joint: "and" | "or",
  how: "equal" | "prefix" | "suffix" | "contains" | undefined,
): Where | undefined {
  if (field.type === "enum") {
    const known = values.flatMap((value) => enumValue(field, value) ?? []);
    return known.length === values.length ? { [field.name]: known } : undefined;
  }
  // A label is often `key=value`, and people say the value.
  const inList = (value: string): string[] => (how ? [pattern(value, how)] : value.includes("=") ? [value] : [value, `*=${value}`]);
  if (field.type === "list" && joint === "and" && values.length > 1) return { and: values.map((value) => ({ [field.name]: inList(value) })) };
  if (field.type === "list") return { [field.name]: values.flatMap(inList) };
  const exact = field.name === kind.nameField || isExact(field);
  return { [field.name]: one(values.map((value) => pattern(value, how ?? (exact ? "equal" : "contains")))) };
}

export const isExact = (field: Field | undefined): boolean =>
  field?.facet.place === true || field?.name === "id" || field?.name === "ip" || field?.name === "name";

function enumValue(field: Field, word: string): string | undefined {
  const lower = word.toLowerCase();
  return field.values?.find((value) => value.toLowerCase() === lower || field.facet.values?.[value]?.some((other) => other.toLowerCase() === lower));
}

/** One value, or several joined by commas, `and`, `or`, as long as what follows means nothing else. */
export function valuesFrom(reading: Reading, start: number): { values: string[]; joint: "and" | "or"; end: number } {
  const values = [reading.peek(start)?.text ?? ""];
  let joint: "and" | "or" = "or";
  let end = start + 1;
  for (;;) {
    let next = end;
    while (reading.is("comma", next) || reading.is("and", next) || reading.is("or", next)) next += 1;
    const value = reading.peek(next);
    if (next === end || !value || !isPlainValue(reading, next)) break;
    if (reading.is("and", next - 1)) joint = "and";
    values.push(value.text);
    end = next + 1;
  }
  return { values, joint, end };
}

/** A further value has to be a word that means nothing else, or a quoted one. */
function isPlainValue(reading: Reading, at: number): boolean {
  const lexeme = reading.peek(at);
  if (!lexeme) return false;
  if (lexeme.quoted) return true;
  if (lexeme.meanings.length > 0 || lexeme.number !== undefined) return false;
  // "and db containers": the word belongs to the noun behind it.
  return meaningsOf(reading.peek(at + 1), "noun").length === 0;
}

export function isJoint(reading: Reading, at: number): boolean {
  const lexeme = reading.peek(at);
  if (!lexeme || lexeme.quoted) return false;
  return (["and", "or", "comma", "not", "except", "open", "close", "compare", "between"] as const).some((word) => reading.is(word, at));
}

export const fieldOf = (reading: Reading, meaning: FieldMeaning | undefined): Field | undefined =>
  meaning && reading.kind(meaning.kind)?.fields.get(meaning.field);
