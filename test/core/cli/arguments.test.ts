import { describe, expect, it } from "vitest";
import { z } from "zod";
import { argumentsFrom } from "../../../core/cli/call.js";
import { deriveFields } from "../../../core/derive/fields.js";
import { deriveFilter } from "../../../core/derive/filter.js";
import { jsonOf } from "../../../core/derive/json.js";
import { isProxMcpError } from "proxmcp";
import { cartridges } from "../../fixtures/tape-library.js";

const { properties, required } = jsonOf(
  z.object({
    name: z.string(),
    command: z.array(z.string()).optional(),
    drive: z.int().optional(),
    force: z.boolean().optional(),
    key_file: z.string().optional(),
    mode: z.enum(["fast", "slow"]).optional(),
    size: z.union([z.literal(1), z.literal(2)]).optional(),
    label: z.string().nullable().optional(),
    ports: z.array(z.int()).nullable().optional(),
    config: z.record(z.string(), z.string()).optional(),
    disks: z.record(z.string(), z.object({ size: z.int(), pool: z.string() })).optional(),
    network: z.object({ name: z.string(), vlan: z.int().optional() }).optional(),
    extra: z.record(z.string(), z.unknown()).optional(),
  }),
  "input",
);
const tool = {
  name: "tape_cartridge_try",
  inputSchema: {
    type: "object",
    properties: { ...properties, where: deriveFilter(deriveFields(cartridges)) },
    required: required ?? [],
    additionalProperties: false,
  },
};
const read = (...words: string[]) => argumentsFrom(tool, words).args;
function fault(...words: string[]): string {
  try {
    return `no fault, but ${JSON.stringify(read(...words))}`;
  } catch (error) {
    if (!isProxMcpError(error) || error.code !== "INVALID_INPUT") throw error;
    return error.message;
  }
}

