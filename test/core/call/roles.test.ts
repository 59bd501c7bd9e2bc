import { describe, expect, it } from "vitest";
import type { Caller, Setup } from "proxmcp";
import { failure, openTapes } from "../../fixtures/tape-app.js";

const both = { main: { cartridges: [{ barcode: "T00001" }] }, vault: { cartridges: [{ barcode: "T00003" }] } };
const roles = {
  operator: { deny: ["*_delete", "*_exec"], confirm: "write" },
  viewer: { readOnly: true },
  vaultkeeper: { connections: ["vault"] },
} satisfies Setup["roles"];
const as = (...names: string[]): { caller: Caller } => ({ caller: { id: names.join("+") || "nobody", roles: names } });

describe("a role", () => {
  it("takes away from its callers, and from nobody else", async () => {
    const { app, call } = await openTapes(both, { roles });
    const names = (...of: string[]) =>
      app
        .tools("all", as(...of).caller)
        .filter((tool) => tool.operation)
        .map((tool) => tool.name);
    expect(names("operator")).toContain("tape_cartridge_load");
    expect(names("operator").filter((name) => /_(delete|exec)$/.test(name))).toEqual([]);
    expect(names("viewer")).not.toContain("tape_cartridge_load");
    expect(await failure(call("tape_cartridge_delete", { barcode: "T00001" }, { ...as("operator"), confirm: true }))).toMatchObject({
      code: "TOOL_DENIED",
      message: expect.stringContaining('denied by roles.operator.deny "*_delete"'),
    });
    expect(await failure(call("mount_tape", { barcode: "T00001" }, as("viewer")))).toMatchObject({ code: "TOOL_DENIED" });
    expect(await call("tape_cartridge_delete", { barcode: "T00001" }, { confirm: true }), "who comes with no roles").toMatchObject({ deleted: true });
  });

  it("adds to another, where a caller has both", async () => {
    const { call } = await openTapes(both, { roles });
    const load = { barcode: "T00001" };
    expect(await call("tape_cartridge_load", load, { ...as("viewer", "operator"), confirm: true })).toMatchObject({ item: { state: "loaded" } });
    expect(await failure(call("tape_cartridge_exec", { ...load, milliseconds: 1 }, { ...as("viewer", "operator"), confirm: true }))).toMatchObject({
      code: "TOOL_DENIED",
      message: expect.stringMatching(/roles\.viewer\.readOnly.*; denied by roles\.operator\.deny/),
    });
  });

  it("that the config does not know allows nothing, nor does having none", async () => {
    const { app, call, room } = await openTapes(both, { roles });
    for (const [caller, why] of [
      [as("operatr"), 'there is no role "operatr"'],
      [as(), "the caller has no role"],
    ] as const) {
      expect(app.tools("all", caller.caller)).toEqual([]);
      expect(await failure(call("tape_cartridge_list", {}, caller))).toMatchObject({ code: "TOOL_DENIED", message: expect.stringContaining(why) });
      expect(await failure(app.overview(caller).then(() => {}))).toMatchObject({ code: "TOOL_DENIED" });
      expect(await failure(app.route("an archive", caller).then(() => {}))).toMatchObject({ code: "TOOL_DENIED" });
    }
    expect([...room("main").calls, ...room("vault").calls]).toEqual([]);
  });

  it("gives nothing back that the rules for all take away", async () => {
    const { call } = await openTapes(
      { main: both.main, vault: { ...both.vault, tools: { readOnly: true } } },
      { roles: { all: { allow: ["*"] } }, tools: { deny: ["*_exec"] } },
    );
    for (const [tool, args] of [
      ["tape_cartridge_load", { barcode: "T00003", library: "vault" }],
      ["tape_cartridge_exec", { barcode: "T00001", milliseconds: 1 }],
    ] as const)
      expect(await failure(call(tool, args, { ...as("all"), confirm: true })), tool).toMatchObject({ code: "TOOL_DENIED" });
  });

  it("may be kept to some connections: the others are not seen by any of the core's tools", async () => {
    const { app, call, room } = await openTapes(both, { roles });
    const keeper = as("vaultkeeper");
    expect(await call("tape_cartridge_list", {}, keeper)).toMatchObject({
      items: [{ barcode: "T00003" }],
      notes: ["main was left out: not in roles.vaultkeeper.connections."],
    });
    expect(await call("connection_list", {}, keeper)).toMatchObject({ items: [{ name: "vault" }] });
    expect(await call("connection_test", {}, keeper)).toMatchObject({
      items: [{ name: "vault" }],
      notes: [expect.stringContaining("main was left out")],
    });
    expect((await app.overview(keeper)).connections.map((one) => one.connection)).toEqual(["vault"]);
    expect((await app.query("tapes", keeper)).items).toMatchObject([{ barcode: "T00003" }]);
    const { excluded } = await app.route({ isolation: "archive" }, keeper);
    expect(excluded).toContainEqual(expect.objectContaining({ connection: "main", why: expect.stringContaining("roles.vaultkeeper.connections") }));
    expect(await failure(call("tape_cartridge_get", { barcode: "T00001", library: "main" }, keeper))).toMatchObject({ code: "TOOL_DENIED" });
    expect(room("main").calls).toEqual([]);
  });

  it("is that of the whole app, where its caller has one", async () => {
    const { app, call } = await openTapes(both, { roles, caller: { id: "desk", roles: ["viewer"] } });
    expect(app.tools("all").some((tool) => tool.safety !== "read")).toBe(false);
    expect(await failure(call("tape_cartridge_load", { barcode: "T00001" }))).toMatchObject({ code: "TOOL_DENIED" });
  });

  it("that wants confirmations has the tools take their token", async () => {
    const { app, call } = await openTapes(both, { roles });
    expect(app.tool("tape_cartridge_load").inputSchema.properties).toHaveProperty("confirm");
    const refusal = await failure(call("tape_cartridge_load", { barcode: "T00001" }, as("operator")));
    expect(refusal.code).toBe("CONFIRMATION_REQUIRED");
    const confirm = refusal.data?.["confirm"];
    expect(await call("tape_cartridge_load", { barcode: "T00001", confirm }, as("operator"))).toMatchObject({ item: { state: "loaded" } });
  });
});

