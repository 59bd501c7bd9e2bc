import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { clusterScenario } from "../conformance/lxd-cluster.js";
import { withEngine } from "./engines.js";

const script = async (name: string, ...args: string[]): Promise<void> => {
  await promisify(execFile)("bash", [new URL(name, import.meta.url).pathname, ...args]);
};

withEngine("cluster", ({ members, image }) => {
  const [first, second, third] = members;
  if (!first || !second || !third) throw new Error("a cluster of three");
  const names = [first.name, second.name, third.name] as const;

  clusterScenario("three real LXD", async () => ({ connection: { socket: first.socket }, close: async () => {} }), {
    members: [...names],
    image,
    more: (bench) => {
      it("lists the rest while a member that was killed counts as offline", { timeout: 180_000 }, async (context) => {
        const { item, rows, call, refusal } = bench();
        const state = async (member: string) => (await item("member_get", { name: member }))["status"];
        const started = await script("cluster.sh", "kill", third.name).catch((error: { code?: number }) => {
          if (error.code !== 3) throw error;
          return "not ours" as const;
        });
        if (started === "not ours") return context.skip("the cluster was started by another run, whose processes are not for this one to end");
        try {
          await expect.poll(() => state(third.name), { timeout: 60_000, interval: 500 }).toBe("offline");
          expect(await rows("member_list")).toMatchObject([
            { name: first.name, status: "online" },
            { name: second.name, status: "online" },
            { name: third.name, status: "offline", message: expect.stringContaining("No heartbeat") },
          ]);
          const { items, errors } = await call("instance_list");
          expect(errors).toBeUndefined();
          const byName = Object.fromEntries((items as Record<string, unknown>[]).map((one) => [one["name"], one]));
          expect(byName[first.instance]).toMatchObject({ node: first.name, status: "running" });
          expect(byName[second.instance]).toMatchObject({ node: second.name, status: "running" });
          expect(byName[third.instance]).toMatchObject({ node: third.name, status: "error" });
          expect(await rows("host_list")).toMatchObject([{ status: "online" }, { status: "online" }, { name: third.name, status: "offline" }]);
          expect(await rows("storage_pool_list")).toMatchObject([{ name: "default", nodes: names }]);
          expect((await rows("storage_volume_list")).map((volume) => volume["node"])).toContain(third.name);
          for (const kind of ["network", "image", "profile", "snapshot"]) expect(await call(`${kind}_list`)).not.toHaveProperty("errors");
          expect(await refusal("instance_get", { name: third.instance })).toBe("UNREACHABLE");
          expect(await refusal("member_evacuate", { name: third.name })).toBe("UNREACHABLE");
          await expect(call("storage_pool_create", { name: `off${process.pid}`, driver: "dir" })).rejects.toMatchObject({
            code: "WRONG_STATE",
            message: expect.stringContaining(`${third.name} is offline`),
          });
        } finally {
          await script("up.sh", "cluster");
        }
        expect(await state(third.name)).toBe("online");
        expect(await item("instance_get", { name: third.instance })).toMatchObject({ status: "running" });
      });
    },
  });
});
