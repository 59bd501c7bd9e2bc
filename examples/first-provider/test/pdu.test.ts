import { createProxMcp } from "proxmcp";
import { afterAll, expect, it } from "vitest";
import pdu from "../src/index.ts";
import { start } from "../src/sandbox.ts";

const sandbox = await start();
const app = await createProxMcp({ plugins: [pdu], connections: { rack: { provider: "pdu", ...sandbox.connection } }, log: { level: "silent" } });
afterAll(async () => {
  await app.close();
  await sandbox.close();
});

it("finds the outlets that draw much", async () => {
  expect(await app.call("pdu_outlet_list", { where: { power: { min: 100 } } })).toMatchObject({ items: [{ name: "pve1" }], total: 1 });
});

it("switches an outlet off only when that is confirmed, and answers what it is then", async () => {
  await expect(app.call("pdu_outlet_stop", { name: "nas" })).rejects.toMatchObject({ code: "CONFIRMATION_REQUIRED" });
  expect(await app.call("pdu_outlet_stop", { name: "nas" }, { confirm: true })).toEqual({ item: { name: "nas", status: "off", power: 0 } });
});

it("passes on what the strip says", async () => {
  sandbox.fail({ path: "/api/outlets/pve1", status: 423, reason: "locked at the panel", times: 1 });
  await expect(app.call("pdu_outlet_start", { name: "pve1" })).rejects.toMatchObject({
    code: "CONFLICT",
    message: "The PDU refused PUT /api/outlets/pve1: locked at the panel",
  });
});
