/** Sizes as people read them, for confirmations and notes: 1.2 MB. */
export function sizeText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${at === 0 || value >= 100 ? Math.round(value) : Math.round(value * 10) / 10} ${units[at]}`;
}

/** "1 container", "3 containers". */
export const countText = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

const SHOWN = 20;

/** Names in a sentence, not more than can be read. */
export const namesText = (names: readonly string[]): string =>
  names.length > SHOWN ? `${names.slice(0, SHOWN).join(", ")} and ${names.length - SHOWN} more` : names.join(", ");

/** An object without the fields that are not known. */
export const known = <T extends object>(item: { [field in keyof T]: T[field] | undefined }): T =>
  Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined)) as T;

/**
 * A date of the engine as ISO 8601, or nothing for that of year 1, which stands for "never". To the second: some of its lists know no more, and
 * a filter by what `get` says should find the item.
 */
export function dateOf(text: string | number | undefined | null): string | undefined {
  const at = typeof text === "number" ? text * 1000 : Date.parse(text ?? "");
  return at > 0 ? new Date(Math.floor(at / 1000) * 1000).toISOString() : undefined;
}

/** Labels as key=value. */
export const tagsOf = (labels: Readonly<Record<string, string>> | null | undefined): string[] =>
  Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);

export const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);
