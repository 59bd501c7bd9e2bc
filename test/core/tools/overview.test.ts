import { describe, expect, it, onTestFinished } from "vitest";
import { createProxMcp, ProxMcpError, type Setup } from "proxmcp";
import { type Depot, depotOf, depots, hall } from "../../fixtures/depot.js";
import { failure } from "../../fixtures/tape-app.js";

let opened = 0;
const GiB = 1024 ** 3;

async function open(names: readonly string[], setup: Omit<Setup, "connections"> = {}) {
  const run = ++opened;
  const connections = Object.fromEntries(names.map((name) => [name, { provider: "depot", depot: `overview-${run}-${name}` }]));
  const app = await createProxMcp({ plugins: [depots()], connections, env: {}, log: { level: "silent" }, ...setup });
  onTestFinished(() => app.close());
  const depot = (name: string): Depot => depotOf(`overview-${run}-${name}`);
  for (const name of names) {
    depot(name).halls = [hall("north", 64, 16), { ...hall("south", 32, 8), cpu_usage: 0.5 }];
    depot(name).crates = [
      { name: "a", hall: "north", memory: GiB },
      { name: "b", hall: "north", memory: GiB },
      { name: "c", hall: "south", memory: GiB },
    ];
  }
  return { app, depot };
}

describe("the overview", () => {
  it("says in numbers what there is: per provider, connection and node", async () => {
    const { app } = await open(["port", "yard"]);
    const { connections, providers, errors } = await app.overview();
    expect(errors).toBeUndefined();
    expect(connections[0]).toMatchObject({
      ...{ connection: "port", provider: "depot", health: "ok", kinds: { crate: { total: 3, running: 3 } } },
      ...{ cpu: 32, cpu_used: 9.6, memory: 96 * GiB, memory_used: 24 * GiB, disk: 1000 * GiB, disk_used: 100 * GiB },
      places: [
        { name: "north", healthy: true, cpu: 16, cpu_used: 1.6, memory: 64 * GiB, kinds: { crate: { total: 2, running: 2 } } },
        { name: "south", healthy: true, cpu_used: 8, kinds: { crate: { total: 1, running: 1 } } },
      ],
    });
    expect(providers["depot"]).toMatchObject({ connections: 2, memory: 192 * GiB, kinds: { crate: { total: 6, running: 6 } } });
  });

  it("takes one call for the capacity of a connection and one for each kind", async () => {
    const { app, depot } = await open(["port"]);
    await app.overview();
    expect(depot("port").calls.toSorted()).toEqual(["capacity", "list"]);
  });

  it("is partial where a source is down: the others are whole, and the error is said once", async () => {
    const { app, depot } = await open(["port", "yard"]);
    depot("yard").down = new ProxMcpError("UNREACHABLE", "the road is flooded");
    const { connections, providers, errors } = await app.overview();
    expect(connections.map(({ connection, health }) => [connection, health])).toEqual([
      ["port", "ok"],
      ["yard", "down"],
    ]);
    expect(connections[1]).toMatchObject({ places: [], kinds: {} });
    expect(connections[1]).not.toHaveProperty("memory");
    expect(providers["depot"]).toMatchObject({ connections: 2, memory: 96 * GiB, kinds: { crate: { total: 3 } } });
    expect(errors).toEqual([expect.objectContaining({ connection: "yard", code: "UNREACHABLE" })]);
  });

  it("has no number where nobody knows one, and is degraded where a node is down", async () => {
    const { app, depot } = await open(["port"]);
    depot("port").halls = [hall("north"), { name: "south", healthy: false }];
    const { connections } = await app.overview();
    expect(connections[0]).toMatchObject({ health: "degraded", memory: 64 * GiB });
    expect(connections[0]?.places[1]).toEqual(expect.not.objectContaining({ memory: expect.anything() }));
  });

  it("is about one connection, where one is named", async () => {
    const { app, depot } = await open(["port", "yard"]);
    const answer = await app.call("inventory_overview", { connection: "yard" });
    expect((answer["connections"] as { connection: string }[]).map((one) => one.connection)).toEqual(["yard"]);
    expect(depot("port").calls).toEqual([]);
    expect(await failure(app.call("inventory_overview", { connection: "quay" }))).toMatchObject({
      code: "CONNECTION_UNKNOWN",
      message: expect.stringContaining("port, yard"),
    });
    expect(await app.call("unified_resource_view", { connection: "yard" })).toEqual(answer);
  });

  it("counts nothing that may not be listed", async () => {
    const { app, depot } = await open(["port"], { tools: { deny: ["depot_crate_list"] } });
    expect((await app.overview()).connections[0]).toMatchObject({ health: "ok", kinds: {} });
    expect(depot("port").calls).toEqual(["capacity"]);
  });
});
