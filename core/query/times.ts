import type { Where } from "../declare/action.js";
import type { Claim } from "./claim.js";
import { type Lexeme, meaningsOf } from "./lex.js";
import { DAY } from "./quantity.js";
import type { FieldMeaning, Reading, Rule } from "./reading.js";
import { DAY_MS, type Period, SECOND, agoAt, iso, oneAt, periodAt, spanAt, startOfDay } from "./periods.js";

/** `created last week`, `older than 30 days`, `since monday`, `up for more than 2 days`, `10 days old`, `built before 2026-01-01`. */
export const timeRule: Rule = (reading) => ageRule(reading) || upRule(reading) || oldRule(reading) || pastRule(reading) || momentRule(reading);

/** A word for something that happened: `restarted`, `rebooting`. */
export const isEvent = ({ lower }: Lexeme): boolean => /^[a-z]{3,}(?:ed|ing)$/.test(lower);

/** Whether a time stands there: `in the last hour`, `since monday`. */
export function timeAhead(reading: Reading, ahead: number): boolean {
  const at = reading.past(ahead, "filler", "time");
  return periodAt(reading, at) !== undefined || agoAt(reading, at) !== undefined;
}

/** `expired`: what was to happen, by a field such as `expires`, lies behind us. */
function pastRule(reading: Reading): boolean {
  const lexeme = reading.peek();
  const name = lexeme && !lexeme.quoted && lexeme.meanings.length === 0 ? /^([a-z]+e)d$/.exec(lexeme.lower)?.[1] : undefined;
  if (name === undefined) return false;
  const entries = (reading.lexicon.meanings.get(`${name}s`) ?? []).filter((one): one is FieldMeaning => one.is === "field" && isTime(reading, one));
  if (entries.length === 0) return false;
  reading.claim(timeClaim(entries, "before now", { before: reading.now }));
  reading.take(1);
  return true;
}

const isTime = (reading: Reading, meaning: FieldMeaning): boolean => reading.kind(meaning.kind)?.fields.get(meaning.field)?.type === "time";

/** `older than 30 days`, `newer than a week`. */
function ageRule(reading: Reading): boolean {
  const start = reading.past(0, "filler", "with");
  const age = reading.is("age", start);
  if (!age) return false;
  const span = spanAt(reading, start + 1);
  const limit = span ? reading.now - span.seconds * SECOND : undefined;
  const period = limit === undefined ? periodAt(reading, start + 1) : undefined;
  if (limit === undefined && !period) return false;
  const at = limit ?? (age.direction === "before" ? (period as Period).from : (period as Period).until);
  const text = `${age.direction === "before" ? "older" : "newer"} than ${span?.text ?? period?.text}`;
  reading.claim(timeClaim([], text, age.direction === "before" ? { before: at } : { after: at }));
  reading.take(start + 1 + (span?.length ?? period?.length ?? 0));
  return true;
}

/** `up for more than 2 days`: a span of uptime. */
function upRule(reading: Reading): boolean {
  if (!reading.is("upFor")) return false;
  const compare = reading.is("compare", 1);
  const span = spanAt(reading, compare ? 2 : 1);
  if (!span) return false;
  const how = compare?.how ?? "min";
  const condition = {
    above: { above: span.seconds },
    min: { min: span.seconds },
    below: { below: span.seconds },
    max: { max: span.seconds },
    equal: { min: span.seconds, max: span.seconds + DAY - 1 },
    about: { min: span.seconds * 0.9, max: span.seconds * 1.1 },
  }[how];
  reading.claim({
    says: `up for ${how === "below" || how === "max" ? "less than" : "more than"} ${span.text}`,
    about: "uptime",
    exclusive: false,
    on: (kind) => {
      const field =
        [...kind.fields.values()].find((one) => one.type === "number" && one.facet.unit === "seconds" && one.name === "uptime") ??
        [...kind.fields.values()].find((one) => one.facet.unit === "seconds");
      return field && { [field.name]: condition };
    },
  });
  reading.take((compare ? 2 : 1) + span.length);
  return true;
}

/** `more than 30 days old`, `created over 2 weeks ago`, `3 days old`. */
function oldRule(reading: Reading): boolean {
  const start = reading.past(0, "filler", "happened", "be", "with");
  const compare = reading.is("compare", start);
  const span = spanAt(reading, start + (compare ? 1 : 0));
  const end = span && start + (compare ? 1 : 0) + span.length;
  if (!span || end === undefined || !(reading.is("old", end) ?? reading.is("ago", end))) return false;
  const at = reading.now - span.seconds * SECOND;
  const how = compare?.how ?? "equal";
  const range =
    how === "above" || how === "min"
      ? { before: at }
      : how === "below" || how === "max"
        ? { after: at }
        : { after: startOfDay(at), before: startOfDay(at) + DAY_MS };
  reading.claim(
    timeClaim(
      [],
      `${compare ? { above: "more than ", min: "at least ", below: "less than ", max: "at most ", equal: "", about: "about " }[how] : ""}${span.text} old`,
      range,
    ),
  );
  reading.take(end + 1);
  return true;
}

