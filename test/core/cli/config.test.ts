import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { proxmcp } from "./command-line.js";

const plugin = fileURLToPath(new URL("../../fixtures/tape-plugin.ts", import.meta.url));
const PASSWORD = "do-not-tell-anybody";

function config(more: object = {}): { file: string; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), "proxmcp-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "room.txt"), "cellar\n");
  writeFileSync(join(folder, "secret.txt"), PASSWORD);
  const file = join(folder, "proxmcp.config.json");
  const connections = {
    main: { provider: "tape", room: "attic", password: PASSWORD, match: ["T*"], tools: { deny: ["*_delete"] } },
    vault: { provider: "tape", room: { file: "room.txt" }, password: { env: "TAPE_PASSWORD" } },
    third: { provider: "tape", room: "x", password: { file: "secret.txt" } },
  };
  writeFileSync(file, JSON.stringify({ plugins: [plugin], connections, tools: { readOnly: true }, log: { level: "silent" }, ...more }));
  return { file, folder };
}

describe("proxmcp config print", () => {
  it("tells every setting that holds and where it comes from, and no secret however it was given", async () => {
    process.env["TAPE_PASSWORD"] = PASSWORD;
    onTestFinished(() => void delete process.env["TAPE_PASSWORD"]);
    const { file } = config();
    const { code, out } = await proxmcp("config", "print", "--json", "-c", file);
    expect(code).toBe(0);
    const settings = new Map((JSON.parse(out) as { path: string; value: unknown; from: string }[]).map(({ path, ...rest }) => [path, rest]));
    expect(settings.get("connections.main.room")).toEqual({ value: "attic", from: file });
    expect(settings.get("connections.main.password")).toEqual({ value: "[secret]", from: file });
    expect(settings.get("connections.main.match")).toEqual({ value: ["T*"], from: file });
    expect(settings.get("connections.main.tools.deny")).toEqual({ value: ["*_delete"], from: file });
    expect(settings.get("connections.vault.password")).toEqual({ value: "[secret]", from: "variable TAPE_PASSWORD" });
    expect(settings.get("connections.vault.room")).toMatchObject({ from: "file room.txt" });
    expect(settings.get("tools.readOnly")).toEqual({ value: true, from: file });
    expect(settings.get("tools.confirm")).toEqual({ value: "destructive", from: "default" });
    expect(settings.get("limits.readTimeout")).toEqual({ value: 30, from: "default" });
    for (const printed of [out, (await proxmcp("config", "print", "-c", file)).out]) expect(printed).not.toContain(PASSWORD);
  });
});

describe("proxmcp config check", () => {
  it("says what the config comes to, and connects to nothing", async () => {
    process.env["TAPE_PASSWORD"] = PASSWORD;
    onTestFinished(() => void delete process.env["TAPE_PASSWORD"]);
    const { file } = config();
    const { code, out } = await proxmcp("config", "check", "-c", file);
    expect(code).toBe(0);
    expect(out).toContain(`ok  ${file}\n    3 connections: main (tape), vault (tape), third (tape)`);
  });

  it("tells every fault at once, and exits with 2", async () => {
    const { file } = config({ defaults: { tape: "nowhere" } });
    const { code, err, out } = await proxmcp("config", "check", "-c", file);
    expect([code, out]).toEqual([2, ""]);
    for (const words of ["TAPE_PASSWORD is not set", 'defaults.tape: found "nowhere"']) expect(err).toContain(words);
    expect(err).not.toContain(PASSWORD);
  });
});

it("proxmcp config schema has the options of the config's own plugins, though the config itself is not whole yet", async () => {
  const { file } = config();
  const { code, out } = await proxmcp("config", "schema", "-c", file);
  expect(code).toBe(0);
  expect(JSON.stringify(JSON.parse(out))).toContain("The robot's password");
});
