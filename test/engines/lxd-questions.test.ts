import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProxMcp, type ProxMcp, type QueryAnswer } from "proxmcp";
import { withEngine } from "./engines.js";

/** The five questions that the first design of the LXD provider gave as examples, on a real daemon, with a Docker beside it. */
withEngine("lxd2", ({ socket, image }) => {
  withEngine("docker", (docker) => {
    describe("questions in words to a real LXD", () => {
      let app: ProxMcp;
      const ours = ["web-server", "ask-ubuntu", "ask-idle"];
      const GB = 1024 ** 3;
      const names = ({ items }: QueryAnswer): string[] => items.map(({ name }) => String(name)).filter((name) => ours.includes(name));

      beforeAll(async () => {
        app = await createProxMcp({
          plugins: ["lxd", "docker"],
          connections: { two: { provider: "lxd", socket }, engine: { provider: "docker", socket: docker.socket } },
          log: { level: "silent" },
        });
        const create = (name: string, more: object) => app.call("lxd_instance_create", { name, image, wait: 0, ...more }, { confirm: true });
        await create("web-server", { memory: GB });
        await create("ask-ubuntu", {});
        await create("ask-idle", { memory: 2 * GB, start: false });
        // The real image is a tiny one of another name; what an image says of itself is all that anybody knows of an instance's system.
        for (const name of ["ask-ubuntu", "ask-idle"])
          await app.call("lxd_instance_update", { name, config: { "image.os": "Ubuntu" } }, { confirm: true });
      }, 60_000);

      afterAll(async () => {
        for (const name of ours) await app.call("lxd_instance_delete", { name, force: true }, { confirm: true }).catch(() => {});
        await app.close();
      }, 60_000);

      it.each([
        ["show lxd containers", ["ask-idle", "ask-ubuntu", "web-server"]],
        ["running ubuntu containers", ["ask-ubuntu"]],
        ["container web-server", ["web-server"]],
        ["containers with 1gb ram", ["web-server"]],
      ])("%s", async (text, found) => {
        const answer = await app.query(text);
        expect(names(answer)).toEqual(found);
        for (const { name, provider, type } of answer.items) if (ours.includes(String(name))) expect([provider, type]).toEqual(["lxd", "container"]);
      });

      it("lxd storage pools", async () => {
        const answer = await app.query("lxd storage pools");
        const { items } = (await app.call("lxd_storage_pool_list")) as unknown as { items: { name: string }[] };
        expect(answer.items.map(({ name }) => name)).toEqual(items.map(({ name }) => name));
        expect(answer.items).toContainEqual(expect.objectContaining({ name: "default" }));
      });
    });
  });
});