/** `created last week`, `since monday`, `taken before 2026-01-01`, `in the last 3 days`. */
function momentRule(reading: Reading): boolean {
  const lead = reading.past(0, "filler", "be");
  const entries = meaningsOf(reading.peek(lead), "field").filter((meaning) => isTime(reading, meaning));
  const started = reading.is("started", lead) !== undefined;
  const happened = entries.length > 0 || started || Boolean(reading.is("happened", lead));
  let at = happened ? lead + 1 : lead;
  // "this" is filler, but not in "this year".
  if (happened) while ((["be", "filler", "happened"] as const).some((sort) => reading.is(sort, at)) && !periodAt(reading, at)) at += 1;
  const how = reading.is("time", at);
  if (how) at += 1;
  if (!happened && !how) {
    // "yesterday" and "last week" by themselves say when something was made.
    const alone = periodAt(reading, at);
    if (!alone) return false;
    reading.claim(timeClaim([], alone.text, { after: alone.from, before: alone.until }));
    reading.take(at + alone.length);
    return true;
  }
  const between = reading.is("between", at);
  if (between) {
    const first = periodAt(reading, at + 1);
    const second = first && reading.is("and", at + 1 + first.length) ? periodAt(reading, at + 2 + first.length) : undefined;
    if (!first || !second) return false;
    reading.claim(
      timeClaim(entries, `between ${first.text} and ${second.text}`, { after: first.from, before: second.until }, started ? reading.now : undefined),
    );
    reading.take(at + 2 + first.length + second.length);
    return true;
  }
  const until = how?.how === "within" || reading.peek(at)?.lower === "next" ? spanAround(reading, at, entries) : undefined;
  const period = until ?? periodAt(reading, at) ?? agoAt(reading, at);
  if (!period) return false;
  // "from last week" is within it; "from monday" and "since last week" begin there.
  const within = how && reading.peek(at - 1)?.lower === "from" && (period.until - period.from > DAY_MS || /^(?:to|yester)day$/.test(period.text));
  const range =
    how?.how === "since" && !within
      ? { after: period.from }
      : how?.how === "before"
        ? { before: period.from }
        : how?.how === "after"
          ? { after: period.until }
          : { after: period.from, before: period.until };
  const word = how && how.how !== "within" && !within ? `${how.how} ` : "";
  reading.claim(timeClaim(entries, `${word}${period.text}`, range, started ? reading.now : undefined));
  reading.take(at + period.length);
  return true;
}

/** `in 30 days`, `within the next week`: ahead of us for a field such as `expires`, behind us for all that has happened. */
function spanAround(reading: Reading, at: number, entries: readonly FieldMeaning[]): Period | undefined {
  const start = reading.past(at, "filler", "compare");
  const next = reading.peek(start)?.lower === "next" ? 1 : 0;
  const span = spanAt(reading, start + next) ?? (next ? oneAt(reading, start + next) : undefined);
  if (!span || reading.is("ago", start + next + span.length)) return undefined;
  const ahead = next > 0 || (entries.length > 0 && entries.every((entry) => /[^s]s$/.test(entry.field)));
  const { now } = reading;
  const [from, until] = ahead ? [now, now + span.seconds * SECOND] : [now - span.seconds * SECOND, now + SECOND];
  return { from, until, text: ahead ? `in the next ${span.text}` : `the last ${span.text}`, length: start + next + span.length - at };
}

interface Range {
  readonly after?: number;
  readonly before?: number;
}

/**
 * About the time field that was named, or the kind's first one: when it was created. `startedFrom`, the present, where it is about the last
 * start: what is up knows that by how long it has been so.
 */
function timeClaim(entries: readonly FieldMeaning[], text: string, { after, before }: Range, startedFrom?: number): Claim {
  const condition: Where = { ...(after === undefined ? {} : { after: iso(after) }), ...(before === undefined ? {} : { before: iso(before) }) };
  return {
    says: `${startedFrom === undefined ? (entries[0]?.field ?? "created") : "started"} ${text}`,
    about: "time",
    exclusive: false,
    on: (kind) => {
      if (startedFrom !== undefined && kind.fields.get("uptime")?.type === "number") {
        const upFor = (at: number): number => Math.max(0, Math.floor((startedFrom - at) / SECOND));
        return { uptime: { ...(before === undefined ? {} : { min: upFor(before) }), ...(after === undefined ? {} : { max: upFor(after) }) } };
      }
      const named = entries.find((entry) => entry.kind === kind.id)?.field;
      const field = entries.length > 0 ? named : [...kind.fields.values()].find((one) => one.type === "time")?.name;
      return field === undefined ? undefined : { [field]: condition };
    },
  };
}
