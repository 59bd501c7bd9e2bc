import { facet, forClient, type Provider, secret } from "proxmcp/plugin";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { deriveFields } from "../../../core/derive/fields.js";
import { jsonOf } from "../../../core/derive/json.js";
import { deriveRoutes } from "../../../core/derive/routes.js";
import { surfaceOf, tokensOf } from "../../../core/derive/surface.js";
import { deriveTools, lazily, type Tool } from "../../../core/derive/tools.js";
import { deriveVocabulary } from "../../../core/derive/vocabulary.js";
import { plural } from "../../../core/derive/words.js";
import { listed } from "../../../core/server/answer.js";
import docker from "../../../plugins/docker/index.js";
import lxd from "../../../plugins/lxd/index.js";
import proxmox from "../../../plugins/proxmox/index.js";
import { tapeLibrary } from "../../fixtures/tape-library.js";

const derive = (provider: Provider, connections: readonly string[] = ["a"], confirms = true): readonly Tool[] =>
  deriveTools(provider, { connections, confirms: (tool) => confirms && tool.safety === "destructive" });
const toolOf = (name: string, connections?: readonly string[]): Tool => {
  const tool = derive(tapeLibrary(), connections).find((one) => one.name === name);
  if (!tool) throw new Error(`There is no ${name}.`);
  return tool;
};
const everything = [tapeLibrary(), docker, lxd, proxmox];

describe("tools", () => {
  it("list, get and each action of each kind, in the order of the declaration", () => {
    expect(derive(tapeLibrary()).map((tool) => tool.name)).toEqual([
      "tape_cartridge_list",
      "tape_cartridge_get",
      "tape_cartridge_load",
      "tape_cartridge_create",
      "tape_cartridge_delete",
      "tape_cartridge_stats",
      "tape_cartridge_exec",
      "tape_track_list",
      "tape_track_get",
      "tape_track_delete",
    ]);
  });

  it("get where there is only a list, and neither where there is neither", () => {
    const [kind] = tapeLibrary().kinds;
    const { list: _list, get: _get, ...bare } = kind as NonNullable<typeof kind>;
    const names = (kinds: Provider["kinds"]): string[] => derive({ ...tapeLibrary(), kinds }).map((tool) => tool.name.replace("tape_cartridge_", ""));
    expect(names([{ ...bare, list: async () => [], actions: {} }])).toEqual(["list", "get"]);
    expect(names([{ ...bare, get: async () => ({}), actions: {} }])).toEqual(["get"]);
    expect(names([{ ...bare }])).toEqual(["load", "create", "delete", "stats", "exec"]);
  });

  it("titles, descriptions, aliases, surface", () => {
    expect(
      derive(tapeLibrary()).map(({ name, title, description, aliases, everyday }) => [name.slice(5), title, description, aliases, everyday]),
    ).toEqual([
      ["cartridge_list", "List Tape library cartridges", "List Tape library cartridges: a tape in the library.", ["tapes-list"], true],
      ["cartridge_get", "Get Tape library cartridge", "Show one Tape library cartridge in full.", [], true],
      ["cartridge_load", "Load Tape library cartridge", "Put a cartridge into a drive.", ["mount_tape"], true],
      ["cartridge_create", "Create Tape library cartridge", "Register a new cartridge.", [], false],
      ["cartridge_delete", "Delete Tape library cartridge", "Shred a cartridge.", [], true],
      ["cartridge_stats", "Stats Tape library cartridge", "Measure a cartridge.", [], false],
      ["cartridge_exec", "Exec Tape library cartridge", "Seek for a while; ignores being cancelled.", [], false],
      ["track_list", "List Tape library tracks", "List Tape library tracks: a track on a cartridge.", [], false],
      ["track_get", "Get Tape library track", "Show one Tape library track in full.", [], false],
      ["track_delete", "Delete Tape library track", "Erase a track.", [], false],
    ]);
  });

  it("the four hints follow from safety and verb, unless the action says otherwise", () => {
    const hints = Object.fromEntries(derive(tapeLibrary()).map((tool) => [tool.name.slice(15), listed(tool).annotations]));
    expect(hints["list"]).toMatchObject({ readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false });
    expect(hints["stats"]).toMatchObject({ readOnlyHint: true, destructiveHint: false, idempotentHint: true });
    expect(hints["create"]).toMatchObject({ readOnlyHint: false, destructiveHint: false, idempotentHint: false });
    expect(hints["load"]).toMatchObject({ readOnlyHint: false, destructiveHint: false, idempotentHint: false });
    expect(hints["delete"]).toMatchObject({ readOnlyHint: false, destructiveHint: true });
    const { write } = forClient<object>();
    const [kind] = tapeLibrary().kinds;
    const actions = {
      pull: write({ about: "Fetch", openWorld: true, run: async () => {} }),
      start: write({ about: "Start", idempotent: false, timeout: 7, run: async () => {} }),
      stop: write({ about: "Stop", run: async () => {} }),
    };
    const [pull, start, stop] = derive({ ...tapeLibrary(), kinds: [{ ...(kind as Provider["kinds"][0]), actions }] }).slice(2);
    expect([pull?.openWorld, pull?.idempotent, start?.idempotent, start?.timeout, stop?.idempotent]).toEqual([true, true, false, 7, true]);
  });

  it("names, titles and descriptions of every shipped tool fit a client", () => {
    for (const tool of everything.flatMap((provider) => derive(provider, ["a", "b"]))) {
      expect(tool.name).toMatch(/^[a-z0-9_]{1,60}$/);
      expect(tool.title).toMatch(/^[A-Z]/);
      expect(tool.description).toMatch(/^[A-Z].*[.!?]$/s);
    }
  });
});

