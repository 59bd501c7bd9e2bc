import type { Where } from "../declare/action.js";
import type { Field } from "../derive/fields.js";
import type { Claim } from "./claim.js";
import { meaningsOf } from "./lex.js";
import type { KindView } from "./lexicon.js";
import { parseQuantity, plainNumber, type Quantity } from "./quantity.js";
import type { FieldMeaning, Reading, Rule } from "./reading.js";
import type { Comparison } from "./words.js";

/** Conditions on numbers: `more than 4 cores`, `with 1gb ram`, `memory over 2 GiB`, `using over 80% of their memory`, `under 500 MB free`. */
export const numberRule: Rule = (reading) => fieldFirst(reading) || quantityFirst(reading);

interface Measured {
  readonly quantity: Quantity;
  readonly length: number;
}

/** The quantity at a position: `1gb`, `1 gb`, `80 %`, `half a gig`, `4`. */
export function quantityAt(reading: Reading, ahead: number): Measured | undefined {
  const fraction = fractionAt(reading, ahead);
  if (fraction) return fraction;
  const lexeme = reading.peek(ahead);
  if (lexeme?.number === undefined || lexeme.quoted) return undefined;
  if (lexeme.unit !== undefined) {
    const quantity = parseQuantity(lexeme.number, lexeme.unit) ?? unitOfField(reading, lexeme.number, lexeme.unit);
    return quantity && { quantity, length: 1 };
  }
  const unit = reading.peek(ahead + 1);
  // A lone letter is a unit only when it is written onto its number.
  const quantity =
    unit && !unit.quoted && unit.lower.length > 1
      ? parseQuantity(lexeme.number, unit.lower)
      : unit?.lower === "%"
        ? parseQuantity(lexeme.number, "%")
        : undefined;
  return quantity ? { quantity, length: 2 } : { quantity: plainNumber(lexeme.number), length: 1 };
}

const PARTS: Readonly<Record<string, number>> = { half: 1 / 2, third: 1 / 3, quarter: 1 / 4, fifth: 1 / 5, tenth: 1 / 10 };

/** A share in words: `half of`, `a third of`, `three quarters full`. "Half a gig" is none. */
function fractionAt(reading: Reading, ahead: number): Measured | undefined {
  const first = reading.peek(ahead);
  const article = ["a", "an", "one"].includes(first?.lower ?? "");
  const several = !article && first?.number !== undefined && first.number > 1 && first.number < 10 ? first.number : undefined;
  const at = ahead + (article || several !== undefined ? 1 : 0);
  const part = PARTS[(reading.peek(at)?.lower ?? "").replace(/s$/, "")];
  if (part === undefined || !(reading.is("of", at + 1) ?? reading.is("place", at + 1) ?? reading.is("used", at + 1) ?? reading.is("free", at + 1)))
    return undefined;
  const share = rounded(part * (several ?? 1));
  const quantity: Quantity = { dimension: "ratio", low: share, high: share, least: share, most: share, text: `${Math.round(share * 100)} %` };
  return { quantity, length: at + 1 - ahead };
}

/** `4vcpu`: the unit is a field's own word. */
function unitOfField(reading: Reading, number: number, unit: string): Quantity | undefined {
  return reading.lexicon.meanings.get(unit)?.some((meaning) => meaning.is === "field") ? plainNumber(number) : undefined;
}

interface Range {
  readonly how: Comparison | "between";
  readonly low: Quantity;
  readonly high: Quantity;
  readonly length: number;
}

/** A comparison with its quantity: `more than 4`, `between 1 and 4 gb`, `4 or more`, a bare `1gb`. */
function rangeAt(reading: Reading, ahead: number): Range | undefined {
  if (reading.is("between", ahead) || reading.peek(ahead)?.lower === "from") {
    const first = quantityAt(reading, ahead + 1);
    const joint = first && ahead + 1 + first.length;
    if (first && joint !== undefined && (reading.is("and", joint) || ["to", "-"].includes(reading.peek(joint)?.lower ?? ""))) {
      const second = quantityAt(reading, joint + 1);
      const low = second && first.quantity.dimension === "number" ? unitLike(first.quantity, second.quantity) : first.quantity;
      if (second) return { how: "between", low, high: second.quantity, length: joint + 1 + second.length - ahead };
    }
    return undefined;
  }
  const compare = reading.is("compare", ahead);
  const from = compare ? reading.past(ahead + 1, "of") : ahead;
  const written = compare ? undefined : writtenRange(reading, from);
  if (written) return written;
  const measured = quantityAt(reading, from);
  if (!measured) return undefined;
  const upper =
    compare || !["to", "-", "–"].includes(reading.peek(from + measured.length)?.lower ?? "")
      ? undefined
      : quantityAt(reading, from + measured.length + 1);
  if (upper) {
    const low = measured.quantity.dimension === "number" ? unitLike(measured.quantity, upper.quantity) : measured.quantity;
    return { how: "between", low, high: upper.quantity, length: from - ahead + measured.length + 1 + upper.length };
  }
  const after = reading.is("compareAfter", from + measured.length);
  const length = from - ahead + measured.length + (after ? 1 : 0);
  return { how: after?.how ?? compare?.how ?? "equal", low: measured.quantity, high: measured.quantity, length };
}

