import type { Where } from "../declare/action.js";
import type { Claim } from "./claim.js";
import { type Lexeme, meaningsOf } from "./lex.js";
import { DAY, parseQuantity, type Quantity } from "./quantity.js";
import type { FieldMeaning, Reading, Rule } from "./reading.js";
import { quantityAt } from "./numbers.js";

const SECOND = 1000;
const DAY_MS = DAY * SECOND;
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

/** A stretch of time, from its first millisecond to the first one after it. All in UTC. */
interface Period {
  readonly from: number;
  readonly until: number;
  readonly text: string;
  /** Lexemes that it took. */
  readonly length: number;
}

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

const oneAt = (reading: Reading, at: number): Span | undefined => {
  const unit = unitAt(reading, at);
  return unit && { seconds: unit.low, text: unit.text, length: 1 };
};

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

const iso = (at: number): string => new Date(at).toISOString();

interface Span {
  readonly seconds: number;
  readonly text: string;
  readonly length: number;
}

/** A length of time: `30 days`, `a week`, `2w`. */
function spanAt(reading: Reading, at: number): Span | undefined {
  const measured = quantityAt(reading, at);
  if (measured?.quantity.dimension === "seconds") return { seconds: measured.quantity.low, text: measured.quantity.text, length: measured.length };
  const article = ["a", "an", "one"].includes(reading.peek(at)?.lower ?? "") ? 1 : 0;
  const unit = article ? unitAt(reading, at + article) : undefined;
  return unit && { seconds: unit.low, text: unit.text, length: 2 };
}

const unitAt = (reading: Reading, at: number): Quantity | undefined => {
  const word = reading.peek(at)?.lower ?? "";
  const quantity = word.length > 1 ? parseQuantity(1, word) : undefined;
  return quantity?.dimension === "seconds" ? quantity : undefined;
};

function agoAt(reading: Reading, at: number): Period | undefined {
  const span = spanAt(reading, at);
  if (!span || !reading.is("ago", at + span.length)) return undefined;
  const from = startOfDay(reading.now - span.seconds * SECOND);
  return { from, until: from + DAY_MS, text: `${span.text} ago`, length: span.length + 1 };
}

/** A named stretch of time: `today`, `last week`, `this month`, `past 3 days`, `monday`, `2026-01-31`, `in march`, `5 march 2026`. */
function periodAt(reading: Reading, at: number): Period | undefined {
  const word = reading.peek(at)?.lower ?? "";
  const next = reading.peek(at + 1)?.lower ?? "";
  const today = startOfDay(reading.now);
  const day = (from: number, text: string, length: number): Period => ({ from, until: from + DAY_MS, text, length });
  if (word === "today") return day(today, "today", 1);
  if (word === "tomorrow") return day(today + DAY_MS, "tomorrow", 1);
  if (word === "yesterday") return day(today - DAY_MS, "yesterday", 1);
  if (word === "the") return shifted(periodAt(reading, at + 1), 1);
  if (["last", "past", "previous", "this", "current"].includes(word)) {
    const span = spanAt(reading, at + 1);
    if (span && word !== "this" && word !== "current")
      return { from: reading.now - span.seconds * SECOND, until: reading.now + SECOND, text: `the last ${span.text}`, length: span.length + 1 };
    const unit = unitAt(reading, at + 1);
    // "in the last week" is seven days; "last week" is the calendar's.
    const rolling = word === "past" || (word === "last" && reading.lexemes[reading.at + at - 1]?.lower.endsWith("the"));
    if (unit && rolling) return { from: reading.now - unit.low * SECOND, until: reading.now + SECOND, text: `the last ${next}`, length: 2 };
    const calendar = calendarPeriod(next, word === "this" || word === "current" ? 0 : -1, reading.now);
    if (calendar) return { ...calendar, text: `${word} ${next}`, length: 2 };
    if (WEEKDAYS.includes(next)) return day(lastWeekday(next, today), `${word} ${next}`, 2);
  }
  if (WEEKDAYS.includes(word)) return day(lastWeekday(word, today), word, 1);
  return datePeriod(reading, at);
}

const shifted = (period: Period | undefined, by: number): Period | undefined => period && { ...period, length: period.length + by };

