import { meaningsOf } from "./lex.js";
import type { AggregateOp, FieldMeaning, Reading, Rule } from "./reading.js";

/** `top 5 vms by memory`, `the oldest 3 images`, `first 10`, `5 vms`, `with the most memory`. */
export const limitRule: Rule = (reading) => topRule(reading) || superlativeRule(reading) || extremeRule(reading) || countedRule(reading);

function topRule(reading: Reading): boolean {
  const limit = reading.is("limit");
  if (!limit) return false;
  const number = reading.peek(1)?.number;
  const whole = number !== undefined && Number.isInteger(number) && number > 0 && reading.peek(1)?.unit === undefined;
  // "top containers by memory" has no number; "first" alone says nothing.
  if (!whole && limit.from === "first") return false;
  if (whole) reading.limit = number;
  reading.direction = limit.from === "bottom" ? "asc" : limit.from === "top" ? "desc" : reading.direction;
  reading.take(whole ? 2 : 1);
  return true;
}

/** `the oldest 3 images`, `3 oldest images`, `newest container`. */
function superlativeRule(reading: Reading): boolean {
  if (lastRule(reading)) return true;
  const before = reading.peek()?.number;
  const start = before !== undefined && reading.is("superlative", 1) ? 1 : 0;
  const found = reading.is("superlative", start);
  if (!found) return false;
  const after = start === 0 ? reading.peek(1)?.number : undefined;
  const count = start === 1 ? before : after;
  const end = start + 1 + (after === undefined ? 0 : 1);
  reading.orders.push({ by: { means: found.by }, direction: found.direction, used: false });
  // One thing in the singular: "the oldest image". "Oldest images" is an order.
  const noun = reading.peek(reading.past(end, "filler"));
  const singular = meaningsOf(noun, "noun").length > 0 && !noun?.lower.endsWith("s");
  if (count !== undefined) reading.limit = count;
  else if (singular) reading.limit = 1;
  reading.take(end);
  return true;
}

/** `last 5 backups`: the newest ones. "The last 5 days" is a time, and read before. */
function lastRule(reading: Reading): boolean {
  const count = reading.peek(1)?.number;
  if (!["last", "the last"].includes(reading.peek()?.lower ?? "") || count === undefined || reading.peek(1)?.unit !== undefined) return false;
  if (meaningsOf(reading.peek(2), "noun").length === 0) return false;
  reading.orders.push({ by: { means: "time" }, direction: "desc", used: false });
  reading.limit = count;
  reading.take(2);
  return true;
}

/** `with the most memory`, `highest cpu usage`, `most ram used`, `fewest snapshots`. */
function extremeRule(reading: Reading): boolean {
  const start = reading.past(0, "with", "using", "filler");
  const extreme = reading.is("extreme", start);
  if (!extreme) return false;
  const at = reading.past(start + 1, "filler", "free");
  const free = reading.is("free", at - 1) !== undefined;
  const entries = free ? freeSortable(reading, at) : sortable(reading, at);
  if (entries.length === 0) return false;
  const using =
    Array.from({ length: start }, (_, ahead) => reading.is("using", ahead)).some(Boolean) || reading.peek(start)?.lower.startsWith("using");
  const used = using === true || Boolean(reading.is("used", at + 1));
  reading.orders.push({
    by: { fields: entries, text: reading.peek(at)?.lower ?? "" },
    direction: extreme.direction,
    used,
    ...(free ? { free } : {}),
  });
  reading.take(at + 1 + (reading.is("used", at + 1) ? 1 : 0));
  return true;
}

/** "the most free space" is about disks. */
function freeSortable(reading: Reading, at: number): readonly FieldMeaning[] {
  const entries = sortable(reading, at);
  if (entries.length > 0 || !["space", "room"].includes(reading.peek(at)?.lower ?? "")) return entries;
  return (reading.lexicon.meanings.get("disk") ?? []).filter((one): one is FieldMeaning => one.is === "field");
}

/** `5 vms`: a number right before a noun is how many. */
function countedRule(reading: Reading): boolean {
  const lexeme = reading.peek();
  if (lexeme?.number === undefined || lexeme.unit !== undefined || !Number.isInteger(lexeme.number) || lexeme.number < 1) return false;
  if (meaningsOf(reading.peek(1), "noun").length === 0) return false;
  reading.limit = lexeme.number;
  reading.take(1);
  return true;
}

/** `sorted by memory descending`, `by cpu`, `ordered by name a to z`. */
export const orderRule: Rule = (reading) => {
  const direction = reading.is("direction");
  if (direction) {
    const last = reading.orders.pop();
    // "newest first" orders by time even when nothing was named before.
    if (last) reading.orders.push({ ...last, direction: direction.direction });
    else if (/^(old|new)est first$/.test(reading.peek()?.lower ?? ""))
      reading.orders.push({ by: { means: "time" }, direction: direction.direction, used: false });
    else return false;
    reading.take(1);
    return true;
  }
  const sort = reading.is("sort");
  const by = reading.is("by") ?? (reading.is("sort", 0) ? reading.is("by", 1) : undefined);
  if (!sort && !by) return false;
  const start = reading.past(1, "by", "filler", "free");
  const led = reading.is("free", start - 1) !== undefined;
  const entries = led ? freeSortable(reading, start) : sortable(reading, start);
  if (entries.length === 0) return false;
  if (!sort && reading.aggregate) return false; // "count by node" groups
  const used = Boolean(reading.is("used", start + 1));
  const free = Boolean(reading.is("free", start + 1)) || led;
  const end = start + 1 + (used || reading.is("free", start + 1) ? 1 : 0);
  // "the 10 largest vms by disk": it is said here what they are large in.
  const last = reading.orders.at(-1);
  if (!sort && last && "means" in last.by && last.by.means === "size") reading.direction = reading.orders.pop()?.direction;
  const numeric = entries.some((entry) => ["number", "time"].includes(reading.kind(entry.kind)?.fields.get(entry.field)?.type ?? ""));
  reading.orders.push({
    by: { fields: entries, text: reading.peek(start)?.lower ?? "" },
    direction: reading.direction ?? (numeric && !sort ? "desc" : "asc"),
    used,
    ...(free ? { free } : {}),
  });
  reading.take(end);
  return true;
};

