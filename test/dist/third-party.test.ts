import { symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { describe, expect, it, onTestFinished } from "vitest";
import { home, node, pluginText, proxmcp } from "./child.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const manifest = (more: object): string => JSON.stringify({ name: "proxmcp-mini", version: "2.3.0", type: "module", main: "main.js", ...more });
const CONFIG = JSON.stringify({ plugins: ["proxmcp-mini"], connections: { a: { provider: "mini", room: "x" } } });
const inPackage = (files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [`node_modules/proxmcp-mini/${path}`, text]));

describe("the version of ProxMCP that a plugin asks for", () => {
  const checked = async (more: object, text = pluginText()) => {
    const folder = await home({ ...inPackage({ "package.json": manifest(more), "main.js": text }), "proxmcp.config.json": CONFIG });
    return await proxmcp(["config", "check"], folder);
  };

  it.each([
    ["a range that holds", { peerDependencies: { proxmcp: ">=0.1.0" } }],
    ["any", { peerDependencies: { proxmcp: "*" } }],
    ["one of several", { peerDependencies: { proxmcp: "^0.1.0 || ^1.0.0" } }],
    ["a copy by its place, as in a workspace", { peerDependencies: { proxmcp: "workspace:^" } }],
    ["none", {}],
  ])("%s: it is loaded", async (_, more) => {
    expect(await checked(more)).toMatchObject({ code: 0 });
  });

  it.each([
    [
      "a newer one",
      { peerDependencies: { proxmcp: ">=7.0.0" } },
      "needs proxmcp >=7.0.0; this is 0.1.0.",
      "Install a proxmcp that is >=7.0.0, or an older version of proxmcp-mini.",
    ],
    [
      "an older one",
      { peerDependencies: { proxmcp: "<0.1.0" } },
      "needs proxmcp <0.1.0; this is 0.1.0.",
      "Install a newer version of proxmcp-mini that supports proxmcp 0.1.0",
    ],
    [
      "another one, as a plain dependency",
      { dependencies: { proxmcp: "^3.0.0" } },
      "needs proxmcp ^3.0.0; this is 0.1.0.",
      "Install a proxmcp that is ^3.0.0",
    ],
    [
      "what is no range",
      { peerDependencies: { proxmcp: "newest" } },
      'needs proxmcp "newest", which is no range of versions.',
      '"peerDependencies": { "proxmcp": ">=0.1.0" }',
    ],
  ])("%s: it is refused before its code runs", async (_, more, message, next) => {
    const { code, stderr } = await checked(more, 'process.stderr.write("it ran");');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^PLUGIN_INCOMPATIBLE: The plugin proxmcp-mini 2\.3\.0 /);
    expect(stderr).toContain(message);
    expect(stderr).toContain(next);
    expect(stderr).not.toContain("it ran");
  });

  it("of the declaration API: refused by that alone, whatever else is not understood", async () => {
    const { code, stderr } = await checked({}, pluginText().replace("hosts: []", "api: 2, hosts: 7"));
    expect(code).toBe(2);
    expect(stderr).toContain("PLUGIN_INCOMPATIBLE: The plugin proxmcp-mini was written for declaration API 2; proxmcp 0.1.0 knows 1.");
    expect(stderr).not.toContain("hosts");
  });

  it("takes only that plugin with it where the others can be served", async () => {
    const folder = await home({
      ...inPackage({ "package.json": manifest({ peerDependencies: { proxmcp: ">=7" } }), "main.js": pluginText({ name: "other" }) }),
      "mini.mjs": pluginText(),
      "proxmcp.config.json": JSON.stringify({
        plugins: ["./mini.mjs", "proxmcp-mini"],
        connections: { a: { provider: "mini", room: "x" }, b: { provider: "other", room: "y" } },
      }),
    });
    const { stdout } = await proxmcp(["doctor"], folder);
    expect(stdout).toMatch(/FAIL {2}plugin {2}The plugin proxmcp-mini 2\.3\.0 needs proxmcp >=7; this is 0\.1\.0\./);
    expect(stdout).toMatch(/ok {4}a {2}mini: 1/);
  });
});

