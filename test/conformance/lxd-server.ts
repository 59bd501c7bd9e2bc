import { expect, it } from "vitest";
import { selfSignedCertificate } from "proxmcp/testing";
import type { Bench } from "../conformance.js";

/** Whom a server trusts, what it does in the background, and what troubles it. */
export const serverScenario = (bench: () => Bench): void => {
  it("trusts a certificate, limits it, and trusts it no longer", async () => {
    const { item, rows, refusal, call } = bench();
    const { cert, fingerprint: seen } = await selfSignedCertificate("conf-client");
    const fingerprint = seen.replaceAll(":", "").toLowerCase();
    const name = `conf-cert-${process.pid}`;
    const added = await item("certificate_create", { certificate: cert, name, restricted: true, projects: ["default"] });
    try {
      expect(added).toMatchObject({ fingerprint, name, type: "client", restricted: true, projects: ["default"], own: false });
      expect(added["expires"]).toMatch(/^\d{4}-/);
      expect(await refusal("certificate_create", { certificate: cert, name })).toBe("ALREADY_EXISTS");
      expect(await refusal("certificate_create", { certificate: "nonsense", name })).toBe("INVALID_INPUT");
      expect(await refusal("certificate_create", { certificate: cert, name, projects: ["default"] })).toBe("INVALID_INPUT");
      expect(await item("certificate_get", { fingerprint: name })).toEqual(added);
      expect(await item("certificate_get", { fingerprint: fingerprint.slice(0, 12) })).toEqual(added);
      expect(await rows("certificate_list", { where: { fingerprint } })).toEqual([added]);
      expect(await item("certificate_update", { fingerprint: name, new_name: `${name}-2`, projects: [] })).toMatchObject({
        name: `${name}-2`,
        restricted: true,
        projects: [],
      });
      expect(await refusal("certificate_update", { fingerprint, projects: ["no-such-project"] })).toBe("NOT_FOUND");
      expect(await refusal("certificate_update", { fingerprint })).toBe("INVALID_INPUT");
    } finally {
      expect(await call("certificate_delete", { fingerprint })).toMatchObject({ deleted: true });
    }
    expect(await refusal("certificate_delete", { fingerprint })).toBe("NOT_FOUND");
  });

  it("asks before somebody is given the whole server", async () => {
    const { app } = bench();
    const { cert } = await selfSignedCertificate("conf-client");
    for (const [tool, more] of [
      ["create", { certificate: cert }],
      ["create_token", {}],
    ] as const)
      await expect(app.call(`lxd_certificate_${tool}`, { name: "conf-nobody", ...more })).rejects.toMatchObject({
        code: expect.stringMatching(/CONFIRMATION_REQUIRED|DECLINED/),
      });
  });

  it("makes a trust token, shows the operation that waits for it, and cancels that", async () => {
    const { item, result, rows, refusal } = bench();
    const made = await result("certificate_create_token", { name: "conf-token", restricted: true, projects: ["default"] });
    const token = JSON.parse(Buffer.from(String(made["token"]), "base64").toString()) as Record<string, unknown>;
    expect(token).toMatchObject({ client_name: "conf-token", secret: expect.stringMatching(/^[0-9a-f]{64}$/), addresses: expect.anything() });
    const id = String(made["operation"]);
    const waiting = await item("operation_get", { id });
    expect(waiting).toMatchObject({ id, status: "running", type: "token", may_cancel: true, instances: [] });
    expect(JSON.stringify(waiting)).not.toContain(String(token["secret"]));
    expect(await rows("operation_list", { where: { id } })).toMatchObject([{ id, status: "running" }]);
    expect(await item("operation_cancel", { id })).toMatchObject({ id, status: "cancelled" });
    expect(await refusal("operation_cancel", { id })).toBe("WRONG_STATE");
    expect(await refusal("operation_cancel", { id: "00000000-0000-0000-0000-000000000000" })).toBe("NOT_FOUND");
  });

  it("acknowledges and deletes warnings", async () => {
    const { item, rows, call, refusal } = bench();
    const before = await rows("warning_list");
    const [first] = before;
    if (first) expect(await item("warning_acknowledge", { id: first["id"] })).toMatchObject({ id: first["id"], status: "acknowledged" });
    // One is left, for those that come after us.
    const last = before.at(-1);
    if (last && before.length > 1) {
      expect(await call("warning_delete", { id: last["id"] })).toMatchObject({ deleted: true });
      expect(await rows("warning_list", { where: { id: last["id"] } })).toEqual([]);
    }
    expect(await refusal("warning_acknowledge", { id: "00000000-0000-0000-0000-000000000000" })).toBe("NOT_FOUND");
  });
};
