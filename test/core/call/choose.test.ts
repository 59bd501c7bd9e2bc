import { describe, expect, it } from "vitest";
import { LOGGER, type Logger } from "proxmcp";
import { failure, openTapes } from "../../fixtures/tape-app.js";

const two = {
  main: { cartridges: [{ barcode: "T00001", label: "monday" }] },
  vault: { cartridges: [{ barcode: "T00002", label: "tuesday" }] },
};
/** Both hold T00001. */
const twins = { main: { cartridges: [{ barcode: "T00001" }] }, vault: { cartridges: [{ barcode: "T00001" }] } };

describe("the parameter that names a connection", () => {
  it("is absent with one connection, and may still be given", async () => {
    const { app, call } = await openTapes({ main: two.main });
    for (const tool of app.tools("all").filter((one) => one.operation)) {
      expect(tool.inputSchema.properties).not.toHaveProperty("library");
      expect(tool.outputSchema.properties).not.toHaveProperty("library");
    }
    expect(await call("tape_cartridge_get", { barcode: "T00001", library: "main" })).toEqual({
      item: expect.objectContaining({ barcode: "T00001" }),
    });
    expect(await failure(call("tape_cartridge_get", { barcode: "T00001", library: "other" }))).toMatchObject({ code: "CONNECTION_UNKNOWN" });
  });

  it("is an enum of all connections with several, and results say which one answered", async () => {
    const { app, call } = await openTapes(two);
    for (const tool of app.tools("all").filter((one) => one.operation))
      expect(tool.inputSchema.properties?.["library"]).toMatchObject({ type: "string", enum: ["main", "vault"] });
    expect(await call("tape_cartridge_get", { barcode: "T00002" })).toMatchObject({ library: "vault" });
    const { items } = await call("tape_cartridge_list");
    expect(items).toMatchObject([
      { barcode: "T00001", library: "main" },
      { barcode: "T00002", library: "vault" },
    ]);
  });
});

describe("the order of the choice", () => {
  it("takes the named connection first, whatever the pattern and the default say, and asks no other", async () => {
    const { call, room } = await openTapes({ main: { ...twins.main, match: ["T*"] }, vault: twins.vault }, { defaults: { tape: "main" } });
    await call("tape_cartridge_load", { barcode: "T00001", library: "vault" });
    expect(room("vault").cartridges[0]?.mounts).toBe(1);
    expect(room("main").calls).toEqual([]);
  });

  it("takes the connection whose pattern claims the name next, without asking the others", async () => {
    const { call, room } = await openTapes({ main: twins.main, vault: { ...twins.vault, match: ["t0000?"] } }, { defaults: { tape: "main" } });
    await call("tape_cartridge_load", { barcode: "T00001" });
    expect(room("vault").cartridges[0]?.mounts).toBe(1);
    expect(room("main").calls).toEqual([]);
  });

  it("applies patterns to the name of what is created", async () => {
    const { call, room } = await openTapes({ main: {}, vault: { match: ["T9*"] } }, { defaults: { tape: "main" } });
    await call("tape_cartridge_create", { barcode: "T90000" });
    await call("tape_cartridge_create", { barcode: "T10000" });
    expect(room("vault").cartridges).toMatchObject([{ barcode: "T90000" }]);
    expect(room("main").cartridges).toMatchObject([{ barcode: "T10000" }]);
  });

  it("asks only the claiming connections when several patterns claim a name", async () => {
    const { call, room } = await openTapes({
      main: { match: ["T*"] },
      vault: { cartridges: [{ barcode: "T00001" }], match: ["T0*"] },
      attic: { cartridges: [{ barcode: "T00001" }] },
    });
    expect(await call("tape_cartridge_get", { barcode: "T00001" })).toMatchObject({ library: "vault" });
    expect(room("attic").calls).toEqual([]);
    expect(await failure(call("tape_cartridge_create", { barcode: "T00002" }))).toMatchObject({
      code: "CONNECTION_AMBIGUOUS",
      data: { candidates: ["main", "vault"] },
    });
  });

  it("looks the name up by asking, before the default is considered", async () => {
    const { call, room } = await openTapes(two, { defaults: { tape: "main" } });
    await call("tape_cartridge_load", { barcode: "T00002" });
    expect(room("vault").cartridges[0]?.mounts).toBe(1);
  });

  it("finds an item by another of its names", async () => {
    const { call } = await openTapes(two, { defaults: { tape: "main" } });
    expect(await call("tape_cartridge_get", { barcode: "tuesday" })).toMatchObject({ library: "vault", item: { barcode: "T00002" } });
  });

  it("takes the default where there is nothing to look up", async () => {
    const { call, room } = await openTapes(two, { defaults: { tape: "vault" } });
    expect(await call("tape_cartridge_create", { barcode: "T00009" })).toMatchObject({ library: "vault" });
    expect(room("main").calls).toEqual([]);
  });

  it("never falls back to the default for something that exists nowhere", async () => {
    const { call, room } = await openTapes(two, { defaults: { tape: "vault" } });
    const error = await failure(call("tape_cartridge_load", { barcode: "T00009" }));
    expect(error).toMatchObject({ code: "NOT_FOUND" });
    expect(error.message).toContain("main, vault");
    expect([...room("main").calls, ...room("vault").calls]).not.toContain("load");
  });
});

