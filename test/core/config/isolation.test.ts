import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createProxMcp, type ProxMcpError, type Setup } from "proxmcp";
import { depotOf, depots, hall } from "../../fixtures/depot.js";
import { failure } from "../../fixtures/tape-app.js";
import { stock, tapeLibrary } from "../../fixtures/tape-library.js";
import { proxmcp } from "../cli/command-line.js";

const plugin = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

/** A folder with a plugin that fails as it is loaded, one without a declaration, and one that is faulty. */
function broken(): { readonly folder: string; readonly throwing: string; readonly empty: string } {
  const folder = mkdtempSync(join(tmpdir(), "proxmcp-broken-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "throwing.mjs"), 'throw new Error("no licence");\n');
  writeFileSync(join(folder, "empty.mjs"), "export default {};\n");
  return { folder, throwing: join(folder, "throwing.mjs"), empty: join(folder, "empty.mjs") };
}

const open = async (setup: Setup) => {
  const errors: ProxMcpError[] = [];
  const app = await createProxMcp({ env: {}, log: { level: "silent" }, onPluginError: (error) => void errors.push(error), ...setup });
  onTestFinished(() => app.close());
  return { app, errors };
};

describe("a plugin that can't be loaded", () => {
  it("takes only itself and its connections with it, where somebody is told", async () => {
    const { folder, throwing, empty } = broken();
    depotOf("isolated").halls = [hall("north")];
    const { app, errors } = await open({
      plugins: [throwing, depots(), empty, join(folder, "none.mjs")],
      connections: { port: { provider: "depot", depot: "isolated" }, lost: { provider: "whatever", url: "x" } },
      defaults: { whatever: "lost" },
    });
    expect(errors.map(({ code, message }) => [code, message.split("\n")[0]])).toEqual([
      ["PLUGIN_INVALID", expect.stringContaining("no licence")],
      ["PLUGIN_INVALID", expect.stringContaining("empty.mjs")],
      ["PLUGIN_NOT_FOUND", expect.stringContaining("none.mjs")],
    ]);
    expect(app.connections.map(({ name }) => name)).toEqual(["port"]);
    expect(await app.call("depot_crate_list")).toMatchObject({ total: 0 });
  });

  it("that never finishes loading is given up, and the others are served", async () => {
    const { folder } = broken();
    writeFileSync(join(folder, "waiting.mjs"), "await new Promise(() => {});\n");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    depotOf("isolated").halls = [hall("north")];
    const opening = open({ plugins: [join(folder, "waiting.mjs"), depots()], connections: { port: { provider: "depot", depot: "isolated" } } });
    // Until the time for it runs, nothing is there to be moved.
    while (vi.getTimerCount() === 0) await new Promise((resolve) => void setImmediate(resolve));
    await vi.advanceTimersByTimeAsync(30_000);
    const { app, errors } = await opening;
    expect(errors.map(({ code, message }) => [code, message])).toEqual([
      ["PLUGIN_INVALID", expect.stringMatching(/waiting\.mjs failed to load: it did not finish within 30 seconds$/)],
    ]);
    expect(app.connections.map(({ name }) => name)).toEqual(["port"]);
  });

  it("is an error where nobody is told, or nothing else is left", async () => {
    const { throwing } = broken();
    const connections = { port: { provider: "depot", depot: "isolated" } };
    expect(await failure(createProxMcp({ plugins: [depots(), throwing], connections, env: {} }))).toMatchObject({ code: "PLUGIN_INVALID" });
    expect(await failure(open({ plugins: [throwing], connections }))).toMatchObject({ message: expect.stringContaining("no licence") });
  });

  it("that has the name of another is left out, with both origins named", async () => {
    stock("isolated", []);
    const connections = { main: { provider: "tape", room: "isolated" } };
    const { app, errors } = await open({ plugins: [tapeLibrary(), plugin("tape-plugin.ts")], connections });
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^Two plugins are called tape: the object "tape" and .*tape-plugin\.ts\.$/),
    ]);
    expect(await app.call("tape_cartridge_list")).toMatchObject({ total: 0 });
  });

  it("is a failure in doctor's report, beside what works", async () => {
    const { folder, throwing } = broken();
    depotOf("isolated").halls = [hall("north")];
    const file = join(folder, "proxmcp.config.json");
    const connections = { port: { provider: "depot", depot: "isolated" } };
    writeFileSync(file, JSON.stringify({ plugins: [throwing, plugin("depot-plugin.ts")], connections, log: { level: "silent" } }));
    const { code, out } = await proxmcp("doctor", "--config", file);
    expect(code).toBe(1);
    expect(out).toMatch(/FAIL {2}plugin {2}.*no licence/);
    expect(out).toMatch(/ok {4}port/);
  });
});
