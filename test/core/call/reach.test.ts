import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { McpServer } from "@modelcontextprotocol/server";
import fc from "fast-check";
import type { Caller, ProxMcp } from "proxmcp";
import { expect, it } from "vitest";
import { openTapes } from "../../fixtures/tape-app.js";

/**
 * Whatever the rules and whoever calls: by no road does a call get to a machine unless a tool that makes such a call is allowed there, to this
 * caller. The rules are written down here once more, without any of the product's code.
 */
interface Rules {
  readonly allow?: string[] | undefined;
  readonly deny?: string[] | undefined;
  readonly readOnly?: boolean | undefined;
}
type RoleRules = Rules & { readonly connections?: string[] | undefined };
type Library = "main" | "vault";

const ALIASES: Readonly<Record<string, string>> = {
  tape_cartridge_load: "mount_tape",
  tape_cartridge_list: "tapes-list",
  inventory_overview: "unified_resource_view",
};
const READS = [
  "tape_cartridge_list",
  "tape_cartridge_get",
  "tape_cartridge_stats",
  "tape_track_list",
  "tape_track_get",
  "connection_test",
  "inventory_overview",
];

/** Calls to the robot, and the tools that make them. Looking for an item and reading it back are part of every tool on an item. */
const ITEM = ["get", "load", "create", "delete", "stats", "exec"].map((verb) => `tape_cartridge_${verb}`);
const TRACK = ["tape_track_list", "tape_track_get", "tape_track_delete"];
const CAUSES: Readonly<Record<string, readonly string[]>> = {
  list: ["tape_cartridge_list"],
  get: [...ITEM, ...TRACK],
  load: ["tape_cartridge_load"],
  create: ["tape_cartridge_create"],
  delete: ["tape_cartridge_delete"],
  find: ["tape_cartridge_delete"],
  stats: ["tape_cartridge_stats"],
  exec: ["tape_cartridge_exec"],
  tracks: TRACK,
  erase: ["tape_track_delete"],
  test: ["connection_test"],
  capacity: ["inventory_overview"],
};

function permits({ allow, deny, readOnly }: Rules, tool: string): boolean {
  const known = [tool, ...(ALIASES[tool] ? [ALIASES[tool]] : [])];
  const hits = (glob: string): boolean => known.some((name) => new RegExp(`^${glob.replaceAll("*", ".*")}$`).test(name));
  return !(readOnly && !READS.includes(tool)) && !deny?.some(hits) && (allow === undefined || allow.some(hits));
}

const globs = [
  ...["*", "tape_*", "tape_cartridge_*", "tape_track_*", "*_list", "*_get", "*_delete", "*_load", "mount_tape", "tapes-*"],
  ...["tape_cartridge_exec", "tool_*", "*_call", "inventory_*", "connection_*", "unified_resource_view", "nothing"],
];
const allow = fc.option(fc.uniqueArray(fc.constantFrom(...globs), { maxLength: 4 }), { nil: undefined, freq: 2 });
const deny = fc.option(fc.uniqueArray(fc.constantFrom(...globs.slice(1)), { maxLength: 2 }), { nil: undefined, freq: 2 });
const rules = fc.record({ allow, deny, readOnly: fc.option(fc.boolean(), { nil: undefined, freq: 2 }) });
const role = fc.record({
  allow,
  deny,
  readOnly: fc.constant<boolean | undefined>(undefined),
  connections: fc.constantFrom<(string[] | undefined)[]>(undefined, undefined, ["main"], ["v*"], []),
});
const setups = fc.record({
  general: rules,
  main: rules,
  vault: rules,
  operator: role,
  viewer: role,
  surface: fc.constantFrom("default" as const, "all" as const, "search" as const),
  match: fc.constantFrom(undefined, "T*", "T00001"),
});

const roads = [
  "call",
  "alias",
  "tool_call",
  "tool_call twice",
  "request",
  "attached",
  "query",
  "overview",
  "overview of",
  "test",
  "suggest",
  "place",
] as const;
const steps = fc.array(
  fc.record({
    road: fc.constantFrom(...roads, "call" as const, "request" as const, "tool_call" as const),
    tool: fc.constantFrom(...ITEM, "tape_cartridge_list", ...TRACK, "connection_test", "inventory_overview"),
    library: fc.constantFrom(undefined, undefined, "main" as const, "vault" as const),
    barcode: fc.constantFrom("T00001", "T00003", "T00009"),
    roles: fc.constantFrom(undefined, undefined, ["operator"], ["viewer"], ["operator", "viewer"], ["nobody"], []),
  }),
  { minLength: 1, maxLength: 6 },
);
type Step = typeof steps extends fc.Arbitrary<(infer One)[]> ? One : never;

function argumentsOf({ tool, barcode, library }: Step): Record<string, unknown> {
  if (!tool.startsWith("tape")) return library ? { connection: library } : {};
  const at = library ? { library } : {};
  if (tool === "tape_cartridge_list") return at;
  if (tool.startsWith("tape_track")) return { cartridge: barcode, ...(tool === "tape_track_list" ? {} : { name: "track-1" }), ...at };
  return { barcode, ...(tool === "tape_cartridge_exec" ? { milliseconds: 0 } : {}), ...at };
}

