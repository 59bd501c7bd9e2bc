import { describe, expect, it } from "vitest";
import fc from "fast-check";
import type { ProxMcp, Setup } from "proxmcp";
import { failure, openTapes, until } from "../../fixtures/tape-app.js";

type Rules = NonNullable<Setup["tools"]>;

const both = {
  main: { cartridges: [{ barcode: "T00001" }, { barcode: "T00002" }] },
  vault: { cartridges: [{ barcode: "T00003" }, { barcode: "T00004" }] },
};
const names = (app: ProxMcp, surface?: "default" | "all"): string[] =>
  app
    .tools(surface)
    .filter((tool) => tool.operation)
    .map((tool) => tool.name);

/** That a tool is neither listed nor callable, by any of its names, straight or through the search tools. */
async function expectGone(setup: Rules, tool: string, called: readonly string[] = [tool]): Promise<void> {
  const args = { barcode: "T00001", name: "track-1", cartridge: "T00001", milliseconds: 1 };
  const plain = await openTapes(both, { tools: setup });
  expect(names(plain.app, "all")).not.toContain(tool);
  const search = await openTapes(both, { tools: { ...setup, surface: "search" } });
  const found = (await search.call("tool_find", {}))["items"] as { name: string }[];
  expect(found.map((one) => one.name)).not.toContain(tool);
  for (const name of called) {
    expect(await failure(plain.call(name, args, { confirm: true }))).toMatchObject({ code: "TOOL_DENIED" });
    expect(await failure(search.call(name, args, { confirm: true }))).toMatchObject({ code: "TOOL_DENIED" });
    expect(await failure(search.call("tool_describe", { name }))).toMatchObject({ code: "TOOL_UNKNOWN" });
    const nested = { name: "tool_call", arguments: { name, arguments: args } };
    for (const through of [{ name, arguments: args }, nested])
      expect(await failure(search.call("tool_call", through, { confirm: true }))).toMatchObject({ code: "TOOL_UNKNOWN" });
  }
  for (const { room } of [plain, search]) expect([...room("main").calls, ...room("vault").calls]).toEqual([]);
}

describe("the allowlist", () => {
  it("lists and calls only what it names", async () => {
    const { app, call } = await openTapes(both, { tools: { allow: ["tape_*_list", "tape_cartridge_load"] } });
    expect(names(app)).toEqual(["tape_cartridge_list", "tape_cartridge_load", "tape_track_list"]);
    expect(await call("tape_cartridge_load", { barcode: "T00001" })).toMatchObject({ item: { state: "loaded" }, library: "main" });
    expect(await failure(call("tape_cartridge_get", { barcode: "T00001" }))).toMatchObject({ code: "TOOL_DENIED" });
    await expectGone({ allow: ["tape_*_list"] }, "tape_cartridge_get");
  });

  it("with nothing in it allows nothing", async () => {
    const { app } = await openTapes(both, { tools: { allow: [] } });
    expect(app.tools("all")).toEqual([]);
  });

  it("means the tool when it names an alias", async () => {
    const { app, call } = await openTapes(both, { tools: { allow: ["mount_tape"] } });
    expect(names(app)).toEqual(["tape_cartridge_load"]);
    expect(await call("mount_tape", { barcode: "T00003" })).toMatchObject({ item: { state: "loaded" } });
    expect(await call("tape_cartridge_load", { barcode: "T00003" })).toMatchObject({ item: { state: "loaded" } });
  });
});

describe("a tool that is allowed by an alias only", () => {
  // Whether a tool has to be confirmed is asked without its aliases, so the parameter is missing from its schema.
  it("takes a token like any other", async () => {
    const { app } = await openTapes(both, { tools: { allow: ["mount_tape"], confirm: "write" } });
    expect(app.tool("tape_cartridge_load").inputSchema.properties).toHaveProperty("confirm");
  });
});

