import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { CLOCK, createProxMcp, defineProvider, facet, forClient, type Interpretation, isProxMcpError, type Provider, type ProxMcp } from "proxmcp";
import { checkWhere } from "../../core/derive/filter.js";
import { deriveFields } from "../../core/derive/fields.js";
import { GRAMMAR } from "../../core/query/words.js";
import { aquarium } from "../fixtures/aquarium.js";
import { tapeLibrary } from "../fixtures/tape-library.js";

const app = await createProxMcp({
  plugins: [tapeLibrary(), aquarium()],
  connections: { cellar: { provider: "tape", room: "a" }, harbour: { provider: "aqua" } },
  services: (container) => void container.register(CLOCK, { useValue: { now: () => 1_795_262_400_000, sleep: async () => {} } }),
});

/** The interpretation, or the code of the error; anything else that is thrown fails the test. */
function read(of: ProxMcp, text: string): Interpretation | string {
  try {
    return of.interpret(text);
  } catch (error) {
    if (isProxMcpError(error)) return error.code;
    throw error;
  }
}

function sound(of: ProxMcp, text: string): void {
  const got = read(of, text);
  expect(JSON.stringify(read(of, text)), text).toBe(JSON.stringify(got));
  if (typeof got === "string") {
    expect(got, text).toBe("INVALID_INPUT");
    return;
  }
  expect(got.kinds.length, text).toBeGreaterThan(0);
  for (const kind of got.kinds) {
    const declared = of.providers.find((provider) => provider.name === kind.provider)?.kinds.find((one) => one.name === kind.kind);
    expect(declared && checkWhere(deriveFields(declared as never), kind.where ?? got.where ?? {}), text).toEqual([]);
  }
  for (const { word } of got.ignored) expect(text.normalize("NFKC").toLowerCase().replaceAll(/\s+/g, " "), text).toContain(word.toLowerCase());
}

const known = [
  "tapes",
  "cartridge",
  "tanks",
  "pumps",
  "worn",
  "running",
  "leaking",
  "with",
  "more than",
  "under",
  "between",
  "4",
  "12 tb",
  "26 degrees",
  "50",
  "%",
  "and",
  "or",
  "not",
  "except",
  "named",
  "web*",
  '"a b"',
  "in",
  "on",
  "lobby",
  "top",
  "3",
  "by",
  "fish",
  "volume",
  "how many",
  "total",
  "per",
  "state",
  "created",
  "last week",
  "since",
  "monday",
  "older than",
  "30 days",
  "of",
  "without",
  "pools",
  "(",
  ")",
  ",",
  "the",
  "oldest",
  "sorted by",
  "descending",
  "harbour",
  "zorb",
  "x-1",
];

describe("whatever is asked", () => {
  it("known words in any order are understood or refused, the same way each time", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...known), { minLength: 1, maxLength: 14 }), (words) => sound(app, words.join(" "))),
      { numRuns: 1500 },
    );
  });

  it("every grammar word in any order does no harm", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...GRAMMAR.keys(), "tapes", "mounts", "7"), { minLength: 1, maxLength: 10 }), (words) =>
        sound(app, words.join(" ")),
      ),
      { numRuns: 1500 },
    );
  });

  it("text of any kind does no harm: control characters, prototype names, emoji", () => {
    const nasty = fc.constantFrom(
      "__proto__",
      "constructor",
      "toString",
      "hasOwnProperty",
      "\u0000",
      "\u202e",
      "’",
      "💾",
      "a".repeat(300),
      "-".repeat(100),
      "1".repeat(40),
      "1e999",
      "${x}",
      "*".repeat(500),
      "\\",
      "'",
      '"',
      "“",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.string({ unit: "binary" }), nasty, fc.constantFrom(...known)), { maxLength: 8 }), (words) =>
        sound(app, words.join(" ")),
      ),
      { numRuns: 1500 },
    );
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("ten megabytes are refused before anything is read", () => {
    expect(read(app, "tapes ".repeat(1_750_000))).toBe("INVALID_INPUT");
  });

  it("the longest text that is read at all takes no more steps than it has words", () => {
    // A pattern that backtracked would not come back from these.
    for (const text of [
      '"'.repeat(1999),
      "(".repeat(1999),
      "not ".repeat(499),
      "1,".repeat(999),
      "a-".repeat(999),
      `${"tapes and ".repeat(190)}x`,
      "*a".repeat(999),
    ])
      sound(app, text);
  });
});

describe("a plugin that nobody has seen", () => {
  const word = fc.stringMatching(/^[a-z]{4,9}$/);
  const declaration = fc.record({
    kinds: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
    number: word,
    unit: fc.constantFrom("bytes", "seconds", "ratio", "celsius", "widgets"),
    state: fc.uniqueArray(word, { minLength: 2, maxLength: 4 }),
    says: word,
  });
  const { kind } = forClient<object>();

  it("gets its nouns, states and numbers, whatever it calls them", async () => {
    await fc.assert(
      fc.asyncProperty(declaration, async ({ kinds, number, unit, state, says }) => {
        const taken = new Set([...kinds, number, ...state, says]);
        // Names that English is made of, or that mean two things at once, are the author's affair.
        fc.pre(
          taken.size === kinds.length + state.length + 2 &&
            [...taken].every((one) => !GRAMMAR.has(one) && !GRAMMAR.has(`${one}s`) && !/s$/.test(one) && !["name", "state", "alpha"].includes(one)),
        );
        class Client {
          static readonly inject = [] as const;
        }
        const values = state as [string, ...string[]];
        const provider: Provider = defineProvider({
          name: "alpha",
          title: "Alpha",
          about: "Invented",
          connection: { noun: "place", schema: z.object({}) },
          hosts: [],
          client: Client,
          test: async () => ({ version: "1" }),
          kinds: kinds.map((name) =>
            kind({
              name,
              about: "A thing",
              key: "name",
              everyday: ["list"],
              item: z.object({
                name: facet(z.string(), "Name"),
                state: facet(z.enum(values), "State"),
                [number]: facet(z.number(), "Number", { says: [says], unit }),
              }),
              list: async () => [],
            }),
          ),
        });
        const invented = await createProxMcp({ plugins: [provider], connections: { here: { provider: "alpha" } }, log: { level: "silent" } });
        try {
          const [noun] = kinds;
          expect(read(invented, `${state[0]} ${noun}`)).toMatchObject({ kinds: [{ kind: noun }], where: { state: [state[0]] } });
          expect(read(invented, `top 3 ${noun} by ${says}`)).toMatchObject({ order: [{ field: number, direction: "desc" }], limit: 3 });
          expect(read(invented, `how many ${noun} by state`)).toMatchObject({ aggregate: { op: "count", by: "state" } });
          sound(invented, `${noun} with more than 5 ${says} not ${state[1]}`);
        } finally {
          await invented.close();
        }
      }),
      { numRuns: 60 },
    );
  });
});
