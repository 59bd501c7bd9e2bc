import { expect, it } from "vitest";
import type { Bench, Row } from "../conformance.js";
import type { LxdSubject } from "./lxd-instances.js";

const GIB = 1024 ** 3;

/** All that can be done to a profile. */
export const profileScenario =
  ({ image }: LxdSubject) =>
  (bench: () => Bench): void => {
    const mine = `conf-profile-${process.pid}`;

    const withProfile = async (work: () => Promise<void>, settings: Row = {}): Promise<void> => {
      const { item, call } = bench();
      await item("profile_create", { name: mine, ...settings });
      try {
        await work();
      } finally {
        await call("profile_delete", { name: mine });
      }
    };
    const withInstance = async (work: (name: string) => Promise<void>): Promise<void> => {
      const { item, call } = bench();
      await item("instance_create", { name: mine, image, start: false });
      try {
        await work(mine);
      } finally {
        await call("instance_delete", { name: mine });
      }
    };

    it("leads a profile through its life", async () => {
      const { item, rows, refusal, call } = bench();
      expect(await item("profile_create", { name: mine, description: "first", cpu: 2, memory: GIB, config: { "security.nesting": "true" } })).toEqual(
        {
          name: mine,
          description: "first",
          cpu: 2,
          memory: GIB,
          networks: [],
          devices: [],
          nesting: true,
          unprivileged: true,
          used_by: 0,
          project: "default",
        },
      );
      expect(await refusal("profile_create", { name: mine })).toBe("ALREADY_EXISTS");
      const proxy = { type: "proxy", listen: "tcp:127.0.0.1:18080", connect: "tcp:127.0.0.1:80" };
      const changed = await item("profile_update", { name: mine, devices: { http: proxy }, config: { "security.nesting": "" } });
      expect(changed).toMatchObject({ description: "first", cpu: 2, memory: GIB, devices: ["http"], nesting: false });
      expect(await item("profile_update", { name: mine, devices: { http: {} }, description: "second" })).toMatchObject({
        description: "second",
        devices: [],
        cpu: 2,
      });
      expect(await refusal("profile_update", { name: mine, devices: { http: {} } })).toBe("NOT_FOUND");
      expect(await refusal("profile_update", { name: mine, config: { "limits.cpuu": "2" } })).toBe("INVALID_INPUT");
      expect(await refusal("profile_update", { name: mine })).toBe("INVALID_INPUT");
      expect(await refusal("profile_update", { name: "nothere", cpu: 1 })).toBe("NOT_FOUND");
      expect(await item("profile_rename", { name: mine, new_name: `${mine}-2` })).toMatchObject({ name: `${mine}-2`, description: "second" });
      expect(await refusal("profile_rename", { name: `${mine}-2`, new_name: "default" })).toBe("ALREADY_EXISTS");
      expect(await call("profile_delete", { name: `${mine}-2` })).toMatchObject({ deleted: true });
      expect(await rows("profile_list", { where: { name: `${mine}*` } })).toEqual([]);
      expect(await refusal("profile_delete", { name: "default" })).toBe("INVALID_INPUT");
      expect(await refusal("profile_create", { name: "a/b" })).toBe("INVALID_INPUT");
    });

    it("adds a profile to instances, makes it their only one, and takes it away", async () => {
      const { item, refusal } = bench();
      await withProfile(
        async () => {
          await withInstance(async (name) => {
            expect(await item("profile_apply", { name: mine, instances: [name] })).toMatchObject({ used_by: 1 });
            expect(await item("profile_apply", { name: mine, instances: [name] })).toMatchObject({ used_by: 1 });
            expect(await item("instance_get", { name })).toMatchObject({ profiles: ["default", mine], cpu: 1 });
            expect(await refusal("profile_delete", { name: mine })).toBe("WRONG_STATE");
            expect(await item("profile_apply", { name: mine, instances: [name], how: "remove" })).toMatchObject({ used_by: 0 });
            expect(await item("instance_get", { name })).toMatchObject({ profiles: ["default"] });
            expect(await item("profile_apply", { name: "default", instances: [name], how: "replace" })).toMatchObject({ name: "default" });
            expect(await item("instance_get", { name })).toMatchObject({ profiles: ["default"] });
            expect(await refusal("profile_apply", { name: "nothere", instances: [name] })).toBe("NOT_FOUND");
          });
          expect(await refusal("profile_apply", { name: mine, instances: ["nothere"] })).toBe("NOT_FOUND");
        },
        { cpu: 1 },
      );
    });

    it("makes profiles from templates, as they are and with parameters", async () => {
      const { item, call, rows, refusal } = bench();
      expect((await rows("profile_template_list")).map(({ name }) => name)).toEqual(["database", "default", "development", "webserver"]);
      const made = [`${mine}-web`, `${mine}-db`, `${mine}-dev`];
      const [web, db, dev] = made as [string, string, string];
      try {
        expect(await item("profile_apply_template", { template: "webserver", name: web, http_port: 18_081, https_port: 18_444 })).toMatchObject({
          name: web,
          cpu: 2,
          memory: 2_000_000_000,
          networks: [expect.any(String)],
          devices: ["eth0", "http", "https", "root"],
        });
        // Once more, with another limit: the rest stays.
        const again = await call("profile_apply_template", { template: "webserver", name: web, http_port: 18_081, https_port: 18_444, memory: GIB });
        expect(again).toMatchObject({ item: { cpu: 2, memory: GIB }, notes: [expect.stringContaining("was there")] });
        expect(await item("profile_apply_template", { template: "database", name: db, memory: 3 * GIB, disk: 4 * GIB })).toMatchObject({
          memory: 3 * GIB,
          disk: 4 * GIB,
          devices: ["eth0", "root"],
        });
        expect(await item("profile_apply_template", { template: "development", name: dev, share: "/tmp" })).toMatchObject({
          unprivileged: false,
          nesting: true,
          devices: ["eth0", "root", "share"],
        });
        expect(await refusal("profile_apply_template", { template: "webserver", name: web, volume: "x" })).toBe("INVALID_INPUT");
        expect(await refusal("profile_apply_template", { template: "webserver", name: web, network: "no-such-network" })).toBe("NOT_FOUND");
        expect(await refusal("profile_apply_template", { template: "database", name: db, pool: "no-such-pool" })).toBe("NOT_FOUND");
        await withInstance(async (name) => {
          await item("profile_apply_template", { template: "database", name: db, instances: [name] });
          expect(await item("instance_get", { name })).toMatchObject({ profiles: ["default", db], memory: 2_000_000_000, disk: 10_000_000_000 });
          expect(await item("instance_start", { name })).toMatchObject({ status: "running" });
          await item("instance_stop", { name, force: true });
        });
      } finally {
        for (const name of made) await call("profile_delete", { name }).catch(() => {}); // the test may have failed before it was made
      }
    });

    it("mounts a volume that outlives the instances, and makes it where it is missing", async () => {
      const { item, result, call, rows } = bench();
      const [volume, profile] = [`${mine}-data`, `${mine}-db`];
      try {
        await withInstance(async (name) => {
          const made = await item("profile_apply_template", { template: "database", name: profile, volume, path: "/srv/data", instances: [name] });
          expect(made).toMatchObject({ devices: ["data", "eth0", "root"], used_by: 1 });
          const pool = String(made["pool"]);
          expect(await rows("storage_volume_list", { pool, where: { name: volume } })).toMatchObject([{ name: volume }]);
          await item("instance_start", { name });
          expect(await result("instance_exec", { name, command: ["echo", "up"] })).toMatchObject({ stdout: "up\n" });
          await item("instance_stop", { name, force: true });
        });
        const { pool } = await item("profile_get", { name: profile });
        await call("profile_delete", { name: profile });
        expect(await rows("storage_volume_list", { pool, where: { name: volume } })).toHaveLength(1);
        expect(await call("storage_volume_delete", { pool, name: volume })).toMatchObject({ deleted: true });
      } finally {
        await call("profile_delete", { name: profile }).catch(() => {}); // it is gone where all went well
      }
    });

    it("asks before a profile weakens the isolation of those who use it", async () => {
      const { app } = bench();
      const asked = async (tool: string, args: Row): Promise<string> =>
        await app.call(`lxd_profile_${tool}`, args).then(
          () => "done",
          (error: { message: string; code: string }) => `${error.code} ${error.message}`,
        );
      const refused = /^(CONFIRMATION_REQUIRED .*root on the host|DECLINED)/;
      expect(await asked("apply_template", { template: "development", name: mine })).toMatch(refused);
      expect(await asked("create", { name: mine, config: { "security.privileged": "true" } })).toMatch(refused);
      expect(await asked("apply_template", { template: "development", name: mine, privileged: false })).toBe("done");
      try {
        expect(await asked("update", { name: mine, config: { "security.privileged": "true" } })).toMatch(refused);
      } finally {
        await bench().call("profile_delete", { name: mine });
      }
    });
  };
