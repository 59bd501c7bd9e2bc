import { describe, expect, test } from "vitest";
import { checkParameters } from "../../plugins/proxmox/parameters.js";
import { apiSchema, findMethod } from "../../plugins/proxmox/schema.js";

async function faults(method: string, path: string, parameters: Record<string, unknown> = {}): Promise<Record<string, string>> {
  const found = await findMethod(method, path);
  if (!found) throw new Error(`no ${method} ${path}`);
  const list = checkParameters(found.definition, { ...found.path, ...parameters });
  return Object.fromEntries(list.map(({ parameter, message }) => [parameter, message]));
}

describe("the API schema", () => {
  test("holds every method of the release, and no prose", async () => {
    const { methods, release } = await apiSchema();
    expect(release).toBe("9.2.11");
    expect(Object.keys(methods)).toHaveLength(661);
    const text = JSON.stringify(methods);
    expect(text.length).toBeLessThan(450_000);
    expect(text).not.toMatch(/"(description|verbose_description|typetext|format_description)":"[^"]/);
  });

  test("every pattern in it can be used", async () => {
    const patterns: string[] = [];
    JSON.stringify(await apiSchema(), (key, value) => {
      if (key === "pattern" && typeof value === "string") patterns.push(value);
      return value;
    });
    expect(patterns.length).toBeGreaterThan(100);
    for (const pattern of patterns) expect(() => new RegExp(`^(?:${pattern})$`)).not.toThrow();
  });

  test("every parameter of a path is described", async () => {
    for (const [key, { parameters }] of Object.entries((await apiSchema()).methods))
      for (const [, name] of key.matchAll(/\{([^}]+)\}/g)) expect(parameters, key).toHaveProperty([String(name)]);
  });
});

describe("finding a method", () => {
  test("the path is matched with its values decoded", async () => {
    const found = await findMethod("GET", "/nodes/pve1/tasks/UPID%3Apve1%3A0%3A/status");
    expect(found?.template).toBe("/nodes/{node}/tasks/{upid}/status");
    expect(found?.path).toEqual({ node: "pve1", upid: "UPID:pve1:0:" });
    expect(found?.definition.proxyto).toBe("node");
  });

  test("a word of the schema comes before a value in its place", async () => {
    expect((await findMethod("GET", "/cluster/resources"))?.template).toBe("/cluster/resources");
    expect((await findMethod("GET", "/cluster/backup/daily"))?.template).toBe("/cluster/backup/{id}");
  });

  test.each([
    ["GET", "/nope"],
    ["POST", "/version"],
    ["GET", "/nodes/pve1/qemu/100/status"],
    ["POST", "/nodes/pve1/lxc/201/config"],
    ["GET", "/nodes/pve1/qemu/100/status/current/more"],
  ])("%s %s", async (method, path) => {
    const found = await findMethod(method, path);
    expect(found === undefined).toBe(path !== "/nodes/pve1/qemu/100/status");
  });
});

