import { expect, it } from "vitest";
import type { Bench } from "../conformance.js";

/** What a Docker engine has to do. `image`: one that is there and keeps running by itself. */
export const dockerScenario =
  ({ image }: { image: string }) =>
  (bench: () => Bench): void => {
    const name = `proxmcp-conformance-${process.pid}`;

    it("leads a container through its life", async () => {
      const { item, result, rows, call } = bench();
      const created = await item("container_create", {
        name,
        image,
        env: { GREETING: "hello" },
        labels: { suite: "conformance" },
        memory: 64 * 1024 * 1024,
        start: false,
      });
      expect(created).toMatchObject({ name, image, status: "created", memory: 64 * 1024 * 1024 });
      expect(created["tags"]).toContain("suite=conformance");
      expect(await item("container_start", { name })).toMatchObject({ name, status: "running" });
      expect(await rows("container_list", { where: { name, status: ["running"] } })).toHaveLength(1);
      expect(await result("container_exec", { name, command: ["sh", "-c", "echo out; echo err >&2; exit 3"] })).toMatchObject({
        exit_code: 3,
        stdout: "out\n",
        stderr: "err\n",
        truncated: false,
      });
      expect((await result("container_exec", { name, command: ["sh", "-c", "echo $GREETING"] }))["stdout"]).toBe("hello\n");
      const stats = await result("container_stats", { name });
      expect(stats["memory_used"]).toBeGreaterThan(0);
      expect(await item("container_restart", { name, timeout: 5 })).toMatchObject({ status: "running" });
      expect(await item("container_stop", { name, timeout: 5 })).toMatchObject({ status: "exited" });
      expect(await call("container_delete", { name })).toMatchObject({ deleted: true, name });
      expect(await rows("container_list", { where: { name } })).toEqual([]);
    });

    it("refuses with the code that fits", async () => {
      const { item, refusal, call } = bench();
      await item("container_create", { name, image });
      try {
        expect(await refusal("container_create", { name, image })).toBe("ALREADY_EXISTS");
        expect(await refusal("container_delete", { name })).toBe("WRONG_STATE");
        expect(await refusal("container_exec", { name, command: ["no-such-program"] })).toMatch(/INVALID_INPUT|NOT_FOUND|UPSTREAM/);
        await item("container_stop", { name, timeout: 5 });
        expect(await refusal("container_exec", { name, command: ["true"] })).toBe("WRONG_STATE");
        expect(await refusal("container_start", { name: "no-such-container" })).toBe("NOT_FOUND");
      } finally {
        expect(await call("container_delete", { name, force: true })).toMatchObject({ deleted: true });
      }
    });

    it("starts and stops what already is as asked", async () => {
      const { item, call } = bench();
      await item("container_create", { name, image });
      try {
        expect(await item("container_start", { name })).toMatchObject({ status: "running" });
        await item("container_stop", { name, timeout: 5 });
        expect(await item("container_stop", { name, timeout: 5 })).toMatchObject({ status: "exited" });
      } finally {
        await call("container_delete", { name, force: true });
      }
    });

    it("finds a container by its id as by its name", async () => {
      const { item, call } = bench();
      const { id } = await item("container_create", { name, image, start: false });
      try {
        expect(await item("container_get", { name: id })).toMatchObject({ name });
      } finally {
        await call("container_delete", { name: id });
      }
    });
  };
