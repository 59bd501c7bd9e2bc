import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { type Page, pageOf } from "../../../core/call/page.js";
import { Signer } from "../../../core/services/signer.js";
import { failure, openTapes, type TapeApp } from "../../fixtures/tape-app.js";
import type { Cartridge } from "../../fixtures/tape-library.js";

type Row = Readonly<Record<string, unknown>>;

const barcodes = (items: unknown): unknown[] => (items as Row[]).map((row) => row["barcode"]);
const tapes = (from: number, to: number): Partial<Cartridge>[] =>
  Array.from({ length: to - from + 1 }, (_, at) => ({ barcode: `T${String(from + at).padStart(5, "0")}` }));

/** All pages of a list, one after the other. `between` runs before each page but the first. */
async function walk({ call }: TapeApp, args: Record<string, unknown>, between: () => void = () => {}): Promise<Row[][]> {
  const pages: Row[][] = [];
  let cursor: unknown;
  do {
    if (pages.length > 0) between();
    const value = await call("tape_cartridge_list", { ...args, ...(cursor === undefined ? {} : { cursor }) });
    pages.push(value["items"] as Row[]);
    cursor = value["cursor"];
  } while (cursor !== undefined && pages.length < 200);
  return pages;
}

describe("a page", () => {
  it("holds 50 rows unless told otherwise, says how many there are, and has a cursor while there are more", async () => {
    const { call } = await openTapes({ main: { cartridges: tapes(1, 120) } });
    const first = await call("tape_cartridge_list");
    expect(first["items"]).toHaveLength(50);
    expect(first["total"]).toBe(120);
    const second = await call("tape_cartridge_list", { cursor: first["cursor"] });
    const third = await call("tape_cartridge_list", { cursor: second["cursor"] });
    expect(barcodes(third["items"])).toHaveLength(20);
    expect(third["total"]).toBe(120);
    expect(third).not.toHaveProperty("cursor");
  });

  it("has no cursor when it ends just where the list ends", async () => {
    const { call } = await openTapes({ main: { cartridges: tapes(1, 4) } });
    const first = await call("tape_cartridge_list", { limit: 2 });
    const second = await call("tape_cartridge_list", { limit: 2, cursor: first["cursor"] });
    expect(barcodes(second["items"])).toEqual(["T00003", "T00004"]);
    expect(second).not.toHaveProperty("cursor");
  });

  it("counts what matches the filter", async () => {
    const { call } = await openTapes({ main: { cartridges: tapes(1, 30) } });
    expect(await call("tape_cartridge_list", { where: { barcode: "T0001*" }, limit: 3 })).toMatchObject({ total: 10 });
  });

  it("takes from 1 to 1000 rows and no other limit", async () => {
    const { call } = await openTapes({ main: { cartridges: tapes(1, 3) } });
    for (const limit of [0, -1, 1.5, 1001, "10", Number.NaN, [], {}, true])
      expect(await failure(call("tape_cartridge_list", { limit }))).toMatchObject({
        code: "INVALID_INPUT",
        message: expect.stringContaining("limit"),
      });
    expect(await call("tape_cartridge_list", { limit: 1000 })).toMatchObject({ total: 3 });
  });
});

