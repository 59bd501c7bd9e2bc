import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { deriveFields, type Field } from "../../../core/derive/fields.js";
import { checkWhere, deriveFilter } from "../../../core/derive/filter.js";
import { hintOf } from "../../../core/derive/hint.js";
import { matcher } from "../../../core/derive/match.js";
import { createProxMcp } from "proxmcp";
import { openTapes } from "../../fixtures/tape-app.js";
import { cartridges, tapeLibrary } from "../../fixtures/tape-library.js";

const fields = deriveFields(cartridges);
type Item = Readonly<Record<string, unknown>>;
type Where = Readonly<Record<string, unknown>>;

const letters = fc.string({ unit: fc.constantFrom("a", "b", "A", "-", "."), maxLength: 6 });
const patterns = fc.string({ unit: fc.constantFrom("a", "b", "B", "-", ".", "*", "*"), maxLength: 7 });
const states = fc.constantFrom("shelved", "loaded", "worn");
const numbers = fc.oneof(fc.integer({ min: -3, max: 9 }), fc.double({ noNaN: true, min: -3, max: 9 }));

const items: fc.Arbitrary<Item> = fc.record(
  {
    barcode: letters,
    label: letters,
    state: states,
    used: fc.option(numbers),
    mounts: numbers,
    write_protected: fc.boolean(),
    pools: fc.array(letters, { maxLength: 3 }),
  },
  { requiredKeys: [] },
);
const names = fc.constantFrom("used", "mounts");
const comparison = fc.record({ min: numbers, max: numbers, above: numbers, below: numbers, of: names, minus: names }, { requiredKeys: [] });
const emptiness = fc.record({ empty: fc.boolean() });
const flat: fc.Arbitrary<Where> = fc.record(
  {
    barcode: patterns,
    label: fc.oneof(patterns, fc.array(patterns, { maxLength: 3 }), emptiness),
    state: fc.oneof(states, fc.array(states, { maxLength: 3 })),
    used: fc.oneof(numbers, comparison),
    mounts: comparison,
    write_protected: fc.boolean(),
    pools: fc.oneof(patterns, fc.array(patterns, { maxLength: 3 }), emptiness),
  },
  { requiredKeys: [] },
);
const { where: wheres } = fc.letrec<{ where: Where; tree: Where }>((tie) => ({
  where: fc.oneof({ maxDepth: 3, depthIdentifier: "where" }, flat, tie("tree")),
  tree: fc
    .tuple(
      flat,
      fc.record(
        {
          and: fc.array(tie("where"), { minLength: 1, maxLength: 2 }),
          or: fc.array(tie("where"), { minLength: 1, maxLength: 2 }),
          not: tie("where"),
        },
        { requiredKeys: [] },
      ),
    )
    .map(([conditions, combined]) => ({ ...conditions, ...combined })),
}));