describe("schemas", () => {
  it("are not made before they are read, and then once", () => {
    let made = 0;
    const counted = lazily({ name: "x" }, { schema: () => ({ made: ++made }) });
    expect(made).toBe(0);
    expect(Object.keys(counted)).toEqual(["name", "schema"]);
    expect([counted.schema, counted.schema, made]).toEqual([{ made: 1 }, { made: 1 }, 1]);
    let confirmations = 0;
    const tools = deriveTools(tapeLibrary(), { connections: ["a"], confirms: () => Boolean(++confirmations) });
    tools.map(({ name, title, description, safety }) => [name, title, description, safety]);
    expect(confirmations).toBe(0);
    void tools[0]?.inputSchema;
    void tools[0]?.inputSchema;
    expect(confirmations).toBe(1);
  });

  it("of list: filter, page", () => {
    expect(toolOf("tape_cartridge_list").inputSchema).toMatchObject({
      type: "object",
      properties: {
        where: { type: "object", additionalProperties: false },
        limit: { type: "integer", minimum: 1, maximum: 1000 },
        cursor: { type: "string" },
      },
      additionalProperties: false,
    });
    expect(toolOf("tape_cartridge_list").inputSchema.required ?? []).toEqual([]);
  });

  it("of an item's action: its key, its own arguments, a confirmation where one is asked for", () => {
    expect(toolOf("tape_cartridge_load").inputSchema).toEqual({
      type: "object",
      properties: {
        barcode: { type: "string", description: "Barcode or label" },
        drive: { type: "integer", minimum: 1, maximum: 4, default: 1, description: "Drive number" },
      },
      required: ["barcode"],
      additionalProperties: false,
    });
    expect(Object.keys(toolOf("tape_cartridge_delete").inputSchema.properties ?? {})).toEqual(["barcode", "confirm"]);
    expect(toolOf("tape_cartridge_delete").inputSchema.required).toEqual(["barcode"]);
  });

  it("of the kind's own action: no key but its own", () => {
    expect(toolOf("tape_cartridge_create").inputSchema).toMatchObject({ required: ["barcode"] });
    expect(Object.keys(toolOf("tape_cartridge_create").inputSchema.properties ?? {})).toEqual(["barcode", "label"]);
  });

  it("within: required for an item, and for a list where the plugin says so", () => {
    expect(toolOf("tape_track_get").inputSchema).toMatchObject({
      properties: { cartridge: { description: "Barcode" } },
      required: ["name", "cartridge"],
    });
    expect(toolOf("tape_track_list").inputSchema.required).toEqual(["cartridge"]);
    const [, track] = tapeLibrary().kinds;
    const optional = { ...(track as object), listRequires: [], within: { cartridge: z.string().optional() } } as unknown as Provider["kinds"][0];
    const [list, get] = derive({ ...tapeLibrary(), kinds: [optional] });
    expect([list?.inputSchema.required ?? [], get?.inputSchema.required]).toEqual([[], ["name"]]);
  });

  it("the connection's parameter is there only with several, with their names as long as they are few", () => {
    const many = [...Array(20).keys()].map((at) => `c${at}`);
    for (const [connections, expected] of [
      [["a"], undefined],
      [["a", "b"], { type: "string", enum: ["a", "b"] }],
      [many, { type: "string" }],
    ] as const) {
      expect(toolOf("tape_cartridge_load", connections).inputSchema.properties?.["library"]).toEqual(expected);
      expect(toolOf("tape_cartridge_load", connections).inputSchema.required).toEqual(["barcode"]);
      expect("library" in (toolOf("tape_cartridge_get", connections).outputSchema.properties ?? {})).toBe(connections.length > 1);
    }
    expect(toolOf("tape_cartridge_list", ["a", "b"]).inputSchema.properties?.["library"]?.description).toBe("Default: every library");
  });

  it("of results: items, an item, a result, what was deleted", () => {
    const keys = (name: string): unknown => [Object.keys(toolOf(name).outputSchema.properties ?? {}), toolOf(name).outputSchema.required];
    expect(keys("tape_cartridge_list")).toEqual([
      ["items", "total", "cursor", "errors", "notes"],
      ["items", "total"],
    ]);
    expect(keys("tape_cartridge_get")).toEqual([["item", "notes"], ["item"]]);
    expect(keys("tape_cartridge_load")).toEqual([["item", "notes", "task"], []]);
    expect(keys("tape_cartridge_stats")).toEqual([["result", "notes"], ["result"]]);
    expect(keys("tape_cartridge_delete")).toEqual([["deleted", "barcode", "notes", "task"], ["deleted"]]);
  });

  it("of every shipped tool are what clients take: an object, no union at the top, no draft, nothing dangling", () => {
    for (const tool of everything.flatMap((provider) => derive(provider, ["a", "b"]))) {
      for (const schema of [tool.inputSchema, tool.outputSchema]) {
        expect(schema.type, tool.name).toBe("object");
        for (const union of ["anyOf", "oneOf", "allOf", "$schema", "$defs"]) expect(schema, tool.name).not.toHaveProperty([union]);
        const text = JSON.stringify(schema);
        for (const word of ["$schema", "$ref", "draft-07", "9007199254740991", "~standard"]) expect(text, tool.name).not.toContain(word);
        for (const name of schema.required ?? []) expect(schema.properties, tool.name).toHaveProperty([name]);
        expect(JSON.parse(text)).toEqual(schema);
      }
      expect(tool.inputSchema.additionalProperties).toBe(false);
      expect(tool.outputSchema.additionalProperties).toBeUndefined();
    }
  });
});

