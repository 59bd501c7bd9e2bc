import { describe, expect, it, onTestFinished } from "vitest";
import { createProxMcp } from "proxmcp";
import { conformance, type Subject } from "../conformance.js";
import { lxdScenario } from "../conformance/lxd.js";
import { withClosedSshd } from "./closed-sshd.js";
import { file, withEngine } from "./engines.js";

const real = (name: string, connection: Record<string, unknown>): Subject => ({
  name,
  provider: "lxd",
  start: async () => ({ connection, close: async () => {} }),
});

withEngine("lxd", ({ url, cert, key, fingerprint, image, instance }) => {
  withEngine("sshd", (sshd) => {
    const ssh = { host: "127.0.0.1", port: sshd.port, user: sshd.user, key: file(sshd.key), known_hosts: sshd.knownHosts };
    conformance(real("real lxd over SSH, its socket found", { ssh }), lxdScenario({ image }));

    const open = async (connection: Record<string, unknown>) => {
      const app = await createProxMcp({ plugins: ["lxd"], connections: { pi: { provider: "lxd", ...connection } }, log: { level: "silent" } });
      onTestFinished(() => app.close());
      return app;
    };

    describe("real lxd over SSH", () => {
      it("by https through the tunnel, with a client certificate", async () => {
        const app = await open({ ssh, url, cert: file(cert), key: file(key), fingerprint });
        expect(await app.call("lxd_instance_get", { name: instance })).toMatchObject({ item: { name: instance } });
      });

      it("by a host on the way, and with the second of two logins", async () => {
        const also = [{ user: sshd.user, key: file(sshd.key) }];
        const app = await open({ ssh: { ...ssh, user: "nobody-here", also, jump: ssh } });
        const listed = await app.call("lxd_instance_list", { where: { name: instance } });
        expect(listed).toMatchObject({ total: 1 });
        expect(listed).not.toHaveProperty("notes");
      });
    });

    describe("real lxd behind an SSH server that forwards nothing", () => {
      const closed = withClosedSshd(sshd);

      it("is led through the life of an instance by its own command, and every result says so", async () => {
        const name = `road-${process.pid}`;
        const app = await open({ ssh: { ...ssh, user: "root", port: closed.port, known_hosts: closed.knownHosts } });
        const said = [expect.stringMatching(/answered by the lxc command over SSH/)];
        expect(await app.call("lxd_instance_list", { where: { name: instance } })).toMatchObject({ total: 1, notes: said });
        try {
          expect(await app.call("lxd_instance_create", { name, image, start: false })).toMatchObject({
            item: { name, status: "stopped" },
            notes: said,
          });
          expect(await app.call("lxd_instance_start", { name })).toMatchObject({ item: { status: "running" } });
          await app.call("lxd_snapshot_create", { instance: name, name: "s1" });
          expect(await app.call("lxd_snapshot_list", { where: { instance: name } })).toMatchObject({ total: 1 });
          expect(await app.call("lxd_instance_stop", { name, force: true }, { confirm: true })).toMatchObject({ item: { status: "stopped" } });
          await expect(app.call("lxd_instance_create", { name, image })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
        } finally {
          expect(await app.call("lxd_instance_delete", { name, force: true }, { confirm: true })).toMatchObject({ deleted: true });
        }
        await expect(app.call("lxd_instance_get", { name })).rejects.toMatchObject({ code: "NOT_FOUND" });
      });

      it("runs commands, recorded for want of a stream, and kills what takes too long", async () => {
        const name = `road-exec-${process.pid}`;
        const app = await open({ ssh: { ...ssh, user: "root", port: closed.port, known_hosts: closed.knownHosts } });
        const exec = async (args: Record<string, unknown>) =>
          (await app.call("lxd_instance_exec", { name, ...args }, { confirm: true }))["result"] as Record<string, unknown>;
        await app.call("lxd_instance_create", { name, image });
        try {
          expect(await exec({ command: ["sh", "-c", "echo out; echo err >&2; exit 3"] })).toMatchObject({
            exit_code: 3,
            stdout: "out\n",
            stderr: "err\n",
          });
          expect(await exec({ command: ["sh", "-c", "echo begun; sleep 313; echo never"], timeout: 2 })).toMatchObject({
            stdout: "begun\n",
            timed_out: true,
          });
          expect((await exec({ command: ["ps"] }))["stdout"]).not.toContain("sleep 313");
        } finally {
          await app.call("lxd_instance_delete", { name, force: true }, { confirm: true });
        }
      });
    });
  });
});
