import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { createProxMcp, forConnections, type Provider, type Setup } from "proxmcp";
import { deriveReference } from "../../../core/derive/reference.js";
import { Robot, stock, tapeLibrary } from "../../fixtures/tape-library.js";
import { failure } from "../../fixtures/tape-app.js";

const { read, write, destructive } = forConnections<Robot>();
const seen: unknown[] = [];

/** The tape library with what can be done before there is one. */
function withActions(actions: NonNullable<Provider["connection"]["actions"]>): Provider {
  const { connection, ...rest } = tapeLibrary();
  return { ...rest, connection: { ...connection, actions } };
}

const library = withActions({
  discover: read({
    about: "Look for libraries",
    aliases: ["find_libraries"],
    input: { floor: z.int().describe("Which floor") },
    output: z.object({ rooms: z.array(z.string()) }),
    run: async ({ input }) => ({ rooms: [`room-${input.floor}`] }),
  }),
  setup: write({
    about: "Carry a robot in",
    input: { room: z.string() },
    output: z.object({ made: z.boolean() }),
    run: async ({ agree, input, connect, note, progress, keeper }) => {
      progress({ progress: 1, total: 2, message: "carried" });
      await agree(`Drill holes in ${input.room}?`);
      const client = await connect({ name: "new", options: { room: input.room } });
      seen.push(
        client,
        keeper.connections.map(({ name }) => name),
      );
      note("mind the holes");
      return { made: true };
    },
  }),
});

async function open(setup: Partial<Setup> = {}) {
  const app = await createProxMcp({ plugins: [library], connections: {}, env: {}, log: { level: "silent" }, ...setup });
  onTestFinished(() => app.close());
  return app;
}

describe("actions on connections as such", () => {
  it("are tools before there is any connection, by the noun that connections have", async () => {
    const app = await open();
    expect(app.connections).toEqual([]);
    expect(app.tool("tape_library_discover")).toMatchObject({
      safety: "read",
      everyday: false,
      openWorld: true,
      inputSchema: { required: ["floor"] },
    });
    expect(app.tool("tape_library_setup").inputSchema.properties).toHaveProperty("confirm");
    expect(await app.call("find_libraries", { floor: 3 })).toEqual({ result: { rooms: ["room-3"] } });
    expect(await failure(app.call("tape_library_discover", { floor: "x" }))).toMatchObject({ code: "INVALID_INPUT" });
  });

  it("ask on their way, are lent clients that are closed at the end, and know the connections of their provider", async () => {
    stock("attic", []);
    const app = await open({ connections: { main: { provider: "tape", room: "attic" } } });
    const asked: string[] = [];
    seen.length = 0;
    const closed = Robot.closed.length;
    const answer = await app.call("tape_library_setup", { room: "attic" }, { confirm: async (question) => asked.push(question) > 0 });
    expect(answer).toEqual({ result: { made: true }, notes: ["mind the holes"] });
    expect(asked).toEqual(["Drill holes in attic?"]);
    expect(seen).toEqual([expect.any(Robot), ["main"]]);
    expect(Robot.closed.length).toBe(closed + 1);
    expect(await failure(app.call("tape_library_setup", { room: "attic" }, { confirm: async () => false }))).toMatchObject({ code: "DECLINED" });
    expect(await failure(app.call("tape_library_setup", { room: "" }, { confirm: true }))).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("room"),
    });
  });

  it("are held to the rules of the config", async () => {
    expect(await failure((await open({ tools: { readOnly: true } })).call("tape_library_setup", { room: "x" }))).toMatchObject({
      code: "TOOL_DENIED",
    });
    expect(await failure((await open({ tools: { deny: ["*_discover"] } })).call("find_libraries", { floor: 1 }))).toMatchObject({
      code: "TOOL_DENIED",
    });
    // A role that sees some connections makes none that it could not see.
    const roles = { guest: { connections: ["other"] } };
    const guest = await open({ roles, caller: { id: "g", roles: ["guest"] } });
    expect(await failure(guest.call("tape_library_setup", { room: "attic" }, { confirm: true }))).toMatchObject({
      code: "TOOL_DENIED",
      message: expect.stringContaining("not in roles.guest.connections"),
    });
    const asked: string[] = [];
    const strict = await open({ tools: { confirm: "write" } });
    await strict.call("tape_library_setup", { room: "attic" }, { confirm: async (question) => asked.push(question) > 0 });
    expect(asked).toEqual([expect.stringContaining("Carry a robot in"), "Drill holes in attic?"]);
  });

  it("stand in the reference", async () => {
    const app = await open();
    const tools = app.tools("all").filter(({ of }) => of === library);
    expect(deriveReference(library, tools, {})).toMatch(/## Before there is a connection\n\nThese need none\.\n\n### `tape_library_discover`/);
  });

  it("are refused with all their faults", async () => {
    const faulty = withActions({
      Bad: { ...destructive({ about: "", input: { confirm: z.string() }, output: z.object({}), run: async () => ({}) }), timeout: 0 },
      list: "nothing" as never,
      // Both mean a tool of the kind.
      load: read({ about: "x", aliases: ["tape_cartridge_list"], input: {}, output: z.object({}), run: async () => ({}) }),
    });
    const error = await failure(createProxMcp({ plugins: [faulty], connections: {} }));
    expect(error).toMatchObject({ code: "PLUGIN_INVALID" });
    for (const fault of [
      "Bad: a verb has to be lower-case",
      "Bad: about: missing",
      '"confirm" is taken',
      "Bad: timeout",
      "list: has to be an action",
      "tape_cartridge_list: means both connection load",
    ])
      expect(error.message).toContain(fault);
  });
});