describe("jsonOf", () => {
  it("strips what says nothing, at any depth, and leaves bounds that say something", () => {
    const json = jsonOf(
      z.object({
        list: z.array(z.object({ n: z.int(), m: z.int().min(0).max(9) })),
        map: z.record(z.string(), z.int()),
        or: z.union([z.int(), z.string()]),
      }),
      "input",
    );
    expect(json).toEqual({
      type: "object",
      properties: {
        list: {
          type: "array",
          items: {
            type: "object",
            properties: { n: { type: "integer" }, m: { type: "integer", minimum: 0, maximum: 9 } },
            required: ["n", "m"],
          },
        },
        map: { type: "object", additionalProperties: { type: "integer" } },
        or: { anyOf: [{ type: "integer" }, { type: "string" }] },
      },
      required: ["list", "map", "or"],
    });
  });

  it("a default is optional in an input and sure in an output", () => {
    const schema = z.object({ a: z.string().default("x") });
    expect(jsonOf(schema, "input").required ?? []).toEqual([]);
    expect(jsonOf(schema, "output").required).toEqual(["a"]);
  });
});

describe("fields", () => {
  it("have the type of what is inside, whatever it is wrapped in", () => {
    const item = z.object({
      name: facet(z.string(), "Name", { says: ["title"] }),
      size: facet(z.int(), "Size", { unit: "bytes" }).optional(),
      state: facet(z.enum(["on", "off"]), "State", { values: { on: ["up"] } }).nullable(),
      tags: facet(z.array(z.string()), "Tags").default([]),
      ready: z.boolean().describe("Whether it is ready").optional(),
      deep: z.object({ a: z.string() }),
      either: z.union([z.string(), z.int()]),
      modes: z.array(z.enum(["a", "b"])),
    });
    const fields = deriveFields({ item });
    expect(fields.map(({ name, type, optional, values, facet: { about } }) => [name, type, optional, values, about])).toEqual([
      ["name", "text", false, undefined, "Name"],
      ["size", "number", true, undefined, "Size"],
      ["state", "enum", false, ["on", "off"], "State"],
      ["tags", "list", false, undefined, "Tags"],
      ["ready", "boolean", true, undefined, "Whether it is ready"],
      ["deep", "object", false, undefined, "deep"],
      ["either", "object", false, undefined, "either"],
      ["modes", "list", false, undefined, "modes"],
    ]);
    expect(fields[0]?.facet.says).toEqual(["title"]);
    expect(secret(z.string(), "x")).not.toBe(secret(z.string(), "x"));
  });
});

