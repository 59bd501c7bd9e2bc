import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Config } from "proxmcp";
import { VERSION } from "../../../core/version.js";
import { type Cartridge, type Room, roomOf, stock } from "../../fixtures/tape-library.js";
import { proxmcp } from "./command-line.js";

const plugin = fileURLToPath(new URL("../../fixtures/tape-plugin.ts", import.meta.url));

let folders = 0;

/** A config file with one tape library, or more. */
function library(config: Config = {}, cartridges: readonly Partial<Cartridge>[] = [{ barcode: "T00001" }]): { file: string; room: Room } {
  const folder = mkdtempSync(join(tmpdir(), "proxmcp-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const name = `cli-${++folders}`;
  stock(name, cartridges);
  const file = join(folder, "proxmcp.config.json");
  const connections = { main: { provider: "tape", room: name } };
  writeFileSync(file, JSON.stringify({ plugins: [plugin], connections, log: { level: "silent" }, ...config }));
  return { file, room: roomOf(name) };
}

describe("the command line", () => {
  it("shows help for all and for each command, and exits with 0", async () => {
    const { code, out } = await proxmcp("--help");
    expect(code).toBe(0);
    for (const command of ["serve", "demo", "tools", "call", "doctor"]) {
      expect(out).toContain(`  ${command} `);
      const help = await proxmcp(command, "--help");
      expect(help.code, command).toBe(0);
      expect(help.out).toContain(`Usage: proxmcp ${command}`);
      expect(await proxmcp("help", command)).toEqual(help);
    }
    expect(out).toContain("Exit codes");
  });

  it("shows, with the help for query, what can be asked for here", async () => {
    const { file } = library();
    for (const words of [
      ["query", "--help"],
      ["query", "-h"],
    ]) {
      const { code, out } = await proxmcp("--config", file, ...words);
      expect(code).toBe(0);
      expect(out).toContain("Usage: proxmcp query");
      expect(out).toContain("cartridges, tracks");
      expect(out).toMatch(/tape_cartridge: .*state \(shelved, loaded, worn\)/);
      expect(out).toMatch(/Examples\n {2}proxmcp query \S/);
      expect(out).toContain("main");
    }
    const nowhere = library({ connections: {} });
    const { code, err } = await proxmcp("--config", nowhere.file, "query", "--help");
    expect([code, err]).toEqual([0, expect.stringContaining("Nothing is connected")]);
  });

  it("shows its version", async () => {
    expect(await proxmcp("--version")).toEqual({ code: 0, out: `${VERSION}\n`, err: "" });
  });

  it("exits with 2 for wrong usage, and says so on stderr only", async () => {
    for (const words of [[], ["nope"], ["--nope"], ["tools", "--nope"], ["call"], ["tools", "--surface", "odd"], ["doctor", "extra", "--nope"]]) {
      const { code, out, err } = await proxmcp(...words);
      expect(code, words.join(" ")).toBe(2);
      expect(out).toBe("");
      expect(err).not.toBe("");
    }
  });

  it("exits with 2 for a wrong configuration, wherever the option stands", async () => {
    const { file } = library({ tools: { confirm: "maybe" as never } });
    for (const words of [
      ["tools", "--config", file],
      ["--config", file, "tools"],
      ["call", "--config", file, "tape_cartridge_list"],
      ["tools", "--config", `${file}.missing`],
    ]) {
      const { code, err } = await proxmcp(...words);
      expect(code).toBe(2);
      expect(err).toContain("CONFIG_INVALID");
    }
    const { code, out } = await proxmcp("doctor", "--config", file);
    expect(code).toBe(2);
    expect(out).toMatch(/FAIL {2}config .*tools\.confirm/s);
  });
});

describe("proxmcp call", () => {
  it("prints a list as a table, with how many there are", async () => {
    const { file } = library({}, [{ barcode: "T00001" }, { barcode: "T00002", state: "worn" }]);
    const { code, out, err } = await proxmcp("call", "-c", file, "tape_cartridge_list", "--where.state", "worn");
    expect(code).toBe(0);
    const [head, row, count] = out.split("\n");
    expect(head).toMatch(/^barcode +label +generation +state/);
    expect(row).toMatch(/^T00002 +tape-1 +lto9 +worn/);
    expect(count).toBe("1 of 1");
    expect(err).toBe("");
  });

  it("prints one item as lines, and notes and errors on stderr", async () => {
    const { file } = library();
    const { code, out, err } = await proxmcp("call", "-c", file, "mount_tape", "--barcode", "T00001", "--drive", "4");
    expect(code).toBe(0);
    expect(out).toMatch(/^barcode +T00001$/m);
    expect(out).toMatch(/^state +loaded$/m);
    expect(err).toBe("Drive 4 is slow.\n");
  });

  it("prints JSON, and nothing else, on demand", async () => {
    const { file } = library();
    for (const words of [
      ["-c", file, "tape_cartridge_get", "--barcode", "T00001", "--json"],
      ["-c", file, "--json", "tape_cartridge_get", "--barcode", "T00001"],
      ["--json", "-c", file, "tape_cartridge_get", "--json", "--barcode", "T00001"],
    ]) {
      const { code, out } = await proxmcp("call", ...words);
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ item: { barcode: "T00001" } });
    }
  });

  it("exits with 1 when the call fails, with 2 when it was called wrongly, in either form of output", async () => {
    const { file } = library({ tools: { deny: ["*_exec"] } });
    for (const [code, error, ...words] of [
      [1, "NOT_FOUND", "tape_cartridge_get", "--barcode", "T00009"],
      [1, "TOOL_DENIED", "tape_cartridge_exec", "--barcode", "T00001"],
      [2, "TOOL_UNKNOWN", "tape_cartridge_burn"],
      [2, "INVALID_INPUT", "tape_cartridge_get"],
      [2, "INVALID_INPUT", "tape_cartridge_get", "--barcode"],
      [2, "INVALID_INPUT", "tape_cartridge_get", "T00001"],
      [2, "INVALID_INPUT", "tape_cartridge_list", "--where.colour", "red"],
    ] as const) {
      const plain = await proxmcp("call", "-c", file, ...words);
      expect(plain, words.join(" ")).toMatchObject({ code, out: "", err: expect.stringMatching(new RegExp(`^${error}.*\\n.*next:`)) });
      const json = await proxmcp("call", "-c", file, ...words, ...(words.length > 2 && words.at(-1) === "--barcode" ? ["--json"] : ["--json"]));
      expect(json.code).toBe(code);
      expect(JSON.parse(json.out)).toMatchObject({ error: { code: error, next: expect.any(String) } });
    }
  });

  it("shows the arguments of a tool", async () => {
    const { file, room } = library();
    for (const help of ["--help", "-h"]) {
      const { code, out } = await proxmcp("call", "-c", file, "tape_cartridge_exec", help);
      expect(code).toBe(0);
      expect(out).toMatch(/^Usage: proxmcp call tape_cartridge_exec --barcode <string> --milliseconds <integer>/);
    }
    expect(room.calls).toEqual([]);
  });

  it("leaves values alone that look like options of ours", async () => {
    const { file } = library(
      {},
      ["-c", "-v", "-h", "-y"].map((label, at) => ({ barcode: `T0000${at}`, label })),
    );
    for (const [at, label] of ["-c", "-v", "-h", "-y"].entries()) {
      const { code, out } = await proxmcp("call", "-c", file, "tape_cartridge_list", "--where.label", label, "--json");
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ items: [{ barcode: `T0000${at}` }], total: 1 });
    }
    expect((await proxmcp("call", "-c", file, "tape_cartridge_list", "--version", "3")).err).toContain("--version: no such argument");
  });

  it("does nothing unconfirmed where nobody can be asked, and everything with --yes", async () => {
    const { file, room } = library({}, [{ barcode: "T00001" }, { barcode: "T00002" }]);
    const declined = await proxmcp("call", "-c", file, "tape_cartridge_delete", "--barcode", "T00001");
    expect(declined.code).toBe(1);
    expect(declined.err).toMatch(/T00001.*Everything on it is lost.*--yes/);
    expect(room.calls).toEqual([]);
    expect((await proxmcp("call", "-c", file, "tape_cartridge_delete", "--barcode", "T00001", "--yes")).code).toBe(0);
    expect((await proxmcp("call", "-y", "-c", file, "tape_cartridge_delete", "--barcode", "T00002")).code).toBe(0);
    expect(room.cartridges).toEqual([]);
  });

  it("leaves no handler of signals behind", async () => {
    const { file } = library();
    const before = process.listenerCount("SIGINT");
    await proxmcp("call", "-c", file, "tape_cartridge_list");
    await proxmcp("call", "-c", file, "tape_cartridge_get", "--barcode", "T00009");
    expect(process.listenerCount("SIGINT")).toBe(before);
  });

  it("keeps the rules of the config", async () => {
    const { file, room } = library({ tools: { readOnly: true } });
    const { code, err } = await proxmcp("call", "-c", file, "mount_tape", "--barcode", "T00001", "--yes");
    expect(code).toBe(1);
    expect(err).toContain("TOOL_DENIED");
    expect(room.calls).toEqual([]);
  });

  it("prints the errors of a list that is not whole beside its rows, and succeeds", async () => {
    const { file } = library();
    const name = `cli-${folders}`;
    const connections = { main: { provider: "tape", room: name }, vault: { provider: "tape", room: name, jammed: true } };
    writeFileSync(file, JSON.stringify({ plugins: [plugin], connections, log: { level: "silent" } }));
    const { code, out, err } = await proxmcp("call", "-c", file, "tape_cartridge_list");
    expect(code).toBe(0);
    expect(out).toContain("1 of 1");
    expect(err).toMatch(/^UNREACHABLE on vault: .*\n.*tried: list\n.*next: /);
  });

  it("prints no colours where there is no terminal, and passes on no control characters", async () => {
    const { file } = library({}, [{ barcode: "T00001", label: "\u001b[31mred\u001b]0;title\u0007" }]);
    for (const words of [["tape_cartridge_list"], ["tape_cartridge_get", "--barcode", "T00001"], ["tape_cartridge_get", "--barcode", "\u001b[31m"]]) {
      const { out, err } = await proxmcp("call", "-c", file, ...words);
      // oxlint-disable-next-line no-control-regex -- they are what is looked for
      expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u009b]/);
    }
  });
});