/** `2-4 cores`, `1-4gb`. What has neither a unit nor a field behind it is a name: `vm 100-105`. */
function writtenRange(reading: Reading, at: number): Range | undefined {
  const [, from, to, unit = ""] = /^(\d+(?:\.\d+)?)[-–](\d+(?:\.\d+)?)([a-z%]*)$/.exec(reading.peek(at)?.lower ?? "") ?? [];
  if (from === undefined || to === undefined) return undefined;
  const spaced = unit ? undefined : parseQuantity(Number(to), reading.peek(at + 1)?.lower ?? "");
  const high = unit ? parseQuantity(Number(to), unit) : (spaced ?? (numericFields(reading, at + 1).length > 0 ? plainNumber(Number(to)) : undefined));
  return high && { how: "between", low: unitLike(plainNumber(Number(from)), high), high, length: spaced ? 2 : 1 };
}

/** In "1 and 4 gb" the first number has the unit of the second. */
function unitLike(bare: Quantity, other: Quantity): Quantity {
  const factor = Number(other.text.split(" ")[0]);
  const unit = other.text.split(" ")[1] ?? "";
  return (factor ? parseQuantity(bare.low, unit) : undefined) ?? bare;
}

/** `memory over 2gb`, `cpu usage above 50%`, `disk 90% full`, `ram: 1gb`. */
function fieldFirst(reading: Reading): boolean {
  const start = reading.past(0, "with", "filler", "using");
  const using = Array.from({ length: start }, (_, at) => reading.is("using", at)).some(Boolean);
  const entries = numericFields(reading, start);
  // "storages over 90 % full": what is also a noun is one, unless something leads up to it.
  if (entries.length === 0 || (start === 0 && isNoun(reading, start))) return false;
  let ahead = start + 1;
  const used = using || Boolean(reading.is("used", ahead));
  const free = Boolean(reading.is("free", ahead));
  ahead = reading.past(ahead, "used", "free");
  const bridge = reading.past(ahead, "be", "of", "filler");
  const range = rangeAt(reading, bridge);
  if (!range) return false;
  // "memory 1gb" and "memory of 1gb"; but "vms by memory 5" and "snapshots of vm 100" are something else.
  if (
    range.how === "equal" &&
    range.low.dimension === "number" &&
    !reading.is("be", ahead) &&
    !reading.is("compare", bridge) &&
    ahead === bridge &&
    start === 0 &&
    !reading.peek(start)?.lower.includes(" ")
  )
    return false;
  const tail = reading.is("used", bridge + range.length) ? 1 : 0;
  reading.claim(numberClaim({ entries, text: reading.peek(start)?.lower ?? "", range, used: used || tail > 0, free }));
  reading.take(bridge + range.length + tail);
  return true;
}

/** `more than 4 cores`, `1gb ram`, `over 80% of their memory`, `500mb free disk`, `with 1gb`. */
function quantityFirst(reading: Reading): boolean {
  const start = reading.past(0, "with", "filler", "using");
  const using = Array.from({ length: start }, (_, at) => reading.is("using", at)).some(Boolean);
  const range = rangeAt(reading, start);
  if (!range) return false;
  const end = start + range.length;
  const bridge = reading.past(end, "of", "filler", "free", "used");
  const free = span(end, bridge).some((at) => reading.is("free", at));
  const used = using || span(end, bridge).some((at) => reading.is("used", at));
  const entries = numericFields(reading, bridge);
  const compared = range.how !== "equal" || reading.is("with") !== undefined || using;
  if (entries.length > 0 && !(isNoun(reading, bridge) && !compared)) {
    const after = bridge + 1;
    const usedAfter = Boolean(reading.is("used", after));
    const freeAfter = Boolean(reading.is("free", after));
    const tail = after + (usedAfter || freeAfter ? 1 : 0);
    // "2 gb memory or more"
    const orMore = reading.is("compareAfter", tail);
    const compared = orMore && range.how === "equal" ? { ...range, how: orMore.how } : range;
    reading.claim(
      numberClaim({ entries, text: reading.peek(bridge)?.lower ?? "", range: compared, used: used || usedAfter, free: free || freeAfter }),
    );
    reading.take(tail + (orMore ? 1 : 0));
    return true;
  }
  if (range.low.dimension === "number" || range.low.dimension === "seconds") return false;
  reading.claim(numberClaim({ entries: [], text: "", range, used, free }));
  reading.take(free || used ? reading.past(end, "free", "used") : end);
  return true;
}

const span = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at);
const isNoun = (reading: Reading, ahead: number): boolean => meaningsOf(reading.peek(ahead), "noun").length > 0;

const numericFields = (reading: Reading, ahead: number): readonly FieldMeaning[] =>
  meaningsOf(reading.peek(ahead), "field").filter((meaning) => reading.kind(meaning.kind)?.fields.get(meaning.field)?.type === "number");