/** `how many`, `total memory of`, `average cpu usage`, `how much memory do ... use`, `count by node`. */
export const aggregateRule: Rule = (reading) => {
  const much = reading.is("howMuch");
  const word = reading.is("aggregate");
  if (!much && !word) return false;
  const op: AggregateOp = much ? "sum" : (word?.op ?? "count");
  const start = reading.past(1, "filler", "of", "free", "used");
  const before = Array.from({ length: start }, (_, at) => at);
  const free = before.some((at) => reading.is("free", at));
  const entries = sortable(reading, start).filter((entry) => reading.kind(entry.kind)?.fields.get(entry.field)?.type === "number");
  if (op === "count" || (op === "sum" && entries.length === 0 && word)) {
    // "total" without a field behind it counts; "minimum 2 cores" is no aggregate at all.
    if (op === "sum" && reading.peek(start)?.number !== undefined) return false;
    reading.aggregate = { op: "count", fields: [], text: "", used: false };
    reading.take(1);
    return true;
  }
  if (entries.length === 0) return false;
  // "how much memory is free"
  const tail = reading.past(start + 1, "be");
  const freeBehind = reading.is("free", tail) !== undefined;
  const used =
    Boolean(reading.is("used", tail)) ||
    ["used by", "in use by"].includes(reading.peek(tail)?.lower ?? "") ||
    reading.lexemes.slice(reading.at + start + 1).some((lexeme) => lexeme.lower === "use" || lexeme.lower === "uses" || lexeme.lower === "using");
  reading.aggregate = {
    op,
    fields: entries,
    text: reading.peek(start)?.lower ?? "",
    used: used || before.some((at) => reading.is("used", at)),
    ...(free || freeBehind ? { free: true } : {}),
  };
  reading.take(freeBehind || reading.is("used", tail) ? tail + 1 : start + 1);
  return true;
};

/** `by node`, `per provider`, `for each host`, `grouped by status`: what an aggregate is told apart by. */
export const groupRule: Rule = (reading) => {
  const explicit = reading.is("group");
  if (!explicit && !(reading.is("by") && reading.aggregate)) return false;
  const at = reading.past(1, "filler");
  const lexeme = reading.peek(at);
  const fields = meaningsOf(lexeme, "field");
  const source = ["provider", "platform"].includes(lexeme?.lower ?? "")
    ? "provider"
    : meaningsOf(lexeme, "connectionNoun").length > 0 || lexeme?.lower === "connection"
      ? "connection"
      : undefined;
  if (source && fields.length === 0) reading.group = { fields: [], text: source, by: source };
  else if (fields.length > 0) reading.group = { fields, text: lexeme?.lower ?? "", ...(source ? { by: source } : {}) };
  else return false;
  reading.aggregate ??= { op: "count", fields: [], text: "", used: false };
  reading.take(at + 1);
  return true;
};

/** `names and ips of ...`, `the ip of web1`, `memory, cpu for ...`: which fields to answer. */
export const fieldsRule: Rule = (reading) => {
  const start = reading.past(0, "filler");
  const chosen: FieldMeaning[][] = [];
  let measure = false;
  let at = start;
  for (;;) {
    const fields = meaningsOf(reading.peek(at), "field");
    if (fields.length === 0) break;
    const used = reading.is("used", at + 1);
    measure ||= used !== undefined;
    chosen.push(fields.map((entry) => (used ? measured(reading, entry) : entry)));
    at += 1;
    if (used || reading.is("free", at)) at += 1;
    const next = reading.past(at, "comma", "and", "filler");
    if (next === at || meaningsOf(reading.peek(next), "field").length === 0) break;
    at = next;
  }
  if (chosen.length === 0 || !reading.is("of", at)) return false;
  // "snapshots of web01" asks for the snapshots themselves.
  if (chosen.length === 1 && !measure && meaningsOf(reading.peek(start), "noun").length > 0) return false;
  // "of" has to lead to what is asked about, or "image of nginx" would choose a field.
  const subject = reading.past(at + 1, "filler", "of");
  const about = reading.peek(subject);
  if (!about || about.number !== undefined) return false;
  reading.fields.push(...chosen);
  reading.take(at + 1);
  return true;
};

/** "cpu usage" is the field that measures the use of the cpu. */
function measured(reading: Reading, entry: FieldMeaning): FieldMeaning {
  const name = [`${entry.field}_used`, `${entry.field}_usage`].find((one) => reading.kind(entry.kind)?.fields.has(one));
  return name ? { ...entry, field: name } : entry;
}

const sortable = (reading: Reading, ahead: number): readonly FieldMeaning[] => meaningsOf(reading.peek(ahead), "field");
