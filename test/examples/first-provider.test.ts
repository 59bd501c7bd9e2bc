import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createProxMcp } from "proxmcp";
import { describe, expect, it } from "vitest";

const folder = fileURLToPath(new URL("../../examples/first-provider", import.meta.url));

// It is a package of its own, with import paths that only its own tsconfig allows: so it is imported by a path that tsc does not follow.
describe("examples/first-provider", async () => {
  for (const file of readdirSync(`${folder}/test`)) await import(`${folder}/test/${file}`);

  it("is loaded by its path, and gets tools, filters and words like any other", async () => {
    const app = await createProxMcp({
      folder,
      plugins: ["./src/index.ts"],
      connections: {
        a: { provider: "pdu", url: "https://a.example", token: { env: "PDU_TOKEN" } },
        b: { provider: "pdu", url: "https://b.example", token: { env: "PDU_TOKEN" } },
      },
      env: { PDU_TOKEN: "never-shown" },
    });
    const tools = app.tools("all").filter((tool) => tool.operation);
    expect(tools.map((tool) => `${tool.name} ${tool.safety}`)).toEqual([
      "pdu_outlet_list read",
      "pdu_outlet_get read",
      "pdu_outlet_start write",
      "pdu_outlet_stop destructive",
      "pdu_outlet_restart destructive",
    ]);
    expect(tools[0]?.inputSchema.properties).toMatchObject({ where: { properties: { power: {} } }, pdu: { enum: ["a", "b"] } });
    expect(app.vocabulary().values.get("live")).toMatchObject([{ provider: "pdu", kind: "outlet", field: "status", value: "on" }]);
    await app.close();
  });

  it("imports nothing but the declaration API, the sandbox server and zod", () => {
    const files = readdirSync(`${folder}/src`);
    const imports = files.flatMap((file) =>
      [...readFileSync(`${folder}/src/${file}`, "utf8").matchAll(/from "([^."][^"]*)"/g)].map(([, name]) => name),
    );
    expect([...new Set(imports)].sort()).toEqual(["proxmcp/plugin", "proxmcp/testing", "zod"]);
  });

  it("passes its own type check, against the built package", () => {
    const tsc = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
    expect(() => execFileSync(process.execPath, [tsc, "-p", folder, "--noEmit"], { stdio: "pipe", encoding: "utf8" })).not.toThrow();
  });
});
