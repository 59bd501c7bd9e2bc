import { describe, expect, it } from "vitest";
import { createProxMcp } from "proxmcp";
import { withEngine } from "./engines.js";

withEngine("lxd", (lxd) => {
  withEngine("docker", (docker) => {
    describe("a workload from one sentence, on the real daemons", () => {
      const open = () =>
        createProxMcp({
          connections: { pi: { provider: "lxd", socket: lxd.socket }, engine: { provider: "docker", socket: docker.socket } },
          log: { level: "silent" },
        });

      it("a small web server becomes a system container and runs", async () => {
        const app = await open();
        const name = `route-ct-${process.pid}`;
        try {
          const made = await app.call(
            "workload_create",
            { sentence: "a small web server with 128mb in a system container", requirement: { image: lxd.image, name } },
            { confirm: true },
          );
          expect(made).toMatchObject({ created: [{ name, provider: "lxd", connection: "pi", tool: "lxd_instance_create" }] });
          expect(await app.call("lxd_instance_get", { name })).toMatchObject({
            item: { name, type: "container", status: "running", memory: 134_217_728 },
          });
        } finally {
          await app.call("lxd_instance_delete", { name, force: true }, { confirm: true }).catch(() => {}); // it may never have been made
          await app.close();
        }
      });

      it("an application becomes a container of its engine and runs", async () => {
        const app = await open();
        const name = `route-app-${process.pid}`;
        try {
          const made = await app.call(
            "workload_create",
            { sentence: "an app container", requirement: { image: docker.image, name } },
            { confirm: true },
          );
          expect(made).toMatchObject({ created: [{ name, provider: "docker", connection: "engine", tool: "docker_container_create" }] });
          expect(await app.call("docker_container_get", { name })).toMatchObject({ item: { name, status: "running", image: docker.image } });
        } finally {
          await app.call("docker_container_delete", { name, force: true }, { confirm: true }).catch(() => {});
          await app.close();
        }
      });
    });
  });
});
