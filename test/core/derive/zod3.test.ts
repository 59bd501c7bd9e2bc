import { createProxMcp, type ErrorReport, isProxMcpError } from "proxmcp";
import { defineProvider, facet, forClient, secret } from "proxmcp/plugin";
import { describe, expect, it, onTestFinished } from "vitest";
import { z as z4 } from "zod";
import { z } from "zod/v3";
import { checkProvider, schemasOf } from "../../../core/declare/check.js";
import { deriveFields } from "../../../core/derive/fields.js";
import { jsonOf, prepareJson } from "../../../core/derive/json.js";
import { deriveVocabulary } from "../../../core/derive/vocabulary.js";

/** A plugin whose author has zod 3: every schema of it is. */
const Options = z.object({ url: facet(z.string(), "Address"), pin: secret(z.string(), "Pin").optional() });
const Item = z.object({
  id: facet(z.string(), "Id"),
  shelf: facet(z.string(), "Shelf it stands on"),
  title: facet(z.string(), "Title", { says: ["name", "called"] }).optional(),
  state: facet(z.enum(["lent", "here"]), "State", { says: ["status"], values: { lent: ["out", "away"] } }),
  mood: facet(z.enum(["good", "bad"]), "Mood").nullable(),
  pages: facet(z.number().int(), "Pages", { unit: "pages" }).optional(),
  rare: facet(z.boolean(), "Whether it is rare").default(false),
  tags: facet(z.array(z.string()), "Tags"),
  where: z.object({ room: z.string() }).optional(),
  at: z.tuple([z.number(), z.string()]).optional(),
});

const BOOKS: readonly z.input<typeof Item>[] = [
  { id: "b1", shelf: "s1", title: "Dune", state: "here", mood: "good", pages: 600, tags: ["sf"], at: [1, "x"] },
  { id: "b2", shelf: "s1", state: "lent", mood: null, tags: ["sf", "old"], rare: true },
  { id: "b3", shelf: "s2", title: "dubliners", state: "lent", mood: "bad", pages: 200, tags: [] },
];

class Librarian {
  static readonly inject = [] as const;
  readonly books = BOOKS.map((book) => ({ ...book }));
}

const { kind, read, write } = forClient<Librarian, { shelf: string }>();
const books = kind({
  name: "book",
  about: "A book",
  says: ["volume"],
  item: Item,
  key: "id",
  everyday: ["list"],
  list: async ({ client, at }) => client.books.filter((book) => at.shelf === undefined || book.shelf === at.shelf),
  within: { shelf: z.string().describe("Shelf it stands on") },
  actions: {
    update: write({
      about: "Change a book",
      input: z.object({ title: z.string().min(2).describe("New title"), pages: z.number().int().optional(), rare: z.boolean().default(true) }),
      run: async ({ client, key, input }) => {
        Object.assign(client.books.find((book) => book.id === key) ?? {}, input);
      },
    }),
    stats: read({
      about: "Count its words",
      output: z.object({ words: z.number().int(), per: z.object({ page: z.number() }).optional() }),
      run: async () => ({ words: 7 }),
    }),
  },
});

const library = () =>
  defineProvider({
    name: "books",
    title: "Books",
    about: "A library of books",
    connection: { noun: "house", schema: Options },
    hosts: [],
    client: Librarian,
    test: async () => ({ version: "1" }),
    kinds: [books],
  });

async function open() {
  const app = await createProxMcp({
    plugins: [library()],
    connections: { a: { provider: "books", url: "x", pin: "planted" } },
    log: { level: "silent" },
  });
  onTestFinished(() => app.close());
  return app;
}

async function failure(call: Promise<unknown>): Promise<ErrorReport> {
  const error = await call.catch((thrown: unknown) => thrown);
  if (!isProxMcpError(error)) throw new Error(`not an error of ours: ${JSON.stringify(error)}`);
  return error.report();
}

