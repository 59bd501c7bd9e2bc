import { afterEach, describe, expect, it } from "vitest";
import { start } from "../../plugins/lxd/sandbox/index.js";
import { clusterScenario } from "../conformance/lxd-cluster.js";
import { type Host, host } from "./lxd-harness.js";

const members = ["pi1", "pi2", "pi3"] as const;
for (const flavor of ["lxd", "incus"] as const) {
  clusterScenario(`${flavor} sandbox`, async () => await start({ estate: { flavor, members }, taskTime: 5 }), {
    members: [...members],
    image: "alpine",
  });
}

describe("what all members of a cluster have", () => {
  let cluster: Host;
  afterEach(async () => await cluster.close());
  const posted = () =>
    cluster.sandbox.requests.filter(({ method }) => method === "POST").map(({ path, query, json }) => [path, query.get("target"), json()] as const);

  it("is named on each of them, with what only they have, and then made", async () => {
    cluster = await host({ estate: { members } });
    const config = { "rsync.bwlimit": "10MB" };
    await cluster.run("storage_pool", "create", "", { name: "fast", driver: "dir", config, member_config: { pi2: { source: "" } } });
    const named = { name: "fast", driver: "dir" };
    expect(posted()).toEqual([
      ["/1.0/storage-pools", "pi1", { ...named, config: {} }],
      ["/1.0/storage-pools", "pi2", { ...named, config: { source: "" } }],
      ["/1.0/storage-pools", "pi3", { ...named, config: {} }],
      ["/1.0/storage-pools", null, { ...named, config }],
    ]);
  });

  it("is made at once where the server does that itself", async () => {
    cluster = await host({ estate: { members } });
    cluster.sandbox.fail({ method: "POST", path: "/1.0/networks", status: 200, body: { type: "sync", metadata: null } });
    await cluster.run("network", "create", "", { name: "tenant", type: "ovn" });
    expect(posted()).toEqual([["/1.0/networks", null, { name: "tenant", type: "ovn", config: {} }]]);
  });

  it("goes on with what an attempt before has left pending, and leaves that where it fails again", async () => {
    cluster = await host({ estate: { members } });
    cluster.sandbox.fail({ method: "DELETE", path: "/1.0/storage-pools", status: 500, reason: "not now", times: 1 });
    const wrong = { name: "fast", driver: "btrfs" };
    await expect(cluster.run("storage_pool", "create", "", wrong)).rejects.toMatchObject({
      code: "UNSUPPORTED",
      details: { next: expect.stringContaining("left behind") },
    });
    cluster.asked();
    await expect(cluster.run("storage_pool", "create", "", wrong)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    expect(cluster.asked().filter((one) => !one.startsWith("GET"))).toEqual(["POST /1.0/storage-pools"]);
  });

  it("is not begun while a member is away", async () => {
    cluster = await host({ estate: { members: ["pi1", "pi2", "!pi3"] } });
    await expect(cluster.run("network", "create", "", { name: "flat", type: "macvlan", parent: "lo" })).rejects.toMatchObject({
      code: "WRONG_STATE",
      message: expect.stringContaining("pi3 is offline"),
    });
    expect(posted()).toEqual([]);
    await expect(cluster.run("member", "evacuate", "pi3")).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("refuses a way of evacuating that the server would take no notice of", async () => {
    cluster = await host({ estate: { members } });
    await expect(cluster.run("member", "evacuate", "pi2", { mode: "stop" })).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining("clustering_evacuation_mode"),
    });
    expect(posted()).toEqual([]);
  });
});
