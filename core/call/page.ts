import { createHash } from "node:crypto";
import { ProxMcpError } from "../errors.js";
import type { Signer } from "../services/signer.js";
import { canonical } from "./confirm.js";

interface Mark {
  /** Which listing the cursor belongs to. */
  readonly of: string;
  /** The last row that was given out, and where it stood. */
  readonly last: string;
  readonly at: number;
}

export interface Page<Row> {
  readonly items: readonly Row[];
  readonly total: number;
  readonly cursor?: string;
  /** Set when rows were held back to stay below the size limit. */
  readonly cut?: boolean;
}

/**
 * One page of rows. The cursor names the last row given out, so rows that come or go meanwhile shift nothing; if that row itself is gone,
 * its position counts. A page that would be larger than `maxBytes` is cut shorter, never below one row.
 */
export function pageOf<Row>(
  rows: readonly Row[],
  {
    limit,
    cursor,
    listing,
    maxBytes,
    identity,
    signer,
  }: { limit: number; cursor?: string | undefined; listing: unknown; maxBytes: number; identity: (row: Row) => string; signer: Signer },
): Page<Row> {
  const of = createHash("sha256").update(canonical(listing)).digest("base64url").slice(0, 16);
  const start = cursor === undefined ? 0 : startAfter(rows, cursor, of, identity, signer);
  const items: Row[] = [];
  let bytes = 0;
  for (const row of rows.slice(start, start + limit)) {
    bytes += JSON.stringify(row).length + 1;
    if (bytes > maxBytes && items.length > 0) break;
    items.push(row);
  }
  const end = start + items.length;
  const last = items.at(-1);
  const more = end < rows.length && last !== undefined;
  return {
    items,
    total: rows.length,
    ...(more ? { cursor: signer.sign({ of, last: identity(last), at: end } satisfies Mark) } : {}),
    ...(more && items.length < limit ? { cut: true } : {}),
  };
}

function startAfter<Row>(rows: readonly Row[], cursor: string, of: string, identity: (row: Row) => string, signer: Signer): number {
  const mark = signer.open<Mark>(cursor);
  if (!mark) throw new ProxMcpError("INVALID_INPUT", "cursor: not one that this server gave out.", { next: "Begin again without a cursor." });
  if (mark.of !== of)
    throw new ProxMcpError("INVALID_INPUT", "cursor: it belongs to a list with other arguments.", {
      next: "Keep all arguments but `cursor` and `limit` the same from page to page.",
    });
  const expected = rows[mark.at - 1];
  if (expected !== undefined && identity(expected) === mark.last) return mark.at;
  const found = rows.findIndex((row) => identity(row) === mark.last);
  return found >= 0 ? found + 1 : Math.min(mark.at, rows.length);
}

/** Rows by their key, numbers as numbers. Pages need an order that stays, and not every platform has one. */
export function inOrder<Row extends Readonly<Record<string, unknown>>>(rows: readonly Row[], fields: readonly string[]): readonly Row[] {
  const compare = (a: Row, b: Row): number => {
    for (const field of fields) {
      const [left, right] = [a[field], b[field]] as [string | number, string | number];
      if (left !== right) return typeof left === "number" && typeof right === "number" ? left - right : String(left) < String(right) ? -1 : 1;
    }
    return 0;
  };
  return rows.every((row, at) => at === 0 || compare(rows[at - 1] as Row, row) <= 0) ? rows : [...rows].sort(compare);
}
