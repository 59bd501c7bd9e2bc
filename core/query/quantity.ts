/**
 * Numbers with units as people write them: `1gb`, `2 GiB`, `80%`, `30 days`, `4 cores`, `1.5g`, `half a gig`.
 * A quantity is a range, because a bare one means what would be displayed so: `1gb` is anything from 10^9 to 2^30 bytes.
 */
export type Dimension = "bytes" | "seconds" | "ratio" | "celsius" | "number";

export interface Quantity {
  readonly dimension: Dimension;
  /** The smallest and the largest value that is displayed as this quantity, in the base unit of its dimension. */
  readonly low: number;
  readonly high: number;
  /** What comparisons begin at: "under 1 GB" ends where one GB could begin, "over 1 GB" begins where it must have ended. */
  readonly least: number;
  readonly most: number;
  /** As it was written, tidied: `1 GB`. */
  readonly text: string;
}

const DECIMAL = 1000;
const BINARY = 1024;
const BYTE_UNITS = ["k", "m", "g", "t", "p"];
const BYTE_NAMES = ["kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"];
const BINARY_NAMES = ["kibibyte", "mebibyte", "gibibyte", "tebibyte", "pebibyte"];
const SHORT_NAMES = ["kilo", "meg", "gig", "tera", "peta"];

const MINUTE = 60;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const SECONDS: Readonly<Record<string, number>> = {
  ...named(1, "s", "sec", "secs", "second", "seconds"),
  ...named(MINUTE, "min", "mins", "minute", "minutes"),
  ...named(HOUR, "h", "hr", "hrs", "hour", "hours"),
  ...named(DAY, "d", "day", "days"),
  ...named(7 * DAY, "w", "week", "weeks"),
  ...named(30 * DAY, "month", "months", "mo"),
  ...named(365 * DAY, "y", "yr", "yrs", "year", "years"),
};

function named(value: number, ...names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, value]));
}

/** Each byte unit as [low factor, high factor]: "gb" is said for both 10^9 and 2^30, "gib" only for the latter. */
const BYTES = new Map<string, readonly [number, number]>([
  ["b", [1, 1]],
  ["byte", [1, 1]],
  ["bytes", [1, 1]],
]);
for (const [at, letter] of BYTE_UNITS.entries()) {
  const range = [DECIMAL ** (at + 1), BINARY ** (at + 1)] as const;
  for (const name of [letter, `${letter}b`, `${letter}bs`, BYTE_NAMES[at] ?? "", `${BYTE_NAMES[at]}s`, SHORT_NAMES[at] ?? "", `${SHORT_NAMES[at]}s`])
    BYTES.set(name, range);
  for (const name of [`${letter}i`, `${letter}ib`, BINARY_NAMES[at] ?? "", `${BINARY_NAMES[at]}s`]) BYTES.set(name, [range[1], range[1]]);
}

const NUMBER_WORDS: Readonly<Record<string, number>> = {
  zero: 0,
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  dozen: 12,
  twenty: 20,
  fifty: 50,
  hundred: 100,
  half: 0.5,
};

/** A plain number, in digits (`1,000` too) or as a word; undefined for anything else. */
export function parseNumber(text: string): number | undefined {
  if (Object.hasOwn(NUMBER_WORDS, text)) return NUMBER_WORDS[text];
  if (!/^\d{1,15}(?:[.,]\d{1,9})*$/.test(text)) return undefined;
  const grouped = /^\d{1,3}(?:,\d{3})+(?:\.\d+)?$/.test(text) ? text.replaceAll(",", "") : text.replace(",", ".");
  const number = Number(grouped);
  return Number.isFinite(number) ? number : undefined;
}

/** A number with the unit that follows it. Undefined when the word is no unit. */
export function parseQuantity(number: number, unit: string): Quantity | undefined {
  const word = unit.toLowerCase();
  if (word === "%" || word === "percent" || word === "pct") {
    // "80 %" is displayed for everything that rounds to it.
    const step = 0.5 / 10 ** decimals(number);
    const exact = number / 100;
    return { dimension: "ratio", low: (number - step) / 100, high: (number + step) / 100, least: exact, most: exact, text: `${number} %` };
  }
  const bytes = BYTES.get(word);
  if (bytes) {
    const [least, most] = [Math.floor(number * bytes[0]), Math.ceil(number * bytes[1])];
    return { dimension: "bytes", low: least, high: most, least, most, text: `${number} ${shown(word)}` };
  }
  if (Object.hasOwn(SECONDS, word)) {
    const length = SECONDS[word] ?? 1;
    // "2 days" is displayed until the third one begins.
    const until = Number.isInteger(number) ? (number + 1) * length - 1 : number * length;
    const exact = number * length;
    return { dimension: "seconds", low: exact, high: until, least: exact, most: exact, text: `${number} ${word.length > 1 ? word : longTime(word)}` };
  }
  if (["c", "°c", "°", "degree", "degrees", "celsius"].includes(word))
    return { dimension: "celsius", low: number - 0.5, high: number + 0.5, least: number, most: number, text: `${number} °C` };
  return undefined;
}

/** A number without a unit. */
export const plainNumber = (number: number): Quantity => ({
  dimension: "number",
  low: number,
  high: number,
  least: number,
  most: number,
  text: String(number),
});

const decimals = (number: number): number => String(number).split(".")[1]?.length ?? 0;

const shown = (word: string): string => {
  const [letter = ""] = word;
  if (/^[kmgtp]i?b?$/.test(word)) return `${letter.toUpperCase()}${word.includes("i") ? "i" : ""}B`;
  return word;
};

const longTime = (word: string): string => ({ s: "seconds", h: "hours", d: "days", w: "weeks", y: "years" })[word] ?? word;

/** Words that mean a number or a unit, so that they are not taken for misspelt ones. */
export const QUANTITY_WORDS: readonly string[] = [
  ...Object.keys(NUMBER_WORDS),
  ...Object.keys(SECONDS),
  ...BYTES.keys(),
  "percent",
  "degrees",
  "celsius",
];
