import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { depotOf, hall } from "../../fixtures/depot.js";
import { proxmcp } from "./command-line.js";

const plugin = fileURLToPath(new URL("../../fixtures/depot-plugin.ts", import.meta.url));

function config(): string {
  const folder = mkdtempSync(join(tmpdir(), "proxmcp-suggest-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  depotOf("suggest").halls = [hall("north", 64, 60), hall("south")];
  const file = join(folder, "proxmcp.config.json");
  writeFileSync(
    file,
    JSON.stringify({ plugins: [plugin], connections: { port: { provider: "depot", depot: "suggest" } }, log: { level: "silent" } }),
  );
  return file;
}

describe("proxmcp suggest", () => {
  it("ranks the places, with reasons, the create call, and what is out and why", async () => {
    const { code, out } = await proxmcp("suggest", "--config", config(), "a crate with 16gb memory");
    expect(code).toBe(0);
    expect(out).toContain("Understood: isolation crate, memory 17179869184");
    expect(out).toMatch(/1\. port \(south\), depot as crate {2}[\d.]+/);
    expect(out).toContain("depot_crate_create {");
    expect(out).toMatch(/x {2}port \(north\): .*memory/);
  });

  it("says it all as JSON, and exits with 1 where nothing fits", async () => {
    const file = config();
    const { code, out } = await proxmcp("suggest", "--json", "--config", file, "a crate with 16gb memory");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      placements: [{ connection: "port", place: "south", create: { tool: "depot_crate_create", args: { hall: "south", memory: 17_179_869_184 } } }],
    });
    const none = await proxmcp("suggest", "--config", file, "a crate with 500gb memory");
    expect([none.code, none.out]).toEqual([1, expect.stringContaining("No place can take this.")]);
  });
});
