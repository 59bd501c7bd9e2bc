import { describe, expect, it, onTestFinished } from "vitest";
import { createProxMcp, ProxMcpError, type ProxMcp, type Setup } from "proxmcp";
import { type Depot, depotOf, depots, hall } from "../../fixtures/depot.js";
import { failure } from "../../fixtures/tape-app.js";

let opened = 0;

/** An app over depots with these halls. */
async function open(
  halls: Readonly<Record<string, readonly ReturnType<typeof hall>[]>>,
  setup: Omit<Setup, "connections"> & { rules?: Readonly<Record<string, object>> } = {},
): Promise<{ app: ProxMcp; create: (requirement: object, more?: object) => Promise<Record<string, unknown>>; depot: (name: string) => Depot }> {
  const run = ++opened;
  const { rules = {}, ...rest } = setup;
  const connections = Object.fromEntries(
    Object.entries(halls).map(([name, places]) => {
      Object.assign(depotOf(`${run}-${name}`), { halls: [...places] });
      return [name, { provider: "depot", depot: `${run}-${name}`, ...rules[name] }];
    }),
  );
  const app = await createProxMcp({ plugins: [depots()], connections, env: {}, log: { level: "silent" }, ...rest });
  onTestFinished(() => app.close());
  return {
    app,
    create: async (requirement, more = {}) =>
      (await app.call("workload_create", { requirement: { name: "web", isolation: "crate", ...requirement }, ...more }, { confirm: true })) as Record<
        string,
        unknown
      >,
    depot: (name) => depotOf(`${run}-${name}`),
  };
}

const full = (where: string) => () => {
  throw new ProxMcpError("NO_CAPACITY", `${where} is full`);
};
const GiB = 1024 ** 3;

