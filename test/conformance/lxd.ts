import { expect, it } from "vitest";
import type { Bench } from "../conformance.js";
import { imageScenario } from "./lxd-images.js";
import { instanceScenario, type LxdSubject } from "./lxd-instances.js";
import { profileScenario } from "./lxd-profiles.js";
import { projectScenario } from "./lxd-projects.js";
import { networkScenario } from "./lxd-networks.js";
import { serverScenario } from "./lxd-server.js";
import { storageScenario } from "./lxd-storage.js";

const MIB = 1024 * 1024;

/** What an LXD or Incus daemon has to do. `image`: the alias of one that is there. */
export const lxdScenario =
  (subject: LxdSubject) =>
  (bench: () => Bench): void => {
    const name = `conformance-${process.pid}`;
    const { image } = subject;
    instanceScenario(subject)(bench);
    imageScenario(subject)(bench);
    profileScenario(subject)(bench);
    projectScenario(subject)(bench);
    serverScenario(bench);
    networkScenario({ image })(bench);
    storageScenario({ image })(bench);

    it("leads an instance through its life", async () => {
      const { item, result, rows, call } = bench();
      const created = await item("instance_create", { name, image, memory: 128 * MIB, cpu: 1, start: false });
      expect(created).toMatchObject({ name, type: "container", status: "stopped", memory: 128 * MIB, cpu: 1 });
      expect(await item("instance_start", { name })).toMatchObject({ name, status: "running" });
      expect(await rows("instance_list", { where: { name, status: ["running"] } })).toHaveLength(1);
      expect(await result("instance_exec", { name, command: ["sh", "-c", "echo out; echo err >&2; exit 3"] })).toMatchObject({
        exit_code: 3,
        stdout: "out\n",
        stderr: "err\n",
      });
      expect(await item("snapshot_create", { instance: name, name: "before" })).toMatchObject({ name: "before", instance: name });
      expect(await rows("snapshot_list", { instance: name })).toHaveLength(1);
      expect(await item("instance_update", { name, memory: 256 * MIB })).toMatchObject({ memory: 256 * MIB });
      expect(await item("snapshot_restore", { instance: name, name: "before" })).toMatchObject({ name: "before" });
      expect(await item("instance_get", { name })).toMatchObject({ memory: 128 * MIB });
      expect(await item("instance_stop", { name, force: true })).toMatchObject({ status: "stopped" });
      expect(await call("snapshot_delete", { instance: name, name: "before" })).toMatchObject({ deleted: true });
      expect(await call("instance_delete", { name })).toMatchObject({ deleted: true, name });
      expect(await rows("instance_list", { where: { name } })).toEqual([]);
    });

    it("refuses with the code that fits", async () => {
      const { item, refusal, call } = bench();
      await item("instance_create", { name, image });
      try {
        expect(await refusal("instance_create", { name, image })).toBe("ALREADY_EXISTS");
        expect(await refusal("instance_delete", { name })).toBe("WRONG_STATE");
        expect(await refusal("snapshot_restore", { instance: name, name: "never-taken" })).toBe("NOT_FOUND");
        await item("instance_stop", { name, force: true });
        expect(await refusal("instance_exec", { name, command: ["true"] })).toBe("WRONG_STATE");
        expect(await refusal("instance_create", { name: "other", image: "no-such-image" })).toBe("NOT_FOUND");
        expect(await refusal("instance_create", { name: "bad_name", image })).toBe("INVALID_INPUT");
        expect(await refusal("instance_start", { name: "no-such-instance" })).toBe("NOT_FOUND");
      } finally {
        expect(await call("instance_delete", { name, force: true })).toMatchObject({ deleted: true });
      }
    });

    it("starts and stops what already is as asked", async () => {
      const { item, call } = bench();
      await item("instance_create", { name, image });
      try {
        expect(await item("instance_start", { name })).toMatchObject({ status: "running" });
        await item("instance_stop", { name, force: true });
        expect(await item("instance_stop", { name, force: true })).toMatchObject({ status: "stopped" });
      } finally {
        await call("instance_delete", { name, force: true });
      }
    });
  };
