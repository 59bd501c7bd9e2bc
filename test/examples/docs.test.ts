import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInThisContext } from "node:vm";
import { createProxMcp, type Setup } from "proxmcp";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { ConfigSchema, DEFAULTS } from "../../core/config/schema.js";
import { selfSignedCertificate } from "proxmcp/testing";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const pages = ["*.md", "docs/**/*.md", "examples/*/README.md"].flatMap((pattern) => globSync(pattern, { cwd: root }));

const blocks = (page: string, language: string): string[] =>
  [...read(page).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(([, block]) => block ?? "");

/** The headings of a page as the anchors that they get on the web; a second one of the same name is numbered. */
function anchors(page: string): readonly string[] {
  const seen = new Map<string, number>();
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => {
    const name = heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-");
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return before === 0 ? name : `${name}-${before}`;
  });
}

describe("links", () => {
  it.each(pages)("%s leads to files and headings that exist", (page) => {
    for (const [, target = ""] of read(page).matchAll(/\]\(((?!https?:)[^)]*)\)/g)) {
      const [file = "", heading] = target.split("#");
      const path = file ? join(dirname(page), file) : page;
      expect(existsSync(join(root, path)), target).toBe(true);
      const headings = heading ? anchors(read(path)) : [];
      if (heading) expect(headings, target).toContain(heading);
    }
  });

  it("are there from the index for each decision, and no decision is longer than 40 lines", () => {
    for (const page of globSync("docs/decisions/0*.md", { cwd: root })) {
      expect(read("docs/decisions/README.md")).toContain(page.replace("docs/decisions/", ""));
      expect(read(page).split("\n").length, page).toBeLessThanOrEqual(41);
    }
  });
});

describe("configs", () => {
  let pem: { cert: string; key: string };
  beforeAll(async () => {
    pem = await selfSignedCertificate("docs");
  });

  const configs = ["README.md", "docs/config.md", "docs/safety.md"].flatMap((page) =>
    blocks(page, "ts").flatMap((block, at) => {
      const [, literal] = /defineConfig\(([\s\S]*)\);/.exec(block) ?? [];
      return literal ? [{ page, at, literal }] : [];
    }),
  );

  /** What the files would hold. */
  const filled = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    if ("file" in value) return String(value.file).includes("key") ? pem.key : pem.cert;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, filled(inner)]));
  };

  it.each(configs)("$page, block $at, is one that ProxMCP takes", async ({ literal }) => {
    // Plugins are left out: those that the documents name are not installed.
    const { plugins: _, ...config } = filled(runInThisContext(`(${literal})`)) as Setup;
    const app = await createProxMcp({ ...config, env: { PVE_TOKEN: "mcp@pve!mcp=00000000-0000-0000-0000-000000000000" } });
    expect(app.connections.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(config.connections ?? {})));
    await app.close();
  });

  it("are as many as were found when this was written, or more", () => {
    expect(configs.length).toBeGreaterThanOrEqual(5);
  });

  it.each(pages.filter((page) => blocks(page, "json").length > 0))("%s has JSON that parses", (page) => {
    for (const block of blocks(page, "json")) expect(() => JSON.parse(block) as unknown, block).not.toThrow();
  });
});

