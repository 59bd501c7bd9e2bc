import { describe, expect, it } from "vitest";
import { failure, openTapes } from "../fixtures/tape-app.js";

const setup = {
  main: { tools: { allow: ["mount_tape", "tape_*_{list,get}"], confirm: "write" } },
  vault: { tools: { readOnly: true } },
} as const;
const rules = { tools: { deny: ["*_delete"] }, roles: { loader: { allow: ["tape_cartridge_*"], connections: ["main"] } } } as const;
const libraries = structuredClone(setup) as unknown as Parameters<typeof openTapes>[0];
const open = () => openTapes(libraries, structuredClone(rules) as unknown as Parameters<typeof openTapes>[1]);

describe("why a tool is listed or hidden", () => {
  it("names the rule of each connection, by the pattern that decided, and what wants it confirmed", async () => {
    const { app } = await open();
    expect(app.why("mount_tape")).toEqual({
      tool: "tape_cartridge_load",
      safety: "write",
      aliases: ["mount_tape"],
      listed: true,
      callable: true,
      why: "it is one of the everyday tools of the default surface",
      connections: [
        { connection: "main", allowed: true, why: 'allowed by connections.main.tools.allow "mount_tape"', confirm: "connections.main.tools.confirm" },
        { connection: "vault", allowed: false, why: "it is not read-only, and connections.vault.tools.readOnly is set" },
      ],
    });
  });

  it("says what hides it from all", async () => {
    const { app } = await open();
    const why = 'denied by tools.deny "*_delete"';
    expect(app.why("tape_cartridge_delete")).toMatchObject({ listed: false, callable: false, why, connections: [{ why }, { why }] });
    expect(() => app.why("tool_find")).toThrow('tools.surface is "search"');
  });

  it("tells, of the core's own tools, what a list keeps away and what it does not", async () => {
    const { app } = await open();
    expect(app.why("inventory_overview").connections).toMatchObject([
      { connection: "main", allowed: false, why: "not in connections.main.tools.allow; what it asks for other tools is decided for those" },
      { connection: "vault", allowed: true },
    ]);
  });

  it("tells what the surface hides from what a rule hides", async () => {
    const { app } = await openTapes({ main: {} });
    expect(app.why("tape_cartridge_stats")).toMatchObject({
      listed: false,
      callable: true,
      why: expect.stringContaining("surface default lists everyday tools only"),
      connections: [{ allowed: true, why: "no rule forbids it" }],
    });
    expect(app.why("tape_cartridge_stats", { surface: "all" })).toMatchObject({ listed: true });
    expect(app.why("tape_cartridge_exec").connections).toMatchObject([{ confirm: "tools.confirm" }]);
  });

  it("is asked for one caller, with the rules of its role", async () => {
    const { app } = await open();
    const caller = { id: "x", roles: ["loader"] };
    expect(app.why("tape_cartridge_get", { caller }).connections).toMatchObject([
      { allowed: true, why: 'allowed by connections.main.tools.allow "tape_*_{list,get}", allowed by roles.loader.allow "tape_cartridge_*"' },
      { allowed: false, why: "not in roles.loader.connections" },
    ]);
    expect(app.why("tape_track_list", { caller })).toMatchObject({ callable: false, why: "not in roles.loader.allow" });
  });

  it("of a name that is none says which ones are near", async () => {
    const { app } = await open();
    const error = await failure(Promise.resolve().then(() => app.why("cartridge_load")));
    expect(error).toMatchObject({ code: "TOOL_UNKNOWN", message: expect.stringContaining("tape_cartridge_load") });
  });

  it("agrees with what happens, for every tool, caller and connection", async () => {
    const { app, room } = await open();
    for (const caller of [app.caller, { id: "x", roles: ["loader"] }, { id: "y", roles: ["none"] }])
      for (const tool of [
        "tape_cartridge_list",
        "tape_cartridge_get",
        "tape_cartridge_load",
        "tape_cartridge_stats",
        "tape_cartridge_delete",
        "tape_track_list",
      ]) {
        const { listed, callable, connections } = app.why(tool, { caller });
        expect(
          app.tools(app.surface, caller).some(({ name }) => name === tool),
          tool,
        ).toBe(listed);
        for (const { connection, allowed } of connections) {
          const args = tool.endsWith("cartridge_list") ? {} : tool.startsWith("tape_track") ? { cartridge: "T00001" } : { barcode: "T00001" };
          room(connection).cartridges = [];
          const { code } = await failure(
            app.call(tool, { ...args, library: connection }, { caller, confirm: true }).then(() => Promise.reject(new Error("found"))),
          ).catch(() => ({ code: "NONE" }));
          expect(code === "TOOL_DENIED", `${tool} on ${connection} for ${caller.id}: ${code}`).toBe(!allowed || !callable);
        }
      }
  });
});
