import type { Where } from "../declare/action.js";
import type { Field } from "../derive/fields.js";
import { grammar, type Lexeme, meaningsOf } from "./lex.js";
import type { KindView } from "./lexicon.js";
import type { FieldMeaning, Reading, Rule } from "./reading.js";
import { OPPOSITES } from "./words.js";
import { fieldOf, isExact, isJoint, nameClaim, valueClaim, valuesFrom } from "./values.js";

/** `called web01`, `starting with prod`, `containing cache`, `called web or db`. */
export const namedRule: Rule = (reading) => {
  const start = reading.past(0, "with", "filler");
  const named = reading.is("named", start);
  const first = reading.peek(start + 1);
  if (!named || !first || isJoint(reading, start + 1)) return false;
  const { values, end } = valuesFrom(reading, start + 1);
  reading.claim(nameClaim(values, named.how));
  reading.take(end);
  return true;
};

/** `with "db" in its name`, `that have cache in the name`. */
export const inNameRule: Rule = (reading) => {
  const start = reading.past(0, "with", "filler");
  const value = reading.peek(start);
  if (!value || (value.meanings.length > 0 && !value.quoted) || !["in", "within", "in the"].includes(reading.peek(start + 1)?.lower ?? ""))
    return false;
  const at = reading.past(start + 2, "filler");
  if (!["name", "names"].includes(reading.peek(at)?.lower ?? "")) return false;
  reading.claim(nameClaim([value.text], "contains"));
  reading.take(at + 1);
  return true;
};

/** `from the nginx image`, `in the dev pool`, `with the web profile`: the field behind its value. */
export const trailingFieldRule: Rule = (reading) => {
  if (!(reading.is("place") ?? reading.is("with") ?? reading.is("using"))) return false;
  const start = reading.past(1, "filler");
  const value = reading.peek(start);
  if (!value || (value.meanings.length > 0 && !value.quoted)) return false;
  const field = reading.peek(start + 1);
  const entries = meaningsOf(field, "field").filter((meaning) => textual(fieldOf(reading, meaning)));
  if (entries.length === 0) return false;
  reading.claim(valueClaim(reading, entries, field?.lower ?? "", [value.text], "or", undefined));
  reading.take(start + 2);
  return true;
};

/** `tagged prod`, `on node pve2`, `from image nginx`, `os is ubuntu`, `with status running`. */
export const fieldRule: Rule = (reading) => {
  const first = reading.past(0, "with", "place", "filler", "using", "not");
  const start = lastOfField(reading, first);
  const negated = span(0, first).some((at) => reading.is("not", at) && !reading.is("with", at));
  const entries = meaningsOf(reading.peek(start), "field").filter((meaning) => textual(fieldOf(reading, meaning)));
  if (entries.length === 0) return false;
  const lead = span(0, first).some((at) => isWhose(reading, at) === true || !reading.is("filler", at));
  // "containers that are running": a noun is a field only where something leads up to it, as in "from image nginx".
  if (
    meaningsOf(reading.peek(start), "noun").length > 0 &&
    !span(0, first).some((at) => reading.is("place", at) ?? reading.is("with", at) ?? reading.is("using", at) ?? isWhose(reading, at))
  )
    return false;
  const be = reading.past(start + 1, "be", "filler");
  const not = reading.is("not", be) ? 1 : 0;
  const named = reading.is("named", be + not);
  const equal = reading.is("compare", be + not)?.how === "equal";
  const at = be + not + (named || equal ? 1 : 0);
  const value = reading.peek(at);
  if (!value || isJoint(reading, at) || reading.is("of", at) || reading.is("by", at) || reading.is("sort", at)) return false;
  const explicit = lead || be > start + 1 || not > 0 || Boolean(named) || equal || isParticiple(reading.peek(start));
  // "image nginx" names a value; "image containers" does not, and neither does a field that is listed or ordered by.
  if (
    !explicit &&
    (meaningsOf(value, "noun").length > 0 ||
      meaningsOf(value, "field").length > 0 ||
      (value.meanings.length > 0 && meaningsOf(value, "value").length === 0))
  )
    return false;
  // "on node containers" and "with tags" alone are not conditions on a value.
  const last =
    reading.peek(at + 1) === undefined &&
    reading.parts.some((part) => part.type === "noun") &&
    (reading.is("with") !== undefined || isWhose(reading, 0) === true);
  if (
    meaningsOf(value, "noun").length > 0 &&
    !(value.quoted || named || equal || last) &&
    entries.every((entry) => fieldOf(reading, entry)?.type !== "list")
  )
    return false;
  const { values, joint, end } = valuesFrom(reading, at);
  const claim = valueClaim(reading, entries, reading.peek(start)?.lower ?? "", values, joint, named?.how);
  if (negated || not) reading.parts.push({ type: "not" });
  reading.claim(claim);
  reading.take(end);
  return true;
};

