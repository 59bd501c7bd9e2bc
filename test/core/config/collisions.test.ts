import { createProxMcp, type ProxMcpError, type Setup } from "proxmcp";
import { defineProvider, facet, forClient, forConnections, type FoundConnection, type Provider } from "proxmcp/plugin";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { CORE_NAMES } from "../../../core/tools/names.js";
import { failure } from "../../fixtures/tape-app.js";
import { stock, tapeLibrary } from "../../fixtures/tape-library.js";

class Desk {
  static readonly inject = [] as const;
}

class BrokenDesk {
  static readonly inject = [] as const;
  constructor() {
    throw new Error("the desk has no legs");
  }
}

const { kind, write } = forClient<Desk>();

interface Differences {
  readonly name?: string;
  readonly aliases?: readonly string[];
  readonly client?: typeof Desk;
  readonly env?: () => readonly FoundConnection[];
  readonly found?: () => Promise<readonly FoundConnection[]>;
  /** Aliases of what can be done before there is a connection. */
  readonly opens?: readonly string[];
}

const opening = (aliases: readonly string[]) =>
  forConnections<Desk>().write({ about: "Open an office", input: {}, output: z.object({}), aliases, run: async () => ({}) });

/** A small provider whose one action has these aliases. */
const office = ({ name = "office", aliases = [], client = Desk, env, found, opens }: Differences = {}): Provider =>
  defineProvider({
    ...{ name, title: "Office", about: "Papers", hosts: [], client, test: async () => ({ version: "1" }) },
    connection: {
      noun: "room",
      schema: z.object({}),
      ...(env ? { env } : {}),
      ...(found ? { found } : {}),
      ...(opens ? { actions: { setup: opening(opens) } } : {}),
    },
    kinds: [
      kind({
        ...{ name: "paper", about: "A paper", key: "name", item: z.object({ name: facet(z.string(), "Name") }) },
        list: async () => [{ name: "bill" }],
        actions: { start: write({ about: "Begin it", aliases, run: async () => {} }) },
      }),
    ],
  });

const open = async (setup: Setup) => {
  const errors: ProxMcpError[] = [];
  const app = await createProxMcp({ env: {}, log: { level: "silent" }, onPluginError: (error) => void errors.push(error), ...setup });
  onTestFinished(() => app.close());
  return { app, errors };
};

const rooms = { main: { provider: "tape", room: "collide" }, desk: { provider: "office" } };

describe("a name of two plugins", () => {
  it.each([
    ["an alias that is another's alias", "mount_tape", "tape_cartridge_load"],
    ["an alias that is another's tool", "tape_cartridge_get", "tape_cartridge_get"],
  ])("%s is refused with both origins; the later plugin yields", async (_, alias, tool) => {
    stock("collide", []);
    const message = `The plugin the object "office" has names that are taken:\n  ${alias} means both ${tool} (the object "tape") and office_paper_start (the object "office")`;
    const plugins = [tapeLibrary(), office({ aliases: [alias] })];
    expect(await failure(createProxMcp({ plugins, connections: rooms, env: {} }))).toMatchObject({
      code: "PLUGIN_INVALID",
      message,
      next: expect.stringContaining("Leave one of the two plugins out"),
    });
    const { app, errors } = await open({ plugins, connections: rooms, defaults: { office: "desk" } });
    expect(errors.map((error) => error.message)).toEqual([message]);
    expect(app.providers.map(({ name }) => name)).toEqual(["tape"]);
    expect(app.connections.map(({ name }) => name)).toEqual(["main"]);
    expect(app.tool(alias).name).toBe(tool);
  });

  it("is refused where a tool of ProxMCP itself has it, by its name or an alias, listed or not", async () => {
    for (const taken of ["inventory_query", "unified_resource_view", "tool_call"])
      expect(
        await failure(createProxMcp({ plugins: [office({ aliases: [taken] })], connections: { desk: { provider: "office" } }, env: {} })),
      ).toMatchObject({
        code: "PLUGIN_INVALID",
        message: expect.stringContaining(`${taken} means both a tool of ProxMCP itself and office_paper_start`),
      });
  });

  it("is none where only one of them has a connection", async () => {
    const { app, errors } = await open({
      plugins: [tapeLibrary(), office({ aliases: ["mount_tape"] })],
      connections: { desk: { provider: "office" } },
    });
    expect(errors).toEqual([]);
    expect(app.tool("mount_tape").name).toBe("office_paper_start");
  });

  it("is one without any connection too, where it can be used without one", async () => {
    stock("collide", []);
    const connections = { main: rooms.main };
    expect(await failure(createProxMcp({ plugins: [tapeLibrary(), office({ opens: ["mount_tape"] })], connections, env: {} }))).toMatchObject({
      message: expect.stringContaining('mount_tape means both tape_cartridge_load (the object "tape") and office_room_setup (the object "office")'),
    });
  });

  it("leaves nothing to serve where the plugin was all there was", async () => {
    const setup = { plugins: [office({ aliases: ["tool_find"] })], connections: { desk: { provider: "office" } } };
    expect(await failure(open(setup))).toMatchObject({ message: expect.stringContaining("tool_find") });
  });
});

