import { createProxMcp, type Setup } from "proxmcp";
import { describe, expect, it, onTestFinished } from "vitest";
import { depotOf, depots, hall } from "../../fixtures/depot.js";
import { failure } from "../../fixtures/tape-app.js";

let opened = 0;

/** Two depots; the rules of the second are what is tried. */
async function open(rules: object, setup: Partial<Setup> = {}) {
  const run = ++opened;
  const names = ["port", "yard"].map((name) => `reach-${run}-${name}`);
  for (const name of names) Object.assign(depotOf(name), { halls: [hall("north")], crates: [{ name: "db", hall: "north", memory: 1 }] });
  const app = await createProxMcp({
    plugins: [depots()],
    connections: { port: { provider: "depot", depot: names[0] }, yard: { provider: "depot", depot: names[1], tools: rules } },
    env: {},
    log: { level: "silent" },
    ...setup,
  });
  onTestFinished(() => app.close());
  return { app, yard: depotOf(names[1] ?? "") };
}

const web = { name: "web", isolation: "crate" };

describe("placing a workload reaches no more than the tools do", () => {
  it("where nothing may be created, nothing is asked, and advice for a server that only reads is none for a machine that is closed", async () => {
    for (const [rules, setup] of [
      [{ deny: ["*_create"] }, {}],
      [{ allow: ["depot_crate_list"] }, {}],
      [{ allow: ["depot_crate_list"] }, { tools: { readOnly: true } }],
      [{ deny: ["workload_suggest"] }, {}],
    ] as const) {
      const { app, yard } = await open(rules, setup as Partial<Setup>);
      const { placements, excluded } = await app.route(web);
      expect(placements.map(({ connection }) => connection)).toEqual(["port"]);
      expect(excluded).toContainEqual(expect.objectContaining({ connection: "yard", why: expect.stringMatching(/not allowed/) }));
      expect(yard.calls, JSON.stringify([rules, setup])).toEqual([]);
    }
  });

  it("a server that only reads still gives advice", async () => {
    const { app } = await open({}, { tools: { readOnly: true } });
    expect((await app.route(web)).placements).toHaveLength(2);
  });

  it("what may not be listed is not looked at for its neighbours; without that the place is out", async () => {
    const { app, yard } = await open({ deny: ["*_list"] });
    const { placements, excluded } = await app.route({ ...web, anti_affinity: ["cache"] });
    expect(placements.map(({ connection }) => connection)).toEqual(["port"]);
    expect(excluded).toContainEqual(expect.objectContaining({ connection: "yard", why: expect.stringContaining("may not be listed") }));
    expect(yard.calls).not.toContain("list");
    expect((await app.route(web)).placements, "without neighbours nothing has to be listed").toHaveLength(2);
  });

  it("creating goes by its own rules too, and by those of the caller's role", async () => {
    const closed = await open({ deny: ["workload_create"] });
    expect(await closed.app.call("workload_create", { requirement: { ...web, connections: { allow: ["port"] } } }, { confirm: true })).toMatchObject({
      created: [{ connection: "port" }],
    });
    expect(
      await failure(closed.app.call("workload_create", { requirement: { ...web, connections: { allow: ["yard"] } } }, { confirm: true })),
    ).toMatchObject({
      code: "NO_CAPACITY",
      message: expect.stringContaining("workload_create is not allowed there"),
    });
    const { app, yard } = await open({}, { roles: { porter: { connections: ["port"] } } });
    const caller = { id: "x", roles: ["porter"] };
    expect(
      await failure(app.call("workload_create", { requirement: { ...web, connections: { allow: ["yard"] } } }, { caller, confirm: true })),
    ).toMatchObject({
      code: "NO_CAPACITY",
    });
    expect([...closed.yard.calls, ...yard.calls]).toEqual([]);
  });
});