/** "exposed port 80": several words for one field are one. */
function lastOfField(reading: Reading, first: number): number {
  const same = (one: FieldMeaning, other: FieldMeaning): boolean => one.kind === other.kind && one.field === other.field;
  let at = first;
  for (;;) {
    const here = meaningsOf(reading.peek(at), "field");
    if (!meaningsOf(reading.peek(at + 1), "field").some((next) => here.some((one) => same(one, next)))) return at;
    at += 1;
  }
}

const isWhose = (reading: Reading, at: number): true | undefined => (reading.peek(at)?.lower === "whose" ? true : undefined);

/** A state, an enum's value or a known value of a text: `running`, `unhealthy`, `ubuntu`, `arm64`; and fields that are true: `privileged`. */
export const valueRule: Rule = (reading) => {
  const lexeme = reading.peek();
  const values = meaningsOf(lexeme, "value");
  // "on" is a state at the end of "which are on" and "vms on", and leads to a place in "on pve2".
  const before = reading.lexemes[reading.at - 1];
  const stated = grammar(before, "be") !== undefined || meaningsOf(before, "noun").length > 0;
  const leads = reading.is("place") && (!stated || (reading.peek(1) && !isJoint(reading, 1)));
  if (values.length > 0 && !leads) {
    const version = versionAt(reading, values);
    reading.claim({
      says: `${[...new Set(values.map((one) => one.field))].join(" or ")} is ${lexeme?.lower}${version === undefined ? "" : ` ${version}`}`,
      about: `field:${values[0]?.field}`,
      exclusive: true,
      on: (kind) => {
        const own = values.filter((one) => one.kind === kind.id);
        const wordsFor = ({ kind: id, field, value }: ValueMeaning): readonly string[] => [
          value,
          ...(reading.kind(id)?.fields.get(field)?.facet.values?.[value] ?? []),
        ];
        if (own.length > 0) return valueOn(kind, own, wordsFor, version);
        // Enabled or not is a state here and a flag there; and what is known of a text for one kind is a word in that text for another.
        return (
          flagOn(kind, lexeme?.lower ?? "") ??
          valueOn(
            kind,
            values.filter((one) => kind.fields.get(one.field)?.type === "text"),
            wordsFor,
            version,
          )
        );
      },
    });
    const end = version === undefined ? 1 : 2;
    // "high severity": the field may be named behind its value.
    const named = meaningsOf(reading.peek(end), "field").some((field) => values.some((one) => one.kind === field.kind && one.field === field.field));
    reading.take(named && !reading.is("be", end + 1) ? end + 1 : end);
    return true;
  }
  if (opposite(reading) || negated(reading)) return true;
  const flags = meaningsOf(lexeme, "field").filter((meaning) => fieldOf(reading, meaning)?.type === "boolean");
  if (flags.length === 0) return false;
  reading.claim({
    says: lexeme?.lower ?? "",
    about: `flag:${flags[0]?.field}`,
    exclusive: false,
    on: (kind) => {
      const flag = flags.find((one) => one.kind === kind.id);
      return flag && { [flag.field]: true };
    },
  });
  reading.take(1);
  return true;
};

