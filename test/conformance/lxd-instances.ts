import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { Bench, Row } from "../conformance.js";

const MIB = 1024 * 1024;

export interface LxdSubject {
  /** What `image_pull` takes for an image that an image server has; makes sure that it is there. */
  readonly remote?: () => Promise<Row>;
  /** The alias of an image that is there. */
  readonly image: string;
}

/** All that can be done to an instance on one server. */
export const instanceScenario =
  ({ image }: LxdSubject) =>
  (bench: () => Bench): void => {
    const name = `conf-ops-${process.pid}`;
    const folder = mkdtempSync(join(tmpdir(), "proxmcp-lxd-"));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    /** An instance for one test. */
    const withInstance = async (work: () => Promise<void>, more: Row = {}): Promise<void> => {
      const { item, call } = bench();
      await item("instance_create", { name, image, ...more });
      try {
        await work();
      } finally {
        await call("instance_delete", { name, force: true });
      }
    };

    it("creates an instance with limits, nesting, keys and user data, and waits for its address", async () => {
      const { item, call } = bench();
      const asked = {
        cpu: 1,
        memory: 128 * MIB,
        nesting: true,
        user_data: "#cloud-config\n",
        ssh_keys: ["ssh-ed25519 AAAA somebody"],
        config: { "user.proxmcp": "yes" },
      };
      const made = await item("instance_create", { name, image, ...asked });
      try {
        expect(made).toMatchObject({ name, status: "running", cpu: 1, memory: 128 * MIB });
        expect(made["ip"]).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      } finally {
        expect(await call("instance_delete", { name, force: true })).toMatchObject({ deleted: true });
      }
    });

    it("talks to a command: input, environment, folder, user, output that is cut, exit codes", async () => {
      const { result } = bench();
      await withInstance(async () => {
        expect(await result("instance_exec", { name, command: ["cat"], stdin: "hällo\n" })).toMatchObject({
          exit_code: 0,
          stdout: "hällo\n",
          stderr: "",
        });
        const told = {
          command: ["sh", "-c", "pwd; id -u; echo $WORD; echo bad >&2; exit 3"],
          cwd: "/tmp",
          user: 1000,
          environment: { WORD: "here" },
        };
        expect(await result("instance_exec", { name, ...told })).toEqual({
          exit_code: 3,
          stdout: "/tmp\n1000\nhere\n",
          stderr: "bad\n",
          truncated: false,
          timed_out: false,
        });
        expect(await result("instance_exec", { name, command: ["seq", "1", "2000"], max_output: 10 })).toMatchObject({
          exit_code: 0,
          stdout: "1\n2\n3\n4\n5\n",
          truncated: true,
        });
        expect(await result("instance_exec", { name, command: ["no-such-program"] })).toMatchObject({ exit_code: 127, stderr: "Command not found" });
      });
    });

    it("kills a command at its timeout, with all that it has started", async () => {
      const { result, call } = bench();
      await withInstance(async () => {
        const answer = await call("instance_exec", { name, command: ["sh", "-c", "echo begun; sleep 311; echo never"], timeout: 1 });
        expect(answer["result"]).toMatchObject({ stdout: "begun\n", timed_out: true });
        expect(answer["result"]).not.toHaveProperty("exit_code");
        expect(answer["notes"]).toEqual([expect.stringContaining("was killed after 1 s")]);
        expect((await result("instance_exec", { name, command: ["ps"] }))["stdout"]).not.toContain("sleep 311");
      });
    });

    it("records a command that may outlive its call, and reads its output later", async () => {
      const { result } = bench();
      await withInstance(async () => {
        expect(await result("instance_exec", { name, command: ["sh", "-c", "echo out; echo err >&2"], record: true })).toEqual({
          exit_code: 0,
          stdout: "out\n",
          stderr: "err\n",
          truncated: false,
          timed_out: false,
        });
        const still = await result("instance_exec", { name, command: ["sh", "-c", "echo begun; sleep 3"], record: true, timeout: 1 });
        expect(still).toMatchObject({
          stdout: "begun\n",
          timed_out: true,
          logs: [expect.stringMatching(/^exec_.*stdout$/), expect.stringMatching(/stderr$/)],
        });
        const [log] = still["logs"] as string[];
        expect((await result("instance_log_files", { name }))["files"]).toContain(log);
        expect(await result("instance_logs", { name, source: log })).toMatchObject({ lines: ["begun"] });
      });
    });

    it("writes, reads, lists and deletes files", async () => {
      const { result, refusal } = bench();
      await withInstance(async () => {
        const path = "/tmp/conf.txt";
        expect(await result("instance_files_write", { name, path, content: "hällo\n", mode: "600", uid: 1000 })).toEqual({ path, size: 7 });
        expect(await result("instance_files_read", { name, path })).toMatchObject({
          content: "hällo\n",
          type: "file",
          mode: "0600",
          uid: 1000,
          gid: 0,
          size: 7,
          truncated: false,
        });
        expect(await result("instance_files_read", { name, path, offset: 1, max_output: 2, encoding: "base64" })).toMatchObject({
          content: Buffer.from("ä").toString("base64"),
          truncated: true,
          next_offset: 3,
        });
        await result("instance_files_write", { name, path, content: "more\n", append: true });
        expect((await result("instance_exec", { name, command: ["cat", path] }))["stdout"]).toBe("hällo\nmore\n");
        const bytes = Buffer.from([0, 255, 1, 254]).toString("base64");
        await result("instance_files_write", { name, path: "/tmp/conf.bin", content: bytes, encoding: "base64" });
        expect(await result("instance_files_read", { name, path: "/tmp/conf.bin", encoding: "base64" })).toMatchObject({ content: bytes, size: 4 });
        await result("instance_files_write", { name, path: "/tmp/conf.d", type: "directory" });
        await result("instance_files_write", { name, path: "/tmp/conf.link", type: "symlink", content: path });
        expect(await result("instance_files_read", { name, path: "/tmp/conf.link" })).toMatchObject({ content: path, type: "symlink" });
        const { files } = await result("instance_files_list", { name, path: "/tmp" });
        expect((files as Row[]).filter((one) => String(one["path"]).startsWith("/tmp/conf")).map(({ path: at, type }) => [at, type])).toEqual([
          ["/tmp/conf.bin", "file"],
          ["/tmp/conf.d", "directory"],
          ["/tmp/conf.link", "symlink"],
          [path, "file"],
        ]);
        expect(await result("instance_files_delete", { name, path })).toEqual({ path });
        expect(await refusal("instance_files_read", { name, path })).toBe("NOT_FOUND");
        expect(await refusal("instance_files_delete", { name, path })).toBe("NOT_FOUND");
        expect(await refusal("instance_files_read", { name, path: "/tmp" })).toBe("INVALID_INPUT");
        expect(await refusal("instance_files_write", { name, path: "/no/such/folder/x", content: "" })).toBe("NOT_FOUND");
      });
    });

    it("measures CPU, memory, network and processes", async () => {
      const { result } = bench();
      await withInstance(
        async () => {
          const stats = await result("instance_stats", { name, seconds: 0.3 });
          expect(stats).toMatchObject({ status: "running", cpu: 1, memory: 128 * MIB, networks: [{ name: "eth0" }] });
          expect(stats["cpu_seconds"]).toBeGreaterThan(0);
          expect(stats["cpu_usage"]).toBeGreaterThanOrEqual(0);
          expect(stats["cpu_usage"]).toBeLessThanOrEqual(1);
          expect(stats["memory_used"]).toBeGreaterThan(0);
          expect(stats["processes"]).toBeGreaterThan(0);
        },
        { cpu: 1, memory: 128 * MIB },
      );
    });

    it("changes settings, devices, profiles and schedules, and keeps the rest", async () => {
      const { item, refusal } = bench();
      await withInstance(
        async () => {
          const shared = { type: "disk", source: "/tmp", path: "/mnt/shared" };
          const changed = await item("instance_update", { name, description: "kept", devices: { shared }, config: { "user.a": "1" }, cpu: 2 });
          expect(changed).toMatchObject({ description: "kept", cpu: 2 });
          expect(await item("instance_update", { name, devices: { shared: {} }, config: { "user.a": "" } })).toMatchObject({
            description: "kept",
            cpu: 2,
          });
          expect(await refusal("instance_update", { name, devices: { shared: {} } })).toBe("NOT_FOUND");
          expect(await item("instance_update", { name, profiles: ["default"], disk: 2048 * MIB })).toMatchObject({
            profiles: ["default"],
            disk: 2048 * MIB,
            description: "kept",
          });
          expect(await item("instance_snapshot_schedule", { name, schedule: "@daily", keep: "7d" })).toMatchObject({
            snapshot_schedule: "@daily",
            description: "kept",
          });
          expect(await item("instance_snapshot_schedule", { name, schedule: "" })).not.toHaveProperty("snapshot_schedule");
          expect(await refusal("instance_update", { name })).toBe("INVALID_INPUT");
        },
        { start: false },
      );
    });

    it("pauses and resumes, and restarts", async () => {
      const { item, refusal } = bench();
      await withInstance(async () => {
        expect(await item("instance_pause", { name })).toMatchObject({ status: "frozen" });
        expect(await refusal("instance_exec", { name, command: ["true"] })).toBe("WRONG_STATE");
        expect(await refusal("instance_start", { name })).toBe("WRONG_STATE");
        expect(await item("instance_pause", { name })).toMatchObject({ status: "frozen" });
        expect(await item("instance_resume", { name })).toMatchObject({ status: "running" });
        expect(await item("instance_resume", { name })).toMatchObject({ status: "running" });
        expect(await item("instance_restart", { name, force: true })).toMatchObject({ status: "running" });
      });
    });

    it("renames and copies, with snapshots or from one", async () => {
      const { item, rows, refusal, call } = bench();
      await withInstance(
        async () => {
          await item("snapshot_create", { instance: name, name: "one", expires: "2040-01-01T00:00:00Z" });
          expect(await item("snapshot_rename", { instance: name, name: "one", new_name: "first" })).toMatchObject({
            expires: "2040-01-01T00:00:00.000Z",
          });
          expect(await item("snapshot_update", { instance: name, name: "first", expires: "never" })).not.toHaveProperty("expires");
          const copy = `${name}-copy`;
          expect(await item("instance_clone", { name, new_name: copy, with_snapshots: true })).toMatchObject({
            name: copy,
            status: "stopped",
            snapshots: 1,
          });
          expect(await refusal("instance_clone", { name, new_name: copy })).toBe("ALREADY_EXISTS");
          expect(await item("instance_rename", { name: copy, new_name: `${copy}2` })).toMatchObject({ name: `${copy}2` });
          expect(await rows("instance_list", { where: { name: copy } })).toEqual([]);
          await call("instance_delete", { name: `${copy}2` });
          expect(await item("instance_clone", { name, new_name: copy, snapshot: "first" })).toMatchObject({ name: copy, snapshots: 0 });
          await call("instance_delete", { name: copy });
          expect(await refusal("instance_migrate", { name })).toBe("INVALID_INPUT");
          expect(await refusal("instance_migrate", { name, node: "no-such-member" })).toBe("NOT_FOUND");
        },
        { start: false },
      );
    });

    it("backs up to a file and makes an instance of it", async () => {
      const { item, result, rows, refusal, call } = bench();
      const file = join(folder, "backup.tar.gz");
      await withInstance(
        async () => {
          await call("instance_files_write", { name, path: "/tmp/kept", content: "kept" });
          await item("snapshot_create", { instance: name, name: "first" });
          const exported = await result("instance_export", { name, file });
          expect(exported).toEqual({ file, size: statSync(file).size });
          expect(await rows("backup_list", { instance: name })).toEqual([]);
          expect(await refusal("instance_export", { name, file })).toBe("ALREADY_EXISTS");
          expect(await refusal("instance_import", { file })).toBe("ALREADY_EXISTS");
          const copy = `${name}-copy`;
          expect(await item("instance_import", { file, name: copy })).toMatchObject({ name: copy, status: "stopped", snapshots: 1 });
          expect(await result("instance_files_read", { name: copy, path: "/tmp/kept" })).toMatchObject({ content: "kept" });
          await call("instance_delete", { name: copy });
          const garbage = join(folder, "garbage");
          writeFileSync(garbage, "garbage");
          expect(await refusal("instance_import", { file: garbage })).toBe("INVALID_INPUT");
          expect(await refusal("instance_import", { file: join(folder, "missing") })).toBe("INVALID_INPUT");

          expect(await item("backup_create", { instance: name, name: "b1", with_snapshots: false })).toMatchObject({
            name: "b1",
            with_snapshots: false,
          });
          expect(await refusal("backup_create", { instance: name, name: "b1" })).toBe("ALREADY_EXISTS");
          expect(await rows("backup_list", { where: { instance: name } })).toMatchObject([{ name: "b1", instance: name }]);
          expect(await item("backup_rename", { instance: name, name: "b1", new_name: "b2" })).toMatchObject({ name: "b2" });
          const second = join(folder, "second.tar.gz");
          expect(await result("backup_export", { instance: name, name: "b2", file: second })).toMatchObject({ file: second });
          expect(await call("backup_delete", { instance: name, name: "b2" })).toMatchObject({ deleted: true });
        },
        { start: false },
      );
    });

    it("publishes an image, and makes instances of it", async () => {
      const { item, result, rows, refusal } = bench();
      const alias = `${name}-${Date.now()}`;
      await withInstance(async () => {
        expect(await refusal("instance_publish", { name, aliases: [alias] })).toBe("WRONG_STATE");
        await item("instance_stop", { name, force: true });
        const published = await result("instance_publish", { name, aliases: [alias], description: "made here" });
        expect(published).toMatchObject({ aliases: [alias], fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) });
        try {
          expect(await rows("image_list", { where: { name: alias } })).toMatchObject([
            { fingerprint: published["fingerprint"], description: "made here" },
          ]);
          expect(await refusal("instance_publish", { name, aliases: [alias] })).toBe("ALREADY_EXISTS");
          const made = `${name}-made`;
          expect(await item("instance_create", { name: made, image: alias, start: false })).toMatchObject({ name: made });
          await bench().call("instance_delete", { name: made });
        } finally {
          await bench().call("image_delete", { name: String(published["fingerprint"]) });
        }
      });
    });

    it("rebuilds an instance, or says which version can", async () => {
      const { item, call, refusal, app } = bench();
      const version = JSON.stringify(await app.call("connection_test", {}));
      const can = !/LXD (4|5\.0)\./.test(version);
      await withInstance(
        async () => {
          await call("instance_files_write", { name, path: "/tmp/lost", content: "lost" });
          if (can) {
            expect(await item("instance_rebuild", { name })).toMatchObject({ name, status: "stopped" });
            expect(await refusal("instance_files_read", { name, path: "/tmp/lost" })).toBe("NOT_FOUND");
            return;
          }
          await expect(call("instance_rebuild", { name })).rejects.toMatchObject({
            code: "UNSUPPORTED",
            message: expect.stringContaining("lacks the API extension instances_rebuild"),
          });
        },
        { start: false },
      );
    });

    it("asks before it pulls the plug or weakens the isolation, and not before what can be undone", async () => {
      const { app } = bench();
      await withInstance(async () => {
        const asked = async (tool: string, args: Row): Promise<string> =>
          await app.call(`lxd_${tool}`, { name, ...args }).then(
            () => "done",
            (error: { message: string; code: string }) => `${error.code} ${error.message}`,
          );
        expect(await asked("instance_stop", { force: true })).toMatch(/^(CONFIRMATION_REQUIRED .*Cuts its power|DECLINED)/);
        expect(await asked("instance_update", { config: { "security.privileged": "true" } })).toMatch(
          /^(CONFIRMATION_REQUIRED .*root on the host|DECLINED)/,
        );
        expect(await asked("instance_update", { config: { "raw.lxc": "lxc.apparmor.profile=unconfined" } })).toMatch(
          /^(CONFIRMATION_REQUIRED|DECLINED)/,
        );
        expect(await asked("instance_update", { devices: { host: { type: "disk", source: "/", path: "/host" } } })).toMatch(
          /^(CONFIRMATION_REQUIRED .*host|DECLINED)/,
        );
        expect(await asked("instance_update", { description: "harmless" })).toBe("done");
        // Not a stop: a container that has only just begun is deaf to the signal, and the server waits for it in vain.
        expect(await asked("instance_pause", {})).toBe("done");
        expect(await asked("instance_resume", {})).toBe("done");
      });
    });
  };