interface NumberClaim {
  readonly entries: readonly FieldMeaning[];
  readonly text: string;
  readonly range: Range;
  readonly used: boolean;
  readonly free: boolean;
}

function numberClaim({ entries, text, range, used, free }: NumberClaim): Claim {
  const { dimension } = range.low;
  const subject = text || { bytes: free ? "space" : "size", seconds: "uptime", ratio: "use", celsius: "temperature", number: "number" }[dimension];
  return {
    says: `${free ? "free " : ""}${subject}${used && subject !== "use" ? " used" : ""} is ${sayRange(range)}`,
    about: subject,
    exclusive: false,
    on: (kind) => {
      const named = entries.filter((entry) => entry.kind === kind.id).map((entry) => entry.field);
      const candidates = entries.length > 0 ? named : candidatesFor(kind, dimension, used || free);
      for (const name of candidates) {
        const where = conditionOn(kind, name, range, { used, free });
        if (where) return where;
      }
      return undefined;
    },
  };
}

/** Without a field, a quantity is about the first field that counts in its unit. "90 % full" is about what fills up: the disk, else the memory. */
function candidatesFor(kind: KindView, dimension: Quantity["dimension"], filling: boolean): readonly string[] {
  const counted = [...kind.fields.values()].filter((field) => fits(field, dimension)).map((field) => field.name);
  if (dimension !== "ratio") return counted.includes("memory") ? ["memory", ...counted] : counted;
  const fillable = ["disk", "memory"].filter((name) => kind.fields.has(name) && kind.fields.has(`${name}_used`));
  return filling ? [...fillable, ...counted] : [...counted, ...fillable];
}

function fits(field: Field, dimension: Quantity["dimension"]): boolean {
  return field.type === "number" && field.facet.unit === dimension && !field.name.endsWith("_used");
}

/**
 * The condition on a field, or on the one beside it that measures its use: `memory` has `memory_used` (same unit) or `cpu` has `cpu_usage`
 * (a ratio). These names are the same in every plugin, so they are a rule and not a platform's affair.
 */
function conditionOn(kind: KindView, name: string, range: Range, { used, free }: { used: boolean; free: boolean }): Where | undefined {
  const field = kind.fields.get(name);
  if (!field) return undefined;
  const base = name.replace(/_used$/, "");
  const usedName = kind.fields.has(`${base}_used`) ? `${base}_used` : undefined;
  const usageName = [`${name}_usage`, `${base}_usage`].find((one) => kind.fields.has(one));
  const condition = comparison(range);
  const { dimension } = range.low;
  const unit = field.facet.unit;
  if (dimension === "ratio") {
    if (unit === "ratio") return { [name]: condition };
    if (usageName) return { [usageName]: free ? complement(range) : condition };
    return usedName && kind.fields.has(base)
      ? { [usedName]: { ...(free ? asObject(complement(range)) : asObject(condition)), of: base } }
      : undefined;
  }
  if (dimension !== "number" && unit !== dimension) return undefined;
  if (dimension === "number" && (unit === "bytes" || unit === "ratio") && range.high.high > 1 && range.high.high < 1024) return undefined;
  if (free) return usedName && kind.fields.has(base) ? { [base]: { ...asObject(condition), minus: usedName } } : undefined;
  if (used && usedName) return { [usedName]: condition };
  return { [name]: condition };
}

type Condition = number | Readonly<Record<string, number>>;
const asObject = (condition: Condition): Readonly<Record<string, number>> =>
  typeof condition === "number" ? { min: condition, max: condition } : condition;

const APPROXIMATELY = 0.1;

function comparison({ how, low, high }: Range): Condition {
  switch (how) {
    case "above":
      return { above: high.most };
    case "min":
      return { min: low.least };
    case "below":
      return { below: low.least };
    case "max":
      return { max: high.most };
    case "between":
      return { min: low.least, max: high.most };
    case "about":
      return { min: rounded(low.least * (1 - APPROXIMATELY)), max: rounded(high.most * (1 + APPROXIMATELY)) };
    case "equal":
      return low.low === high.high ? low.low : { min: low.low, max: high.high };
  }
}

const rounded = (value: number): number => Number(value.toPrecision(15));

/** "less than 20 % free" is more than 80 % used. */
function complement(range: Range): Condition {
  const flipped = { above: "below", below: "above", min: "max", max: "min", between: "between", about: "about", equal: "equal" } as const;
  const rest = (quantity: Quantity): Quantity => ({
    ...quantity,
    low: rounded(1 - quantity.high),
    high: rounded(1 - quantity.low),
    least: rounded(1 - quantity.most),
    most: rounded(1 - quantity.least),
  });
  return comparison({ ...range, how: flipped[range.how], low: rest(range.high), high: rest(range.low) });
}

function sayRange({ how, low, high }: Range): string {
  const words = { above: "more than", min: "at least", below: "less than", max: "at most", about: "about", equal: "" } as const;
  if (how === "between") return `between ${low.text} and ${high.text}`;
  return `${words[how]} ${low.text}`.trim();
}