/** `ubuntu 22.04`: the release behind the name of a system. */
function versionAt(reading: Reading, values: readonly { readonly kind: string; readonly field: string }[]): string | undefined {
  const next = reading.peek(1);
  const textual = values.every((one) => reading.kind(one.kind)?.fields.get(one.field)?.type === "text");
  return textual && next?.number !== undefined && next.unit === undefined && /^\d+(\.\d+)*$/.test(next.lower) ? next.lower : undefined;
}

function flagOn(kind: KindView, word: string): Where | undefined {
  for (const [name, wanted] of [
    [word, true],
    [OPPOSITES[word], false],
  ] as const)
    if (name !== undefined && kind.fields.get(name)?.type === "boolean") return { [name]: wanted };
  return undefined;
}

/** `privileged`, `inactive`: a flag of some kind that is not set. */
function opposite(reading: Reading): boolean {
  const word = reading.peek()?.lower ?? "";
  const field = OPPOSITES[word];
  if (field === undefined || meaningsOf(reading.peek(), "field").length > 0) return false;
  if (![...reading.lexicon.kinds.values()].some((kind) => kind.fields.get(field)?.type === "boolean")) return false;
  reading.claim({ says: word, about: `flag:${field}`, exclusive: false, on: (kind) => flagOn(kind, word) });
  reading.take(1);
  return true;
}

/** `unresolved`, `non-public`: not the value that stands behind the "un", for the kinds that have it. */
function negated(reading: Reading): boolean {
  const lexeme = reading.peek();
  const word = lexeme && !lexeme.quoted && lexeme.meanings.length === 0 ? /^(?:un|non-?)([a-z]{3,})$/.exec(lexeme.lower)?.[1] : undefined;
  const values = (reading.lexicon.meanings.get(word ?? "") ?? []).filter((one) => one.is === "value");
  if (word === undefined || values.length === 0) return false;
  reading.claim({
    says: `not ${word}`,
    about: `field:${values[0]?.field}`,
    exclusive: true,
    on: (kind) => {
      const own = values.filter((one) => one.kind === kind.id);
      const where = own.length > 0 ? valueOn(kind, own, ({ value }) => [value], undefined) : undefined;
      return where && { not: where };
    },
  });
  reading.take(1);
  return true;
}

interface ValueMeaning {
  readonly kind: string;
  readonly field: string;
  readonly value: string;
}

function valueOn(
  kind: KindView,
  values: readonly ValueMeaning[],
  wordsFor: (value: ValueMeaning) => readonly string[],
  version: string | undefined,
): Where | undefined {
  const byField = Object.groupBy(values, (one) => one.field);
  const alternatives = Object.entries(byField).map(([name, of]) => {
    const wanted = [...new Set((of ?? []).map((one) => one.value))];
    const field = kind.fields.get(name);
    // What is known of a text is a word in it: "Ubuntu 22.04" is ubuntu, and a machine may be "amd64" or "x86_64".
    const words = [...new Set((of ?? []).flatMap((value) => containing(field, wordsFor(value))))];
    return { [name]: field?.type === "enum" ? wanted : version === undefined ? words : words.map((word) => `${word}${version}*`) };
  });
  const [first] = alternatives;
  return alternatives.length > 1 ? { or: alternatives } : first;
}

const containing = (field: Field | undefined, words: readonly string[]): string[] => words.map((word) => (isExact(field) ? word : `*${word}*`));

/** `tagged`, `labelled`: the word itself says that a value follows. */
const isParticiple = (lexeme: Lexeme | undefined): boolean => Boolean(lexeme && /ed$/.test(lexeme.lower));

const textual = (field: Field | undefined): boolean => field !== undefined && ["text", "list", "enum"].includes(field.type);

const span = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at);