describe("docs/config.md", () => {
  const rows = new Map(
    [...read("docs/config.md").matchAll(/^\| `([a-zA-Z.<>$]+)` +\| (.*?) +\| .*\|$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );

  it("has every setting of the schema, and none besides", () => {
    const json = z.toJSONSchema(ConfigSchema, { io: "input", unrepresentable: "any" }) as Schema;
    // A setting with a page of its own is not in this table.
    const settings = settingsIn(json, []).filter((name) => !name.startsWith("routing"));
    expect([...rows.keys()].sort()).toEqual(settings.sort());
  });

  it("states the defaults that are used", () => {
    for (const [name, value] of Object.entries(DEFAULTS)) {
      const row = [...rows].find(([setting]) => setting === name || setting === `tools.${name}` || setting === `limits.${name}`);
      expect(row?.[1].replace(/`; .*/, "`"), name).toBe(`\`${JSON.stringify(value).replaceAll(",", ", ")}\``);
    }
  });
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
}

/** Names of settings, as the table writes them. `<name>` stands for a connection's, `<provider>` for a provider's. */
function settingsIn(schema: Schema, path: readonly string[]): string[] {
  const here = path.join(".");
  const inner = [schema, ...(schema.anyOf ?? [])].flatMap((one) => Object.entries(one.properties ?? {}));
  const record = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  const placeholder = { connections: "<name>", defaults: "<provider>", roles: "<role>" }[here];
  const below = inner.flatMap(([name, property]) => settingsIn(property, [...path, name]));
  if (record && placeholder) below.push(...settingsIn(record, [...path, placeholder]));
  // A group without a meaning of its own has no row.
  const isGroup = below.length > 0 && !schema.anyOf && here !== "connections";
  return [...(here && !isGroup ? [here] : []), ...below];
}

/** A piece that stands alone is indented and broken otherwise than in its file. */
const tight = (code: string): string => code.replaceAll(/\s+/g, "").replaceAll(/,(?=[)\]}])/g, "");

describe("docs/write-a-provider.md", () => {
  const named = blocks("docs/write-a-provider.md", "ts").map((block) => /^\/\/ (\S+)\n([\s\S]*)$/.exec(block));

  // That the page leads to a provider that works is for test/packed/tutorial.test.ts, which follows it.
  it("shows every file of the example, whole, in pieces one after the other", () => {
    const files = new Map<string, string>();
    for (const match of named) {
      const [, file = "", piece = ""] = match ?? [];
      expect(file, "each piece begins with the name of its file").not.toBe("");
      files.set(file, (files.get(file) ?? "") + piece);
    }
    const folder = "examples/first-provider/";
    expect([...files.keys()].sort()).toEqual(globSync("{src,test,.}/*.ts", { cwd: join(root, folder) }).sort());
    for (const [file, text] of files) expect(tight(text), file).toBe(tight(read(folder + file)));
  });
});

describe("docs/embedding.md", () => {
  const named = blocks("docs/embedding.md", "ts").map((block) => /^\/\/ (\S+)\n([\s\S]*)$/.exec(block));

  it("shows pieces of files that run, as they are", () => {
    expect(named.length).toBeGreaterThanOrEqual(8);
    for (const match of named) {
      const [, file = "", piece = ""] = match ?? [];
      expect(file, "each piece begins with the name of its file").not.toBe("");
      expect(tight(read(file)), `a piece of ${file}`).toContain(tight(piece.replace(/;\s*$/, "")));
    }
  });

  it("names every method and setting that there is, and none besides", () => {
    const page = read("docs/embedding.md");
    for (const method of ["tools", "call", "query", "route", "overview", "why", "toolDefinitions", "attach", "handler", "serve", "test", "close"])
      expect(page, method).toMatch(new RegExp(`^\\| \`${method}\\(`, "m"));
    for (const [, option = ""] of page.matchAll(/^\| `([a-z]+)\(/gm))
      expect(read("core/app.ts"), option).toMatch(new RegExp(`^  (async )?${option}[<(]`, "m"));
  });
});

describe("commands", () => {
  it("of the command line that the documents name are there", async () => {
    const source = read("core/cli/run.ts");
    for (const page of pages)
      for (const [, command = ""] of read(page).matchAll(/`(?:npx (?:-y )?)?proxmcp ([a-z]+)[` ]/g))
        expect(source, `${page}: proxmcp ${command}`).toContain(`.command("${command}")`);
  });

  it("that the documents name exist as npm scripts", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    for (const page of pages)
      for (const [, name = ""] of read(page).matchAll(/npm run ([\w:]+)/g))
        if (page !== "examples/first-provider/README.md") expect(Object.keys(scripts), `${page}: npm run ${name}`).toContain(name);
  });
});
