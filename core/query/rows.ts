import type { Field } from "../derive/fields.js";
import type { Item } from "../call/invoke.js";
import type { InterpretedAggregate, InterpretedOrder } from "./interpret.js";

/** Orders rows by one field after the other. What does not say comes last, whichever way the order goes. */
export function compareBy(orders: readonly InterpretedOrder[], fields: ReadonlyMap<string, Field>): (a: Item, b: Item) => number {
  const keys = orders.map(({ field, minus, direction }) => ({
    of: keyOf(field, minus, fields.get(field)?.type),
    sign: direction === "desc" ? -1 : 1,
  }));
  return (a, b) => {
    for (const { of, sign } of keys) {
      const [left, right] = [of(a), of(b)];
      if (left === right) continue;
      if (left === undefined) return 1;
      if (right === undefined) return -1;
      return left < right ? -sign : sign;
    }
    return 0;
  };
}

function keyOf(field: string, minus: string | undefined, type: Field["type"] | undefined): (row: Item) => string | number | undefined {
  return (row) => {
    const value = row[field];
    if (value === undefined || value === null) return undefined;
    if (type === "time") return Date.parse(String(value));
    if (typeof value !== "number") return Array.isArray(value) ? value.length : String(value).toLowerCase();
    if (minus === undefined) return value;
    const part = row[minus];
    return typeof part === "number" ? value - part : undefined;
  };
}

export interface Group {
  readonly by: string;
  readonly value: number | null;
  /** Rows in it, where the value is not the number of rows. */
  readonly count: number;
}

/** One number over all rows, or one for each group, largest first. Rows that do not have the field do not count. */
export function aggregateRows(
  rows: readonly Item[],
  { op, field, minus, by }: InterpretedAggregate,
): { op: string; field?: string; by?: string; value?: number | null; groups?: readonly Group[] } {
  const about = { op, ...(field ? { field } : {}) };
  if (by === undefined) return { ...about, value: valueOf(rows, op, field, minus) };
  const byValue = new Map<string, Item[]>();
  for (const row of rows) {
    const values = Array.isArray(row[by]) ? (row[by] as unknown[]) : [row[by]];
    for (const value of values) {
      const name = value === undefined || value === null ? "(none)" : String(value);
      byValue.set(name, [...(byValue.get(name) ?? []), row]);
    }
  }
  const groups = [...byValue].map(([name, of]): Group => ({ by: name, value: valueOf(of, op, field, minus), count: of.length }));
  return { ...about, by, groups: groups.toSorted((a, b) => (b.value ?? 0) - (a.value ?? 0) || (a.by < b.by ? -1 : 1)) };
}

function valueOf(rows: readonly Item[], op: InterpretedAggregate["op"], field: string | undefined, minus: string | undefined): number | null {
  if (op === "count" || field === undefined) return rows.length;
  const numbers = rows.flatMap((row) => {
    const [value, part] = [row[field], minus === undefined ? 0 : row[minus]];
    return typeof value === "number" && typeof part === "number" ? [value - part] : [];
  });
  if (numbers.length === 0) return op === "sum" ? 0 : null;
  const sum = numbers.reduce((total, number) => total + number, 0);
  switch (op) {
    case "sum":
      return sum;
    case "avg":
      return sum / numbers.length;
    case "min":
      return numbers.reduce((least, number) => Math.min(least, number));
    case "max":
      return numbers.reduce((most, number) => Math.max(most, number));
  }
}