describe("the denylist", () => {
  it("wins over the allowlist", async () => {
    await expectGone({ allow: ["tape_*"], deny: ["*_delete"] }, "tape_cartridge_delete");
    await expectGone({ allow: ["tape_*"], deny: ["*_delete"] }, "tape_track_delete");
  });

  it("takes a tool away by any of its names, under all of them", async () => {
    for (const deny of [["mount_tape"], ["tape_cartridge_load"], ["mount*"], ["*_load"]])
      await expectGone({ deny }, "tape_cartridge_load", ["tape_cartridge_load", "mount_tape"]);
    await expectGone({ deny: ["tapes-list"] }, "tape_cartridge_list", ["tape_cartridge_list", "tapes-list"]);
  });

  it("takes the search tools themselves away", async () => {
    const { app, call } = await openTapes(both, { tools: { surface: "search", deny: ["tool_call"] } });
    expect(app.tools().map((tool) => tool.name)).toEqual(["tool_find", "tool_describe"]);
    expect(await failure(call("tool_call", { name: "tape_cartridge_list", arguments: {} }))).toMatchObject({ code: "TOOL_DENIED" });
  });
});

describe("readOnly", () => {
  it("removes everything that is not a read", async () => {
    const { app } = await openTapes(both, { tools: { readOnly: true } });
    expect(names(app, "all")).toEqual(["tape_cartridge_list", "tape_cartridge_get", "tape_cartridge_stats", "tape_track_list", "tape_track_get"]);
    for (const tool of ["load", "create", "delete", "exec"]) await expectGone({ readOnly: true }, `tape_cartridge_${tool}`);
    await expectGone({ readOnly: true, allow: ["*"] }, "tape_cartridge_load", ["tape_cartridge_load", "mount_tape"]);
  });
});

describe("the rules of one connection", () => {
  it("keep a list from it, with a note, and refuse an explicit call", async () => {
    const { call, room } = await openTapes({ main: both.main, vault: { ...both.vault, tools: { deny: ["tapes-*"] } } });
    const { items, notes } = await call("tape_cartridge_list");
    expect(items).toMatchObject([{ library: "main" }, { library: "main" }]);
    expect(notes).toEqual([expect.stringMatching(/vault was left out.*connections\.vault\.tools\.deny/)]);
    expect(await failure(call("tape_cartridge_list", { library: "vault" }))).toMatchObject({ code: "TOOL_DENIED", connection: "vault" });
    expect(room("vault").calls).toEqual([]);
  });

  it("refuse a write where the item is, and never send it elsewhere", async () => {
    const { call, room } = await openTapes({ main: both.main, vault: { ...both.vault, tools: { readOnly: true } } }, { defaults: { tape: "main" } });
    expect(await failure(call("tape_cartridge_load", { barcode: "T00003" }))).toMatchObject({
      code: "TOOL_DENIED",
      connection: "vault",
      message: expect.stringContaining("connections.vault.tools.readOnly"),
    });
    expect([...room("main").calls, ...room("vault").calls]).not.toContain("load");
    expect(await call("tape_cartridge_load", { barcode: "T00001" })).toMatchObject({ library: "main" });
  });

  it("refuse what its pattern claims, rather than look elsewhere", async () => {
    const { call, room } = await openTapes({
      main: { cartridges: [{ barcode: "T00003" }] },
      vault: { ...both.vault, match: ["T*"], tools: { readOnly: true } },
    });
    expect(await failure(call("tape_cartridge_delete", { barcode: "T00003" }, { confirm: true }))).toMatchObject({ code: "TOOL_DENIED" });
    expect(room("main").calls).toEqual([]);
  });

  it("keep even the look-up away where neither the tool nor looking is allowed", async () => {
    const { call, room } = await openTapes({ main: both.main, vault: { ...both.vault, tools: { deny: ["tape_*"] } } });
    expect(await call("tape_cartridge_get", { barcode: "T00001" })).toMatchObject({ library: "main" });
    expect(await call("tape_cartridge_load", { barcode: "T00001" })).toMatchObject({ library: "main" });
    expect(await call("tape_track_list", { cartridge: "T00001" })).toMatchObject({ total: 3 });
    const error = await failure(call("tape_cartridge_get", { barcode: "T00003" }));
    expect(error.code).toBe("NOT_FOUND");
    expect(error.message).toMatch(/Asked: main\./);
    expect(room("vault").calls).toEqual([]);
  });

  it("still see two items of one name where looking is allowed", async () => {
    const { call } = await openTapes({ main: both.main, vault: { ...both.main, tools: { readOnly: true } } });
    expect(await failure(call("tape_cartridge_load", { barcode: "T00001" }))).toMatchObject({ code: "CONNECTION_AMBIGUOUS" });
  });

  it("on all connections take a tool off the list", async () => {
    const deny = { tools: { deny: ["*_load"] } };
    const { app, call } = await openTapes({ main: { ...both.main, ...deny }, vault: { ...both.vault, ...deny } });
    expect(names(app, "all")).not.toContain("tape_cartridge_load");
    expect(await failure(call("mount_tape", { barcode: "T00001", library: "main" }))).toMatchObject({ code: "TOOL_DENIED" });
  });
});