/** A plugin whose author has zod 3, of its own: nobody else here has it. */
const ZOD3 = `
import { CONNECTION, facet, forClient, type ConnectionOf, defineProvider, secret } from "proxmcp/plugin";
import { z } from "zod";
const Options = z.object({ room: facet(z.string().min(1), "Where it stands"), pin: secret(z.string(), "Pin").optional() });
class Shelf {
  static readonly inject = [CONNECTION] as const;
  readonly books: { title: string; pages: number; state: "lent" | "here" }[] = [{ title: "Dune", pages: 600, state: "here" }, { title: "Ulysses", pages: 700, state: "lent" }];
  readonly room: string;
  constructor(connection: ConnectionOf<typeof Options>) { this.room = connection.options.room; }
}
const { kind, write, read } = forClient<Shelf>();
const Book = z.object({
  title: facet(z.string(), "Title"),
  pages: facet(z.number().int(), "Pages", { unit: "pages" }),
  state: facet(z.enum(["lent", "here"]), "State", { values: { lent: ["away"] } }),
  rare: facet(z.boolean(), "Whether it is rare").default(false),
});
const books = kind({
  name: "book", about: "A book", item: Book, key: "title", everyday: ["list", "update", "stats"],
  list: async ({ client }) => client.books,
  actions: {
    update: write({
      about: "Change a book",
      input: z.object({ pages: z.number().int().min(1).describe("New number of pages"), note: z.string().optional() }),
      run: async ({ client, key, input }) => { for (const book of client.books) if (book.title === key) book.pages = input.pages; },
    }),
    stats: read({ about: "Count its words", output: z.object({ words: z.number().int() }), run: async ({ key }) => (key === "Dune" ? { words: 7 } : { words: "many" }) as { words: number } }),
  },
});
export default defineProvider({
  name: "mini", title: "Mini", about: "Books", connection: { noun: "shelf", schema: Options },
  hosts: [], client: Shelf, test: async ({ client }) => ({ version: client.room }), kinds: [books],
});
`;

/** Compiles the plugin as its author would, against the built package, and leaves only what would be published. */
async function built(format: "module" | "commonjs"): Promise<string> {
  const place = "node_modules/proxmcp-mini";
  const folder = await home({
    [`${place}/package.json`]: manifest({ type: format, peerDependencies: { proxmcp: ">=0.1.0" }, dependencies: { zod: "^3.25.0" } }),
    [`${place}/main.ts`]: ZOD3,
    [`${place}/tsconfig.json`]: JSON.stringify({
      compilerOptions: { target: "es2023", module: "nodenext", strict: true, skipLibCheck: true, types: [] },
      files: ["main.ts"],
    }),
    [`${place}/node_modules/.keep`]: "",
    "proxmcp.config.json": CONFIG,
  });
  const own = join(folder, place, "node_modules");
  await symlink(join(ROOT, "node_modules/zod3"), join(own, "zod"));
  await symlink(ROOT, join(own, "proxmcp"));
  const { code, stdout } = await node([join(ROOT, "node_modules/typescript/bin/tsc"), "-p", dirname(own)], folder);
  expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  return folder;
}

describe.each(["module", "commonjs"] as const)("a plugin in TypeScript with a zod 3 of its own, built as %s", (format) => {
  it("has whole tools, checks what it takes and what it answers, over MCP", async () => {
    const folder = await built(format);
    const client = new Client({ name: "test", version: "1" });
    onTestFinished(() => client.close());
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [join(ROOT, "dist/cli.js"), "serve"],
        cwd: folder,
        env: { HOME: folder },
        stderr: "ignore",
      }),
    );
    const { tools } = await client.listTools();
    const tool = (name: string) => tools.find((one) => one.name === name);
    expect(tool("mini_book_update")?.inputSchema).toEqual({
      type: "object",
      properties: {
        title: { type: "string", description: "Title" },
        pages: { type: "integer", minimum: 1, description: "New number of pages" },
        note: { type: "string" },
      },
      required: ["title", "pages"],
      additionalProperties: false,
    });
    expect(tool("mini_book_list")?.inputSchema.properties?.["where"]).toMatchObject({ properties: { pages: {}, state: {}, rare: {} } });
    // The client holds structured content to the output schema that it was given.
    const call = async (name: string, args: Record<string, unknown> = {}) => await client.callTool({ name, arguments: args });
    expect(await call("mini_book_list", { where: { state: ["lent"] } })).toMatchObject({
      structuredContent: { items: [{ title: "Ulysses", pages: 700, state: "lent", rare: false }], total: 1 },
    });
    expect(await call("mini_book_update", { title: "Dune", pages: 612 })).toMatchObject({ structuredContent: { item: { pages: 612 } } });
    expect(await call("mini_book_update", { title: "Dune", pages: 0, colour: "red" })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(/INVALID_INPUT.*colour.*pages|INVALID_INPUT.*pages.*colour/s) }],
    });
    expect(await call("mini_book_stats", { title: "Dune" })).toMatchObject({ structuredContent: { result: { words: 7 } } });
    expect(await call("mini_book_stats", { title: "Ulysses" })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringMatching(/INVALID_OUTPUT.*words/s) }],
    });
    expect(await call("inventory_query", { query: "books that are away" })).toMatchObject({ structuredContent: { items: [{ title: "Ulysses" }] } });
  });

  it("has its connection's options checked, and its declaration in the other places", async () => {
    const folder = await built(format);
    const { stdout } = await proxmcp(["config", "schema"], folder);
    expect(stdout).toContain("Where it stands");
    expect(await proxmcp(["plugins", "lock"], folder)).toMatchObject({ code: 0, stdout: expect.stringContaining("mini 2.3.0, 4 tools") });
    expect(await proxmcp(["call", "mini_book_get", "--title", "dune", "--json"], folder)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("600"),
    });
  });
});