/** Text as a filter reads it, by way of a regular expression. */
const like = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .split("*")
      .map((part) => part.replaceAll(/[.-]/g, "\\$&"))
      .join(".*")}$`,
    "is",
  ).test(text);

/** What a filter means, written down without any thought of speed. Undefined: the item does not say. */
function naive(where: Where, item: Item): boolean | undefined {
  const answers = Object.entries(where).map(([name, condition]): boolean | undefined => {
    const value = item[name];
    if (name === "and") return all((condition as Where[]).map((one) => naive(one, item)));
    if (name === "or") return opposite(all((condition as Where[]).map((one) => opposite(naive(one, item)))));
    if (name === "not") return opposite(naive(condition as Where, item));
    if (name === "used" || name === "mounts") return compared(value, condition, item);
    if (typeof condition === "object" && condition !== null && "empty" in condition)
      return [undefined, null, "", "[]"].includes(Array.isArray(value) ? JSON.stringify(value) : (value as string)) === condition.empty;
    if (typeof condition === "boolean") return value === condition;
    const any = [condition].flat() as string[];
    return [value ?? []].flat().some((one) => any.some((pattern) => like(pattern, one as string)));
  });
  return all(answers);
}

const opposite = (answer: boolean | undefined): boolean | undefined => (answer === undefined ? undefined : !answer);
const all = (answers: readonly (boolean | undefined)[]): boolean | undefined =>
  answers.includes(false) ? false : answers.includes(undefined) ? undefined : true;

function compared(value: unknown, condition: unknown, item: Item): boolean | undefined {
  const range = typeof condition === "number" ? { min: condition, max: condition } : (condition as Record<string, number | string>);
  const operand = (name: string): unknown => (name in range ? item[String((range as Record<string, unknown>)[name])] : undefined);
  const [whole, part] = [operand("of"), operand("minus")];
  if (typeof value !== "number" || ("of" in range && !whole) || ("minus" in range && typeof part !== "number")) return undefined;
  const number = ("of" in range ? value / (whole as number) : value) - ("minus" in range ? (part as number) : 0);
  const { min, max, above, below } = range as Record<string, number | undefined>;
  return ![
    min !== undefined && number < min,
    max !== undefined && number > max,
    above !== undefined && number <= above,
    below !== undefined && number >= below,
  ].includes(true);
}

describe("a filter", () => {
  it("keeps just what its meaning says", () => {
    fc.assert(
      fc.property(wheres, fc.array(items, { maxLength: 8 }), (where, rows) => {
        expect(checkWhere(fields, where)).toEqual([]);
        expect(rows.filter(matcher(fields, where))).toEqual(rows.filter((row) => naive(where, row) === true));
      }),
      { numRuns: 2000 },
    );
  });

  it("reads * as any run of characters and everything else as itself", () => {
    const matches = (pattern: string, text: string): boolean => matcher(fields, { label: pattern })({ label: text });
    fc.assert(
      fc.property(patterns, letters, (pattern, text) => {
        expect(matches(pattern, text)).toBe(like(pattern, text));
      }),
      { numRuns: 5000 },
    );
    for (const special of ["?", "[a]", "(a|b)", "a+", ".", "^", "$", "\\", "{1}", "%", "_"]) {
      expect(matches(special, special)).toBe(true);
      expect(matches(special, "a")).toBe(false);
      expect(matches(`*${special}*`, `x${special}y`)).toBe(true);
    }
    expect(matches("ab*ba", "aba")).toBe(false);
    expect(matches("*ÄRZ*", "märz")).toBe(true);
    expect(matches("*", "two\nlines")).toBe(true);
    expect(matches("", "")).toBe(true);
    expect(matches("", "a")).toBe(false);
  });

  it("is not slowed down by a hostile pattern", () => {
    const text = "a".repeat(100_000);
    // Each of these takes longer than the universe has, or at least than the test, if one * tries what another one tried.
    const patterns: [string, boolean][] = [
      ["*".repeat(100_000), true],
      [`${"*".repeat(100_000)}b`, false],
      [`${"a*".repeat(100_000)}b`, false],
      ["*a".repeat(100_000), true],
      ["*a".repeat(100_001), false],
      [`${"*aa".repeat(40_000)}*b*`, false],
    ];
    for (const [pattern, matches] of patterns) expect(matcher(fields, { label: pattern })({ label: text })).toBe(matches);
  });

  it("goes by the whole row: all conditions must hold, and what is not known matches nothing", async () => {
    const { call } = await openTapes({
      main: {
        cartridges: [
          { barcode: "T00001", state: "worn", mounts: 7, used: 5, pools: ["daily", "Offsite"] },
          { barcode: "T00002", state: "worn", mounts: 9, pools: ["daily"] },
          { barcode: "T00003", state: "loaded", mounts: 7, used: 5, write_protected: true },
        ],
      },
    });
    const found = async (where: Record<string, unknown>): Promise<unknown[]> =>
      ((await call("tape_cartridge_list", { where }))["items"] as Item[]).map((row) => row["barcode"]);
    expect(await found({})).toEqual(["T00001", "T00002", "T00003"]);
    expect(await found({ state: ["worn"], mounts: { min: 7, max: 7 } })).toEqual(["T00001"]);
    expect(await found({ state: ["worn", "loaded"], mounts: { max: 8 } })).toEqual(["T00001", "T00003"]);
    expect(await found({ state: [] })).toEqual([]);
    expect(await found({ used: { min: 0 } })).toEqual(["T00001", "T00003"]);
    expect(await found({ used: {} })).toEqual(["T00001", "T00003"]);
    expect(await found({ not: { used: { min: 6 } } })).toEqual(["T00001", "T00003"]);
    expect(await found({ or: [{ mounts: { above: 7 } }, { pools: { empty: true } }] })).toEqual(["T00002", "T00003"]);
    expect(await found({ write_protected: false })).toEqual(["T00001", "T00002"]);
    expect(await found({ pools: ["OFF*"] })).toEqual(["T00001"]);
    expect(await found({ barcode: "t0000*" })).toHaveLength(3);
  });
});

describe("checking a filter", () => {
  it("names the filters that there are", () => {
    for (const name of ["colour", "__proto__", "constructor", "toString", ""])
      expect(checkWhere(fields, JSON.parse(`{"${name}": "x"}`) as Item)).toEqual([
        `where.${name}: no such filter; allowed: barcode, label, generation, state, capacity, used, mounts, write_protected, pools, and, or, not`,
      ]);
  });

  it("says what each field takes", () => {
    const faulty: [Record<string, unknown>, RegExp][] = [
      [{ state: "lost" }, /^where\.state: found "lost"; allowed: shelved, loaded, worn$/],
      [{ state: ["worn", "lost", 3] }, /found "lost", 3; allowed: shelved/],
      [{ state: null }, /^where\.state: .*allowed: shelved/],
      [{ mounts: "3" }, /^where\.mounts: found "3"; allowed: a number, or an object with min, max, above, below$/],
      [{ mounts: null }, /^where\.mounts: found null; allowed/],
      [{ mounts: [3] }, /^where\.mounts: /],
      [{ mounts: { min: "3" } }, /^where\.mounts: min: found "3"; allowed: a number$/],
      [{ mounts: { of: "label" } }, /^where\.mounts: of: found "label"; allowed: a number field: capacity, used, mounts$/],
      [{ mounts: { least: 3 } }, /^where\.mounts: least: .*allowed: min, max/],
      [{ not: [] }, /^where\.not: /],
      [{ or: {} }, /^where\.or: found .*allowed: a list of filters$/],
      [{ or: [] }, /^where\.or: /],
      [{ or: [{ colour: "red" }] }, /^where\.or\.0\.colour: no such filter/],
      [{ not: { and: [{ mounts: "x" }] } }, /^where\.not\.and\.0\.mounts: found "x"/],
      [JSON.parse('{"mounts": {"__proto__": 3}}') as Item, /^where\.mounts: __proto__: /],
      [{ write_protected: "yes" }, /^where\.write_protected: found "yes"; allowed: true or false$/],
      [{ label: 7 }, /^where\.label: found 7; allowed: text/],
      [{ label: null }, /^where\.label: found null; allowed: text/],
      [{ label: { like: "x" } }, /^where\.label: /],
      [{ pools: [1] }, /^where\.pools: /],
    ];
    for (const [where, fault] of faulty) expect(checkWhere(fields, where), JSON.stringify(where)).toEqual([expect.stringMatching(fault)]);
  });

  it("accepts all that the derived schema allows", () => {
    const { properties = {} } = deriveFilter(fields);
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(fields.map((field) => field.name)));
    expect(properties["state"]).toEqual({ type: "array", items: { enum: ["shelved", "loaded", "worn"] } });
    expect(properties["label"]).toEqual({ type: "string" });
    expect(properties["mounts"]).toMatchObject({ type: "object" });
  });

  it("offers no filter on what is secret or has parts", () => {
    const about = { about: "x" };
    const odd: Field[] = [
      { name: "key", type: "text", facet: { ...about, secret: true }, optional: false },
      { name: "parts", type: "object", facet: about, optional: false },
    ];
    expect(Object.keys(deriveFilter(odd).properties ?? {})).not.toEqual(expect.arrayContaining(["key"]));
    expect(deriveFilter(odd).properties).not.toHaveProperty("parts");
    expect(checkWhere(odd, { key: "a*" })).toHaveLength(1);
    expect(checkWhere(odd, { parts: "a" })).toHaveLength(1);
  });
});

describe("the filter as a hint to the plugin", () => {
  it("has one form, however the caller wrote it", () => {
    const forms: [Where, Where][] = [
      [{ state: "worn" }, { state: ["worn"] }],
      [{ state: ["worn"] }, { state: ["worn"] }],
      [{ mounts: 3 }, { mounts: { min: 3, max: 3 } }],
      [{ mounts: { above: 3, below: 5 } }, { mounts: { min: 3, max: 5 } }],
      [{ mounts: { min: 3 } }, { mounts: { min: 3 } }],
      [{ label: ["x"] }, { label: "x" }],
      [{ pools: "a*" }, { pools: ["a*"] }],
      [{ write_protected: false }, { write_protected: false }],
    ];
    for (const [where, hint] of forms) expect(hintOf(fields, where)).toEqual(hint);
  });

  it("has nothing in it that could be taken for more than it says", () => {
    const where = {
      label: ["x", "y"],
      barcode: { empty: false },
      mounts: { min: 0.5, of: "used" },
      used: { max: 0, minus: "mounts" },
      pools: { empty: true },
      or: [{ state: ["worn"] }],
      and: [{ state: ["worn"] }],
      not: { state: ["worn"] },
    };
    expect(checkWhere(fields, where)).toEqual([]);
    expect(hintOf(fields, where)).toEqual({});
  });

  it("lets through every row that the filter keeps", () => {
    fc.assert(
      fc.property(wheres, fc.array(items, { maxLength: 8 }), (where, rows) => {
        const hint = hintOf(fields, where);
        expect(checkWhere(fields, hint)).toEqual([]);
        expect(rows.filter(matcher(fields, where)).every(matcher(fields, hint))).toBe(true);
      }),
    );
  });

  it("is what a plugin's list gets", async () => {
    const seen: unknown[] = [];
    const kind = { ...cartridges, list: async ({ where }: { where: unknown }) => (seen.push(where), []) };
    const app = await createProxMcp({
      plugins: [{ ...tapeLibrary(), kinds: [kind] }],
      connections: { main: { provider: "tape", room: "hints" } },
      log: { level: "silent" },
    });
    await app.call("tape_cartridge_list", { where: { state: "worn", mounts: 3, label: ["x", "y"] } });
    expect(seen).toEqual([{ state: ["worn"], mounts: { min: 3, max: 3 } }]);
    await app.close();
  });
});