describe("arguments on the command line", () => {
  it("are typed by the tool's schema", () => {
    expect(read("--name", "007", "--drive", "3", "--mode", "fast", "--size", "2")).toEqual({ name: "007", drive: 3, mode: "fast", size: 2 });
    expect(read("--name=a=b", "--drive=-3")).toEqual({ name: "a=b", drive: -3 });
    expect(read("--drive", "-3")).toEqual({ drive: -3 });
    expect(read("--name", "", "--label", "12")).toEqual({ name: "", label: "12" });
    expect(read("--name=")).toEqual({ name: "" });
    expect(read("--name=two\nlines")).toEqual({ name: "two\nlines" });
  });

  it("may be written with hyphens, as options are elsewhere", () => {
    expect(read("--key-file", "a", "--key_file", "b")).toEqual({ key_file: "b" });
    expect(read("--where.write-protected", "true")).toEqual({ where: { write_protected: true } });
    expect(read("--config.write-cache", "on")).toEqual({ config: { "write-cache": "on" } });
  });

  it("that don't fit the schema are left to the tool's own check, which says what is allowed", () => {
    expect(read("--drive", "three", "--mode", "odd")).toEqual({ drive: "three", mode: "odd" });
  });

  it("take a flag alone or with a value", () => {
    expect(read("--force")).toEqual({ force: true });
    expect(read("--force", "--name", "a")).toEqual({ force: true, name: "a" });
    expect(read("--force", "false", "--name", "a")).toEqual({ force: false, name: "a" });
    expect(read("--force=false")).toEqual({ force: false });
  });

  it("make lists by repeating, as JSON, or both", () => {
    expect(read("--command", "ls")).toEqual({ command: ["ls"] });
    expect(read("--command", "sh", "--command", "-c", "--command", "echo hi")).toEqual({ command: ["sh", "-c", "echo hi"] });
    expect(read("--command", '["ls", "-l"]', "--command=--all")).toEqual({ command: ["ls", "-l", "--all"] });
    expect(read("--ports", "80", "--ports", "[443]")).toEqual({ ports: [80, 443] });
    expect(read("--command", "12")).toEqual({ command: ["12"] });
  });

  it("reach into objects by dots", () => {
    expect(read("--where.state", "worn", "--where.state", "loaded", "--where.barcode", "T*")).toEqual({
      where: { state: ["worn", "loaded"], barcode: "T*" },
    });
    expect(read("--where.mounts.min", "3", "--where.mounts.above", "1", "--where.write_protected", "true")).toEqual({
      where: { mounts: { min: 3, above: 1 }, write_protected: true },
    });
    expect(read("--where.mounts", "3", "--where.not.state", "worn")).toEqual({ where: { mounts: 3, not: { state: "worn" } } });
    expect(read("--where", '{"state":["worn"]}', "--where.barcode", "T1")).toEqual({ where: { state: ["worn"], barcode: "T1" } });
    expect(read("--network.name", "lan", "--network.vlan", "7")).toEqual({ network: { name: "lan", vlan: 7 } });
    expect(read("--disks.root.size", "5", "--disks.root.pool", "5")).toEqual({ disks: { root: { size: 5, pool: "5" } } });
    expect(read("--extra.a.b", "1")).toEqual({ extra: { a: { b: 1 } } });
  });

  it("keep the dots in the keys of a map", () => {
    expect(read("--config.limits.cpu", "2", "--config.user.a", "x")).toEqual({ config: { "limits.cpu": "2", "user.a": "x" } });
    expect(read("--config", '{"limits.cpu":"2"}')).toEqual({ config: { "limits.cpu": "2" } });
  });

  it("are refused with the tool's usage when they are none", () => {
    for (const [words, message] of [
      [["stray"], /^"stray": arguments are given as --name value/],
      [["--nmae", "x"], /^--nmae: no such argument/],
      [["--network.mtu", "1"], /^--network\.mtu: no such argument/],
      [["--name.first", "x"], /^--name\.first: no such argument/],
      [["--name"], /^--name: a value is missing/],
      [["--name", "--force"], /^--name: a value is missing; .*--name=--force/],
      [["--where", "5", "--where.state", "worn"], /^--where\.state: where was given as 5 before/],
      [["-x"], /^"-x": arguments/],
    ] as const) {
      const found = fault(...words);
      expect(found).toMatch(message);
      if (!/before/.test(found)) expect(found).toMatch(/Usage: proxmcp call tape_cartridge_try --name <string> .*\[--mode <fast\|slow>\]/);
    }
  });

  it("called like what every object has are no arguments, and change no object", () => {
    for (const path of [
      "__proto__",
      "constructor",
      "toString",
      "__proto__.x",
      "network.__proto__",
      "config.__proto__",
      "extra.__proto__.x",
      "disks.__proto__.size",
      "where.__proto__.x",
    ])
      expect(fault(`--${path}`, "1"), path).toMatch(/no such argument/);
    expect(read("--config.constructor", "x", "--config.toString", "y")).toEqual({ config: { constructor: "x", toString: "y" } });
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });
});

describe("options of the command among the arguments", () => {
  it("are told apart from values", () => {
    const { args, flags } = argumentsFrom(tool, ["--command", "-y", "--json", "--command", "-h", "-y"]);
    expect(args).toEqual({ command: ["-y", "-h"] });
    expect([...flags]).toEqual(["json", "yes"]);
  });

  it("follow a flag without being its value", () => {
    const { args, flags } = argumentsFrom(tool, ["--force", "-y"]);
    expect(args).toEqual({ force: true });
    expect([...flags]).toEqual(["yes"]);
  });

  it("give way to an argument of the tool's own", () => {
    const own = { name: "x", inputSchema: { type: "object", properties: { json: { type: "string" } } } };
    const { args, flags } = argumentsFrom(own, ["--json", "a", "--yes"]);
    expect(args).toEqual({ json: "a" });
    expect([...flags]).toEqual(["yes"]);
  });
});
