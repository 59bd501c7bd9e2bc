import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProxMcp, type ProxMcp } from "proxmcp";
import { withEngine } from "./engines.js";

withEngine("cluster", ({ members, image }) => {
  const [first, second] = members;
  if (!first || !second) throw new Error("a cluster of one");

  describe("instances on the members of a real cluster", () => {
    const name = `members-${process.pid}`;
    let app: ProxMcp;
    const call = async (tool: string, args: Record<string, unknown>) => await app.call(`lxd_${tool}`, args, { confirm: true });

    beforeAll(async () => {
      app = await createProxMcp({ plugins: ["lxd"], connections: { cluster: { provider: "lxd", socket: first.socket } }, log: { level: "silent" } });
    });
    afterAll(async () => {
      for (const one of [name, `${name}-copy`]) await call("instance_delete", { name: one, force: true }).catch(() => {}); // it may be gone already
      await app.close();
    });

    it("are created on the member that is named, and run commands there", async () => {
      expect(await call("instance_create", { name, image, node: second.name })).toMatchObject({ item: { node: second.name, status: "running" } });
      expect(await call("instance_exec", { name, command: ["cat"], stdin: "through the first member" })).toMatchObject({
        result: { stdout: "through the first member", exit_code: 0 },
      });
      await call("instance_files_write", { name, path: "/tmp/mark", content: "carried" });
      expect(await call("instance_stats", { name, seconds: 0.2 })).toMatchObject({ result: { status: "running" } });
    });

    it("move to another one, shut down for it", async () => {
      await expect(call("instance_migrate", { name, node: first.name })).rejects.toMatchObject({ code: "WRONG_STATE" });
      await call("snapshot_create", { instance: name, name: "before" });
      expect(await call("instance_migrate", { name, node: first.name, stop: true })).toMatchObject({
        item: { name, node: first.name, snapshots: 1, status: "running" },
      });
      expect(await call("instance_files_read", { name, path: "/tmp/mark" })).toMatchObject({ result: { content: "carried" } });
    });

    it("are copied to another one", async () => {
      expect(await call("instance_clone", { name, new_name: `${name}-copy`, node: second.name })).toMatchObject({
        item: { name: `${name}-copy`, node: second.name, status: "stopped" },
      });
    });
  });
});
