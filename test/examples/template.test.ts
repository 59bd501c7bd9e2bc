import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { newProvider } from "../../core/cli/new.js";

const template = fileURLToPath(new URL("../../examples/template", import.meta.url));

// A package of its own, whose import paths only its own tsconfig allows: so it is imported by a path that tsc does not follow.
describe("the template", async () => {
  for (const file of globSync("test/*.test.ts", { cwd: template })) await import(`${template}/${file}`);

  it("passes its own type check, against the built package", () => {
    const root = fileURLToPath(new URL("../..", import.meta.url));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    expect(() => execFileSync(process.execPath, [tsc, "-p", template], { stdio: "pipe", encoding: "utf8" })).not.toThrow();
  });
});

describe("proxmcp new provider", () => {
  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), "proxmcp-new-"));
    onTestFinished(() => rmSync(made, { recursive: true }));
    return made;
  };

  it("writes the template under another name, title and variables", async () => {
    const place = folder();
    expect(await newProvider("nimbus9", { folder: place, title: "Nimbus Cloud" })).toBe(0);
    const files = globSync("**/*", { cwd: place, exclude: ["node_modules"] });
    expect(files).toEqual(expect.arrayContaining(["package.json", "src/index.ts", "test/nimbus9.test.ts", "README.md"]));
    const text = [...files, ".gitignore"].filter((file) => /\.\w+$/.test(file)).map((file) => readFileSync(join(place, file), "utf8"));
    expect(text.join("\n")).not.toMatch(/acme/i);
    const index = readFileSync(join(place, "src/index.ts"), "utf8");
    for (const part of ['name: "nimbus9"', 'title: "Nimbus Cloud"', "client: Nimbus9Client", "NIMBUS9_URL: url"]) expect(index).toContain(part);
    const own = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
      devDependencies: Record<string, string>;
    };
    expect(JSON.parse(readFileSync(join(place, "package.json"), "utf8"))).toMatchObject({
      name: "proxmcp-provider-nimbus9",
      peerDependencies: { proxmcp: `>=${own.version}` },
      devDependencies: { proxmcp: `^${own.version}`, vitest: own.devDependencies["vitest"], typescript: own.devDependencies["typescript"] },
    });
  });

  it.each([
    ["Acme", "INVALID_INPUT"],
    ["my-cloud", "INVALID_INPUT"],
    ["9lives", "INVALID_INPUT"],
    ["docker", "ALREADY_EXISTS"],
  ])("refuses the name %s", async (name, code) => {
    await expect(newProvider(name, { folder: folder() })).rejects.toMatchObject({ code });
  });

  it("writes nothing into a folder where something is", async () => {
    const place = folder();
    writeFileSync(join(place, "notes.txt"), "mine");
    await expect(newProvider("nimbus", { folder: place })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    expect(globSync("*", { cwd: place })).toEqual(["notes.txt"]);
  });
});