describe("a choice that can't be made", () => {
  it("lists both connections that hold the name", async () => {
    const { call, room } = await openTapes(twins, { defaults: { tape: "main" } });
    for (const tool of ["tape_cartridge_load", "tape_cartridge_get", "tape_cartridge_delete"]) {
      const error = await failure(call(tool, { barcode: "T00001" }, { confirm: true }));
      expect(error).toMatchObject({ code: "CONNECTION_AMBIGUOUS", data: { candidates: ["main", "vault"] } });
      expect(error.message).toContain("main, vault");
      expect(error.next).toContain("library");
    }
    expect([...room("main").calls, ...room("vault").calls].every((one) => one === "get")).toBe(true);
  });

  it("lists what there is when the named connection is unknown", async () => {
    const { call } = await openTapes(two);
    for (const library of ["cellar", "__proto__", "constructor", "Main"]) {
      const error = await failure(call("tape_cartridge_list", { library }));
      expect(error).toMatchObject({ code: "CONNECTION_UNKNOWN", data: { known: ["main", "vault"] } });
      expect(error.message).toContain("main, vault");
    }
  });

  it("says that a connection is needed, naming the parameter and the connections", async () => {
    const { call } = await openTapes(two);
    const error = await failure(call("tape_cartridge_create", { barcode: "T00009" }));
    expect(error).toMatchObject({ code: "CONNECTION_NEEDED", data: { known: ["main", "vault"] } });
    expect(error.next).toContain("`library`");
  });

  it("passes on that one connection has several items of that name", async () => {
    const { call } = await openTapes({
      main: {
        cartridges: [
          { barcode: "T00001", label: "week" },
          { barcode: "T00002", label: "week" },
        ],
      },
      vault: {},
    });
    expect(await failure(call("tape_cartridge_load", { barcode: "week" }))).toMatchObject({ code: "NAME_AMBIGUOUS" });
  });
});

describe("while a connection does not answer", () => {
  const jammed = { main: two.main, vault: { ...two.vault, jammed: true } };

  it("a write is refused though another connection holds the name: never a guess", async () => {
    const { call, room } = await openTapes(jammed, { defaults: { tape: "main" } });
    for (const tool of ["tape_cartridge_load", "tape_cartridge_delete"]) {
      const error = await failure(call(tool, { barcode: "T00001" }, { confirm: true }));
      expect(error).toMatchObject({ code: "CONNECTION_UNCERTAIN", data: { candidates: ["main"], unasked: ["vault"] } });
      expect(error.next).toContain('library: "main"');
    }
    expect(room("main").cartridges).toHaveLength(1);
    expect(room("main").cartridges[0]?.mounts).toBe(0);
  });

  it("a write goes on when the connection is named", async () => {
    const { call } = await openTapes(jammed);
    expect(await call("tape_cartridge_load", { barcode: "T00001", library: "main" })).toMatchObject({ item: { state: "loaded" } });
  });

  it("a read goes on, with a note that names the silent one", async () => {
    const { call } = await openTapes(jammed);
    for (const tool of ["tape_cartridge_get", "tape_cartridge_stats"]) {
      const { library, notes } = await call(tool, { barcode: "T00001" });
      expect(library).toBe("main");
      expect(notes).toEqual([expect.stringMatching(/main.*vault could not be asked.*jammed/)]);
    }
  });

  it("what no answering connection holds is uncertain, not missing", async () => {
    const { call } = await openTapes(jammed);
    expect(await failure(call("tape_cartridge_get", { barcode: "T00002" }))).toMatchObject({
      code: "CONNECTION_UNCERTAIN",
      data: { candidates: [], unasked: ["vault"] },
    });
  });

  it("one that hangs does not keep a read from the one that answers", async () => {
    const { call, room } = await openTapes(two, { limits: { readTimeout: 0.1 } });
    room("vault").gate = new Promise(() => {});
    const { library, notes } = await call("tape_cartridge_get", { barcode: "T00001" });
    expect(library).toBe("main");
    expect(notes).toEqual([expect.stringContaining("vault could not be asked")]);
    expect(await failure(call("tape_cartridge_load", { barcode: "T00001" }))).toMatchObject({ code: "CONNECTION_UNCERTAIN" });
  });
});