describe("creating a workload", () => {
  it("plans only, with dry_run", async () => {
    const { create, depot } = await open({ port: [hall("north"), hall("south")] });
    const answer = await create({}, { dry_run: true });
    expect(answer).toMatchObject({
      created: [],
      plan: [{ name: "web", connection: "port", create: { tool: "depot_crate_create", args: { name: "web" } } }],
    });
    expect(depot("port").calls.filter((call) => call.startsWith("create"))).toEqual([]);
  });

  it("creates by the provider's own action, and answers with what is there now", async () => {
    const { create, depot } = await open({ port: [hall("north", 64, 60), hall("south")] });
    expect(await create({ memory: 2 * GiB })).toMatchObject({
      created: [
        { name: "web", connection: "port", place: "south", tool: "depot_crate_create", item: { name: "web", node: "south", memory: 2 * GiB } },
      ],
    });
    expect(depot("port").crates).toEqual([{ name: "web", hall: "south", memory: 2 * GiB }]);
  });

  it("falls to the next placement where the first has no room, and says so", async () => {
    const { create, depot } = await open({ port: [hall("north"), hall("south")] });
    depot("port").before = (_, where) => void (where === "north" && full(where)());
    const answer = await create({});
    expect(answer).toMatchObject({ created: [{ place: "south" }] });
    expect(answer["notes"]).toEqual(["web: port (north) had no room (north is full), so it went to port (south)."]);
    expect(depot("port").calls.filter((call) => call.startsWith("create"))).toEqual(["create web in north", "create web in south"]);
  });

  it("goes on to another connection, and names every refusal when none has room", async () => {
    const { create, depot } = await open({ port: [hall("north")], yard: [hall("east", 32)] });
    depot("port").before = full("north");
    expect(await create({})).toMatchObject({ created: [{ connection: "yard", place: "east" }] });
    depot("yard").before = full("east");
    depot("yard").crates = [];
    const error = await failure(create({}));
    expect(error.code).toBe("NO_CAPACITY");
    expect(error.message).toContain("No place has room for web. port/north: it refused: north is full; yard/east: it refused: east is full");
  });

  it("does not look elsewhere for a failure that is not about room", async () => {
    const { create, depot } = await open({ port: [hall("north"), hall("south")] });
    depot("port").before = () => {
      throw new ProxMcpError("TASK_FAILED", "the crane broke");
    };
    expect(await failure(create({}))).toMatchObject({ code: "TASK_FAILED", message: expect.stringContaining("the crane broke") });
    expect(depot("port").calls.filter((call) => call.startsWith("create"))).toHaveLength(1);
  });

  it("removes again what it half made, before it tries the next place", async () => {
    const { create, depot } = await open({ port: [hall("north"), hall("south")] });
    depot("port").after = (_, where) => void (where === "north" && full(where)());
    const answer = await create({});
    expect(answer).toMatchObject({ created: [{ place: "south" }] });
    expect(String(answer["notes"])).toContain("has been removed again");
    expect(depot("port").crates.map((crate) => crate.hall)).toEqual(["south"]);
  });

  it("names what it half made where it can't be removed", async () => {
    const { create, depot } = await open({ port: [hall("north")] });
    Object.assign(depot("port"), {
      stuck: "it is wedged",
      after: () => {
        throw new ProxMcpError("TASK_FAILED", "the lid broke");
      },
    });
    const error = await failure(create({}));
    expect(error).toMatchObject({ code: "TASK_FAILED", next: expect.stringContaining("Delete web on port (north)") });
    expect(error.message).toBe("the lid broke. web on port (north) is half made and could not be removed.");
  });

  it("never removes what was there before", async () => {
    const { create, depot } = await open({ port: [hall("north")] });
    depot("port").crates = [{ name: "web", hall: "north", memory: 1 }];
    expect(await failure(create({}))).toMatchObject({ code: "ALREADY_EXISTS" });
    expect(depot("port").crates).toHaveLength(1);
    expect(depot("port").calls.some((call) => call.startsWith("create") || call.startsWith("delete"))).toBe(false);
  });

  it("says that something may be there after an answer that never came", async () => {
    const { create, depot } = await open({ port: [hall("north")] });
    depot("port").after = () => {
      throw new ProxMcpError("TIMEOUT", "no answer");
    };
    const error = await failure(create({}));
    expect(error).toMatchObject({ code: "TIMEOUT", message: expect.stringContaining("may be there"), next: "Look for web on port (north)." });
    expect(depot("port").crates).toHaveLength(1);
  });

  it("does nothing when a word of the sentence was not understood, or nothing fits", async () => {
    const { app, create, depot } = await open({ port: [hall("north", 4)] });
    const error = await failure(app.call("workload_create", { sentence: "a small crate frobnicated" }, { confirm: true }));
    expect(error).toMatchObject({ code: "INVALID_INPUT", message: expect.stringContaining("frobnicated") });
    expect(await failure(create({ memory: 64 * GiB }))).toMatchObject({ code: "NO_CAPACITY", message: expect.stringContaining("port (north)") });
    expect(depot("port").calls.some((call) => call.startsWith("create"))).toBe(false);
  });
});