describe("a list that changes between pages", () => {
  it("shows each row that was there throughout exactly once, whatever comes and goes", async () => {
    const stays = tapes(1, 40).filter((_, at) => at % 2 === 0);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 8 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 7 }),
        async (changes, limit) => {
          const library = await openTapes({ main: { cartridges: tapes(1, 40) } });
          const { cartridges } = library.room("main");
          const spare = new Map(cartridges.map((one) => [one.barcode, one]));
          let round = 0;
          // Every second cartridge comes and goes.
          const between = (): void => {
            for (const pick of changes[round++] ?? []) {
              const barcode = `T${String(pick * 2).padStart(5, "0")}`;
              const at = cartridges.findIndex((one) => one.barcode === barcode);
              if (at >= 0) cartridges.splice(at, 1);
              else cartridges.push(spare.get(barcode) as Cartridge);
            }
          };
          const seen = (await walk(library, { limit }, between)).flat();
          const counts = new Map<unknown, number>();
          for (const row of seen) counts.set(row["barcode"], (counts.get(row["barcode"]) ?? 0) + 1);
          for (const { barcode } of stays) expect(counts.get(barcode), `row ${String(barcode)}`).toBe(1);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("loses no row when the last one given out is gone", async () => {
    const library = await openTapes({ main: { cartridges: tapes(1, 6) } });
    const { cartridges } = library.room("main");
    const gone: unknown[] = [];
    const pages = await walk(library, { limit: 2 }, () => {
      const last = cartridges.findIndex((one) => one.barcode === (gone.length === 0 ? "T00002" : "T00004"));
      gone.push(...cartridges.splice(last, 1));
    });
    expect(barcodes(pages.flat())).toEqual(["T00001", "T00002", "T00003", "T00004", "T00005", "T00006"]);
  });

  it("loses no row when all that were given out are gone, as after deleting each of them", async () => {
    const library = await openTapes({ main: { cartridges: tapes(1, 9) } });
    const pages = await walk(library, { limit: 3 }, () => void library.room("main").cartridges.splice(0, 3));
    expect(barcodes(pages.flat())).toEqual(tapes(1, 9).map((one) => one.barcode));
  });

  it("loses no row when the rows on both sides of the cut are gone", async () => {
    const library = await openTapes({ main: { cartridges: tapes(1, 8) } });
    const { cartridges } = library.room("main");
    const pages = await walk(library, { limit: 3 }, () => {
      // T00003 and T00004 the first time; nothing is left of them the second time.
      for (const barcode of ["T00003", "T00004"]) {
        const at = cartridges.findIndex((one) => one.barcode === barcode);
        if (at >= 0) cartridges.splice(at, 1);
      }
    });
    expect(barcodes(pages.flat())).toEqual(["T00001", "T00002", "T00003", "T00005", "T00006", "T00007", "T00008"]);
  });

  it("ends when everything is gone", async () => {
    const library = await openTapes({ main: { cartridges: tapes(1, 6) } });
    const pages = await walk(library, { limit: 2 }, () => void library.room("main").cartridges.splice(0));
    expect(pages.map((page) => page.length)).toEqual([2, 0]);
  });

  it("goes on in the next connection when one stops answering", async () => {
    const library = await openTapes({ main: { cartridges: tapes(1, 3) }, vault: { cartridges: tapes(11, 13) } });
    const pages = await walk(library, { limit: 4 }, () => {
      library.room("main").fault = () => {
        throw new Error("gone");
      };
    });
    expect(barcodes(pages.flat())).toEqual(expect.arrayContaining(["T00011", "T00012", "T00013"]));
  });
});

describe("a cursor", () => {
  it("is refused when it was tampered with, made up, or given out by another app", async () => {
    const library = await openTapes({ main: { cartridges: tapes(1, 9) } });
    const other = await openTapes({ main: { cartridges: tapes(1, 9) } });
    const { cursor } = await library.call("tape_cartridge_list", { limit: 2 });
    const [body = "", mac = ""] = String(cursor).split(".");
    const mark = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, unknown>;
    const forged = `${Buffer.from(JSON.stringify({ ...mark, at: 0 })).toString("base64url")}.${mac}`;
    const foreign = (await other.call("tape_cartridge_list", { limit: 2 }))["cursor"];
    for (const wrong of [forged, body, `${body}.`, `.${mac}`, ".", "2", "null", "eyJhdCI6MH0", foreign]) {
      const error = await failure(library.call("tape_cartridge_list", { limit: 2, cursor: wrong }));
      expect(error).toMatchObject({ code: "INVALID_INPUT", message: expect.stringContaining("cursor") });
      expect(error.next).toMatch(/without a cursor/);
    }
  });

  it("belongs to its list: other filters, kinds, owners and connections refuse it; another limit is fine", async () => {
    const library = await openTapes({ main: { cartridges: tapes(1, 9) }, vault: {} });
    const { cursor } = await library.call("tape_cartridge_list", { limit: 2, where: { barcode: "T*" } });
    for (const args of [{}, { where: { barcode: "T0*" } }, { where: { barcode: "T*" }, library: "main" }])
      expect(await failure(library.call("tape_cartridge_list", { ...args, cursor }))).toMatchObject({
        code: "INVALID_INPUT",
        message: expect.stringContaining("other arguments"),
      });
    const track = await library.call("tape_track_list", { cartridge: "T00001", limit: 1 });
    expect(await failure(library.call("tape_track_list", { cartridge: "T00002", cursor: track["cursor"] }))).toMatchObject({ code: "INVALID_INPUT" });
    expect(await failure(library.call("tape_cartridge_list", { cursor: track["cursor"] }))).toMatchObject({ code: "INVALID_INPUT" });
    expect(await library.call("tape_cartridge_list", { cursor, limit: 100, where: { barcode: "T*" } })).toMatchObject({ total: 9 });
  });

  it("must be text", async () => {
    const { call } = await openTapes({ main: {} });
    for (const cursor of [1, true, {}, [], ""])
      expect(await failure(call("tape_cartridge_list", { cursor }))).toMatchObject({
        code: "INVALID_INPUT",
        message: expect.stringContaining("cursor"),
      });
  });
});

describe("the size of a page", () => {
  const wide = (label: string, count: number) => Array.from({ length: count }, (_, at) => ({ barcode: `T${String(at).padStart(5, "0")}`, label }));

  it("stays below limits.outputBytes, with a note and a cursor, and the rest follows", async () => {
    const library = await openTapes({ main: { cartridges: wide("x".repeat(200), 30) } }, { limits: { outputBytes: 2000 } });
    const first = await library.call("tape_cartridge_list");
    const { length } = first["items"] as Row[];
    expect(length).toBeGreaterThan(1);
    expect(length).toBeLessThan(10);
    expect(first["notes"]).toEqual([expect.stringMatching(new RegExp(`${length} rows.*2000 bytes`))]);
    expect(barcodes((await walk(library, {})).flat())).toEqual(wide("", 30).map((one) => one.barcode));
  });

  it("is counted in bytes, not in characters", async () => {
    const library = await openTapes({ main: { cartridges: wide("磁".repeat(200), 10) } }, { limits: { outputBytes: 2000 } });
    for (const page of await walk(library, {})) expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThanOrEqual(2000);
  });

  it("is never less than one row", async () => {
    const library = await openTapes({ main: { cartridges: wide("x".repeat(5000), 3) } }, { limits: { outputBytes: 1000 } });
    expect((await walk(library, {})).map((page) => page.length)).toEqual([1, 1, 1]);
  });
});

describe("walking all pages", () => {
  const signer = new Signer();
  const walkRows = (rows: readonly string[], limits: readonly number[], maxBytes: number): string[] => {
    const seen: string[] = [];
    let cursor: string | undefined;
    let turns = 0;
    do {
      const limit = limits[turns % limits.length] ?? 1;
      const page: Page<string> = pageOf(rows, { limit, cursor, listing: "all", maxBytes, identity: (row) => row, signer });
      expect(page.total).toBe(rows.length);
      seen.push(...page.items);
      cursor = page.cursor;
      turns += 1;
    } while (cursor !== undefined && turns <= rows.length);
    return seen;
  };

  it("yields each row exactly once, in order, for a list that stays", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ unit: "binary", maxLength: 30 }), { maxLength: 60 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 500 }),
        (rows, limits, maxBytes) => {
          expect(walkRows(rows, limits, maxBytes)).toEqual(rows);
        },
      ),
    );
  });

  it("does so for rows that can't be told apart, too", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "b"), { maxLength: 30 }), fc.integer({ min: 1, max: 5 }), (rows, limit) => {
        expect(walkRows(rows, [limit], 1e6)).toEqual(rows);
      }),
    );
  });
});
