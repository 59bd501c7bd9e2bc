import { DAY, parseQuantity, type Quantity } from "./quantity.js";
import type { Reading } from "./reading.js";
import { quantityAt } from "./numbers.js";

export const SECOND = 1000;

export const DAY_MS = DAY * SECOND;

const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

const MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

/** A stretch of time, from its first millisecond to the first one after it. All in UTC. */
export interface Period {
  readonly from: number;
  readonly until: number;
  readonly text: string;
  /** Lexemes that it took. */
  readonly length: number;
}

export const oneAt = (reading: Reading, at: number): Span | undefined => {
  const unit = unitAt(reading, at);
  return unit && { seconds: unit.low, text: unit.text, length: 1 };
};

export const iso = (at: number): string => new Date(at).toISOString();

interface Span {
  readonly seconds: number;
  readonly text: string;
  readonly length: number;
}

/** A length of time: `30 days`, `a week`, `2w`. */
export function spanAt(reading: Reading, at: number): Span | undefined {
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

export function agoAt(reading: Reading, at: number): Period | undefined {
  const span = spanAt(reading, at);
  if (!span || !reading.is("ago", at + span.length)) return undefined;
  const from = startOfDay(reading.now - span.seconds * SECOND);
  return { from, until: from + DAY_MS, text: `${span.text} ago`, length: span.length + 1 };
}

/** A named stretch of time: `today`, `last week`, `this month`, `past 3 days`, `monday`, `2026-01-31`, `in march`, `5 march 2026`. */
export function periodAt(reading: Reading, at: number): Period | undefined {
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

export const startOfDay = (at: number): number => Math.floor(at / DAY_MS) * DAY_MS;

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
