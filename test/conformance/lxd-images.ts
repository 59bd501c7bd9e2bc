import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { Bench, Row } from "../conformance.js";
import type { LxdSubject } from "./lxd-instances.js";

/** All that can be done to an image. */
export const imageScenario =
  ({ image, remote }: LxdSubject) =>
  (bench: () => Bench): void => {
    const mine = `conf-img-${process.pid}-${Date.now()}`;
    const folder = mkdtempSync(join(tmpdir(), "proxmcp-lxd-images-"));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    /** An image of our own, made of an instance. */
    const withImage = async (work: (fingerprint: string) => Promise<void>): Promise<void> => {
      const { item, result, call, refusal } = bench();
      await item("instance_create", { name: mine, image, start: false });
      const published = await result("instance_publish", { name: mine, aliases: [mine], description: "made here" });
      await call("instance_delete", { name: mine });
      const fingerprint = String(published["fingerprint"]);
      try {
        await work(fingerprint);
      } finally {
        await call("image_delete", { name: fingerprint }).catch(() => {}); // the test may have done so
      }
      expect(await refusal("image_get", { name: fingerprint })).toBe("NOT_FOUND");
    };

    it("finds an image by alias, fingerprint and the start of it", async () => {
      const { item } = bench();
      const found = await item("image_get", { name: image });
      expect(found).toMatchObject({ name: expect.any(String), aliases: expect.arrayContaining([image]), type: "container" });
      const fingerprint = String(found["fingerprint"]);
      expect(await item("image_get", { name: fingerprint })).toEqual(found);
      expect(await item("image_get", { name: fingerprint.slice(0, 12) })).toEqual(found);
    });

    it("adds, renames and takes away aliases", async () => {
      const { item, refusal } = bench();
      await withImage(async (fingerprint) => {
        const [one, two] = [`${mine}/one`, `${mine}-two`];
        expect(await item("image_update", { name: mine, add_aliases: [one] })).toMatchObject({ fingerprint, aliases: [mine, one] });
        expect(await item("image_update", { name: one, rename_aliases: { [one]: two }, remove_aliases: [mine] })).toMatchObject({
          name: two,
          fingerprint,
          aliases: [two],
        });
        expect(await refusal("image_update", { name: two, add_aliases: [image] })).toBe("ALREADY_EXISTS");
        expect(await refusal("image_update", { name: two, remove_aliases: [mine] })).toBe("NOT_FOUND");
        expect(await refusal("image_update", { name: two })).toBe("INVALID_INPUT");
        expect(await refusal("image_update", { name: mine, public: true })).toBe("NOT_FOUND");
        // Without an alias it is named by its fingerprint.
        const bare = await item("image_update", { name: two, remove_aliases: [two] });
        expect(bare).toMatchObject({ name: fingerprint.slice(0, 12), aliases: [] });
      });
    });

    it("changes properties and who may use it, and keeps the rest", async () => {
      const { item } = bench();
      await withImage(async () => {
        expect(await item("image_update", { name: mine, properties: { os: "Here", release: "7" } })).toMatchObject({
          os: "Here",
          release: "7",
          description: "made here",
          public: false,
        });
        expect(await item("image_update", { name: mine, public: true, properties: { release: "" }, expires: "2040-01-01T00:00:00Z" })).toMatchObject({
          public: true,
          os: "Here",
          expires: "2040-01-01T00:00:00.000Z",
        });
        const last = await item("image_get", { name: mine });
        expect(last).toMatchObject({ description: "made here", aliases: [mine] });
        expect(last["release"]).not.toBe("7");
      });
    });

    it("writes an image to a file, and makes it again of that", async () => {
      const { item, result, refusal, call } = bench();
      const file = join(folder, "image.tar.gz");
      await withImage(async (fingerprint) => {
        expect(await result("image_export", { name: mine, file })).toEqual({ file, size: statSync(file).size });
        expect(await refusal("image_export", { name: mine, file })).toBe("ALREADY_EXISTS");
        expect(await refusal("image_import", { file })).toBe("ALREADY_EXISTS");
        expect(await call("image_delete", { name: mine })).toMatchObject({ deleted: true });
        expect(await item("image_import", { file, aliases: [mine], public: true, properties: { "user.note": "äb c&d" } })).toMatchObject({
          name: mine,
          fingerprint,
          public: true,
        });
        expect(await refusal("image_import", { file: join(folder, "missing") })).toBe("INVALID_INPUT");
        const garbage = join(folder, "garbage");
        writeFileSync(garbage, "garbage");
        expect(await refusal("image_import", { file: garbage })).toBe("TASK_FAILED");
      });
    });

    it("refreshes what was fetched, and says why it can't where it was not", async () => {
      const { refusal } = bench();
      await withImage(async () => {
        expect(await refusal("image_refresh", { name: mine })).toBe("WRONG_STATE");
        expect(await refusal("image_refresh", { name: "nothere" })).toBe("NOT_FOUND");
      });
    });

    it("asks before it deletes an image", async () => {
      const { app } = bench();
      await expect(app.call("lxd_image_delete", { name: image })).rejects.toMatchObject({
        code: expect.stringMatching(/CONFIRMATION_REQUIRED|DECLINED/),
      });
    });

    if (remote) {
      it("copies an image from an image server, gives it aliases, and refreshes it", async () => {
        const { item, result, refusal, call } = bench();
        const from: Row = await remote();
        try {
          const pulled = await item("image_pull", { ...from, aliases: [mine], auto_update: true });
          expect(pulled).toMatchObject({ name: mine, aliases: [mine], auto_update: true, cached: false, source: from["image_server"] });
          // Once more changes nothing.
          expect(await item("image_pull", { ...from, aliases: [mine], auto_update: true })).toMatchObject({ fingerprint: pulled["fingerprint"] });
          expect(await result("image_refresh", { name: mine })).toEqual({ refreshed: false, fingerprint: pulled["fingerprint"] });
          // An alias of another image is taken from it only where that is said.
          expect(await refusal("image_pull", { ...from, aliases: [image] })).toBe("ALREADY_EXISTS");
          expect(await refusal("image_pull", { ...from, image: "no-such-image" })).toBe("NOT_FOUND");
          expect(await refusal("image_pull", { image: "busybox" })).toBe("INVALID_INPUT");
        } finally {
          await call("image_delete", { name: mine });
        }
      });
    }
  };
