import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { appOf, closeAll, sandboxOf } from "./proxmox-setup.js";
import { REFUSED, tour, walk } from "./proxmox-tour.js";

afterEach(closeAll);

const page = readFileSync(new URL("../../docs/proxmox-operations.md", import.meta.url), "utf8");
const rows = [...page.matchAll(/^\| ([^|]+) \| `([^`]+)` +\| `([^`]+)` +\|$/gm)].map(([, operation = "", older = "", name = ""]) => ({
  operation: operation.trim(),
  older,
  name,
}));

describe("operations of older systems", () => {
  test("are in the table", () => {
    expect(rows.length).toBeGreaterThan(50);
    expect(new Set(rows.map(({ older }) => older)).size).toBe(rows.length);
  });

  test("each older name is accepted, means what the table says, and does it", async () => {
    const sandbox = await sandboxOf({ taskTime: 1 });
    const app = await appOf({ prod: sandbox });
    for (const { older, name } of rows) expect(app.tool(older).name, older).toBe(name);
    const called = new Map<string, unknown>();
    // The tour calls each tool with arguments that work; here it calls them by their older names.
    const older = new Map(rows.map((row) => [row.name, row.older]));
    const renamed = { call: (tool: string, args: Record<string, unknown>, options: object) => app.call(older.get(tool) ?? tool, args, options) };
    await walk(renamed as never, (stop, answer) => void called.set(stop.tool, "code" in answer ? answer : "ok"));
    for (const { name } of rows) expect(REFUSED[name] ?? called.get(name), name).toBe("ok");
    expect(tour.length).toBeGreaterThan(rows.length);
  });

  test("every other alias means one tool", async () => {
    const app = await appOf({ prod: await sandboxOf() });
    for (const tool of app.tools("all")) for (const alias of tool.aliases) expect(app.tool(alias).name).toBe(tool.name);
  });
});
