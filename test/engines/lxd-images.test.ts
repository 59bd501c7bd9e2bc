import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createProxMcp } from "proxmcp";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Row } from "../conformance.js";
import { withEngine } from "./engines.js";

withEngine("lxd", ({ socket, image }) => {
  describe("images of a real LXD whose root file system is a file of its own", () => {
    it("are imported from two files, and exported to two", async () => {
      const app = await createProxMcp({ plugins: ["lxd"], connections: { real: { provider: "lxd", socket } }, log: { level: "silent" } });
      const call = async (tool: string, args: Row): Promise<Row> => await app.call(`lxd_${tool}`, args, { confirm: true });
      const folder = mkdtempSync(join(tmpdir(), "proxmcp-lxd-split-"));
      const [whole, inside, metadata, rootfs, out] = ["whole", "inside", "meta.tar.gz", "root.tar.gz", "out"].map((name) => join(folder, name)) as [
        string,
        string,
        string,
        string,
        string,
      ];
      const alias = `conf-split-${process.pid}-${Date.now()}`;
      onTestFinished(async () => {
        await call("image_delete", { name: alias }).catch(() => {}); // it may not have been made
        await app.close();
        rmSync(folder, { recursive: true, force: true });
      });
      await call("image_export", { name: image, file: whole });
      mkdirSync(inside);
      execFileSync("tar", ["xzf", whole, "-C", inside]);
      execFileSync("tar", ["czf", metadata, "-C", inside, "metadata.yaml", "templates"]);
      execFileSync("tar", ["czf", rootfs, "-C", join(inside, "rootfs"), "."]);
      const { item } = await call("image_import", { file: metadata, rootfs, aliases: [alias] });
      expect(item).toMatchObject({ name: alias, type: "container" });
      expect((item as Row)["size"]).toBe(statSync(metadata).size + statSync(rootfs).size);
      const { result } = await call("image_export", { name: alias, file: out });
      expect(result).toEqual({ file: out, rootfs: `${out}.root`, size: statSync(metadata).size + statSync(rootfs).size });
      for (const [one, other] of [
        [metadata, out],
        [rootfs, `${out}.root`],
      ] as const)
        expect(readFileSync(one).equals(readFileSync(other)), other).toBe(true);
      const name = `${alias}-ct`.slice(0, 60);
      expect(await call("instance_create", { name, image: alias })).toMatchObject({ item: { status: "running" } });
      await call("instance_delete", { name, force: true });
    });
  });
});
