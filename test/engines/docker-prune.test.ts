import { afterAll, describe, expect, it } from "vitest";
import { benchOf } from "../conformance.js";
import { createProxMcp } from "proxmcp";
import { file, withEngine } from "./engines.js";

/** On the second engine, which nobody but these tests uses: what is pruned there was made here. */
withEngine("dockerTls", ({ url, ca, cert, key, image }) => {
  describe("pruning a real engine", async () => {
    const app = await createProxMcp({
      connections: { engine: { provider: "docker", url, ca: file(ca), cert: file(cert), key: file(key) } },
      log: { level: "silent" },
    });
    afterAll(async () => await app.close());
    const { item, result, rows } = benchOf(app, "docker");
    const own = `prune-${process.pid}`;
    const names = async (list: string): Promise<readonly unknown[]> => (await rows(list, { limit: 1000 })).map((row) => row["name"]);

    it("takes the stopped containers and leaves the running ones", async () => {
      const { id } = await item("container_create", { name: own, image, start: false });
      const running = (await rows("container_list", { where: { status: ["running"] } })).map((row) => row["name"]);
      expect(JSON.stringify((await result("container_prune"))["deleted"])).toContain(String(id));
      expect(await names("container_list")).not.toContain(own);
      expect(await names("container_list")).toEqual(expect.arrayContaining(running));
    });

    it("takes networks and volumes that nothing uses", async () => {
      await item("network_create", { name: own });
      await item("volume_create", { name: own });
      expect((await result("network_prune"))["deleted"]).toContain(own);
      expect((await result("volume_prune", { all: true }))["deleted"]).toContain(own);
      expect(await names("network_list")).not.toContain(own);
      expect(await names("volume_list")).not.toContain(own);
    });

    it("takes images that have lost their name, and all of it at once", async () => {
      await result("image_build", { image: `${own}:1`, dockerfile: `FROM ${image}\nLABEL made=first` });
      const [first] = await rows("image_list", { where: { name: `${own}:1` } });
      await result("image_build", { image: `${own}:1`, dockerfile: `FROM ${image}\nLABEL made=second` });
      expect(JSON.stringify((await result("image_prune"))["deleted"])).toContain(String(first?.["id"]).slice(0, 12));
      await item("container_create", { name: own, image, start: false });
      await item("network_create", { name: own });
      expect(await result("system_prune")).toMatchObject({ networks: expect.arrayContaining([own]) });
      expect(await names("container_list")).not.toContain(own);
      await app.call("docker_image_delete", { name: `${own}:1` }, { confirm: true });
      expect(await names("image_list")).toContain(image);
    });
  });
});
