import { createProxMcp } from "proxmcp";
import { testProvider } from "proxmcp/testing";
import { afterAll, describe, expect, it } from "vitest";
import acme from "../src/index.ts";
import { start } from "../src/sandbox.ts";

// What every provider is held to. Arguments for actions that can't do without are given here.
describe("acme", () => void testProvider(acme, { test: it, inputs: { acme_machine_create: { name: "new1" } } }));

describe("machines", async () => {
  const sandbox = await start();
  const app = await createProxMcp({ plugins: [acme], connections: { lab: { provider: "acme", ...sandbox.connection } }, log: { level: "silent" } });
  afterAll(async () => {
    await app.close();
    await sandbox.close();
  });

  it("are found by what people say", async () => {
    const { items } = await app.query("running vms with over 4 GB memory");
    expect(items).toMatchObject([{ name: "db1" }]);
  });

  it("are deleted only when that is confirmed", async () => {
    await expect(app.call("acme_machine_delete", { name: "old" })).rejects.toMatchObject({ code: "CONFIRMATION_REQUIRED" });
    expect(await app.call("acme_machine_delete", { name: "old" }, { confirm: true })).toEqual({ deleted: true, name: "old" });
    expect(sandbox.requests.at(-1)).toMatchObject({ method: "GET", path: "/api/machines/old" });
  });

  it("say what the platform says", async () => {
    await expect(app.call("acme_machine_create", { name: "web1" })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
      message: "POST /api/machines was refused: there is a machine web1 already",
    });
  });
});
