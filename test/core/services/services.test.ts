import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type AuditEntry, FileAudit, LogAudit } from "../../../core/services/audit.js";
import { systemClock } from "../../../core/services/clock.js";
import { Signer } from "../../../core/services/signer.js";
import { MemoryState } from "../../../core/services/state.js";
import { stillClock } from "../../fixtures/tape-app.js";

const entry = (call: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  time: "2026-11-01T00:00:00.000Z",
  call,
  caller: "local",
  tool: "tape_cartridge_load",
  safety: "write",
  connections: ["a"],
  arguments: {},
  outcome: "ok",
  milliseconds: 1,
  ...more,
});

const folderOf = (): Promise<string> => mkdtemp(join(tmpdir(), "proxmcp-audit-"));
const linesOf = async (file: string): Promise<AuditEntry[]> =>
  (await readFile(file, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as AuditEntry);

describe("the audit file", () => {
  it("holds one line of JSON for each entry, in the order they were written, whatever they hold", async () => {
    const file = join(await folderOf(), "audit.jsonl");
    const audit = new FileAudit(file);
    const long = "x".repeat(700_000); // longer than a file handle writes at once
    await Promise.all([...Array(20).keys()].map((at) => audit.write(entry(String(at), { arguments: { text: at === 3 ? long : "a\nb\u2028c" } }))));
    await audit.close();
    const lines = await linesOf(file);
    expect(lines.map((line) => line.call)).toEqual([...Array(20).keys()].map(String));
    expect(lines[0]).toEqual(entry("0", { arguments: { text: "a\nb\u2028c" } }));
  });

  it("is for its owner alone, whatever the umask", async () => {
    const file = join(await folderOf(), "audit.jsonl");
    const before = process.umask(0);
    try {
      const audit = new FileAudit(file);
      await audit.write(entry("1"));
      await audit.close();
    } finally {
      process.umask(before);
    }
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("is added to, not begun anew", async () => {
    const file = join(await folderOf(), "audit.jsonl");
    for (const call of ["1", "2"]) {
      const audit = new FileAudit(file);
      await audit.write(entry(call));
      await audit.close();
    }
    expect((await linesOf(file)).map((line) => line.call)).toEqual(["1", "2"]);
  });

  it("that can't be written is an error that names it, and is tried again with the next entry", async () => {
    const folder = await folderOf();
    const file = join(folder, "missing", "audit.jsonl");
    const audit = new FileAudit(file);
    await expect(audit.write(entry("1"))).rejects.toThrow(file);
    await mkdir(join(folder, "missing"));
    await audit.write(entry("2"));
    await audit.close();
    expect((await linesOf(file)).map((line) => line.call)).toEqual(["2"]);
  });

  it("is not made before there is something to write", async () => {
    const file = join(await folderOf(), "audit.jsonl");
    await new FileAudit(file).close();
    await expect(stat(file)).rejects.toThrow("ENOENT");
  });

  it("one failure keeps no later line back", async () => {
    const folder = await folderOf();
    const audit = new FileAudit(folder); // a folder can't be opened for writing
    await expect(audit.write(entry("1"))).rejects.toThrow();
    await rm(folder, { recursive: true });
    await writeFile(folder, "");
    await chmod(folder, 0o600);
    await Promise.all([audit.write(entry("2")), audit.write(entry("3"))]);
    await audit.close();
    expect((await linesOf(folder)).map((line) => line.call)).toEqual(["2", "3"]);
  });
});

it("audit lines in the log: reads at debug, the rest at info, without a second time", () => {
  const lines: unknown[] = [];
  const at = (level: string) => (message: string, facts?: object) => void lines.push([level, message, facts]);
  const audit = new LogAudit({ debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") });
  audit.write(entry("1", { safety: "read" }));
  audit.write(entry("2"));
  audit.write(entry("3", { safety: "destructive" }));
  expect(lines).toMatchObject([
    ["debug", "audit", { call: "1" }],
    ["info", "audit", { call: "2" }],
    ["info", "audit", { call: "3" }],
  ]);
  expect(JSON.stringify(lines)).not.toContain("time");
});

describe("the signer", () => {
  it("opens what it signed, and nothing that was changed or signed by another", () => {
    const signer = new Signer();
    const text = signer.sign({ a: [1, "x"], b: null });
    expect(signer.open(text)).toEqual({ a: [1, "x"], b: null });
    expect(text).toMatch(/^[\w-]+\.[\w-]+$/);
    expect(new Signer().open(text)).toBeUndefined();
    const [body = "", mac = ""] = text.split(".");
    const other = Buffer.from('{"a":[2,"x"],"b":null}').toString("base64url");
    for (const changed of [
      "",
      ".",
      body,
      `${body}.`,
      `.${mac}`,
      `${other}.${mac}`,
      `${body}.${mac.slice(1)}`,
      `${body}.${"A".repeat(mac.length)}`,
      "💥.💥",
    ])
      expect(signer.open(changed), changed).toBeUndefined();
  });

  it("takes the same key from another replica", () => {
    const key = Buffer.alloc(32, 7);
    expect(new Signer(key).open(new Signer(key).sign("x"))).toBe("x");
  });
});

describe("state in memory", () => {
  it("keeps, forgets after its time, adds only what is absent", async () => {
    const clock = stillClock();
    const state = new MemoryState(clock);
    await state.set("a", 1, 10);
    await state.set("b", 2);
    expect(await state.add("a", 3, 10)).toBe(false);
    expect([await state.get("a"), await state.get("b"), await state.get("c")]).toEqual([1, 2, undefined]);
    clock.advance(10);
    expect([await state.get("a"), await state.get("b")]).toEqual([undefined, 2]);
    expect(await state.add("a", 4, 10)).toBe(true);
    await state.delete("a");
    expect(await state.get("a")).toBeUndefined();
    expect((await Promise.all([state.add("x", 1), state.add("x", 2)])).filter(Boolean)).toHaveLength(1);
  });

  it("is bounded, and forgets what has expired before what has not", async () => {
    const clock = stillClock();
    const state = new MemoryState(clock);
    await state.set("kept", true);
    for (let at = 0; at < 9_999; at += 1) await state.set(`short/${at}`, at, 1);
    clock.advance(2);
    for (let at = 0; at < 100; at += 1) await state.set(`new/${at}`, at, 60);
    expect(await state.get("kept")).toBe(true);
    expect(await state.get("new/0")).toBe(0);
    for (let at = 100; at < 10_100; at += 1) await state.set(`new/${at}`, at, 60);
    expect(await state.get("new/10099")).toBe(10_099);
    expect(await state.get("new/0")).toBeUndefined();
  });
});

it("the clock sleeps, and stops sleeping when told to", async () => {
  const began = systemClock.now();
  await systemClock.sleep(5);
  expect(systemClock.now() - began).toBeGreaterThanOrEqual(4);
  const controller = new AbortController();
  const sleeping = systemClock.sleep(60_000, controller.signal);
  controller.abort();
  await expect(sleeping).rejects.toMatchObject({ name: "AbortError" });
});