describe("proxmcp tools", () => {
  it("lists the tools of a surface with what they cost", async () => {
    const { file } = library({ tools: { deny: ["*_delete"] } });
    const { code, out } = await proxmcp("tools", "-c", file, "--surface", "all", "--tokens");
    expect(code).toBe(0);
    expect(out).toMatch(/^tape_cartridge_load +write +\d+ {2}Put a cartridge into a drive\.$/m);
    expect(out).not.toContain("_delete");
    expect(out).toMatch(/\n\d+ tools, \d+ tokens\n$/);
  });

  it("shows the search tools, and prints JSON as clients get it", async () => {
    const { file } = library();
    const { code, out } = await proxmcp("tools", "-c", file, "--surface", "search", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject([{ name: "tool_find" }, { name: "tool_describe" }, { name: "tool_call", inputSchema: { type: "object" } }]);
  });
});

describe("proxmcp doctor", () => {
  it("has a line for each thing and exits with 0 when all is well, 1 when a connection fails", async () => {
    const { file } = library();
    const well = await proxmcp("doctor", "-c", file);
    expect(well.code).toBe(0);
    expect(well.out).toMatch(/^ok {4}main {2}tape: Robot 1/m);
    expect(well.out).toMatch(/^warn {2}main {2}dusty$/m);
    writeFileSync(
      file,
      JSON.stringify({ plugins: [plugin], connections: { main: { provider: "tape", room: "x", jammed: true } }, log: { level: "silent" } }),
    );
    const ill = await proxmcp("doctor", "-c", file);
    expect(ill.code).toBe(1);
    expect(ill.out).toMatch(/^FAIL {2}main {2}tape: UNREACHABLE: /m);
  });
});

describe("roles and rules", () => {
  const rules: Config = { tools: { deny: ["*_exec"] }, roles: { viewer: { readOnly: true }, loader: { allow: ["*_load"] } } };

  it("proxmcp tools --why says which rule it is, for the role that is given", async () => {
    const { file } = library(rules);
    expect((await proxmcp("tools", "--config", file, "--why", "mount_tape")).out).toBe(
      "tape_cartridge_load (write), also called mount_tape\nlisted: it is one of the everyday tools of the default surface\n  main  allowed  no rule forbids it\n",
    );
    expect((await proxmcp("tools", "--config", file, "--why", "mount_tape", "--role", "viewer")).out).toContain(
      "not allowed: it is not read-only, and roles.viewer.readOnly is set",
    );
    const { out } = await proxmcp("tools", "--config", file, "--why", "tape_cartridge_exec", "--json");
    expect(JSON.parse(out)).toMatchObject({
      callable: false,
      why: 'denied by tools.deny "*_exec"',
      connections: [{ connection: "main", allowed: false }],
    });
    expect(await proxmcp("tools", "--config", file, "--why", "load_tape")).toMatchObject({
      code: 2,
      err: expect.stringContaining("tape_cartridge_load"),
    });
  });

  it("--role takes away, and can be repeated", async () => {
    const { file, room } = library(rules);
    const load = ["call", "--config", file, "tape_cartridge_load", "--barcode", "T00001"];
    const as = (...roles: string[]) => proxmcp(...load.toSpliced(1, 0, ...roles.flatMap((role) => ["--role", role])));
    expect(await as("viewer")).toMatchObject({ code: 1, err: expect.stringContaining("TOOL_DENIED") });
    expect(await as("nobody")).toMatchObject({ code: 1, err: expect.stringContaining('there is no role "nobody"') });
    expect(room.calls).toEqual([]);
    expect(await as("viewer", "loader")).toMatchObject({ code: 0 });
    const { out } = await proxmcp("tools", "--config", file, "--role", "loader");
    expect(out).toMatch(/^tape_cartridge_load .*\n1 tools$/m);
  });
});
