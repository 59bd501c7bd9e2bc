import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { type Config, createProxMcp, loadConfig, LOGGER, type Logger, type ProxMcp } from "proxmcp";
import { describe, expect, it, onTestFinished } from "vitest";
import { LiveApp } from "../../core/live.js";
import { createMcpServer } from "../../core/server/mcp.js";
import { watchConfig } from "../../core/watch.js";
import { failure, gate, until } from "../fixtures/tape-app.js";
import { Robot, roomOf, stock } from "../fixtures/tape-library.js";

const plugin = fileURLToPath(new URL("../fixtures/tape-plugin.ts", import.meta.url));
let opened = 0;

/** A watched config file, and what the log was told. */
async function watched(config: Config = {}, ending: "json" | "ts" = "json") {
  const folder = await mkdtemp(join(tmpdir(), "proxmcp-watch-"));
  const file = join(folder, `proxmcp.config.${ending}`);
  const room = `watch-${++opened}`;
  stock(room, [{ barcode: "T00001" }, { barcode: "T00002" }]);
  const full = (one: Config): Config => ({ plugins: [plugin], connections: { main: { provider: "tape", room } }, ...one });
  const textOf = (one: Config): string => (ending === "ts" ? `export default ${JSON.stringify(full(one))};` : JSON.stringify(full(one)));
  await writeFile(file, textOf(config));
  const log: { level: string; message: string; facts?: Record<string, unknown> | undefined }[] = [];
  const write = (level: string) => (message: string, facts?: Record<string, unknown>) => void log.push({ level, message, facts });
  const logger: Logger = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  const open = async (after?: ProxMcp): Promise<ProxMcp> => {
    const loaded = await loadConfig({ file, again: after !== undefined });
    return await createProxMcp({
      ...loaded.config,
      ...{ folder, file, env: {}, after },
      services: (container) => void container.register(LOGGER, { useValue: logger }),
    });
  };
  const live = new LiveApp(await open());
  const watching = await watchConfig(live, { file, open });
  onTestFinished(async () => {
    await watching.close();
    await live.current.close();
    await rm(folder, { recursive: true });
  });
  /** As editors do it: another file takes the place. */
  const replaceText = async (text: string): Promise<void> => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  return {
    live,
    log,
    room: roomOf(room),
    file,
    write: (one: Config) => writeFile(file, textOf(one)),
    replace: (one: Config) => replaceText(textOf(one)),
    replaceText,
  };
}

const names = (app: ProxMcp): string[] => app.tools().map((tool) => tool.name);

describe("a config that is watched", () => {
  it.each(["json", "ts"] as const)("is applied when it changes, written in place or put there: %s", async (ending) => {
    const { live, write, replace, log } = await watched({}, ending);
    expect(names(live.current)).toContain("tape_cartridge_load");
    await write({ tools: { readOnly: true } });
    await until(() => !names(live.current).includes("tape_cartridge_load"));
    await replace({ tools: { allow: ["tape_cartridge_get"] } });
    await until(() => names(live.current).length === 1);
    expect(log.filter(({ level }) => level === "info").map(({ message }) => message)).toEqual(Array(2).fill("the changed config is in use"));
  });

  it("with faults is told in the log, and the former one stays; so does a config that is away for a moment", async () => {
    const { live, replaceText, replace, log, file } = await watched();
    const { current } = live;
    for (const [text, words] of [
      [JSON.stringify({ tools: { confirm: "maybe" } }), "tools.confirm"],
      ["{ not json", "can't be read"],
      [JSON.stringify({ plugins: ["./nowhere.ts"] }), "nowhere.ts"],
    ] as const) {
      await replaceText(text);
      await until(() => log.some(({ level, facts }) => level === "error" && String(facts?.["message"]).includes(words)));
    }
    await rm(file);
    expect(live.current).toBe(current);
    expect(await live.current.call("tape_cartridge_list")).toMatchObject({ total: 2 });
    await replace({ tools: { readOnly: true } });
    await until(() => live.current !== current);
  });

  it("that changes drops no call: each ends on the app that it began on, which is closed after the last", async () => {
    const { live, room, write } = await watched();
    const former = live.current;
    const { closed, open } = gate();
    room.gate = closed;
    const underway = live.use((app) => app.call("tape_cartridge_load", { barcode: "T00001" }));
    await until(() => room.calls.length === 1);
    await write({ tools: { readOnly: true } });
    await until(() => live.current !== former);
    expect(await failure(live.use((app) => app.call("tape_cartridge_load", { barcode: "T00002" })))).toMatchObject({ code: "TOOL_DENIED" });
    const before = Robot.closed.length;
    open();
    expect(await underway).toMatchObject({ item: { state: "loaded" } });
    await until(() => Robot.closed.length > before);
  });

  it("that changes leaves what was given out good: a confirmation, used once; a cursor", async () => {
    const { live, write, room } = await watched();
    const refusal = await failure(live.current.call("tape_cartridge_delete", { barcode: "T00001" }));
    const { cursor } = await live.current.call("tape_cartridge_list", { limit: 1 });
    const former = live.current;
    await write({ limits: { readTimeout: 5 } });
    await until(() => live.current !== former);
    const confirmed = { barcode: "T00001", confirm: refusal.data?.["confirm"] };
    expect(await live.current.call("tape_cartridge_list", { limit: 1, cursor })).toMatchObject({ items: [{ barcode: "T00002" }] });
    expect(await live.current.call("tape_cartridge_delete", confirmed)).toMatchObject({ deleted: true });
    expect(room.cartridges).toHaveLength(1);
    const second = live.current;
    await write({ limits: { readTimeout: 6 } });
    await until(() => live.current !== second);
    expect(await failure(live.current.call("tape_cartridge_delete", confirmed))).toMatchObject({ code: "CONFIRMATION_INVALID" });
  });

  it.each(["2025-11-25", "2026-07-28"] as const)("is told to clients of %s, which then list the new tools", async (era) => {
    const { live, write } = await watched();
    const [near, far] = InMemoryTransport.createLinkedPair();
    const handle = serveStdio(() => createMcpServer(live), { transport: far });
    let told = 0;
    const client = new Client(
      { name: "test", version: "1" },
      {
        ...(era === "2025-11-25" ? {} : { versionNegotiation: { mode: { pin: era } } }),
        listChanged: { tools: { autoRefresh: false, onChanged: () => void (told += 1) } },
      },
    );
    await client.connect(near);
    onTestFinished(async () => {
      await client.close();
      await handle.close();
    });
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain("tape_cartridge_load");
    await write({ tools: { readOnly: true } });
    await until(() => told === 1);
    expect((await client.listTools()).tools.map(({ name }) => name)).not.toContain("tape_cartridge_load");
    expect(await client.callTool({ name: "tape_cartridge_list", arguments: {} })).toMatchObject({ structuredContent: { total: 2 } });
  });
});
