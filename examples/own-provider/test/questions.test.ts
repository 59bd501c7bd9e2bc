import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createProxMcp, type ProxMcp } from "proxmcp";
import { afterAll } from "vitest";
import containarium from "../src/index.ts";
import { type ContainariumSandbox, start } from "../src/sandbox/index.ts";

let sandbox: ContainariumSandbox;
let app: ProxMcp;
beforeAll(async () => {
  sandbox = await start();
  app = await createProxMcp({
    plugins: [containarium],
    connections: { dev: { provider: "containarium", ...sandbox.connection } },
    log: { level: "silent" },
  });
});
afterAll(async () => {
  await app.close();
  await sandbox.close();
});

describe("questions", () => {
  it.each([
    ["Show me all running containers", ["alice", "bob", "runner"]],
    ["Show me details for alice's container", ["alice"]],
    ["paused boxes", ["dora"]],
    ["containers with more than 8gb memory", ["bob"]],
    ["containers on tunnel-gpu", ["bob"]],
    ["which containers have a gpu", ["bob"]],
    ["boxes with docker enabled", ["alice", "bob", "runner"]],
    ["protected containers", ["runner"]],
    ["rocky containers", ["dora"]],
    ["containers of user bob", ["bob"]],
    ["container dora", ["dora"]],
    ["what containers exist?", ["alice", "bob", "charlie", "dora", "runner"]],
    ["backups of alice", ["alice"]],
    ["snapshots of alice", ["alice", "alice"]],
  ])("%s", async (question, usernames) => {
    const { items } = await app.query(question);
    expect(items.map(({ username }) => username)).toEqual(usernames);
  });

  it("which container uses the most memory", async () => {
    const { items } = await app.query("which container uses the most memory");
    expect(items[0]).toMatchObject({ username: "bob", memory_used: 11_800_000_000 });
  });

  it.each(["bob", "alice"])("how much memory is %s using", async (username) => {
    const { aggregate } = await app.query(`how much memory is ${username} using?`);
    expect(aggregate).toMatchObject({ op: "sum", field: "memory_used", value: { bob: 11_800_000_000, alice: 3_100_000_000 }[username] });
  });

  it("how many containers are running", async () => {
    expect(await app.query("how many containers are running")).toMatchObject({ aggregate: { op: "count", value: 3 } });
  });

  it("unverified backups, and hosts with a gpu", async () => {
    expect((await app.query("unverified backups")).items).toMatchObject([{ username: "alice", database: "app" }]);
    expect((await app.query("hosts with a gpu")).items).toMatchObject([{ name: "tunnel-gpu" }]);
  });
});

describe("workloads", () => {
  it("go where there is room, as calls that can be made", async () => {
    const { placements } = await app.route("a debian container called lab with 50gb of memory");
    expect(placements[0]).toMatchObject({
      provider: "containarium",
      place: "tunnel-gpu",
      isolation: "system-container",
      create: {
        tool: "containarium_container_create",
        args: { username: "lab", image: "images:debian/12", memory: 50 * 2 ** 30, backend: "tunnel-gpu" },
      },
    });
    const { tool, args } = placements[0]?.create ?? { tool: "", args: {} };
    expect(await app.call(tool, args)).toMatchObject({ item: { username: "lab", node: "tunnel-gpu", os: "debian 12" } });
  });

  it("are told why they don't fit", async () => {
    const { placements, excluded } = await app.route("a container with 200gb of memory");
    expect(placements).toEqual([]);
    expect(excluded.map(({ why }) => why)).toEqual([
      expect.stringContaining("38 GiB free of 64 GiB"),
      expect.stringContaining("100 GiB free of 128 GiB"),
    ]);
  });

  it("with Windows become its virtual machines, others do not", async () => {
    expect((await app.route("a windows server")).placements[0]).toMatchObject({ isolation: "vm", create: { args: { os: "windows_2022" } } });
    expect((await app.route({ isolation: "vm", os: "debian" })).placements).toEqual([]);
  });
});

it("stands beside another server, and every tool then takes the server's name", async () => {
  const other = await start({ estate: { backends: [{ hostname: "solo", totalCpus: 4 }], containers: [{ username: "zoe" }] } });
  const both = await createProxMcp({
    plugins: [containarium],
    connections: { dev: { provider: "containarium", ...sandbox.connection }, lab: { provider: "containarium", ...other.connection } },
    log: { level: "silent" },
  });
  onTestFinished(async () => {
    await both.close();
    await other.close();
  });
  expect((await both.query("containers of user zoe")).items).toMatchObject([{ username: "zoe", connection: "lab", status: "running" }]);
  expect(await both.call("create_container", { server: "lab", username: "yan", backend: "solo" })).toMatchObject({
    item: { username: "yan" },
    server: "lab",
  });
  expect(other.requests.findLast(({ method }) => method === "POST")?.json()).not.toHaveProperty("backendId");
});
