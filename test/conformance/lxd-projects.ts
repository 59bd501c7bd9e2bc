import { expect, it } from "vitest";
import type { Bench, Row } from "../conformance.js";
import type { LxdSubject } from "./lxd-instances.js";

const GIB = 1024 ** 3;

/** Projects, and everything in them. */
export const projectScenario =
  ({ image }: LxdSubject) =>
  (bench: () => Bench): void => {
    const project = `conf-project-${process.pid}`;
    const name = `conf-inside-${process.pid}`;

    const withProject = async (work: () => Promise<void>, settings: Row = {}): Promise<void> => {
      const { item, call } = bench();
      await item("project_create", { name: project, ...settings });
      try {
        await work();
      } finally {
        await call("project_delete", { name: project });
      }
    };

    it("leads a project through its life", async () => {
      const { item, rows, result, refusal, call } = bench();
      expect(await item("project_create", { name: project, description: "first", max_instances: 3, own: ["profiles"] })).toEqual({
        name: project,
        description: "first",
        own: ["profiles"],
        instances: 0,
        max_instances: 3,
        restricted: false,
        used_by: 1,
      });
      expect(await refusal("project_create", { name: project })).toBe("ALREADY_EXISTS");
      expect(await refusal("project_create", { name: "a b" })).toBe("INVALID_INPUT");
      expect(await item("project_update", { name: project, memory: 4 * GIB, cpu: 2 })).toMatchObject({ memory: 4 * GIB, cpu: 2, max_instances: 3 });
      expect(await item("project_update", { name: project, config: { "limits.cpu": "" }, description: "second" })).not.toHaveProperty("cpu");
      expect(await result("project_usage", { name: project })).toMatchObject({
        usage: expect.arrayContaining([{ name: "instances", used: 0, limit: 3 }]),
      });
      expect(await refusal("project_update", { name: project })).toBe("INVALID_INPUT");
      expect(await refusal("project_update", { name: project, config: { "no.such": "1" } })).toBe("INVALID_INPUT");
      const renamed = `${project}-2`;
      expect(await item("project_rename", { name: project, new_name: renamed })).toMatchObject({ name: renamed, description: "second" });
      expect(await rows("project_list", { where: { name: `${project}*` } })).toMatchObject([{ name: renamed }]);
      expect(await call("project_delete", { name: renamed })).toMatchObject({ deleted: true });
      expect(await refusal("project_get", { name: renamed })).toBe("NOT_FOUND");
      expect(await refusal("project_delete", { name: "default" })).toBe("INVALID_INPUT");
    });

    it("keeps the instances of a project apart, lists those of all, and moves them", async () => {
      const { item, rows, result, refusal, call } = bench();
      await withProject(
        async () => {
          expect(await item("instance_create", { name, image, project, start: false })).toMatchObject({ name, project });
          try {
            expect(await refusal("instance_get", { name })).toBe("NOT_FOUND");
            expect(await item("instance_get", { name, project })).toMatchObject({ name, project, status: "stopped" });
            expect(await rows("instance_list", { project })).toMatchObject([{ name, project }]);
            expect(await rows("instance_list", { project: "default", where: { name } })).toEqual([]);
            expect(await rows("instance_list", { where: { name } })).toMatchObject([{ name, project }]);
            expect(await rows("instance_list", { where: { project } })).toMatchObject([{ name }]);
            expect(await item("snapshot_create", { instance: name, name: "one", project })).toMatchObject({ instance: name, project });
            expect(await rows("snapshot_list", { instance: name, project })).toMatchObject([{ name: "one" }]);
            expect(await rows("snapshot_list", { where: { instance: name } })).toMatchObject([{ name: "one", project }]);
            expect(await refusal("snapshot_list", { instance: name })).toBe("NOT_FOUND");
            expect(await item("instance_update", { name, project, description: "in there" })).toMatchObject({ description: "in there", project });
            await item("instance_start", { name, project });
            expect(await result("instance_exec", { name, project, command: ["echo", "in"] })).toMatchObject({ stdout: "in\n" });
            await item("instance_stop", { name, project, force: true });
            expect(await refusal("project_delete", { name: project })).toBe("WRONG_STATE");
            expect(await item("project_get", { name: project })).toMatchObject({ instances: 1 });
            const copy = `${name}-copy`;
            expect(await item("instance_clone", { name, project, new_name: copy, to_project: "default" })).toMatchObject({
              name: copy,
              project: "default",
            });
            await call("instance_delete", { name: copy });
            expect(await item("instance_migrate", { name, project, to_project: "default" })).toMatchObject({ name, project: "default" });
            expect(await item("instance_migrate", { name, to_project: project })).toMatchObject({ name, project });
          } finally {
            for (const at of [project, "default"]) await call("instance_delete", { name, project: at, force: true }).catch(() => {}); // it is in one
          }
        },
        { own: [] },
      );
    });

    it("keeps the profiles and images of a project apart, or shares them", async () => {
      const { item, rows, refusal, call } = bench();
      await withProject(
        async () => {
          const mine = `${name}-profile`;
          expect(await item("profile_create", { name: mine, project, cpu: 1 })).toMatchObject({ name: mine, project });
          expect(await refusal("profile_get", { name: mine })).toBe("NOT_FOUND");
          expect(await rows("profile_list", { where: { name: mine } })).toMatchObject([{ name: mine, project }]);
          expect((await rows("profile_list", { where: { name: "default" } })).map((row) => row["project"])).toEqual(
            expect.arrayContaining(["default", project]),
          );
          expect(await refusal("image_get", { name: image, project })).toBe("NOT_FOUND");
          expect(await rows("image_list", { project })).toEqual([]);
          expect(await call("profile_delete", { name: mine, project })).toMatchObject({ deleted: true });
        },
        { own: ["profiles", "images"] },
      );
      await withProject(
        async () => {
          expect(await item("image_get", { name: image, project })).toMatchObject({ aliases: expect.arrayContaining([image]) });
          // What is shared is listed once.
          expect((await rows("image_list", { where: { name: image } })).map((row) => row["project"])).toEqual(["default"]);
        },
        { own: [] },
      );
    });

    it("says of a project that is not there that it is not", async () => {
      const { refusal } = bench();
      expect(await refusal("profile_list", { project: "no-such-project" })).toBe("NOT_FOUND");
      expect(await refusal("instance_get", { name, project: "no-such-project" })).toBe("NOT_FOUND");
      expect(await refusal("instance_create", { name, image, project: "no-such-project" })).toBe("NOT_FOUND");
    });
  };