describe("a plugin with zod 3", () => {
  it("is sound, and its tools have whole schemas in the draft that clients take", async () => {
    const app = await open();
    expect(checkProvider(library())).toEqual([]);
    const tools = Object.fromEntries(app.tools("all").map((tool) => [tool.name, tool]));
    expect(tools["books_book_update"]?.inputSchema).toEqual({
      type: "object",
      properties: {
        id: { type: "string", description: "Id" },
        shelf: { type: "string", description: "Shelf it stands on" },
        title: { type: "string", minLength: 2, description: "New title" },
        pages: { type: "integer" },
        rare: { type: "boolean", default: true },
      },
      required: ["id", "shelf", "title"],
      additionalProperties: false,
    });
    expect(tools["books_book_stats"]?.outputSchema.properties?.["result"]).toMatchObject({
      type: "object",
      properties: { words: { type: "integer" } },
    });
    expect(tools["books_book_get"]?.outputSchema.properties?.["item"]?.properties?.["at"]).toMatchObject({
      type: "array",
      prefixItems: [{ type: "number" }, { type: "string" }],
    });
    expect(JSON.stringify(Object.values(tools).map((tool) => [tool.inputSchema, tool.outputSchema]))).not.toMatch(/\$schema|\$ref|draft/);
  });

  it("has facets, optional, nullable and defaulted fields", async () => {
    await prepareJson(schemasOf(library()));
    const fields = deriveFields(books);
    expect(fields.map(({ name, type, values }) => (values ? [name, type, values] : [name, type]))).toEqual([
      ["id", "text"],
      ["shelf", "text"],
      ["title", "text"],
      ["state", "enum", ["lent", "here"]],
      ["mood", "enum", ["good", "bad"]],
      ["pages", "number"],
      ["rare", "boolean"],
      ["tags", "list"],
      ["where", "object"],
      ["at", "object"],
    ]);
    expect(fields.find((field) => field.name === "pages")).toMatchObject({ optional: true, facet: { about: "Pages", unit: "pages" } });
    const vocabulary = deriveVocabulary([library()]);
    expect(vocabulary.nouns.has("volumes")).toBe(true);
    expect(vocabulary.fields.get("called")).toEqual([{ provider: "books", kind: "book", field: "title" }]);
    expect(vocabulary.values.get("away")).toEqual([{ provider: "books", kind: "book", field: "state", value: "lent" }]);
  });

  it.each([
    [{ state: ["lent"] }, ["b2", "b3"]],
    [{ title: "du*" }, ["b1", "b3"]],
    [{ pages: { min: 300 } }, ["b1"]],
    [{ rare: true }, ["b2"]],
    [{ tags: ["old"] }, ["b2"]],
    [{ mood: ["bad"] }, ["b3"]],
    [{ state: ["lent"], shelf: "s2" }, ["b3"]],
  ])("filters by %j", async (where, ids) => {
    const { items } = await (await open()).call("books_book_list", { where });
    expect((items as { id: string }[]).map((one) => one.id)).toEqual(ids);
  });

  it("applies its defaults, and leaves out what no field is", async () => {
    const app = await open();
    expect(await app.call("books_book_get", { id: "b1", shelf: "s1" })).toEqual({
      item: { id: "b1", shelf: "s1", title: "Dune", state: "here", mood: "good", pages: 600, tags: ["sf"], rare: false, at: [1, "x"] },
    });
    expect(await app.call("books_book_update", { id: "b3", shelf: "s2", title: "Ulysses" })).toMatchObject({
      item: { title: "Ulysses", rare: true },
    });
    expect(await app.call("books_book_stats", { id: "b1", shelf: "s1" })).toEqual({ result: { words: 7 } });
  });

  it("refuses wrong arguments with all faults, and wrong answers with the field's name", async () => {
    const app = await open();
    const { code, message } = await failure(app.call("books_book_update", { id: "b1", title: "x", pages: 1.5, colour: "red" } as { title: string }));
    expect(code).toBe("INVALID_INPUT");
    for (const part of ["colour: no such argument", "shelf: found nothing", 'title: found "x"', "pages: found 1.5"]) expect(message).toContain(part);
    const wrong = { ...books, list: async () => [{ ...BOOKS[0], pages: "many" }, BOOKS[2] as object] };
    const other = await createProxMcp({
      plugins: [{ ...library(), kinds: [wrong] }],
      connections: { a: { provider: "books", url: "x" } },
      log: { level: "silent" },
    });
    onTestFinished(() => other.close());
    expect(await other.call("books_book_list")).toMatchObject({
      items: [{ id: "b3" }],
      errors: [{ code: "INVALID_OUTPUT", message: expect.stringContaining("pages") }],
    });
  });

  it("may mix both generations", async () => {
    const mixed = { ...books, item: z4.object({ id: z4.string(), shelf: z4.string() }) };
    await prepareJson(schemasOf({ ...library(), kinds: [mixed] } as never));
    expect(checkProvider({ ...library(), kinds: [mixed] })).toEqual([]);
  });
});

describe("what JSON can't represent is refused, as with zod 4", () => {
  it.each([
    ["a date", z.object({ a: z.date() })],
    ["a bigint", z.object({ a: z.bigint() })],
    ["a map", z.object({ a: z.map(z.string(), z.string()) })],
    ["a set", z.object({ a: z.array(z.set(z.string())) })],
    ["a transform", z.object({ a: z.string().transform(Number) })],
  ])("%s", async (_, schema) => {
    await prepareJson([schema]);
    expect(() => jsonOf(schema, "output")).toThrow(/cannot be represented/);
  });

  it("a transform or a check of an input is none of the output's", async () => {
    const schema = z.object({ a: z.string().transform(Number), b: z.string().refine(() => true) });
    await prepareJson([schema]);
    expect(jsonOf(schema, "input")).toMatchObject({ properties: { a: { type: "string" }, b: { type: "string" } } });
    expect(jsonOf(z.object({ b: z.string().refine(() => true) }), "output")).toMatchObject({ properties: { b: { type: "string" } } });
  });
});
