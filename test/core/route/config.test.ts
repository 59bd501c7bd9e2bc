import { describe, expect, it, onTestFinished } from "vitest";
import { createProxMcp, type Setup } from "proxmcp";
import { depotOf, depots, hall } from "../../fixtures/depot.js";
import { failure } from "../../fixtures/tape-app.js";

let opened = 0;
const GiB = 1024 ** 3;

/** Two depots: `near` is nearly idle and nearly full, `far` is busy and empty. A crate at either; at `far` boxes too. */
async function open(routing?: Setup["routing"]) {
  const run = `routing-${++opened}`;
  depotOf(`${run}-near`).halls = [{ ...hall("near", 64, 56), cpu_usage: 0 }];
  depotOf(`${run}-far`).halls = [{ ...hall("far", 64, 0), cpu_usage: 0.4 }];
  const crates = depots();
  const app = await createProxMcp({
    plugins: [{ ...crates, hosts: [...crates.hosts, { workload: "box", fit: 0.1, features: ["lockable"] }], kinds: crates.kinds.map(alsoBoxes) }],
    connections: { near: { provider: "depot", depot: `${run}-near` }, far: { provider: "depot", depot: `${run}-far` } },
    env: {},
    log: { level: "silent" },
    ...(routing ? { routing } : {}),
  });
  onTestFinished(() => app.close());
  return app;
}

/** The create action makes boxes as well as crates. */
function alsoBoxes<Kind extends { readonly actions?: Readonly<Record<string, object>> }>(kind: Kind): Kind {
  const create = kind.actions?.["create"] as { workload: { hosts: string[] } } | undefined;
  if (!create) return kind;
  return { ...kind, actions: { ...kind.actions, create: { ...create, workload: { ...create.workload, hosts: ["crate", "box"] } } } };
}

const first = async (app: Awaited<ReturnType<typeof open>>, requirement: object): Promise<string | undefined> => {
  const [best] = (await app.route({ name: "web", ...requirement })).placements;
  return best && `${best.connection} ${best.isolation}`;
};

describe("routing in the config", () => {
  it("changes the weights", async () => {
    const crate = { isolation: "crate", memory: GiB };
    expect(await first(await open(), crate)).toBe("far crate");
    expect(await first(await open({ weights: { load: 500 } }), crate)).toBe("near crate");
    expect(await first(await open({ weights: { headroom: 0, load: 10 } }), crate)).toBe("near crate");
  });

  it("changes what each place keeps free", async () => {
    const app = await open({ reserve: 0.5, weights: { load: 500 } });
    const plan = await app.route({ name: "web", isolation: "crate", memory: GiB });
    expect(plan.placements.map((one) => one.connection)).toEqual(["far"]);
    expect(plan.excluded).toContainEqual(expect.objectContaining({ connection: "near", why: expect.stringContaining("32 GiB are kept") }));
  });

  it("adds rules, replaces them and takes them away", async () => {
    const valuables = { valuables: { why: "valuables are locked up", when: [{ workload: "valuables" }], prefer: ["box"], needs: ["lockable"] } };
    const app = await open({ rules: valuables });
    expect(await first(app, { workload: "valuables" })).toBe("far box");
    const [best] = (await app.route({ workload: "valuables" })).placements;
    expect(best?.reasons).toContainEqual(expect.objectContaining({ what: "rule", points: 100, why: expect.stringContaining("locked up") }));
    const everywhere = { otherwise: { why: "crates do", prefer: ["crate"] } };
    expect(await first(await open({ rules: everywhere }), {})).toBe("far crate");
    const gone = await open({ rules: { ...everywhere, heavy: false } });
    expect(await first(gone, { memory: 20 * GiB })).toBe("far crate");
  });

  it("refuses what it does not know, with the place of the fault", async () => {
    expect(await failure(open({ weights: { luck: 1 } as never }))).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("luck"),
    });
    expect(await failure(open({ rules: { odd: { why: "?", when: [{ moon: "full" }] } } as never }))).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("routing.rules.odd"),
    });
  });
});
