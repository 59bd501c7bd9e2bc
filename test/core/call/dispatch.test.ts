import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AUDIT, LOGGER, type AuditEntry, createProxMcp, facet, forClient, type Listing, ProxMcpError } from "proxmcp";
import { failure, openTapes } from "../../fixtures/tape-app.js";
import { type Robot, stock, tapeLibrary } from "../../fixtures/tape-library.js";

const one = { main: { cartridges: [{ barcode: "T00001" }, { barcode: "T00002" }] } };
const jam = (): never => {
  throw new ProxMcpError("UNREACHABLE", "The robot is jammed.");
};

describe("what a plugin answers", () => {
  it("a row with a wrong field is an error that names the field, beside the good rows", async () => {
    const { call } = await openTapes({
      main: { cartridges: [{ barcode: "T00001" }, { barcode: "T00002", mounts: "many" as never }, { barcode: "T00003", state: "lost" as never }] },
      vault: { cartridges: [{ barcode: "T00004" }] },
    });
    const { items, total, errors } = await call("tape_cartridge_list");
    expect(items).toMatchObject([{ barcode: "T00001" }, { barcode: "T00004" }]);
    expect(total).toBe(2);
    expect(errors).toMatchObject([
      { code: "INVALID_OUTPUT", connection: "main", message: expect.stringMatching(/T00002.*mounts/) },
      { code: "INVALID_OUTPUT", connection: "main", message: expect.stringMatching(/T00003.*state/) },
    ]);
  });

  it("a thousand rows with the same fault are one error", async () => {
    const cartridges = Array.from({ length: 1000 }, (_, at) => ({ barcode: `T${String(at).padStart(5, "0")}`, mounts: "many" as never }));
    const { call } = await openTapes({ main: { cartridges } });
    const { errors } = await call("tape_cartridge_list");
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringMatching(/T00000.*99\d more.*mounts/) })]);
  });

  it("an item with a wrong field is a failure that names the field", async () => {
    const { call } = await openTapes({ main: { cartridges: [{ barcode: "T00001", mounts: "many" as never }] } });
    for (const tool of ["tape_cartridge_get"])
      expect(await failure(call(tool, { barcode: "T00001" }))).toMatchObject({
        code: "INVALID_OUTPUT",
        connection: "main",
        message: expect.stringMatching(/T00001.*mounts/),
      });
  });

  it("an action's own output is held to its schema as well", async () => {
    const { call } = await openTapes({ main: { cartridges: [{ barcode: "T00001", mounts: 0.3 }] } });
    expect(await failure(call("tape_cartridge_stats", { barcode: "T00001" }))).toMatchObject({
      code: "INVALID_OUTPUT",
      message: expect.stringContaining("passes"),
    });
  });

  it("what the schema does not know is left out", async () => {
    const { call } = await openTapes({ main: { cartridges: [{ barcode: "T00001", shelf: 12 } as never] } });
    expect((await call("tape_cartridge_get", { barcode: "T00001" }))["item"]).not.toHaveProperty("shelf");
    expect((await call("tape_cartridge_list"))["items"]).toEqual([expect.not.objectContaining({ shelf: 12 })]);
  });

  it("any error that is none of the catalogue is INTERNAL, on its connection", async () => {
    const { call, room } = await openTapes(one);
    room("main").fault = () => {
      throw new TypeError("undefined is not a robot");
    };
    expect(await failure(call("tape_cartridge_list"))).toMatchObject({
      code: "INTERNAL",
      connection: "main",
      message: "undefined is not a robot",
    });
  });

  it("such an error is logged with the stack of where it happened", async () => {
    const errors: Record<string, unknown>[] = [];
    const quiet = (): void => {};
    const logger = { debug: quiet, info: quiet, warn: quiet, error: (_: string, facts: Record<string, unknown>) => void errors.push(facts) };
    const { call, room } = await openTapes(one, { services: (container) => container.register(LOGGER, { useValue: logger }) });
    room("main").fault = function brokenArm() {
      throw new TypeError("undefined is not a robot");
    };
    await failure(call("tape_cartridge_get", { barcode: "T00001" }));
    expect(errors).toEqual([{ call: expect.any(String), tool: "tape_cartridge_get", stack: expect.stringMatching(/brokenArm/) }]);
  });
});

describe("after a write", () => {
  it("the item is read back: the answer says what is, not what was asked for", async () => {
    const { call, room } = await openTapes(one);
    expect(await call("tape_cartridge_load", { barcode: "T00001" })).toEqual({
      item: expect.objectContaining({ barcode: "T00001", state: "loaded", mounts: 1 }),
    });
    expect(room("main").calls).toEqual(["load", "get"]);
    expect(await call("tape_cartridge_create", { barcode: "T00009", label: "new" })).toMatchObject({
      item: { barcode: "T00009", label: "new", capacity: 18e12 },
    });
  });

  it("one that fails is a failure, and nothing is read back", async () => {
    const { call, room } = await openTapes(one);
    expect(await failure(call("tape_cartridge_create", { barcode: "T00001" }))).toMatchObject({ code: "ALREADY_EXISTS", connection: "main" });
    expect(room("main").calls).toEqual(["create"]);
  });

  it("that it can't be read back is a note, not a failure", async () => {
    const { call, room } = await openTapes(one);
    room("main").fault = (made) => (made === "get" ? jam() : undefined);
    for (const [tool, barcode] of [
      ["tape_cartridge_load", "T00001"],
      ["tape_cartridge_create", "T00009"],
    ] as const) {
      const value = await call(tool, { barcode });
      expect(value["notes"]).toEqual([expect.stringMatching(new RegExp(`carried out.*${barcode}.*could not be read back.*jammed`))]);
      expect(value).not.toHaveProperty("item");
    }
    expect(room("main").cartridges).toMatchObject([{ state: "loaded" }, {}, { barcode: "T00009" }]);
  });

  it("a deletion is verified", async () => {
    const { call, room } = await openTapes({ main: { cartridges: [{ barcode: "T00001" }, { barcode: "T00002", write_protected: true }] } });
    expect(await call("tape_cartridge_delete", { barcode: "T00001" }, { confirm: true })).toEqual({ deleted: true, barcode: "T00001" });
    expect(await call("tape_cartridge_delete", { barcode: "T00002" }, { confirm: true })).toEqual({ deleted: false, barcode: "T00002" });
    expect(room("main").cartridges).toHaveLength(1);
  });

  it("a deletion that can't be verified says so", async () => {
    const { call, room } = await openTapes(one);
    room("main").fault = (made) => (made === "get" ? jam() : undefined);
    expect(await call("tape_cartridge_delete", { barcode: "T00001" }, { confirm: true })).toEqual({
      deleted: true,
      barcode: "T00001",
      notes: [expect.stringMatching(/could not be read back/)],
    });
  });
});

