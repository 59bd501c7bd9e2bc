import { describe, expect, it, onTestFinished } from "vitest";
import { createProxMcp } from "proxmcp";
import { selfSignedCertificate } from "proxmcp/testing";
import { withEngine } from "./engines.js";

/** The trust password that lxd.sh gives its servers. */
const PASSWORD = "proxmcp-test";

withEngine("lxd2", ({ socket, url, fingerprint }) => {
  describe("real lxd, by a certificate that it has never seen", () => {
    const open = async (connection: Record<string, unknown>) => {
      const app = await createProxMcp({
        plugins: ["lxd"],
        connections: { stranger: { provider: "lxd", url, ...connection }, local: { provider: "lxd", socket } },
        log: { level: "silent" },
      });
      onTestFinished(() => app.close());
      const call = async (tool: string, args: Record<string, unknown> = {}, host = "stranger") =>
        await app.call(tool, { ...args, host }, { confirm: true });
      return { app, call };
    };
    /** A key pair of its own; what the server was told of it is taken back. */
    const stranger = async (name: string) => {
      const own = await selfSignedCertificate(name);
      onTestFinished(async () => {
        const { call } = await open({ fingerprint });
        await call("lxd_certificate_delete", { fingerprint: own.fingerprint.replaceAll(":", "").toLowerCase() }, "local").catch(() => undefined);
      });
      return { cert: own.cert, key: own.key };
    };

    it("is refused with the way in, enrols by a token made on the server, and is trusted from then on", async () => {
      const own = await stranger("proxmcp-trust-token");
      const { call } = await open({ ...own, fingerprint });
      await expect(call("lxd_instance_list")).rejects.toMatchObject({
        code: "AUTH_FAILED",
        details: { next: expect.stringContaining("lxd_host_enrol") },
      });
      await expect(call("lxd_host_enrol", { password: "not the password" })).rejects.toMatchObject({ code: "AUTH_FAILED" });
      const { result } = await call("lxd_certificate_create_token", { name: "proxmcp-trust-token" }, "local");
      const { token } = result as { token: string };
      expect(await call("lxd_host_enrol", { token })).toMatchObject({ result: { trusted: true, enrolled: true } });
      expect(await call("lxd_instance_list")).toHaveProperty("items");
      // Trusted already: the token would not be good a second time, and is not needed.
      expect(await call("lxd_host_enrol", { token })).toMatchObject({ result: { trusted: true, enrolled: false } });
      expect(await call("lxd_certificate_list", { where: { own: true } })).toMatchObject({ items: [{ own: true }] });
    });

    it("enrols with its first call by a token in the connection, which also says which server is meant", async () => {
      const own = await stranger("proxmcp-trust-first");
      const maker = await open({ fingerprint });
      const { result } = await maker.call("lxd_certificate_create_token", { name: "proxmcp-trust-first" }, "local");
      const { call } = await open({ ...own, trust_token: (result as { token: string }).token });
      expect(await call("lxd_instance_list")).toHaveProperty("items");
      const again = await open({ ...own, fingerprint });
      expect(await again.call("lxd_instance_list")).toHaveProperty("items");
    });

    it("enrols by the trust password of an older server", async () => {
      const own = await stranger("proxmcp-trust-password");
      const wrong = await open({ ...own, fingerprint, trust_password: "wrong-password" });
      await expect(wrong.call("lxd_instance_list")).rejects.toMatchObject({
        code: "AUTH_FAILED",
        message: expect.not.stringContaining("wrong-password"),
      });
      const { call } = await open({ ...own, fingerprint, trust_password: PASSWORD });
      expect(await call("lxd_instance_list")).toHaveProperty("items");
    });

    it("is not talked to at all where the server is not the one that was pinned", async () => {
      const own = await stranger("proxmcp-trust-pin");
      const { call } = await open({ ...own, fingerprint: "00".repeat(32), trust_password: PASSWORD });
      await expect(call("lxd_instance_list")).rejects.toMatchObject({ code: "TLS_UNTRUSTED" });
      const { call: local } = await open({ fingerprint });
      const { items } = await local("lxd_certificate_list", { where: { name: "*trust-pin*" } }, "local");
      expect(items).toEqual([]);
    });
  });
});
