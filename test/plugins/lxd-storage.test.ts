import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { usersOf } from "../../plugins/lxd/users.js";
import { failure, type Host, host } from "./lxd-harness.js";

let pi: Host;
beforeEach(async () => {
  pi = await host();
  await pi.run("storage_pool", "create", "", { name: "fast", driver: "dir" });
  await pi.run("storage_volume", "create", "", { name: "data" }, { pool: "fast" });
});
afterEach(async () => await pi.close());

const VOLUMES = "storage-pools/fast/volumes/custom";
/** What a real LXD 5.0.2 says to the same requests, word for word. */
const REFUSALS: readonly (readonly [method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body: unknown, status: number, text: string])[] = [
  ["POST", "storage-pools", { name: "fast", driver: "dir" }, 409, "The storage pool already exists: The record already exists"],
  ["POST", "storage-pools", { name: "", driver: "dir" }, 400, "No name provided"],
  ["POST", "storage-pools", { name: "a/b", driver: "dir" }, 400, "Storage pool names may not contain slashes"],
  ["POST", "storage-pools", { name: "a b", driver: "dir" }, 500, "Storage name cannot contain white space"],
  ["POST", "storage-pools", { name: "x" }, 400, "No driver provided"],
  ["POST", "storage-pools", { name: "x", driver: "nope" }, 500, "Unknown driver"],
  ["POST", "storage-pools", { name: "x", driver: "btrfs" }, 500, 'Required tool "btrfs" is missing'],
  ["POST", "storage-pools", { name: "x", driver: "dir", config: { size: "1GiB" } }, 500, 'Invalid option "size"'],
  ["POST", "storage-pools", { name: "x", driver: "dir", config: { source: "/nope/x" } }, 500, "Source path '/nope/x' doesn't exist"],
  ["PATCH", "storage-pools/fast", { config: { zz: "1" } }, 400, 'Invalid option "zz"'],
  ["DELETE", "storage-pools/fast", undefined, 400, "The storage pool is currently in use"],
  ["DELETE", "storage-pools/nope", undefined, 404, "Storage pool not found"],
  ["POST", VOLUMES, { name: "data" }, 409, "Volume by that name already exists"],
  ["POST", VOLUMES, { name: "" }, 400, "No name provided"],
  ["POST", VOLUMES, { name: "a/b" }, 400, "Storage volume names may not contain slashes"],
  ["POST", VOLUMES, { name: "x", config: { size: "zz" } }, 500, 'Invalid value for volume "default_x" option "size": Invalid value: zz'],
  ["POST", VOLUMES, { name: "x", config: { zz: "1" } }, 500, 'Invalid option for volume "default_x" option "zz"'],
  ["POST", VOLUMES, { name: "x", content_type: "zz" }, 400, "Invalid volume content type name"],
  ["POST", "storage-pools/nope/volumes/custom", { name: "x" }, 404, "Storage pool not found"],
  ["PUT", `${VOLUMES}/data`, { restore: "nope" }, 500, "Snapshot not found"],
  ["POST", `${VOLUMES}/data`, { name: "data", pool: "nope" }, 404, "Storage pool not found"],
  ["POST", `${VOLUMES}/data/snapshots`, { name: "a/b" }, 400, 'Storage name cannot contain "/"'],
  ["POST", `${VOLUMES}/data/snapshots`, { name: "a b" }, 400, "Storage name cannot contain white space"],
  ["DELETE", `${VOLUMES}/data/snapshots/nope`, undefined, 404, "Storage pool volume not found"],
  ["DELETE", `${VOLUMES}/nope`, undefined, 404, "Storage pool volume not found"],
  [
    "DELETE",
    "storage-pools/default/volumes/container/db",
    undefined,
    400,
    'Storage volumes of type "container" cannot be deleted with the storage API',
  ],
  ["DELETE", "storage-pools/default/volumes/bogus/db", undefined, 400, "Invalid storage volume type name"],
];

describe("the sandbox", () => {
  it.each(REFUSALS)("refuses %s %s %j with %i %s", async (method, path, body, status, text) => {
    const error = await failure(pi.client.change(method, `/1.0/${path}`, body, { doing: "try", signal: new AbortController().signal }));
    expect([error.details.data?.["status"], error.message]).toEqual([status, `Unable to try: ${text}`]);
  });
});