describe("whatever the rules", () => {
  const globs = [
    "*",
    "tape_*",
    "tape_cartridge_*",
    "tape_track_*",
    "*_list",
    "*_get",
    "*_delete",
    "*_load",
    "mount_tape",
    "tapes-*",
    "tape_cartridge_exec",
    "tool_*",
    "*_call",
    "nothing",
  ];
  const some = fc.option(fc.uniqueArray(fc.constantFrom(...globs), { maxLength: 3 }), { nil: undefined, freq: 2 });
  const deny = fc.option(fc.uniqueArray(fc.constantFrom(...globs.slice(1)), { maxLength: 2 }), { nil: undefined, freq: 2 });
  const rules = fc.record({ allow: some, deny, readOnly: fc.option(fc.boolean(), { nil: undefined, freq: 2 }) });
  const setups = fc.record({
    general: rules,
    main: rules,
    vault: rules,
    surface: fc.constantFrom("default" as const, "all" as const, "search" as const),
    match: fc.option(fc.constantFrom("T*", "T00001", "*"), { nil: undefined }),
  });
  const calls = fc.array(
    fc.record({
      tool: fc.constantFrom(
        "cartridge_list",
        "cartridge_get",
        "cartridge_load",
        "cartridge_delete",
        "cartridge_stats",
        "cartridge_exec",
        "track_list",
        "track_get",
        "track_delete",
      ),
      alias: fc.boolean(),
      through: fc.constantFrom("straight", "tool_call", "tool_call twice"),
      library: fc.constantFrom(undefined, undefined, "main", "vault"),
      barcode: fc.constantFrom("T00001", "T00003", "T00009"),
    }),
    { minLength: 1, maxLength: 6 },
  );
  const aliases: Record<string, string> = { cartridge_load: "mount_tape", cartridge_list: "tapes-list" };
  const reads = ["cartridge_list", "cartridge_get", "cartridge_stats", "track_list", "track_get"];
  const clean = <Part extends Record<string, unknown>>(part: Part) =>
    Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined)) as { [name in keyof Part]: Exclude<Part[name], undefined> };

  /** The rules once more, written down without any library. */
  function permits(
    { allow, deny, readOnly }: { allow?: string[] | undefined; deny?: string[] | undefined; readOnly?: boolean | undefined },
    tool: string,
  ) {
    const known = [`tape_${tool}`, ...(aliases[tool] ? [aliases[tool]] : [])];
    const hits = (glob: string): boolean => known.some((name) => new RegExp(`^${glob.replaceAll("*", ".*")}$`).test(name));
    return !(readOnly && !reads.includes(tool)) && !deny?.some(hits) && (allow === undefined || allow.some(hits));
  }

  it("no call reaches a connection on which they deny its tool", async () => {
    let reached = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(setups, calls, async ({ general, surface, match, ...own }, made) => {
        const { app, call, room } = await openTapes(
          { main: { ...both.main, tools: clean(own.main), ...(match ? { match: [match] } : {}) }, vault: { ...both.vault, tools: clean(own.vault) } },
          { tools: { ...clean(general), surface, confirm: "never" } },
        );
        const allowed = (tool: string, library: "main" | "vault"): boolean => permits(general, tool) && permits(own[library], tool);
        const anywhere = (tool: string): boolean => allowed(tool, "main") || allowed(tool, "vault");
        for (const tool of names(app, "all")) expect(anywhere(tool.slice(5)), `${tool} is listed`).toBe(true);
        for (const { tool, alias, through, library, barcode } of made) {
          for (const one of ["main", "vault"]) room(one).calls.length = 0;
          const name = (alias && aliases[tool]) || `tape_${tool}`;
          const key = tool.startsWith("track") ? { cartridge: barcode, ...(tool === "track_list" ? {} : { name: "track-1" }) } : { barcode };
          const args = {
            ...(tool === "cartridge_list" ? {} : key),
            ...(tool === "cartridge_exec" ? { milliseconds: 0 } : {}),
            ...(library ? { library } : {}),
          };
          const once = { name, arguments: args };
          const outcome = await (through === "straight"
            ? call(name, args)
            : call("tool_call", through === "tool_call" ? once : { name: "tool_call", arguments: once })
          ).catch((error: { code: string }) => error.code);
          for (const one of ["main", "vault"] as const) {
            if (allowed(tool, one)) continue;
            // Looking for the item is not using the tool, but it has to be allowed as such.
            const looked = room(one).calls.every((each) => each === "get") && permits(general, "cartridge_get") && permits(own[one], "cartridge_get");
            expect(room(one).calls.length === 0 || looked, `${name} on ${one}: ${room(one).calls.join()}`).toBe(true);
            if (library === one) expect(typeof outcome).toBe("string");
          }
          if (!anywhere(tool)) {
            expect(outcome).toMatch(/^TOOL_(DENIED|UNKNOWN)$/);
            expect([...room("main").calls, ...room("vault").calls]).toEqual([]);
            refused += 1;
          }
          if (typeof outcome !== "string") reached += 1;
        }
        // What looks at everything at once looks at no more than the list tools would.
        for (const one of ["main", "vault"]) room(one).calls.length = 0;
        await call("inventory_query", { query: "tapes" }).catch(() => {});
        await call("inventory_overview").catch(() => {});
        for (const one of ["main", "vault"] as const)
          if (!allowed("cartridge_list", one)) expect(room(one).calls, `questions to ${one}`).not.toContain("list");
        await app.close();
      }),
      { numRuns: 400 },
    );
    // It must not be true only because nothing ever works.
    expect(reached).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(50);
  });
});