describe("several copies", () => {
  const five = ["a", "b", "c", "d", "e"].map((name) => hall(name));

  it("apart from each other go to as many places", async () => {
    const { create, depot } = await open({ port: five });
    const answer = (await create({ count: 5, anti_affinity: ["self"] })) as { created: { name: string; place: string }[] };
    expect(answer.created.map(({ name }) => name)).toEqual(["web-1", "web-2", "web-3", "web-4", "web-5"]);
    expect(answer.created.map(({ place }) => place).toSorted()).toEqual(["a", "b", "c", "d", "e"]);
    expect(depot("port").crates).toHaveLength(5);
  });

  it("apart from each other over fewer places are spread evenly, and it is said", async () => {
    const { create, depot } = await open({ port: five.slice(0, 2) });
    const answer = await create({ count: 4, anti_affinity: ["self"] });
    expect(
      depot("port")
        .crates.map((crate) => crate.hall)
        .toSorted(),
    ).toEqual(["a", "a", "b", "b"]);
    expect(String(answer["notes"])).toContain("2 places take 4");
  });

  it("beside each other go to one place", async () => {
    const { create, depot } = await open({ port: five });
    await create({ count: 3, affinity: ["self"], memory: GiB });
    expect(new Set(depot("port").crates.map((crate) => crate.hall)).size).toBe(1);
  });

  it("for which there is no room together are not begun", async () => {
    const { create, depot } = await open({ port: [hall("north", 10)] });
    expect(await failure(create({ count: 5, memory: 3 * GiB }))).toMatchObject({
      code: "NO_CAPACITY",
      message: expect.stringMatching(/room for \d of 5; nothing was created/),
    });
    expect(depot("port").crates).toEqual([]);
  });

  it("stop at the first failure that is not about room, and what was made is named", async () => {
    const { create, depot } = await open({ port: five });
    depot("port").before = (name) => {
      if (name === "web-2") throw new ProxMcpError("TASK_FAILED", "the crane broke");
    };
    const answer = await create({ count: 3, anti_affinity: ["self"] });
    expect(answer).toMatchObject({ created: [{ name: "web-1" }], errors: [{ name: "web-2", code: "TASK_FAILED" }] });
    expect(String(answer["notes"])).toContain("1 of 3 were created");
  });

  it("are beside or apart from what is there already", async () => {
    const { app, depot } = await open({ port: five });
    depot("port").crates = [{ name: "db", hall: "c", memory: 0 }];
    const near = await app.route({ name: "web", isolation: "crate", affinity: ["db"] });
    expect(near.placements.map((one) => one.place)).toEqual(["c"]);
    const apart = await app.route({ name: "web", isolation: "crate", anti_affinity: ["db"] });
    expect(apart.placements.map((one) => one.place).toSorted()).toEqual(["a", "b", "d", "e"]);
    expect(apart.excluded).toContainEqual(expect.objectContaining({ place: "c", why: "db is there" }));
  });
});

describe("what the policy says", () => {
  it("keeps a placement out where creating is not allowed, with the reason", async () => {
    const { app, create, depot } = await open({ port: [hall("north")], yard: [hall("east", 8)] }, { rules: { port: { tools: { readOnly: true } } } });
    const plan = await app.route({ name: "web", isolation: "crate" });
    expect(plan.placements.map((one) => one.connection)).toEqual(["yard"]);
    expect(plan.excluded).toContainEqual(expect.objectContaining({ connection: "port", why: expect.stringContaining("readOnly") }));
    expect(await create({})).toMatchObject({ created: [{ connection: "yard" }] });
    expect(depot("port").calls.some((call) => call.startsWith("create"))).toBe(false);
  });

  it("asks once for the whole plan where creating has to be confirmed", async () => {
    const { app, depot } = await open({ port: ["a", "b"].map((name) => hall(name)) }, { tools: { confirm: "write" } });
    const args = { requirement: { name: "web", isolation: "crate", count: 2, anti_affinity: ["self"] } };
    const refused = await failure(app.call("workload_create", args));
    expect(refused).toMatchObject({ code: "CONFIRMATION_REQUIRED", message: expect.stringMatching(/web-1 as crate.*web-2 as crate/) });
    expect(depot("port").crates).toEqual([]);
    const token = refused.data?.["confirm"];
    expect(await app.call("workload_create", { ...args, confirm: token })).toMatchObject({ created: [{ name: "web-1" }, { name: "web-2" }] });
    expect(await failure(app.call("workload_create", { ...args, confirm: token }))).toMatchObject({ code: "CONFIRMATION_INVALID" });
    const asked: string[] = [];
    const declined = app.call(
      "workload_create",
      { requirement: { name: "db", isolation: "crate" } },
      { confirm: async (question) => (asked.push(question), false) },
    );
    expect(await failure(declined)).toMatchObject({ code: "DECLINED" });
    expect(asked).toHaveLength(1);
    expect(depot("port").crates.map((crate) => crate.name)).toEqual(["web-1", "web-2"]);
  });
});