it("the names that no plugin may use are those of all tools that come from none", async () => {
  const names = new Set<string>();
  for (const surface of ["all", "search"] as const) {
    const { app } = await open({ plugins: [office()], connections: { desk: { provider: "office" } }, tools: { surface } });
    for (const tool of app.tools(surface).filter(({ operation }) => !operation)) for (const name of [tool.name, ...tool.aliases]) names.add(name);
  }
  expect([...CORE_NAMES].sort()).toEqual([...names].sort());
});

describe("a plugin that fails after it was loaded", () => {
  it("takes only its own calls with it, when its client can't be made", async () => {
    stock("collide", [{ barcode: "T00001" }]);
    const { app, errors } = await open({ plugins: [tapeLibrary(), office({ client: BrokenDesk })], connections: rooms });
    expect(errors).toEqual([]);
    expect(await failure(app.call("office_paper_list"))).toMatchObject({
      message: expect.stringContaining("the desk has no legs"),
      connection: "desk",
    });
    expect(await app.call("tape_cartridge_list")).toMatchObject({ total: 1 });
    expect(await app.call("connection_test")).toMatchObject({
      items: [
        { name: "main", ok: true },
        { name: "desk", ok: false, error: { message: "the desk has no legs" } },
      ],
    });
    expect(await app.call("inventory_overview")).toMatchObject({ connections: [{ connection: "main", health: "ok" }, { connection: "desk" }] });
    const { items, errors: sources } = await app.query("cartridges and papers");
    expect(items).toHaveLength(1);
    expect(sources).toEqual([expect.objectContaining({ connection: "desk" })]);
  });

  it.each([
    [
      "reading the environment",
      {
        env: () => {
          throw new Error("what is this?");
        },
      },
    ],
    [
      "looking around",
      {
        found: async () => {
          throw new Error("what is this?");
        },
      },
    ],
  ])("is left out when it fails %s, and the others look on", async (_, broken) => {
    stock("collide", []);
    const tapes = tapeLibrary();
    const near = {
      ...tapes,
      connection: { ...tapes.connection, found: async () => [{ name: "near", options: { room: "collide" }, from: "the cellar" }] },
    };
    const { app, errors } = await open({ plugins: [office(broken), near] });
    expect(errors.map(({ code, message }) => [code, message])).toEqual([
      ["PLUGIN_INVALID", 'The plugin the object "office" failed while it looked for connections: what is this?'],
    ]);
    expect(app.connections.map(({ name }) => name)).toEqual(["near"]);
    expect(await failure(createProxMcp({ plugins: [office(broken), near], env: {} }))).toMatchObject({ message: errors[0]?.message });
  });
});
