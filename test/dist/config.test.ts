import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { embedder, home, pluginText, proxmcp } from "./child.js";

const things = async (folder: string, env: Record<string, string> = {}): Promise<unknown> => {
  const { code, stdout, stderr } = await proxmcp(["call", "mini_thing_list", "--json"], folder, env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
};

describe("a config in TypeScript, far from this package", () => {
  it("imports defineConfig and a plugin beside it, and both mean this very copy", async () => {
    const folder = await home({
      "plugins/mini.ts": pluginText({ exports: "type Unused = string;\nexport default" }),
      "proxmcp.config.ts": `
        import { defineConfig, type Config } from "proxmcp";
        import mini from "./plugins/mini.ts";
        const room: string = "cellar";
        const config: Config = { plugins: [mini], connections: { a: { provider: "mini", room } } };
        export default defineConfig(config);`,
    });
    expect(await things(folder)).toEqual({ items: [{ name: "one", room: "cellar" }], total: 1 });
  });

  it("is found in the user's config folder", async () => {
    const folder = await home({
      "xdg/proxmcp/mini.mjs": pluginText(),
      "xdg/proxmcp/config.ts": `
        import { defineConfig } from "proxmcp";
        export default defineConfig({ plugins: ["./mini.mjs"], connections: { a: { provider: "mini", room: { env: "ROOM" } } } });`,
    });
    const { code, stderr } = await proxmcp(["tools"], folder, { ROOM: "x" });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(await things(folder, { ROOM: "attic" })).toEqual({ items: [{ name: "one", room: "attic" }], total: 1 });
  });
});

describe("each way to name a plugin", () => {
  const config = (plugin: string): string => JSON.stringify({ plugins: [plugin], connections: { a: { provider: "mini", room: "x" } } });
  const manifest = (name: string, more: object): string => JSON.stringify({ name, version: "1.0.0", ...more });
  const cjs = `
    module.exports.default = undefined;
    exports.default = (() => {
      const { CONNECTION, facet } = require("proxmcp/plugin");
      const { z } = require("zod");
      class Client { constructor(connection) { this.room = connection.options.room; } }
      Client.inject = [CONNECTION];
      const item = z.object({ name: facet(z.string(), "Name", { says: ["label"] }), room: z.string() });
      return {
        name: "mini", title: "Mini", about: "A small platform", connection: { noun: "place", schema: z.object({ room: z.string() }) },
        hosts: [], client: Client, test: async () => ({ version: "1" }),
        kinds: [{ name: "thing", about: "A thing", item, key: "name", list: async ({ client }) => [{ name: "one", room: client.room }] }],
      };
    })();`;

  it.each([
    ["a relative path to TypeScript", "./my/mini.ts", { "my/mini.ts": pluginText() }],
    ["a relative path to JavaScript", "./mini.mjs", { "mini.mjs": pluginText() }],
    ["a relative path to CommonJS", "./mini.cjs", { "mini.cjs": cjs }],
    [
      "a package in ESM",
      "proxmcp-mini",
      {
        "node_modules/proxmcp-mini/package.json": manifest("proxmcp-mini", { type: "module", main: "main.js" }),
        "node_modules/proxmcp-mini/main.js": pluginText(),
      },
    ],
    [
      "a package in CommonJS with exports.default",
      "proxmcp-mini",
      { "node_modules/proxmcp-mini/package.json": manifest("proxmcp-mini", { main: "main.js" }), "node_modules/proxmcp-mini/main.js": cjs },
    ],
    [
      "a package that can only be imported",
      "@me/mini",
      {
        "node_modules/@me/mini/package.json": manifest("@me/mini", { exports: { ".": { import: "./dist/main.mjs" } } }),
        "node_modules/@me/mini/dist/main.mjs": pluginText(),
      },
    ],
    [
      "a part of a package",
      "@me/minis/mini",
      {
        "node_modules/@me/minis/package.json": manifest("@me/minis", { exports: { "./mini": "./mini.mjs" } }),
        "node_modules/@me/minis/mini.mjs": pluginText(),
      },
    ],
  ] as const)("%s", async (_what, plugin, files) => {
    const folder = await home({ ...files, "proxmcp.config.json": config(plugin) });
    expect(await things(folder)).toEqual({ items: [{ name: "one", room: "x" }], total: 1 });
  });

  it("a package is looked for from the config's folder, wherever the command runs", async () => {
    const folder = await home({
      "node_modules/proxmcp-mini/package.json": manifest("proxmcp-mini", { type: "module", main: "main.js" }),
      "node_modules/proxmcp-mini/main.js": pluginText(),
      "conf/proxmcp.config.json": config("proxmcp-mini"),
    });
    const { code, stdout } = await proxmcp(["--config", join(folder, "conf/proxmcp.config.json"), "tools"], "/tmp");
    expect({ code, listed: stdout.includes("mini_thing_list") }).toEqual({ code: 0, listed: true });
  });

  it.each([
    ["a package that is not there", "proxmcp-nothing", {}, /PLUGIN_NOT_FOUND: The plugin proxmcp-nothing was not found from \/.*proxmcp-dist-/],
    ["a scoped package that is not there", "@me/nothing/deep", {}, /PLUGIN_NOT_FOUND: The plugin @me\/nothing\/deep was not found/],
    ["a path that leads nowhere", "./nothing.ts", {}, /PLUGIN_NOT_FOUND: The plugin \.\/nothing\.ts was not found/],
    [
      "one that throws",
      "./mini.mjs",
      { "mini.mjs": 'throw new Error("out of tape");' },
      /PLUGIN_INVALID: The plugin \.\/mini\.mjs failed to load: out of tape/,
    ],
    ["one that throws something else", "./mini.mjs", { "mini.mjs": "throw undefined;" }, /PLUGIN_INVALID: The plugin \.\/mini\.mjs failed to load/],
    ["one with a syntax error", "./mini.mjs", { "mini.mjs": "export default {;" }, /PLUGIN_INVALID: The plugin \.\/mini\.mjs failed to load/],
    [
      "one that misses a package of its own",
      "proxmcp-mini",
      {
        "node_modules/proxmcp-mini/package.json": manifest("proxmcp-mini", { type: "module", main: "main.js" }),
        "node_modules/proxmcp-mini/main.js": 'import "no-such-dependency";',
      },
      /PLUGIN_INVALID: The plugin proxmcp-mini failed to load: .*no-such-dependency/,
    ],
    [
      "one that misses a file of its own",
      "./mini.mjs",
      { "mini.mjs": 'import "./mini-part.mjs";' },
      /PLUGIN_INVALID: The plugin \.\/mini\.mjs failed to load: .*mini-part/,
    ],
    ["a folder", "./my", { "my/index.mjs": pluginText() }, /PLUGIN_INVALID: The plugin \.\/my failed to load/],
    ["one without a default export", "./mini.mjs", { "mini.mjs": "export const x = 1;" }, /PLUGIN_INVALID: The plugin \.\/mini\.mjs has a fault:/],
    ["one that exports a text", "./mini.mjs", { "mini.mjs": 'export default "mini";' }, /PLUGIN_INVALID: The plugin \.\/mini\.mjs has a fault:/],
    [
      "one that is no plugin",
      "./mini.mjs",
      { "mini.mjs": "export default { kinds: 7 };" },
      /PLUGIN_INVALID: The plugin \.\/mini\.mjs has \d+ faults:/,
    ],
  ] as const)("%s is refused", async (_what, plugin, files, expected) => {
    const folder = await home({ ...files, "proxmcp.config.json": config(plugin) });
    const { code, stdout, stderr } = await proxmcp(["tools"], folder);
    expect(stderr).toMatch(expected);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  it("two of one name are refused, both named", async () => {
    const folder = await home({
      "one.mjs": pluginText(),
      "two.mjs": pluginText(),
      "proxmcp.config.json": JSON.stringify({ plugins: ["./one.mjs", "./two.mjs"] }),
    });
    const { code, stderr } = await proxmcp(["tools"], folder);
    expect(stderr).toContain("PLUGIN_INVALID: Two plugins are called mini: ./one.mjs and ./two.mjs.");
    expect(code).toBe(2);
  });

  it("by an object, in an embedder; with zod 3 as well", async () => {
    for (const zod of ["zod", "zod/v3"]) {
      const folder = await home({ "mini.mjs": pluginText({ zod }) });
      const { stdout, stderr } = await embedder(
        `import { createProxMcp } from "proxmcp";
         import mini from "./mini.mjs";
         const app = await createProxMcp({ plugins: [mini], connections: { a: { provider: "mini", room: "x" } } });
         console.log(JSON.stringify(await app.call("mini_thing_list", { where: { name: "O*" } })));
         await app.close();`,
        folder,
      );
      expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: '{"items":[{"name":"one","room":"x"}],"total":1}', stderr: "" });
    }
  });
});

describe("planted secrets, in the built server", () => {
  it("appear in no log line and no audit line, on neither stream, whatever a plugin says", async () => {
    const leaky = await readFile(fileURLToPath(new URL("../fixtures/leaky-provider.ts", import.meta.url)), "utf8");
    const folder = await home({ "leaky.ts": leaky, "key.txt": "planted-file\n" });
    const { code, stdout, stderr } = await embedder(
      `import { createProxMcp } from "proxmcp";
       const app = await createProxMcp({
         plugins: ["./leaky.ts"],
         connections: { a: {
           provider: "leaky", token: "root@pam!mcp=planted-half", auth: { user: "me", password: "planted-plain" },
           keys: [{ env: "SECRET_KEY" }, { file: "key.txt" }], extra: { env: "EXTRA" },
         } },
         log: { level: "debug" },
       });
       for (const tool of ["list", "get", "stats", "update", "start"])
         await app.call("leaky_thing_" + tool, tool === "list" ? {} : { name: "planted-file" }, { confirm: true })
           .then((value) => console.log(JSON.stringify(value)), (error) => console.log(error.code, error.message, JSON.stringify(error.report())));
       await app.close();`,
      folder,
      { SECRET_KEY: "planted-env", EXTRA: "planted-extra" },
    );
    expect(code).toBe(0);
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { level: string; msg: string; tool?: string });
    expect(new Set(lines.map((line) => line.level))).toEqual(new Set(["debug", "info", "warn", "error"]));
    expect(lines.filter((line) => line.msg === "audit").map((line) => line.tool)).toEqual(
      ["list", "get", "stats", "update", "start"].map((verb) => `leaky_thing_${verb}`),
    );
    expect(stdout.trim().split("\n")).toHaveLength(5);
    expect(`${stdout}${stderr}`).toContain("[secret]");
    expect(`${stdout}${stderr}`).not.toContain("planted");
  });

  it("the audit file is for its owner alone, beside the config, with one line of JSON for each call", async () => {
    const folder = await home({
      "mini.mjs": pluginText(),
      "proxmcp.config.json": JSON.stringify({
        plugins: ["./mini.mjs"],
        connections: { a: { provider: "mini", room: "x" } },
        audit: { file: "audit.jsonl" },
      }),
      "deep/down/notes.txt": "",
    });
    for (const where of [".", "deep/down"]) await proxmcp(["call", "mini_thing_list"], join(folder, where), { HOME: folder });
    await proxmcp(["call", "mini_thing_get", "--name", "none"], folder);
    const file = join(folder, "audit.jsonl");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const entries = (await readFile(file, "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries).toMatchObject([
      { tool: "mini_thing_list", outcome: "ok", connections: ["a"], caller: "local", safety: "read", arguments: {} },
      { tool: "mini_thing_list", outcome: "ok" },
      { tool: "mini_thing_get", outcome: "NOT_FOUND", arguments: { name: "none" } },
    ]);
    await writeFile(file, "");
  });
});