/** A month's name, a date in ISO form, or a day with a month. */
function datePeriod(reading: Reading, at: number): Period | undefined {
  const word = reading.peek(at)?.lower ?? "";
  const [, year, month, date] = /^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$/.exec(word) ?? [];
  if (year && Number(year) >= 1990 && Number(year) <= 2100) {
    const from = Date.UTC(Number(year), month ? Number(month) - 1 : 0, date ? Number(date) : 1);
    const until = date ? from + DAY_MS : month ? Date.UTC(Number(year), Number(month), 1) : Date.UTC(Number(year) + 1, 0, 1);
    return Number.isNaN(from) ? undefined : { from, until, text: word, length: 1 };
  }
  const named = monthOf(word);
  const other = reading.peek(at + 1);
  const thisYear = new Date(reading.now).getUTCFullYear();
  const inYear = (index: number, given: number | undefined): number =>
    given ?? (Date.UTC(thisYear, index, 1) > reading.now ? thisYear - 1 : thisYear);
  const yearAt = (position: number): number | undefined => {
    const number = reading.peek(position)?.number;
    return number !== undefined && number >= 1990 && number <= 2100 ? number : undefined;
  };
  const dayNumber = (text: string | undefined): number | undefined => {
    const number = Number(/^(\d{1,2})(?:st|nd|rd|th)?$/.exec(text ?? "")?.[1]);
    return number >= 1 && number <= 31 ? number : undefined;
  };
  if (named !== undefined) {
    const onDay = dayNumber(other?.lower);
    const given = yearAt(at + (onDay ? 2 : 1));
    const from = Date.UTC(inYear(named, given), named, onDay ?? 1);
    const until = onDay ? from + DAY_MS : Date.UTC(inYear(named, given), named + 1, 1);
    return { from, until, text: [word, onDay, given].filter(Boolean).join(" "), length: 1 + (onDay ? 1 : 0) + (given ? 1 : 0) };
  }
  const first = dayNumber(word);
  const second = monthOf(other?.lower ?? "");
  if (first === undefined || second === undefined) return undefined;
  const given = yearAt(at + 2);
  const from = Date.UTC(inYear(second, given), second, first);
  return { from, until: from + DAY_MS, text: [first, other?.lower, given].filter(Boolean).join(" "), length: 2 + (given ? 1 : 0) };
}

function monthOf(word: string): number | undefined {
  const index = MONTHS.findIndex((month) => month === word || (word.length === 3 && month.startsWith(word)));
  return index >= 0 ? index : undefined;
}

const startOfDay = (at: number): number => Math.floor(at / DAY_MS) * DAY_MS;

/** The most recent one before today: on a Saturday, "monday" is five days ago and "saturday" a week. */
function lastWeekday(name: string, today: number): number {
  const back = (new Date(today).getUTCDay() - WEEKDAYS.indexOf(name) + 7) % 7 || 7;
  return today - back * DAY_MS;
}

/** A calendar day, week (from Monday), month or year; `shift` counts back from the current one. */
function calendarPeriod(unit: string, shift: number, now: number): { from: number; until: number } | undefined {
  const date = new Date(now);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const today = startOfDay(now);
  switch (unit) {
    case "day":
      return { from: today + shift * DAY_MS, until: today + (shift + 1) * DAY_MS };
    case "week": {
      const monday = today - ((date.getUTCDay() + 6) % 7) * DAY_MS;
      return { from: monday + shift * 7 * DAY_MS, until: monday + (shift + 1) * 7 * DAY_MS };
    }
    case "month":
      return { from: Date.UTC(year, month + shift, 1), until: Date.UTC(year, month + shift + 1, 1) };
    case "year":
      return { from: Date.UTC(year + shift, 0, 1), until: Date.UTC(year + shift + 1, 0, 1) };
    default:
      return undefined;
  }
}

/** Words that mean a time, so that they are not taken for misspelt ones. */
export const TIME_WORDS: readonly string[] = [
  ...WEEKDAYS,
  ...MONTHS,
  "today",
  "yesterday",
  "tomorrow",
  "next",
  "last",
  "past",
  "previous",
  "this",
  "current",
];