describe("vocabulary", () => {
  const { nouns, fields, values } = deriveVocabulary([tapeLibrary()]);
  const cartridge = { provider: "tape", kind: "cartridge" };

  it("has kinds and what people say for them, one and many", () => {
    expect([...nouns.keys()]).toEqual(["cartridge", "cartridges", "tape", "tapes", "track", "tracks"]);
    expect(nouns.get("tapes")).toEqual([cartridge]);
  });

  it("has fields under every name", () => {
    expect(fields.get("size")).toEqual([{ ...cartridge, field: "capacity" }]);
    expect(fields.get("write protected")).toEqual([{ ...cartridge, field: "write_protected" }]);
    expect(fields.get("status")).toEqual([{ ...cartridge, field: "state" }]);
    expect(fields.has("write_protected")).toBe(false);
  });

  it("has values and what people say for them", () => {
    expect(values.get("in a drive")).toEqual([{ ...cartridge, field: "state", value: "loaded" }]);
    expect(values.get("lto9")).toEqual([{ ...cartridge, field: "generation", value: "lto9" }]);
  });

  it("one word with two meanings has both; one that is said twice has one", () => {
    const other = { ...tapeLibrary(), name: "attic" };
    expect(deriveVocabulary([tapeLibrary(), other]).nouns.get("tape")).toEqual([cartridge, { provider: "attic", kind: "cartridge" }]);
    const [kind] = tapeLibrary().kinds;
    const item = z.object({
      barcode: z.string(),
      cpu_usage: facet(z.number(), "CPU", { says: ["CPU usage", "cpu usage", "load"] }),
      state: facet(z.enum(["on"]), "State", { values: { on: ["ON", "up", "up"] } }),
    });
    const twice = { ...(kind as Provider["kinds"][0]), says: ["tape", "Tape", "cartridge"], item };
    const said = deriveVocabulary([{ ...tapeLibrary(), kinds: [twice] }]);
    expect(said.nouns.get("tape")).toEqual([cartridge]);
    expect(said.fields.get("cpu usage")).toHaveLength(1);
    expect([said.values.get("on"), said.values.get("up")]).toEqual([
      expect.toSatisfy((of: unknown[]) => of.length === 1),
      expect.toSatisfy((of: unknown[]) => of.length === 1),
    ]);
  });

  it("of the shipped platforms is lower case, and every entry leads to a kind, a field and a value that exist", () => {
    const all = deriveVocabulary(everything);
    const kindOf = (entry: { provider: string; kind: string }) =>
      everything.find((one) => one.name === entry.provider)?.kinds.find((one) => one.name === entry.kind);
    for (const [word, entries] of [...all.nouns, ...all.fields, ...all.values]) {
      expect(word).toBe(word.toLowerCase().trim());
      expect(word).not.toBe("");
      for (const entry of entries) expect(kindOf(entry), word).toBeDefined();
    }
    for (const entries of [...all.fields.values(), ...all.values.values()])
      for (const entry of entries) expect(kindOf(entry)?.item.shape).toHaveProperty([entry.field]);
  });
});

it("routes: by workload, the best fit first, with the connections that there are", () => {
  const other = {
    ...tapeLibrary(),
    name: "attic",
    hosts: [
      { workload: "archive", fit: 1 },
      { workload: "a-vm", fit: 0 },
    ],
  };
  expect(deriveRoutes([tapeLibrary(), other], (name) => (name === "tape" ? ["x", "y"] : []))).toEqual([
    { workload: "a-vm", fit: 0, provider: "attic", connections: [] },
    { workload: "archive", fit: 1, provider: "attic", connections: [] },
    { workload: "archive", fit: 0.9, features: ["offline"], provider: "tape", connections: ["x", "y"] },
  ]);
});

it.each([
  ["container", "containers"],
  ["proxy", "proxies"],
  ["key", "keys"],
  ["virtual machine", "virtual machines"],
  ["status", "statuses"],
  ["box", "boxes"],
  ["switch", "switches"],
  ["image", "images"],
  ["vm", "vms"],
])("the plural of %s is %s", (one, many) => {
  expect(plural(one)).toBe(many);
});

it("the cost of a tool counts bytes, not characters, of what a model is given", () => {
  const tool = { name: "äb", description: "€", inputSchema: { type: "object" } };
  expect(tokensOf(tool)).toBe(Math.ceil((3 + 3 + '{"type":"object"}'.length) / 4));
});

it("surfaces: everyday tools, all of them, or only those that search", () => {
  const tool = (name: string, everyday: boolean): Tool => ({ ...toolOf("tape_cartridge_get"), name, everyday });
  const tools = [tool("a", true), tool("b", false), tool("tool_find", false), tool("tool_call", true)];
  const names = (surface: "default" | "all" | "search"): string[] => surfaceOf(tools, surface).map((one) => one.name);
  expect([names("default"), names("all"), names("search")]).toEqual([["a"], ["a", "b"], ["tool_find", "tool_call"]]);
});