describe("a storage pool", () => {
  it("says what it holds and which volumes take the most", async () => {
    const { disk, disk_used, disk_free, used_by, volumes } = await pi.run("storage_pool", "usage", "default");
    expect(disk_free).toBe((disk as number) - (disk_used as number));
    expect(used_by).toMatchObject({ instances: expect.arrayContaining(["db"]), profiles: ["default", "database"] });
    expect(volumes).toMatchObject([{ name: "home-assistant", type: "virtual-machine" }, { name: "db", type: "container" }, {}, {}, {}, {}]);
    const taken = (volumes as { disk_used: number }[]).map((volume) => volume.disk_used);
    expect(taken).toEqual([...taken].sort((one, other) => other - one));
  });

  it("is asked for the room of one volume only where its driver can't tell", async () => {
    await pi.run("storage_volume", "create", "", { name: "more" }, { pool: "fast" });
    pi.asked();
    expect((await pi.run("storage_pool", "usage", "fast"))["volumes"]).toEqual([
      { name: "data", type: "custom" },
      { name: "more", type: "custom" },
    ]);
    expect(pi.asked().filter((one) => one.endsWith("/state"))).toHaveLength(1);
  });

  it("is not asked of a member that is away", async () => {
    const cluster = await host({ estate: { members: ["pi1", "!pi2"] } });
    expect(await cluster.list("storage_pool")).toMatchObject([{ name: "default", nodes: ["pi1", "pi2"] }]);
    expect((await cluster.list("storage_pool"))[0]).not.toHaveProperty("disk");
    expect(cluster.sandbox.requests.filter(({ query }) => query.get("target") === "pi2")).toEqual([]);
    const { nodes } = await cluster.run("storage_pool", "usage", "default");
    expect(nodes).toMatchObject([{ node: "pi1", disk: expect.any(Number) }, { node: "pi2" }]);
    await cluster.close();
  });
});

describe("a volume", () => {
  it("is found by the name of an instance, unless a custom one has it", async () => {
    expect(await pi.get("storage_volume", "db", { pool: "default" })).toMatchObject({
      type: "container",
      in_use: true,
      disk_used: expect.any(Number),
    });
    await pi.run("storage_volume", "create", "", { name: "db" }, { pool: "default" });
    expect(await pi.get("storage_volume", "db", { pool: "default" })).toMatchObject({ type: "custom", in_use: false });
    expect(await failure(pi.get("storage_volume", "nope", { pool: "default" }))).toMatchObject({ code: "NOT_FOUND" });
  });

  it("of a pool that can't be read leaves the others in the list", async () => {
    pi.sandbox.fail({ path: "/storage-pools/default/volumes", status: 500, reason: "broken pool" });
    expect(await pi.list("storage_volume")).toMatchObject([{ name: "data", pool: "fast" }]);
    expect((await failure(pi.list("storage_volume", {}, { pool: "default" }))).message).toContain("broken pool");
  });

  it("passes on what the copy of it fails with", async () => {
    const copy = pi.run("storage_volume", "clone", "data", { new_name: "copy", snapshot: "never-taken" }, { pool: "fast" });
    expect(await failure(copy)).toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining('"data/never-taken"') });
    pi.sandbox.fail({ method: "POST", path: "/volumes/custom", taskError: "rsync: broken pipe", times: 1 });
    expect(await failure(pi.run("storage_volume", "clone", "data", { new_name: "copy" }, { pool: "fast" }))).toMatchObject({ code: "TASK_FAILED" });
  });
});

describe("an instance whose member is away", () => {
  it("is listed with its name and its place, and claims nothing else", async () => {
    const cluster = await host({ estate: { members: ["pi1", "pi2"] } });
    const path = "/1.0/instances";
    const lost = { name: "lost", location: "pi2", status: "Error", type: "", architecture: "", config: null, devices: null, profiles: null };
    cluster.sandbox.fail({ path, status: 200, body: { type: "sync", metadata: [{ ...lost, ephemeral: false, state: null, snapshots: null }] } });
    expect(await cluster.list("instance")).toEqual([
      { name: "lost", node: "pi2", status: "error", profiles: [], ephemeral: false, project: "default" },
    ]);
    await cluster.close();
  });
});

describe("what uses something", () => {
  it("is named by what it is, with its project", () => {
    expect(
      usersOf([
        "/1.0/instances/web",
        "/1.0/instances/db?project=lab",
        "/1.0/network-acls/a%20b",
        "/1.0/storage-pools/fast/volumes/custom/data",
        "/1.0/storage-pools/fast/volumes/custom/data/snapshots/s1",
      ]),
    ).toEqual({ instances: ["web", "db (project lab)"], network_acls: ["a b"], volumes: ["data", "data/s1"] });
    expect(usersOf(null)).toEqual({});
  });
});
