import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProxMcp } from "proxmcp";
import { type Bench, benchOf, type Row } from "../conformance.js";

export interface Cluster {
  /** Of the first member. */
  readonly connection: Row;
  close(): Promise<void>;
}

/** What a cluster of three has to do. `members`: their names; `image`: the alias of one that they have. */
export function clusterScenario(
  title: string,
  open: () => Promise<Cluster>,
  {
    members,
    image,
    more,
  }: { readonly members: readonly [string, string, string]; readonly image: string; readonly more?: (bench: () => Bench) => void },
): void {
  describe(`a cluster: ${title}`, () => {
    const [first, second, third] = members;
    const name = `cl${process.pid}`;
    let bench: Bench;
    let close: () => Promise<void>;

    beforeAll(async () => {
      const cluster = await open();
      const app = await createProxMcp({
        plugins: ["lxd"],
        connections: { cluster: { provider: "lxd", ...cluster.connection } },
        log: { level: "silent" },
      });
      bench = benchOf(app, "lxd");
      close = async () => {
        await app.close();
        await cluster.close();
      };
    });
    afterAll(async () => await close());

    it("lists its members", async () => {
      const { rows, item, refusal } = bench;
      expect(await rows("member_list")).toMatchObject(members.map((member) => ({ name: member, status: "online", roles: expect.any(Array) })));
      expect(await item("member_get", { name: second })).toMatchObject({ name: second, status: "online", address: expect.stringMatching(/^https:/) });
      expect(await refusal("member_get", { name: "nothere" })).toBe("NOT_FOUND");
      expect((await rows("host_list")).map((host) => [host["name"], host["status"]])).toEqual(members.map((member) => [member, "online"]));
    });

    it("makes a storage pool on all of them, and volumes on one", async () => {
      const { item, rows, call, refusal, result } = bench;
      const made = await item("storage_pool_create", { name, driver: "dir", description: "everywhere", config: { "rsync.bwlimit": "10MB" } });
      try {
        expect(made).toMatchObject({ name, status: "created", nodes: members, description: "everywhere" });
        expect(await refusal("storage_pool_create", { name, driver: "dir" })).toBe("ALREADY_EXISTS");
        expect((await result("storage_pool_usage", { name }))["nodes"]).toMatchObject(members.map((node) => ({ node })));
        expect(await item("storage_pool_update", { name, config: { "rsync.bwlimit": "" } })).toMatchObject({ description: "everywhere" });

        const at = { pool: name, name: "data" };
        expect(await item("storage_volume_create", { ...at, node: second })).toMatchObject({ ...at, node: second });
        // The server finds the member of a name that is on one of them only.
        expect(await item("storage_volume_update", { ...at, description: "alone" })).toMatchObject({ node: second, description: "alone" });
        expect(await item("storage_volume_create", { ...at, node: third })).toMatchObject({ node: third });
        expect(await rows("storage_volume_list", { pool: name })).toMatchObject([{ node: second, description: "alone" }, { node: third }]);
        expect(await rows("storage_volume_list", { pool: name, node: third })).toMatchObject([{ node: third }]);
        expect(await refusal("storage_volume_get", at)).toBe("NAME_AMBIGUOUS");
        expect(await item("storage_volume_get", { ...at, node: second })).toMatchObject({ node: second, description: "alone" });
        expect(await result("storage_volume_clone", { ...at, node: third, new_name: "copy" })).toEqual({ name: "copy", pool: name });
        expect(await item("storage_volume_get", { ...at, name: "copy" })).toMatchObject({ node: third });
        await item("storage_volume_snapshot_create", { pool: name, volume: "copy", name: "s1" });
        expect(await rows("storage_volume_snapshot_list", { pool: name })).toMatchObject([{ volume: "copy", name: "s1", node: third }]);
        await call("storage_volume_delete", { ...at, name: "copy" });
        for (const node of [second, third]) await call("storage_volume_delete", { ...at, node });
        expect(await rows("storage_volume_list", { pool: name })).toEqual([]);
      } finally {
        // Only what a test that failed has left.
        for (const volume of await rows("storage_volume_list", { pool: name })) {
          await call("storage_volume_delete", { pool: name, name: volume["name"], node: volume["node"] });
        }
        expect(await call("storage_pool_delete", { name })).toMatchObject({ deleted: true });
      }
    });

    it("makes a network on all of them, each with what it has for itself", async () => {
      const { item, call, refusal } = bench;
      const plain = { name, type: "macvlan", config: { mtu: "1400" } };
      const made = await item("network_create", { ...plain, parent: "lo", description: "everywhere" });
      try {
        expect(made).toMatchObject({ name, type: "macvlan", status: "created", nodes: members, description: "everywhere" });
        expect(await refusal("network_create", plain)).toBe("ALREADY_EXISTS");
        expect(await refusal("network_update", { name, config: { parent: "lo" } })).toBe("INVALID_INPUT");
        expect(await item("network_update", { name, config: { mtu: "1300" } })).toMatchObject({ description: "everywhere" });
        expect(await refusal("network_rename", { name, new_name: `${name}b` })).toBe("UNSUPPORTED");
      } finally {
        expect(await call("network_delete", { name })).toMatchObject({ deleted: true });
      }
      expect(
        await item("network_create", { ...plain, member_config: Object.fromEntries(members.map((member) => [member, { parent: "lo" }])) }),
      ).toMatchObject({
        nodes: members,
      });
      await call("network_delete", { name });
    });

    it("takes back what could not be made on all of them", async () => {
      const { refusal } = bench;
      const wrong = { name, type: "macvlan", parent: "lo", member_config: { [first]: { parent: "never-made" } } };
      expect(await refusal("network_create", wrong)).toBe("NOT_FOUND");
      expect(await refusal("network_get", { name })).toBe("NOT_FOUND");
      expect(await refusal("network_create", { ...wrong, member_config: { stranger: {} } })).toBe("NOT_FOUND");
      expect(await refusal("storage_pool_create", { name, driver: "dir", config: { nonsense: "1" } })).toBe("INVALID_INPUT");
      expect(await refusal("storage_pool_get", { name })).toBe("NOT_FOUND");
    });

    it("moves an instance between members", async () => {
      const { item, call, rows } = bench;
      expect(await item("instance_create", { name, image, node: second, start: false })).toMatchObject({ node: second });
      try {
        expect(await item("instance_migrate", { name, node: third })).toMatchObject({ name, node: third });
        expect(await rows("instance_list", { where: { name, node: third } })).toHaveLength(1);
      } finally {
        await call("instance_delete", { name, force: true });
      }
    });

    it("empties a member for maintenance, and brings its instances back", async () => {
      const { app, item, call, refusal } = bench;
      await item("instance_create", { name, image, node: third });
      try {
        await expect(app.call("lxd_member_evacuate", { name: third })).rejects.toMatchObject({
          code: "CONFIRMATION_REQUIRED",
          message: expect.stringContaining(name),
        });
        const evacuated = await call("member_evacuate", { name: third });
        try {
          expect(evacuated["item"]).toMatchObject({ name: third, status: "evacuated" });
          expect(evacuated["notes"]).toEqual([expect.stringMatching(new RegExp(`Moved: .*${name} to (${first}|${second})`))]);
          expect((await item("instance_get", { name }))["node"]).not.toBe(third);
        } finally {
          expect(await item("member_restore", { name: third })).toMatchObject({ status: "online" });
        }
        expect(await item("instance_get", { name })).toMatchObject({ node: third, status: "running" });
        expect(await refusal("member_evacuate", { name: "nothere" })).toBe("NOT_FOUND");
      } finally {
        await call("instance_delete", { name, force: true });
      }
    });

    more?.(() => bench);
  });
}