describe("nested kinds", () => {
  it("go where their owner is", async () => {
    const { call, room } = await openTapes(two, { defaults: { tape: "main" } });
    const { items } = await call("tape_track_list", { cartridge: "T00002" });
    expect(items).toMatchObject([{ name: "track-1", library: "vault" }, { name: "track-2" }, { name: "track-3" }]);
    expect(room("main").calls).toEqual(["get"]);
    expect(await call("tape_track_get", { name: "track-2", cartridge: "T00002" })).toMatchObject({ library: "vault", item: { number: 2 } });
    await call("tape_track_delete", { name: "track-2", cartridge: "T00002" }, { confirm: true });
    expect(room("main").calls).not.toContain("erase");
    expect(room("vault").calls).toContain("erase");
  });

  it("go where the owner's pattern points", async () => {
    const { call, room } = await openTapes({ main: twins.main, vault: { ...twins.vault, match: ["T*"] } });
    expect(await call("tape_track_get", { name: "track-1", cartridge: "T00001" })).toMatchObject({ library: "vault" });
    expect(room("main").calls).toEqual([]);
  });

  it("are as ambiguous as their owner", async () => {
    const { call } = await openTapes(twins);
    expect(await failure(call("tape_track_list", { cartridge: "T00001" }))).toMatchObject({ code: "CONNECTION_AMBIGUOUS" });
  });
});

describe("a list that names no connection", () => {
  const dead = {
    attic: { jammed: true },
    main: two.main,
    cellar: { jammed: true },
    vault: two.vault,
  };

  it("goes to all; dead ones are errors beside the rows, in the order of the config", async () => {
    const { call, room } = await openTapes(dead);
    for (const slow of ["attic", "cellar"]) {
      room(slow).gate = new Promise((resolve) => setTimeout(resolve, 20));
      const { items, total, errors } = await call("tape_cartridge_list");
      expect(items).toMatchObject([{ library: "main" }, { library: "vault" }]);
      expect(total).toBe(2);
      expect(errors).toMatchObject([
        { code: "UNREACHABLE", connection: "attic", tried: ["list"] },
        { code: "UNREACHABLE", connection: "cellar" },
      ]);
    }
  });

  it("one that hangs is an error beside the rows too", async () => {
    const { call, room } = await openTapes(two, { limits: { readTimeout: 0.1 } });
    room("main").gate = new Promise(() => {});
    const { items, errors } = await call("tape_cartridge_list");
    expect(items).toMatchObject([{ library: "vault" }]);
    expect(errors).toMatchObject([{ code: "TIMEOUT", connection: "main" }]);
  });

  it("fails when all are dead, saying so for each", async () => {
    const { call } = await openTapes({ attic: dead.attic, cellar: dead.cellar });
    const error = await failure(call("tape_cartridge_list"));
    expect(error.code).toBe("UNREACHABLE");
    expect(error.message).toMatch(/attic.*cellar/);
    expect(error.data).toMatchObject({ errors: [{ connection: "attic" }, { connection: "cellar" }] });
  });

  it("fails as the connection does when it is the only one, or was named", async () => {
    const single = await openTapes({ attic: dead.attic });
    expect(await failure(single.call("tape_cartridge_list"))).toMatchObject({ code: "UNREACHABLE", connection: "attic" });
    const named = await openTapes(dead);
    expect(await failure(named.call("tape_cartridge_list", { library: "cellar" }))).toMatchObject({ code: "UNREACHABLE", connection: "cellar" });
  });
});

describe("why a connection was chosen", () => {
  it("stands in the log, for each way of choosing", async () => {
    const chosen: unknown[] = [];
    const logger: Logger = {
      debug: (message, facts) => void (message === "connection chosen" && chosen.push([facts?.["connections"], facts?.["why"]])),
      info: () => {},
      warn: () => {},
      error: () => {},
    };
    const { call } = await openTapes(
      { main: { cartridges: [{ barcode: "T1" }] }, vault: { cartridges: [{ barcode: "V1" }], match: ["T7*"] } },
      { defaults: { tape: "main" }, services: (container) => container.register(LOGGER, { useValue: logger }) },
    );
    await call("tape_cartridge_get", { barcode: "T1", library: "main" });
    await call("tape_cartridge_create", { barcode: "T70000" });
    await call("tape_cartridge_get", { barcode: "V1" });
    await call("tape_cartridge_create", { barcode: "T90000" });
    await call("tape_cartridge_list");
    expect(chosen).toEqual([
      [["main"], "named in the call"],
      [["vault"], 'its pattern matches "T70000"'],
      [["vault"], "found there"],
      [["main"], expect.stringContaining("default")],
      [["main", "vault"], "a list goes to all"],
    ]);
  });
});
