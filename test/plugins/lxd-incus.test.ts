import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createProxMcp } from "proxmcp";
import { LOCAL } from "../../plugins/lxd/options.js";
import { start } from "../../plugins/lxd/sandbox/index.js";

/** What is different with Incus, beside what the conformance suite and the tests of each operation run in both modes. */
describe("Incus", () => {
  async function open(name?: string) {
    const socket = join(tmpdir(), `incus-${process.pid}-${Math.random().toString(36).slice(2)}.socket`);
    const sandbox = await start({ estate: { flavor: "incus" }, socket });
    onTestFinished(() => sandbox.close());
    const how = name === undefined ? { env: { INCUS_SOCKET: socket } } : { connections: { [name]: { provider: "lxd", socket } } };
    const app = await createProxMcp({ plugins: ["lxd"], ...how, log: { level: "silent" } });
    onTestFinished(() => app.close());
    return { app, sandbox };
  }

  it("is found by its own variable and its own socket, and connected by its own name", async () => {
    const { app } = await open();
    expect(app.connections).toEqual([{ name: "incus", provider: "lxd", from: "INCUS_SOCKET" }]);
    expect(LOCAL.filter(({ name }) => name === "incus")).toEqual([expect.objectContaining({ socket: "/var/lib/incus/unix.socket" })]);
    expect(await app.call("connection_test")).toMatchObject({ items: [{ name: "incus", ok: true, version: "Incus 6.0.4" }] });
  });

  it.each(["show incus containers", "show lxd containers", "containers on pi"])("is asked for in words: %s", async (text) => {
    const { app } = await open("pi");
    const { items } = await app.query(text);
    expect(items.map(({ name }) => name)).toEqual(["cache", "ci", "db", "dev", "web-server"]);
  });

  it("has a bridge of its own name, rebuilds instances, and says when one was started", async () => {
    const { app, sandbox } = await open();
    const { items } = (await app.call("lxd_network_list", { where: { managed: true } })) as unknown as { items: { name: string }[] };
    expect(items.map(({ name }) => name)).toContain("incusbr0");
    await app.call("lxd_instance_create", { name: "fresh", image: "debian/12", start: false });
    await app.call("lxd_instance_rebuild", { name: "fresh", image: "alpine/3.20" }, { confirm: true });
    expect(sandbox.requests.some(({ method, path }) => method === "POST" && path === "/1.0/instances/fresh/rebuild")).toBe(true);
    expect(await app.call("lxd_instance_get", { name: "db" })).toMatchObject({ item: { uptime: expect.any(Number) } });
  });
});
