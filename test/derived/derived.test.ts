import { describe, expect, it } from "vitest";
import { tokensOf } from "proxmcp";
import { readFileSync, writeFileSync } from "node:fs";
import { configSchema, differences, reference, snapshots, write } from "./derived.js";
import { shippedApp } from "./estate.js";

/** `npm run snapshots` and `npm run docs` write instead of comparing. Never on a CI machine. */
const WRITE = process.env["CI"] === "true" ? "" : (process.env["WRITE_DERIVED"] ?? "");

describe("what is derived and kept", () => {
  it("has a golden file for each tool, none missing, stale or left over", async () => {
    const derived = await snapshots();
    if (WRITE === "snapshots") write(derived);
    expect(differences(derived), "run `npm run snapshots` and look at the difference").toEqual([]);
  });

  it("has a reference page for each provider and for what authors import, up to date", async () => {
    const derived = await reference();
    if (WRITE === "docs") write(derived);
    expect(differences(derived), "run `npm run docs`").toEqual([]);
  }, 60_000);
});

describe("the reference of what authors import", () => {
  it.each(["declaration.md", "testing.md"])("%s leaves nothing without a word", (name) => {
    const page = readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), "utf8");
    expect(page.split("\n").filter((line) => line.endsWith("| - |"))).toEqual([]);
    // A heading, and at once the next one or a table.
    expect([...page.matchAll(/^### (.*)\n\n(?=[#|])/gm)].map(([, title]) => title)).toEqual([]);
    // Methods have a signature; nothing behind it would be no more than that.
    expect([...page.matchAll(/^#### (\w+)\(\)\??\n\n```ts\n(?:(?!```).*\n)+```\n(?=\n#)/gm)].map(([, title]) => title)).toEqual([]);
  });
});

describe("the JSON Schema of the config", () => {
  it("is published as it would be derived now", async () => {
    const { file, text } = await configSchema();
    if (WRITE === "docs") writeFileSync(file, text);
    expect(readFileSync(file, "utf8"), "run `npm run docs`").toBe(text);
  });
});

describe("the cost of a surface", () => {
  const total = (tools: readonly { name: string; description: string; inputSchema: object }[]): number =>
    tools.reduce((sum, tool) => sum + tokensOf(tool as never), 0);

  it("is at most 40 tools and 6,000 tokens by default, with all three providers", async () => {
    const app = await shippedApp();
    const tools = app.tools("default");
    expect(tools.length).toBeLessThanOrEqual(40);
    expect(total(tools)).toBeLessThanOrEqual(6000);
    for (const provider of app.providers)
      expect(
        tools.some((tool) => tool.operation?.provider === provider),
        provider.name,
      ).toBe(true);
    await app.close();
  });

  it("is three tools and at most 1,500 tokens for search", async () => {
    const app = await shippedApp({ surface: "search" });
    const tools = app.tools();
    expect(tools.map((tool) => tool.name).sort()).toEqual(["tool_call", "tool_describe", "tool_find"]);
    expect(total(tools)).toBeLessThanOrEqual(1500);
    await app.close();
  });
});

describe("every tool of the shipped providers", () => {
  it("keeps the rules that clients need", async () => {
    const app = await shippedApp();
    for (const tool of app.tools("all")) {
      expect(tool.name).toMatch(/^[a-z0-9_]{1,60}$/);
      expect(tool.inputSchema.type, tool.name).toBe("object");
      expect(tool.outputSchema.type, tool.name).toBe("object");
      for (const union of ["anyOf", "oneOf", "allOf"]) expect(tool.inputSchema, tool.name).not.toHaveProperty(union);
      expect(JSON.stringify([tool.inputSchema, tool.outputSchema]), tool.name).not.toContain("$schema");
      expect(tool.description.length, tool.name).toBeGreaterThan(10);
    }
    await app.close();
  });
});
