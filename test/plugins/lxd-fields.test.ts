import { describe, expect, it } from "vitest";
import { instanceOf } from "../../plugins/lxd/instance/fields.js";
import { moment, type WireInstance } from "../../plugins/lxd/wire.js";

const clock = { now: () => Date.parse("2026-01-02T00:00:00Z"), sleep: async () => {} };
const bare: WireInstance = {
  name: "x",
  type: "container",
  status: "Running",
  architecture: "x86_64",
  created_at: "2026-01-01T00:00:00.779764117Z",
  ephemeral: false,
  config: {},
  devices: {},
};
const of = (more: Partial<WireInstance>) => instanceOf({ ...bare, ...more }, clock);
const global = (address: string, family = "inet") => ({ family, address, scope: "global" });

describe("an instance in our fields", () => {
  it("has what its server says and nothing else", () => {
    expect(of({})).toEqual({
      name: "x",
      type: "container",
      status: "running",
      arch: "x86_64",
      profiles: [],
      ephemeral: false,
      created: "2026-01-01T00:00:00.779Z",
    });
  });

  it("has a count of snapshots only where they were asked for", () => {
    expect(of({ snapshots: null })["snapshots"]).toBeUndefined();
    expect(of({ snapshots: null, state: { status: "Running" } })["snapshots"]).toBe(0);
    expect(of({ snapshots: [{ name: "a", created_at: "", stateful: false }] })["snapshots"]).toBe(1);
  });

  it("is reached by the interface that the host has an end of, not by a bridge inside", () => {
    const network = {
      docker0: { host_name: "", addresses: [global("172.17.0.1")] },
      eth0: {
        host_name: "veth1",
        addresses: [global("fd42::5", "inet6"), global("10.0.0.5"), { family: "inet6", address: "fe80::1", scope: "link" }],
      },
      lo: { host_name: "", addresses: [{ family: "inet", address: "127.0.0.1", scope: "local" }] },
    };
    expect(of({ state: { status: "Running", network } })).toMatchObject({ ip: "10.0.0.5", ips: ["fd42::5", "10.0.0.5", "172.17.0.1"] });
    expect(of({ state: { status: "Running", network: { eth0: { addresses: null } } } })["ip"]).toBeUndefined();
  });

  it("runs since the start that the server names, or since it was last used", () => {
    const used = "2026-01-01T12:00:00Z";
    expect(of({ last_used_at: used })["uptime"]).toBe(43_200);
    expect(of({ last_used_at: used, state: { status: "Running", started_at: "2026-01-01T23:00:00Z" } })["uptime"]).toBe(3600);
    expect(of({ last_used_at: used, state: { status: "Running", started_at: "0001-01-01T00:00:00Z" } })["uptime"]).toBe(43_200);
    expect(of({ status: "Stopped", last_used_at: used })["uptime"]).toBeUndefined();
    expect(of({ last_used_at: "2026-01-03T00:00:00Z" })["uptime"], "a clock that is ahead").toBe(0);
  });

  it.each([
    ["Running", "running"],
    ["Ready", "running"],
    ["Stopped", "stopped"],
    ["Frozen", "frozen"],
    ["Starting", "starting"],
    ["Aborting", "stopping"],
    ["Error", "error"],
    ["Something new", "error"],
  ])("calls %s %s", (word, status) => {
    expect(of({ status: word }).status).toBe(status);
  });

  it("takes its limits from the profiles too", () => {
    const wire = {
      config: { "limits.cpu": "1" },
      expanded_config: { "limits.cpu": "0-3", "limits.memory": "1GB", "image.release": "jammy", "image.version": "22.04" },
      expanded_devices: {
        eth0: { type: "nic" },
        data: { type: "disk", path: "/data", size: "1TB" },
        disk0: { type: "disk", path: "/", size: "8GB" },
      },
    };
    expect(of(wire)).toMatchObject({ cpu: 4, memory: 1_000_000_000, disk: 8_000_000_000, release: "22.04" });
  });
});

it("a moment that never was is unknown", () => {
  for (const time of ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "", "soon", undefined]) expect(moment(time), String(time)).toBeUndefined();
});
