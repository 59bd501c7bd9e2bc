import { createHash } from "node:crypto";
import { ProxMcpError } from "../errors.js";
import type { Signer } from "../services/signer.js";
import { canonical } from "./confirm.js";

interface Mark {
  /** Which listing the cursor belongs to. */
  readonly of: string;
  /** The last row that was given out, the one after it, and how many rows stood before that. */
  readonly last: string;
  readonly next: string;
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
 * One page of rows. The cursor names the rows on both sides of the cut, so rows that come or go meanwhile shift nothing, even if all that
 * was given out is deleted; only if both are gone, the position counts. A page that would be larger than `maxBytes` is cut shorter, never
 * below one row.
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
    bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
    if (bytes > maxBytes && items.length > 0) break;
    items.push(row);
  }
  const end = start + items.length;
  const last = items.at(-1);
  const next = rows[end];
  const more = next !== undefined && last !== undefined;
  return {
    items,
    total: rows.length,
    ...(more ? { cursor: signer.sign({ of, last: identity(last), next: identity(next), at: end } satisfies Mark) } : {}),
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
  const last = rows.findIndex((row) => identity(row) === mark.last);
  if (last >= 0) return last + 1;
  const next = rows.findIndex((row) => identity(row) === mark.next);
  // One back, as the last row itself has gone: a row that is seen twice is better than one that is never seen.
  return next >= 0 ? next : Math.min(mark.at - 1, rows.length);
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
