import { afterEach, describe, expect, test } from "vitest";
import { appOf, closeAll, sandboxOf } from "./proxmox-setup.js";
import { EXTRA, REFUSED, tour, walk } from "./proxmox-tour.js";

afterEach(closeAll);

describe("every tool", () => {
  test("has a stop in the tour", async () => {
    const app = await appOf({ prod: await sandboxOf() });
    const known = new Set([...tour, ...EXTRA].map(({ tool }) => tool));
    const tools = app
      .tools("all")
      .map(({ name }) => name)
      .filter((name) => name.startsWith("proxmox_"));
    expect(tools.filter((name) => !known.has(name))).toEqual([]);
    expect([...known].filter((name) => !tools.includes(name))).toEqual([]);
  });

  test("does its work on the sandbox, and what it sends passes the check of the schema", async () => {
    const sandbox = await sandboxOf({ taskTime: 2 });
    const app = await appOf({ prod: sandbox });
    const failed: string[] = [];
    await walk(app, (one, given) => {
      const answer = given as Record<string, unknown>;
      const expected = REFUSED[one.tool];
      if (expected !== undefined ? answer.code !== expected : "code" in answer)
        failed.push(`${one.tool} ${JSON.stringify(one.args)}: ${JSON.stringify(answer)}`);
      if (Array.isArray(answer.errors)) failed.push(`${one.tool}: ${JSON.stringify(answer.errors)}`);
      if (one.tool.endsWith("_delete") && answer.deleted !== true) failed.push(`${one.tool}: not deleted`);
    });
    expect(failed).toEqual([]);
  });
});