const clean = <Part extends Record<string, unknown>>(part: Part) =>
  Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined)) as { [name in keyof Part]: Exclude<Part[name], undefined> };

/** Goes one road to the machines. Answers what came of it, or the code of its error. */
async function go(app: ProxMcp, step: Step, caller: Caller): Promise<unknown> {
  const { road, tool, library } = step;
  const args = argumentsOf(step);
  const name = (road === "alias" && ALIASES[tool]) || tool;
  const options = { caller };
  switch (road) {
    case "call":
    case "alias":
      return await app.call(name, args, options);
    case "tool_call":
      return await app.call("tool_call", { name, arguments: args }, options);
    case "tool_call twice":
      return await app.call("tool_call", { name: "tool_call", arguments: { name, arguments: args } }, options);
    case "request":
      return await byRequest(app, name, args, caller);
    case "attached":
      return await byServer(app, name, args, caller);
    case "query":
      return await app.query(library ? `tapes on ${library}` : "tracks", options);
    case "overview":
      return await app.overview(options);
    case "overview of":
      return await app.call("inventory_overview", { connection: library ?? "main" }, options);
    case "test":
      return await app.call("connection_test", library ? { connection: library } : {}, options);
    case "suggest":
      return await app.route({ isolation: "archive", anti_affinity: ["web"] }, options);
    case "place":
      return await app.call("workload_create", { requirement: { isolation: "archive" } }, options);
  }
}

/** By MCP over HTTP. */
async function byRequest(app: ProxMcp, name: string, args: object, caller: Caller): Promise<unknown> {
  const handler = await app.handler({ caller: () => caller });
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } });
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const text = await (await handler.fetch(new Request("http://localhost/mcp", { method: "POST", headers, body }))).text();
  await handler.close();
  if (/"error":|"isError":true/.test(text)) throw Object.assign(new Error(text), { code: /TOOL_\w+|-32602/.exec(text)?.[0] ?? "OTHER" });
  return text;
}

/** Through somebody else's MCP server. */
async function byServer(app: ProxMcp, name: string, args: Record<string, unknown>, caller: Caller): Promise<unknown> {
  const server = new McpServer({ name: "theirs", version: "1" });
  await app.attach(server, { caller: () => caller, surface: "all" });
  const [near, far] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "test", version: "1" });
  await server.connect(far);
  await client.connect(near);
  try {
    const answer = await client.callTool({ name, arguments: args });
    if (answer.isError) throw Object.assign(new Error(JSON.stringify(answer)), { code: "OTHER" });
    return answer;
  } finally {
    await client.close();
  }
}

it("no road leads to what the rules deny", async () => {
  const reached = new Map<string, number>();
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(setups, steps, async ({ general, surface, match, main, vault, operator, viewer }, made) => {
      const { app, room } = await openTapes(
        {
          main: { cartridges: [{ barcode: "T00001" }, { barcode: "T00002" }], tools: clean(main), ...(match ? { match: [match] } : {}) },
          vault: { cartridges: [{ barcode: "T00003" }], tools: clean(vault) },
        },
        {
          tools: { ...clean(general), surface, confirm: "never" },
          roles: { operator: clean(operator), viewer: clean(viewer) },
        },
      );
      const byName: Readonly<Record<string, RoleRules>> = { operator, viewer };
      const own: Readonly<Record<Library, Rules>> = { main, vault };
      const allowed = (tool: string, library: Library, roles: readonly string[] | undefined): boolean =>
        permits(general, tool) &&
        permits(own[library], tool) &&
        (roles === undefined ||
          roles.some((one) => {
            const its = byName[one];
            return its !== undefined && permits(its, tool) && (its.connections?.some((glob) => library.startsWith(glob.replace("*", ""))) ?? true);
          }));
      for (const step of made) {
        const caller: Caller = { id: "x", ...(step.roles ? { roles: step.roles } : {}) };
        for (const one of ["main", "vault"]) room(one).calls.length = 0;
        const outcome = await go(app, step, caller).catch((error: { code?: string }) => error.code ?? "OTHER");
        for (const library of ["main", "vault"] as const)
          for (const call of room(library).calls)
            expect(
              CAUSES[call]?.some((tool) => allowed(tool, library, step.roles)),
              `${step.road} ${step.tool} made a ${call} on ${library} for ${String(step.roles)}`,
            ).toBe(true);
        if (typeof outcome === "string" && /^(TOOL_|-32602)/.test(outcome)) refused += 1;
        else if (room("main").calls.length + room("vault").calls.length > 0) reached.set(step.road, (reached.get(step.road) ?? 0) + 1);
      }
      await app.close();
    }),
    { numRuns: 1000 },
  );
  // It must not hold only because nothing ever works: each road that leads to a machine has led there.
  expect(refused).toBeGreaterThan(100);
  for (const road of ["call", "alias", "tool_call", "request", "attached", "query", "overview", "overview of", "test"])
    expect(reached.get(road) ?? 0, road).toBeGreaterThan(3);
}, 120_000);
