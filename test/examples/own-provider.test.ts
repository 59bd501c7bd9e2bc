import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createProxMcp } from "proxmcp";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("../../examples/own-provider", import.meta.url));

// It is a package of its own, with import paths that only its own tsconfig allows: so it is imported by a path that tsc does not follow.
describe("examples/own-provider", async () => {
  for (const file of globSync("test/*.test.ts", { cwd: folder })) await import(`${folder}/${file}`);

  it("is loaded by its path, and gets tools, filters and words like any other", async () => {
    const app = await createProxMcp({
      folder,
      plugins: ["./src/index.ts"],
      connections: { dev: { provider: "containarium", url: "https://containarium.example", token: { env: "TOKEN" } } },
      env: { TOKEN: `e30.${Buffer.from(JSON.stringify({ username: "never-shown" })).toString("base64url")}.c2ln` },
    });
    const everyday = app.tools().filter((tool) => tool.operation);
    expect(everyday.map((tool) => `${tool.name} ${tool.safety}`)).toEqual([
      "containarium_container_list read",
      "containarium_container_get read",
      "containarium_container_create write",
      "containarium_container_start write",
      "containarium_container_stop write",
      "containarium_container_resize write",
      "containarium_container_delete destructive",
      "containarium_backend_list read",
    ]);
    expect(app.vocabulary().values.get("asleep")).toMatchObject([{ provider: "containarium", kind: "container", field: "status", value: "stopped" }]);
    await app.close();
  });

  it("imports nothing but what the package exports, and zod", () => {
    const imported = globSync("{src,test}/**/*.ts", { cwd: folder }).flatMap((file) => {
      const text = readFileSync(`${folder}/${file}`, "utf8");
      return [...text.matchAll(/^(?:import|export|\})[^;]*?\bfrom "([^"]+)";$|\bimport\("([^"]+)"\)/gm)].map(([, named, loaded]) => ({
        file,
        name: named ?? loaded ?? "",
      }));
    });
    const outside = imported.filter(({ name }) => !/^\.\.?\//.test(name)).map(({ name }) => name);
    expect([...new Set(outside)].sort()).toEqual(["node:crypto", "proxmcp", "proxmcp/plugin", "proxmcp/testing", "vitest", "zod"]);
    for (const { file, name } of imported.filter((one) => one.name.startsWith(".")))
      expect(fileURLToPath(new URL(name, `file://${folder}/${file}`)), file).toContain(`${folder}/`);
  });

  it("passes its own type check, against the built package", () => {
    const tsc = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
    expect(() => execFileSync(process.execPath, [tsc, "-p", folder], { stdio: "pipe", encoding: "utf8" })).not.toThrow();
  });
});