describe("the search tools", () => {
  it("find, describe and call, with confirmation and connection choice underneath", async () => {
    const { call, room } = await openTapes(both, { tools: { surface: "search" } });
    const { items } = await call("tool_find", { query: "load tapes" });
    expect(items).toEqual(expect.arrayContaining([expect.objectContaining({ name: "tape_cartridge_load", safety: "write" })]));
    expect(await call("tool_describe", { name: "mount_tape" })).toMatchObject({
      name: "tape_cartridge_load",
      inputSchema: { required: ["barcode"] },
    });
    expect(await call("tool_call", { name: "tape_cartridge_load", arguments: { barcode: "T00003" } })).toMatchObject({ library: "vault" });
    const deletion = { name: "tape_cartridge_delete", arguments: { barcode: "T00003" } };
    const refusal = await failure(call("tool_call", deletion));
    expect(refusal.code).toBe("CONFIRMATION_REQUIRED");
    expect(room("vault").cartridges).toHaveLength(2);
    const confirm = refusal.data?.["confirm"];
    expect(await call("tool_call", { ...deletion, arguments: { ...deletion.arguments, confirm } })).toMatchObject({ deleted: true });
  });

  it("are not there on other surfaces", async () => {
    const { app, call } = await openTapes(both);
    expect(app.tools("all").map((tool) => tool.name)).not.toContain("tool_find");
    for (const tool of ["tool_find", "tool_describe", "tool_call"])
      expect(await failure(call(tool, { name: "tape_cartridge_list" }))).toMatchObject({ code: "TOOL_UNKNOWN" });
  });

  it("pass on cancelling", async () => {
    const { call, room } = await openTapes(both, { tools: { surface: "search" } });
    room("main").gate = new Promise(() => {});
    const caller = new AbortController();
    const left = failure(call("tool_call", { name: "tape_cartridge_list", arguments: { library: "main" } }, { signal: caller.signal }));
    await until(() => room("main").calls.length === 1);
    caller.abort();
    expect(await left).toMatchObject({ code: "CANCELLED" });
    expect(room("main").aborted).toEqual(["list"]);
  });

  it("suggest only what is allowed", async () => {
    const { call } = await openTapes(both, { tools: { surface: "search", deny: ["*_delete"] } });
    const error = await failure(call("tool_describe", { name: "delete_cartridge" }));
    expect(error).toMatchObject({ code: "TOOL_UNKNOWN", message: expect.stringContaining("tape_cartridge_") });
    expect(error.message).not.toMatch(/Near:.*_delete/);
  });
});
