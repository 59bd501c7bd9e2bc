import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { DEFAULTS } from "../core/config/schema.js";
import { VERSION } from "../core/version.js";

/** Which file may import what. The arrows of docs/architecture.md, held by reading the imports. */
const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Import {
  /** From the root: `core/app.ts`. */
  readonly file: string;
  readonly from: string;
  /** Gone when the types are stripped. */
  readonly typeOnly: boolean;
  /** Loaded when it is reached, not at start. */
  readonly dynamic: boolean;
}

const textOf = (file: string): string => readFileSync(join(ROOT, file), "utf8");
const filesIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort();

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");

function importsOf(file: string): Import[] {
  const text = withoutComments(textOf(file));
  const found: Import[] = [];
  for (const [, type, from = ""] of text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^;"'`]*?\sfrom\s+)?"([^"]+)"/gm))
    found.push({ file, from, typeOnly: Boolean(type), dynamic: false });
  for (const [, from = ""] of text.matchAll(/\bimport\(\s*["`]([^"`]+)["`]/g)) found.push({ file, from, typeOnly: false, dynamic: true });
  for (const [, from = ""] of text.matchAll(/\brequire\(\s*["`]([^"`]+)["`]/g)) found.push({ file, from, typeOnly: false, dynamic: false });
  return found;
}

const core = filesIn("core");
const plugins = filesIn("plugins");
const imports = [...core, ...plugins].flatMap(importsOf);
const ofPackage = (name: string) => imports.filter(({ from }) => from === name || from.startsWith(`${name}/`));
const filesOf = (some: readonly Import[]): string[] => [...new Set(some.map(({ file }) => file))].sort();

/** The file that a relative import means. */
const targetOf = ({ file, from }: Import): string | undefined =>
  from.startsWith(".") ? relative(ROOT, resolve(ROOT, dirname(file), from.replace(/\.js$/, ".ts"))) : undefined;

it("the imports are read at all", () => {
  expect(imports.length).toBeGreaterThan(400);
  expect(importsOf("core/container.ts")).toContainEqual({ file: "core/container.ts", from: "tsyringe", typeOnly: false, dynamic: false });
  expect(importsOf("core/transport/http.ts")).toContainEqual({ file: "core/transport/http.ts", from: "undici", typeOnly: false, dynamic: true });
  const known = new Set([...core, ...plugins]);
  for (const one of imports) {
    const target = targetOf(one);
    if (target && !target.endsWith(".json")) expect(known, `${one.file} imports ${one.from}`).toContain(target);
  }
});

describe("who imports which package", () => {
  it("the MCP SDK: the server, and the demo for its client", () => {
    for (const file of filesOf(ofPackage("@modelcontextprotocol"))) expect(file).toMatch(/^core\/(server\/|cli\/demo)/);
    expect(filesOf(ofPackage("@modelcontextprotocol"))).toContain("core/server/mcp.ts");
  });

  it("tsyringe: the container; others its types alone", () => {
    expect(filesOf(ofPackage("tsyringe").filter(({ typeOnly }) => !typeOnly))).toEqual(["core/container.ts"]);
    expect(filesOf(ofPackage("reflect-metadata"))).toEqual(["core/container.ts"]);
  });

  it("tsyringe comes after reflect-metadata, which it needs", () => {
    const text = textOf("core/container.ts");
    expect(text.indexOf('"reflect-metadata"')).toBeGreaterThan(-1);
    expect(text.indexOf('"reflect-metadata"')).toBeLessThan(text.indexOf('"tsyringe"'));
  });

  it("undici: the transport, when it is first needed", () => {
    const users = ofPackage("undici").filter(({ typeOnly }) => !typeOnly);
    expect(users.filter(({ dynamic }) => !dynamic)).toEqual([]);
    expect(filesOf(users)).toContain("core/transport/http.ts");
    for (const file of filesOf(ofPackage("undici"))) expect(file).toMatch(/^core\/transport\/(http|websocket)\.ts$/);
  });

  it("ssh2: the transport, when it is first needed", () => {
    const users = ofPackage("ssh2").filter(({ typeOnly }) => !typeOnly);
    expect(users.filter(({ dynamic }) => !dynamic)).toEqual([]);
    for (const file of filesOf(ofPackage("ssh2"))) expect(file).toMatch(/^core\/transport\/ssh/);
  });

  it("sockets are opened by the transport, by sandboxes, and to probe a local socket", () => {
    const users = imports.filter(({ from, typeOnly }) => !typeOnly && /^node:(net|tls|http|https|http2|dgram)$/.test(from));
    for (const file of filesOf(users))
      expect(file).toMatch(/^core\/(transport|sandbox|server)\/|^core\/config\/inventory\.ts$|^plugins\/\w+\/sandbox\//);
  });

  it("what is heavy and rarely needed is loaded when it is: pino, selfsigned, cosmiconfig, zod-to-json-schema", () => {
    for (const name of ["pino", "selfsigned", "cosmiconfig", "zod-to-json-schema"])
      for (const { file, dynamic } of ofPackage(name).filter(({ typeOnly }) => !typeOnly)) expect(dynamic, `${file} imports ${name}`).toBe(true);
  });
});

describe("the arrows", () => {
  it("core imports no plugin: those that come with it are loaded by name, in one place", () => {
    for (const one of imports.filter(({ file }) => file.startsWith("core/"))) expect(targetOf(one) ?? "core/", one.file).toMatch(/^core\//);
    const byName = imports.filter(({ file, from }) => file.startsWith("core/") && from.startsWith("proxmcp"));
    expect(byName.map(({ file, dynamic }) => ({ file, dynamic }))).toEqual([{ file: "core/config/plugins.ts", dynamic: true }]);
  });

  it("a plugin imports the declaration API, zod, what Node has and its own files; its sandbox the testing API too", () => {
    /** Formats that only this platform speaks, loaded when one is met. Sockets and containers are never among them. */
    const own: Readonly<Record<string, readonly string[]>> = { docker: ["tar-stream"] };
    for (const one of imports.filter(({ file }) => file.startsWith("plugins/"))) {
      const what = `${one.file} imports ${one.from}`;
      const [, name = ""] = one.file.split("/");
      const target = targetOf(one);
      const allowed = ["proxmcp/plugin", "zod", ...(one.file.includes("/sandbox/") ? ["proxmcp/testing"] : [])];
      if (target) expect(target, what).toMatch(new RegExp(`^plugins/${name}/`));
      else if (own[name]?.includes(one.from)) expect(one.dynamic || one.typeOnly || one.file.includes("/sandbox/"), what).toBe(true);
      else expect(allowed.includes(one.from) || isBuiltin(one.from), what).toBe(true);
    }
  });

  it("a plugin loads its sandbox only when asked: it is not part of serving", () => {
    for (const one of imports.filter(({ file }) => file.startsWith("plugins/") && !file.includes("/sandbox/"))) {
      const target = targetOf(one);
      if (target?.includes("/sandbox/")) expect({ file: basename(one.file), dynamic: one.dynamic }).toEqual({ file: "index.ts", dynamic: true });
    }
  });

  it("what a plugin author imports loads no package but zod, and no part of the core that runs calls", () => {
    const seen = new Set<string>();
    const packages = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const one of importsOf(file).filter(({ typeOnly }) => !typeOnly)) {
        const target = targetOf(one);
        if (target) visit(target);
        else if (!isBuiltin(one.from)) packages.add(one.from);
      }
    };
    visit("core/plugin.ts");
    expect([...packages].filter((name) => name !== "zod")).toEqual([]);
    expect([...seen].filter((file) => !/^core\/(plugin|errors)\.ts$|^core\/declare\//.test(file))).toEqual([]);
    expect(seen.size).toBeGreaterThan(4);
  });

  it("nothing imports in a circle", () => {
    const edges = new Map<string, string[]>();
    for (const one of imports.filter(({ typeOnly, dynamic }) => !typeOnly && !dynamic)) {
      const target = targetOf(one);
      if (target) edges.set(one.file, [...(edges.get(one.file) ?? []), target]);
    }
    const circles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) return void circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      if (done.has(file)) return;
      for (const target of edges.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of edges.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });
});

describe("names and sizes", () => {
  it("no file is called by what it is not about", () => {
    for (const file of [...core, ...plugins])
      expect(basename(file, ".ts"), file).not.toMatch(/(^|[-_.])(utils?|helpers?|common|managers?|base|misc)$/i);
  });

  it("core asks for no platform by name: the list of those that come with it is the one place", () => {
    const platforms = [...DEFAULTS.plugins, "incus", "podman", "pve"];
    const named = new RegExp(`["'\`](${platforms.join("|")})["'\`]`, "i");
    const places = core.flatMap((file) =>
      withoutComments(textOf(file))
        .split("\n")
        .filter((line) => named.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(places).toEqual([expect.stringMatching(/^core\/config\/schema\.ts: plugins: \[/)]);
  });

  it("plugins stay small: an index of 60 lines, a client of 250, no file over 300", () => {
    const lines = (file: string): number => textOf(file).trimEnd().split("\n").length;
    const limitOf = (file: string): number => (/^plugins\/\w+\/index\.ts$/.test(file) ? 60 : /^plugins\/\w+\/client\.ts$/.test(file) ? 250 : 300);
    expect(plugins.filter((file) => lines(file) > limitOf(file)).map((file) => `${file}: ${lines(file)} lines`)).toEqual([]);
  });

  it("every plugin has its index, client, kinds and sandbox", () => {
    for (const name of DEFAULTS.plugins)
      for (const part of ["index.ts", "client.ts", "sandbox/index.ts"]) expect(plugins).toContain(`plugins/${name}/${part}`);
    expect(readdirSync(join(ROOT, "plugins")).sort()).toEqual([...DEFAULTS.plugins].sort());
  });

  it("the version is that of the package", () => {
    expect(VERSION).toBe((JSON.parse(textOf("package.json")) as { version: string }).version);
  });

  it("the source runs with its types stripped: no enums, no parameter properties, no decorators", () => {
    for (const file of [...core, ...plugins]) {
      const text = withoutComments(textOf(file));
      expect(text, file).not.toMatch(/^\s*(export\s+)?(const\s+)?enum\s+\w+\s*\{/m);
      expect(text, file).not.toMatch(/constructor\(([^)]*,)?\s*(private|protected|public|readonly)\s/);
      expect(text, file).not.toMatch(/^\s*@\w+\(/m);
    }
  });
});
