import { expect, it } from "vitest";
import type { Bench, Row } from "../conformance.js";

const MIB = 1024 * 1024;

/** Storage pools and what is in them, on a server that stands alone. `image`: the alias of one that is there. */
export const storageScenario =
  ({ image }: { readonly image: string }) =>
  (bench: () => Bench): void => {
    const pool = `conf-${process.pid}`;

    /** A pool for one test. */
    const withPool = async (work: () => Promise<void>): Promise<void> => {
      const { item, call, rows } = bench();
      await item("storage_pool_create", { name: pool, driver: "dir" });
      try {
        await work();
      } finally {
        // Only what a test that failed has left.
        for (const { name } of await rows("storage_volume_list", { pool, where: { type: ["custom"] } }))
          await call("storage_volume_delete", { pool, name });
        await call("storage_pool_delete", { name: pool });
      }
    };

    it("leads a storage pool through its life", async () => {
      const { item, rows, call, refusal, result } = bench();
      const made = await item("storage_pool_create", { name: pool, driver: "dir", description: "made here" });
      expect(made).toMatchObject({ name: pool, driver: "dir", status: "created", used_by: 0, description: "made here" });
      expect(made["source"]).toMatch(new RegExp(`/storage-pools/${pool}$`));
      expect(made["disk"]).toBeGreaterThan(0);
      try {
        expect(await rows("storage_pool_list", { where: { name: pool } })).toMatchObject([{ name: pool, driver: "dir", status: "created" }]);
        expect(await refusal("storage_pool_create", { name: pool, driver: "dir" })).toBe("ALREADY_EXISTS");
        expect(await item("storage_pool_update", { name: pool, config: { "rsync.bwlimit": "10MB" } })).toMatchObject({ description: "made here" });
        expect(await item("storage_pool_update", { name: pool, description: "" })).not.toHaveProperty("description");
        expect(await refusal("storage_pool_update", { name: pool, config: { nonsense: "1" } })).toBe("INVALID_INPUT");
        expect(await result("storage_pool_usage", { name: pool })).toMatchObject({ disk: made["disk"], used_by: {}, volumes: [] });
        await item("storage_volume_create", { pool, name: "keeps" });
        await expect(call("storage_pool_delete", { name: pool })).rejects.toMatchObject({
          code: "WRONG_STATE",
          message: expect.stringContaining("used by volumes keeps"),
        });
        await call("storage_volume_delete", { pool, name: "keeps" });
      } finally {
        expect(await call("storage_pool_delete", { name: pool })).toMatchObject({ deleted: true });
      }
      expect(await refusal("storage_pool_get", { name: pool })).toBe("NOT_FOUND");
      expect(await refusal("storage_pool_delete", { name: pool })).toBe("NOT_FOUND");
    });

    it("refuses pools that can't be", async () => {
      const { refusal } = bench();
      expect(await refusal("storage_pool_create", { name: "bad/name", driver: "dir" })).toBe("INVALID_INPUT");
      expect(await refusal("storage_pool_create", { name: pool, driver: "nonsense" })).toBe("INVALID_INPUT");
      expect(await refusal("storage_pool_create", { name: pool, driver: "dir", disk: 64 * MIB })).toBe("INVALID_INPUT");
      expect(await refusal("storage_pool_create", { name: pool, driver: "dir", source: "/never/made" })).toBe("NOT_FOUND");
      expect(await refusal("storage_pool_create", { name: pool, driver: "dir", member_config: { one: {} } })).toBe("INVALID_INPUT");
      expect(await refusal("storage_pool_get", { name: pool })).toBe("NOT_FOUND");
    });

    it("leads a volume through its life", async () => {
      const { item, rows, call, refusal, result } = bench();
      const at = { pool, name: "data" };
      await withPool(async () => {
        const made = await item("storage_volume_create", { ...at, disk: 64 * MIB, description: "kept" });
        expect(made).toMatchObject({ ...at, type: "custom", content: "filesystem", disk: 64 * MIB, in_use: false, used_by: 0, description: "kept" });
        expect(await rows("storage_volume_list", { pool })).toMatchObject([{ ...at, snapshots: 0 }]);
        expect(await rows("storage_volume_list", { where: { pool, type: ["custom"] } })).toMatchObject([at]);
        expect(await refusal("storage_volume_create", at)).toBe("ALREADY_EXISTS");
        expect(await refusal("storage_volume_create", { pool, name: "bad/name" })).toBe("INVALID_INPUT");
        expect(await refusal("storage_volume_create", { ...at, pool: "never-made" })).toBe("NOT_FOUND");
        expect(await item("storage_volume_update", { ...at, disk: 128 * MIB })).toMatchObject({ disk: 128 * MIB, description: "kept" });
        expect(await refusal("storage_volume_update", { ...at, config: { nonsense: "1" } })).toBe("INVALID_INPUT");
        expect(await item("storage_volume_rename", { ...at, new_name: "other" })).toMatchObject({ name: "other", pool });
        await item("storage_volume_rename", { pool, name: "other", new_name: "data" });
        expect(await result("storage_pool_usage", { name: pool })).toMatchObject({ used_by: { volumes: ["data"] }, volumes: [{ name: "data" }] });

        await item("storage_volume_create", { pool, name: "raw", content: "block", disk: 16 * MIB });
        expect(await item("storage_volume_update", { pool, name: "raw", disk: 32 * MIB })).toMatchObject({ content: "block", disk: 32 * MIB });
        expect(await refusal("storage_volume_update", { pool, name: "raw", disk: 8 * MIB })).toBe("INVALID_INPUT");
        for (const name of ["data", "raw"]) expect(await call("storage_volume_delete", { pool, name })).toMatchObject({ deleted: true });
        expect(await refusal("storage_volume_get", at)).toBe("NOT_FOUND");
        expect(await refusal("storage_volume_delete", at)).toBe("NOT_FOUND");
      });
    });

    it("copies a volume with its snapshots or one of them, and moves it between pools", async () => {
      const { item, rows, call, refusal, result } = bench();
      const at = { pool, name: "data" };
      const second = `${pool}-b`;
      await withPool(async () => {
        await item("storage_pool_create", { name: second, driver: "dir" });
        try {
          await item("storage_volume_create", at);
          await item("storage_volume_snapshot_create", { pool, volume: "data", name: "s1" });
          expect(await result("storage_volume_clone", { ...at, new_name: "all", with_snapshots: true })).toEqual({ name: "all", pool });
          expect(await result("storage_volume_clone", { ...at, new_name: "one", snapshot: "s1", to_pool: second })).toEqual({
            name: "one",
            pool: second,
          });
          expect(await rows("storage_volume_list", { where: { name: "all" } })).toMatchObject([{ pool, snapshots: 1 }]);
          expect(await refusal("storage_volume_clone", { ...at, new_name: "all" })).toBe("ALREADY_EXISTS");
          expect(await refusal("storage_volume_clone", { ...at, name: "never-made", new_name: "x" })).toBe("NOT_FOUND");
          expect(await result("storage_volume_migrate", { pool, name: "all", to_pool: second })).toEqual({ name: "all", pool: second });
          expect(await rows("storage_volume_list", { pool: second })).toMatchObject([{ name: "all" }, { name: "one", snapshots: 0 }]);
          expect(await refusal("storage_volume_get", { pool, name: "all" })).toBe("NOT_FOUND");
        } finally {
          for (const volume of await rows("storage_volume_list", { pool: second }))
            await call("storage_volume_delete", { pool: second, name: volume["name"] });
          await call("storage_pool_delete", { name: second });
          await call("storage_volume_delete", at);
        }
      });
    });

    it("takes, describes, restores and deletes snapshots of a volume", async () => {
      const { item, rows, call, refusal } = bench();
      const at = { pool, volume: "data" };
      const expires = "2040-01-01T00:00:00.000Z";
      await withPool(async () => {
        await item("storage_volume_create", { pool, name: "data", description: "kept" });
        const made = await item("storage_volume_snapshot_create", { ...at, name: "s1", expires });
        expect(made).toMatchObject({ ...at, name: "s1", expires });
        await item("storage_volume_snapshot_create", { ...at });
        expect(await rows("storage_volume_snapshot_list", at)).toMatchObject([{ name: "s1", expires }, { name: expect.stringMatching(/^snap-\d/) }]);
        expect(await rows("storage_volume_snapshot_list", { where: { volume: "data", pool } })).toHaveLength(2);
        expect(await refusal("storage_volume_snapshot_create", { ...at, name: "s1" })).toBe("ALREADY_EXISTS");
        expect(await refusal("storage_volume_snapshot_create", { ...at, name: "a b" })).toBe("INVALID_INPUT");
        expect(await item("storage_volume_snapshot_update", { ...at, name: "s1", description: "good" })).toMatchObject({
          expires,
          description: "good",
        });
        expect(await item("storage_volume_snapshot_update", { ...at, name: "s1", expires: "never" })).not.toHaveProperty("expires");
        expect(await item("storage_volume_snapshot_rename", { ...at, name: "s1", new_name: "s2" })).toMatchObject({
          name: "s2",
          description: "good",
        });
        expect(await item("storage_volume_snapshot_restore", { ...at, name: "s2" })).toMatchObject({ name: "s2" });
        expect(await refusal("storage_volume_snapshot_restore", { ...at, name: "never-taken" })).toBe("NOT_FOUND");
        expect(await call("storage_volume_snapshot_delete", { ...at, name: "s2" })).toMatchObject({ deleted: true });
        expect(await refusal("storage_volume_snapshot_get", { ...at, name: "s2" })).toBe("NOT_FOUND");
        await call("storage_volume_delete", { pool, name: "data" });
      });
    });

    it("shows the disks of instances among the volumes, and keeps what an instance uses", async () => {
      const { item, rows, call } = bench();
      const instance = `vol-${process.pid}`;
      await withPool(async () => {
        await item("storage_volume_create", { pool, name: "data" });
        const device = (data: Row): Row => ({ name: instance, devices: { data } });
        await item("instance_create", { name: instance, image, start: false });
        try {
          await item("instance_update", device({ type: "disk", pool, source: "data", path: "/data" }));
          expect(await rows("storage_volume_list", { pool })).toMatchObject([{ name: "data", type: "custom", in_use: true, used_by: 1 }]);
          const disk = { name: instance, pool: "default", type: "container", in_use: true };
          expect(await item("storage_volume_get", { pool: "default", name: instance })).toMatchObject(disk);
          expect(await rows("storage_volume_list", { where: { name: instance } })).toMatchObject([disk]);
          await expect(call("storage_volume_delete", { pool, name: "data" })).rejects.toMatchObject({
            code: "WRONG_STATE",
            message: expect.stringContaining(`used by instances ${instance}`),
          });
          await item("instance_update", device({}));
          await call("storage_volume_delete", { pool, name: "data" });
        } finally {
          await call("instance_delete", { name: instance, force: true });
        }
      });
    });
  };