describe("checking parameters, in Proxmox's words", () => {
  const one = "/nodes/pve1/qemu/101";
  test.each<[string, string, Record<string, unknown>, Record<string, string>]>([
    ["GET", "/version", { foo: "1" }, { foo: "property is not defined in schema and the schema does not allow additional properties" }],
    ["POST", "/nodes/pve1/qemu", {}, { vmid: "property is missing and it is not optional" }],
    [
      "POST",
      "/nodes/pve1/qemu",
      { vmid: "abc", memory: "lots" },
      {
        vmid: "type check ('integer') failed - got 'abc'",
        memory: "invalid format - format error\nmemory.current: type check ('integer') failed - got 'lots'\n",
      },
    ],
    [
      "POST",
      "/nodes/pve1/qemu",
      { vmid: 362, memory: 4, cores: 0 },
      {
        cores: "value must have a minimum value of 1",
        memory: "invalid format - format error\nmemory.current: value must have a minimum value of 16\n",
      },
    ],
    ["POST", "/nodes/pve1/qemu", { vmid: 99 }, { vmid: "invalid format - value does not look like a valid VM ID\n" }],
    ["PUT", `${one}/config`, { onboot: "true" }, { onboot: "type check ('boolean') failed - got 'true'" }],
    ["PUT", `${one}/config`, { net0: { model: "virtio" } }, { net0: "type check ('string') failed - got HASH" }],
    ["PUT", `${one}/config`, { description: "x".repeat(8193) }, { description: "value may only be 8192 characters long" }],
    ["POST", `${one}/snapshot`, { snapname: "x" }, { snapname: "invalid format - invalid configuration ID 'x'\n" }],
    [
      "POST",
      "/storage",
      { storage: "1bad", type: "dir", path: "/x" },
      { storage: "invalid format - storage ID '1bad' contains illegal characters\n" },
    ],
    [
      "GET",
      `${one}/rrddata`,
      { timeframe: "minute" },
      { timeframe: "value 'minute' does not have a value in the enumeration 'hour, day, week, month, year'" },
    ],
    ["GET", "/nodes/pve1/tasks/x/log", { start: -1 }, { start: "value must have a minimum value of 0" }],
    ["POST", "/access/users", { userid: "short@pve", password: "abc" }, { password: "value must be at least 8 characters long" }],
    [
      "POST",
      "/nodes/pve1/storage/local/download-url",
      { content: "iso", filename: "x.iso", url: "ftp://x/y" },
      { url: "value does not match the regex pattern" },
    ],
    ["PUT", `${one}/config`, { force: 1 }, { delete: "missing property - 'force' requires this property" }],
  ])("%s %s %j", async (method, path, parameters, expected) => {
    expect(await faults(method, path, parameters)).toEqual(expected);
  });

  test.each<[string, string, Record<string, unknown>]>([
    ["PUT", `${one}/config`, { onboot: true }],
    ["PUT", `${one}/config`, { onboot: "0" }],
    ["PUT", `${one}/config`, { description: null }],
    ["PUT", `${one}/config`, { description: 42 }],
    ["PUT", `${one}/config`, { delete: ["description", "onboot"] }],
    ["PUT", `${one}/config`, { net7: "virtio=BC:24:11:77:43:2F,bridge=vmbr0", scsi30: "local:1,format=qcow2,ssd=on" }],
    ["POST", "/cluster/bulk-action/guest/start", { vms: [101, "102"] }],
    ["POST", `${one}/agent/exec`, { command: "uname" }],
    ["GET", `${one}/agent`, { whatever: 1 }],
  ])("%s %s %j has no fault", async (method, path, parameters) => {
    expect(await faults(method, path, parameters)).toEqual({});
  });

  test("an indexed parameter ends where it is known to end", async () => {
    expect(await faults("PUT", `${one}/config`, { ide3: "none,media=cdrom", virtio0: "local:1" })).toEqual({});
    expect(Object.keys(await faults("PUT", `${one}/config`, { ide4: "none,media=cdrom", "net[n]x": "virtio", net01: "virtio" }))).toEqual([
      "ide4",
      "net[n]x",
      "net01",
    ]);
  });

  test.each([
    ["virtio,bridge=vmbr0,nope=1", "net0.nope: property is not defined in schema and the schema does not allow additional properties"],
    ["bridge=vmbr0", "net0.model: property is missing and it is not optional"],
    ["virtio,bridge=a,bridge=b", "duplicate key in comma-separated list property: bridge"],
    ["virtio,firewall=maybe", "net0.firewall: type check ('boolean') failed - got 'maybe'"],
    ["virtio,=x", "missing key in comma-separated list property"],
  ])("the property string %s", async (net0, expected) => {
    expect((await faults("PUT", `${one}/config`, { net0 })).net0).toContain(expected);
  });
});