/** A library of one kind that was made up for a test. */
async function made(kind: unknown, setup: Parameters<typeof createProxMcp>[0] = {}) {
  const room = `made-${Math.random()}`;
  stock(room, []);
  return await createProxMcp({
    plugins: [{ ...tapeLibrary(), kinds: [kind] }],
    connections: { main: { provider: "tape", room } },
    log: { level: "silent" },
    ...setup,
  });
}

describe("a kind without a get of its own", () => {
  const { kind, write } = forClient<Robot>();
  const item = z.object({ id: facet(z.int(), "Number"), name: facet(z.string(), "Name") });
  const drives = (rows: readonly unknown[], listing: Partial<Listing<unknown>> = {}) =>
    kind({
      name: "drive",
      about: "A drive",
      item,
      key: "id",
      alsoBy: ["name"],
      list: async () => ({ items: rows as { id: number; name: string }[], ...listing }) as never,
      actions: { rename: write({ about: "Rename it", input: { to: z.string() }, run: async () => ({ key: "2" }) }) },
    });
  const rows = [
    { id: 1, name: "left" },
    { id: 2, name: "Right" },
    { id: 3, name: "left" },
  ];

  it("finds an item in its list, by key before by any other name", async () => {
    const app = await made(drives(rows));
    expect(await app.call("tape_drive_get", { id: 1 })).toMatchObject({ item: { name: "left" } });
    expect(await app.call("tape_drive_get", { id: "right" })).toMatchObject({ item: { id: 2 } });
    expect(await failure(app.call("tape_drive_get", { id: "left" }))).toMatchObject({
      code: "NAME_AMBIGUOUS",
      message: expect.stringContaining("1, 3"),
    });
    expect(await failure(app.call("tape_drive_get", { id: "9" }))).toMatchObject({ code: "NOT_FOUND" });
  });

  it("does not say that an item is missing while part of the list is", async () => {
    const errors = [new ProxMcpError("UNREACHABLE", "Rack 2 is dark.").report()];
    const app = await made(drives(rows, { errors }));
    expect(await failure(app.call("tape_drive_get", { id: "9" }))).toMatchObject({ code: "UNREACHABLE", message: expect.stringContaining("Rack 2") });
  });

  it("reads back by the key that the action answers", async () => {
    const app = await made(drives(rows));
    expect(await app.call("tape_drive_rename", { id: "1", to: "x" })).toMatchObject({ item: { id: 2 } });
  });

  it("passes on the errors of parts of its list, each with its source", async () => {
    const errors = [{ ...new ProxMcpError("UNREACHABLE", "Rack 2 is dark.").report(), source: "rack-2" }];
    const app = await made(drives(rows, { errors }));
    expect(await app.call("tape_drive_list")).toMatchObject({ total: 3, errors: [{ code: "UNREACHABLE", source: "rack-2", connection: "main" }] });
  });
});

describe("the audit", () => {
  it("has a line for each call with its outcome, and no token", async () => {
    const entries: AuditEntry[] = [];
    const { call, room } = await openTapes(
      { main: one.main, vault: { jammed: true } },
      { services: (container) => container.register(AUDIT, { useValue: { write: (entry: AuditEntry) => void entries.push(entry) } }) },
    );
    const refusal = await failure(call("tape_cartridge_delete", { barcode: "T00001", library: "main" }));
    await call("tape_cartridge_delete", { barcode: "T00001", library: "main", confirm: refusal.data?.["confirm"] });
    await call("tape_cartridge_list");
    await failure(call("tape_cartridge_get", { barcode: "T00009", library: "main" }));
    room("main").fault = (made) => (made === "get" ? jam() : undefined);
    await call("tape_cartridge_load", { barcode: "T00002", library: "main" });
    expect(entries.map(({ tool, outcome, connections, safety }) => [tool, outcome, connections, safety])).toEqual([
      ["tape_cartridge_delete", "CONFIRMATION_REQUIRED", [], "destructive"],
      ["tape_cartridge_delete", "ok", ["main"], "destructive"],
      ["tape_cartridge_list", "partial", ["main", "vault"], "read"],
      ["tape_cartridge_get", "NOT_FOUND", ["main"], "read"],
      ["tape_cartridge_load", "ok", ["main"], "write"],
    ]);
    expect(JSON.stringify(entries)).not.toContain(String(refusal.data?.["confirm"]));
    expect(entries[1]?.arguments).toEqual({ barcode: "T00001", library: "main" });
  });
});