describe("the rules of a connection, and the core's own tools", () => {
  const closed = (deny: string[]) => ({ main: both.main, vault: { ...both.vault, tools: { deny } } });

  it("keep its capacity out of an overview that is not allowed there, but not what may be listed", async () => {
    const { app, room } = await openTapes({ main: both.main, vault: { ...both.vault, tools: { allow: ["tape_*"] } } });
    const { connections } = await app.overview();
    expect(connections).toMatchObject([
      { connection: "main", places: [{ healthy: true }], kinds: { cartridge: { total: 1 } } },
      { connection: "vault", places: [], kinds: { cartridge: { total: 1 } } },
    ]);
    expect(room("vault").calls).toEqual(["list"]);
  });

  it("keep it out of the overview, the queries, the tests and the list, as far as they deny those", async () => {
    const { app, call, room } = await openTapes(closed(["unified_resource_view", "inventory_query", "connection_*", "workload_suggest"]));
    expect((await app.overview()).connections.map((one) => one.connection)).toEqual(["main"]);
    expect((await app.query("tapes")).items).toMatchObject([{ barcode: "T00001" }]);
    expect(await call("connection_test")).toMatchObject({
      total: 1,
      notes: [expect.stringMatching(/vault was left out: denied by connections.vault.tools/)],
    });
    expect(await call("connection_list")).toMatchObject({ items: [{ name: "main" }] });
    for (const tool of ["inventory_overview", "connection_test"])
      expect(await failure(call(tool, { connection: "vault" })), tool).toMatchObject({ code: "TOOL_DENIED", connection: "vault" });
    expect((await app.route({ isolation: "archive" })).excluded).toContainEqual(
      expect.objectContaining({ connection: "vault", why: expect.stringContaining("workload_suggest is not allowed there") }),
    );
    expect(room("vault").calls).toEqual([]);
  });
});
