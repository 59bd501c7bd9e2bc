import { afterEach, describe, expect, test } from "vitest";
import { capacityOf, testConnection } from "../../plugins/proxmox/health.js";
import { appOf, clientOf, closeAll, failure, fastClock, logger, sandboxOf, signal } from "./proxmox-setup.js";

afterEach(closeAll);

const args = (client: ReturnType<typeof clientOf>) => ({
  client,
  signal: signal(),
  progress: () => {},
  task: () => {},
  note: () => {},
  log: logger,
  clock: fastClock(),
});

describe("nodes", () => {
  test("an offline one is listed without measurements", async () => {
    const app = await appOf({ prod: await sandboxOf({ estate: { offline: ["pve3"] } }) });
    const { items } = (await app.call("proxmox_node_list")) as { items: Record<string, unknown>[] };
    expect(items.map(({ name, status }) => [name, status])).toEqual([
      ["pve1", "online"],
      ["pve2", "online"],
      ["pve3", "offline"],
    ]);
    expect(items[2]).toEqual({ name: "pve3", status: "offline", cpu: 32, memory: 128 * 2 ** 30, disk: expect.any(Number) });
    expect(await app.call("proxmox_node_get", { name: "pve3" })).toMatchObject({
      item: { status: "offline" },
      notes: [expect.stringContaining("pve3 is offline")],
    });
  });

  test("one alone has its release, kernel and load", async () => {
    const app = await appOf({ prod: await sandboxOf() });
    expect(await app.call("proxmox_node_get", { name: "pve1" })).toMatchObject({
      item: { version: "9.2.11", arch: "x86_64", load: [1.62, 1.76, 1.29], cpu_model: expect.stringContaining("EPYC") },
    });
    expect(await failure(app.call("proxmox_node_get", { name: "pve9" }))).toMatchObject({ code: "NOT_FOUND" });
  });

  test("a token that may not audit nodes still sees that they are there", async () => {
    const app = await appOf({ prod: await sandboxOf({ estate: { token: "separated" } }) });
    expect(await app.call("proxmox_node_list")).toMatchObject({ items: [{ name: "pve1", status: "online" }, {}, {}] });
    expect(await failure(app.call("proxmox_node_get", { name: "pve1" }))).toMatchObject({ code: "FORBIDDEN" });
  });
});

describe("storages", () => {
  test("each is listed for each of its nodes", async () => {
    const app = await appOf({ prod: await sandboxOf() });
    const { items, total } = (await app.call("proxmox_storage_list")) as { items: Record<string, unknown>[]; total: number };
    expect(total).toBe(15);
    expect(items.find(({ id }) => id === "pve1/ceph")).toEqual({
      id: "pve1/ceph",
      name: "ceph",
      node: "pve1",
      status: "available",
      type: "rbd",
      shared: true,
      content: ["images", "rootdir"],
      disk: 20_000 * 2 ** 30,
      disk_used: 7_400 * 2 ** 30,
    });
  });

  test("an offline node's are unknown, with the error beside the others", async () => {
    const app = await appOf({ prod: await sandboxOf({ estate: { offline: ["pve2"] } }) });
    const { items, errors } = (await app.call("proxmox_storage_list", { where: { node: "pve2" } })) as Record<string, { status?: string }[]>;
    expect(items?.map(({ status }) => status)).toEqual(["unknown", "unknown", "unknown", "unknown", "unknown"]);
    expect(errors).toEqual([expect.objectContaining({ source: "pve2", code: "UNREACHABLE" })]);
  });

  test("an empty list names the missing privilege", async () => {
    const app = await appOf({ prod: await sandboxOf({ estate: { token: "limited" } }) });
    expect(await app.call("proxmox_storage_list")).toMatchObject({ items: [], notes: [expect.stringContaining("Datastore.Audit")] });
  });
});

describe("the cluster", () => {
  test("its state in one call", async () => {
    const app = await appOf({ prod: await sandboxOf({ estate: { offline: ["pve3"] } }) });
    expect(await app.call("proxmox_cluster_status")).toMatchObject({
      result: {
        name: "production",
        quorate: true,
        clustered: true,
        version: "9.2.11",
        nodes: [
          { name: "pve1", online: true, local: true },
          { name: "pve2", online: true, local: false },
          { name: "pve3", online: false },
        ],
        vms: { running: 6, stopped: 1, other: 5, templates: 1 },
        cts: { running: 2, stopped: 1, other: 1, templates: 0 },
        cpu: 64,
      },
    });
  });

  test("lost quorum", async () => {
    const app = await appOf({ prod: await sandboxOf({ estate: { quorate: false } }) });
    expect(await app.call("proxmox_cluster_status")).toMatchObject({ result: { quorate: false } });
  });

  test("a node without a cluster is its own majority", async () => {
    const sandbox = await sandboxOf();
    const data = [{ id: "node/pve", name: "pve", type: "node", ip: "192.0.2.1", level: "", local: 1, nodeid: 0, online: 1 }];
    sandbox.fail({ path: "/cluster/status", status: 200, reason: "OK", body: { data } });
    const app = await appOf({ prod: sandbox });
    expect(await app.call("proxmox_cluster_status")).toMatchObject({ result: { name: "pve", quorate: true, clustered: false } });
  });
});

describe("tasks", () => {
  test("are listed with how they ended, and their log can be read in parts", async () => {
    const sandbox = await sandboxOf();
    const app = await appOf({ prod: sandbox });
    await app.call("proxmox_vm_start", { id: "108" });
    await failure(app.call("proxmox_vm_start", { id: "109" }));
    const { items } = (await app.call("proxmox_task_list")) as { items: { id: string; target: string }[] };
    const [failed, done] = ["109", "108"].map((target) => items.find((item) => item.target === target));
    expect(items.map(({ target }) => target)).toEqual(["109", "108"]); // newest first
    expect(done).toMatchObject({ type: "qmstart", status: "ok", node: "pve1", duration: expect.any(Number) });
    expect(failed).toMatchObject({
      type: "qmstart",
      status: "failed",
      message: "VM is locked (backup)",
      node: "pve3",
      user: "ops@pve",
      token: "mcp",
    });
    const id = String(failed?.id);
    expect(await app.call("proxmox_task_get", { id })).toMatchObject({ item: { status: "failed", message: "VM is locked (backup)" } });
    expect(await app.call("proxmox_task_logs", { id })).toMatchObject({
      result: { lines: ["TASK ERROR: VM is locked (backup)"], start: 0, total: 1, truncated: false },
    });
    expect(await failure(app.call("proxmox_task_get", { id: "100" }))).toMatchObject({ code: "NOT_FOUND", next: expect.stringContaining("UPID:") });
    expect(await failure(app.call("proxmox_task_get", { id: "UPID:pve1:00000001:00000001:60000001:qmstart:100:root@pam:" }))).toMatchObject({
      code: "NOT_FOUND",
    });
  });

  test("of one node come from that node, or from the cluster when it is lost", async () => {
    const sandbox = await sandboxOf({ estate: { offline: ["pve3"] } });
    const app = await appOf({ prod: sandbox });
    await app.call("proxmox_vm_start", { id: "108" });
    const before = sandbox.requests.length;
    expect(await app.call("proxmox_task_list", { where: { node: "pve1", target: "108" } })).toMatchObject({ total: 1 });
    expect(String(sandbox.requests[before]?.query)).toBe("source=all&limit=500&vmid=108");
    expect(await app.call("proxmox_task_list", { where: { node: "pve3" } })).toMatchObject({ total: 0 });
    expect(sandbox.requests.at(-1)?.path).toBe("/api2/json/cluster/tasks");
  });

  test("one that runs is running", async () => {
    const sandbox = await sandboxOf({ taskTime: 150 });
    const app = await appOf({ prod: sandbox });
    const starting = app.call("proxmox_vm_start", { id: "108" });
    while (!sandbox.requests.some(({ method }) => method === "POST")) await new Promise((resolve) => setTimeout(resolve, 2));
    for (const where of [{}, { node: "pve1" }])
      expect(await app.call("proxmox_task_list", { where })).toMatchObject({ items: [{ status: "running", user: "ops@pve", token: "mcp" }] });
    await starting;
  });

  test("a long log is read from its end", async () => {
    const sandbox = await sandboxOf();
    const app = await appOf({ prod: sandbox });
    await failure(app.call("proxmox_vm_start", { id: "109" }));
    const { items } = (await app.call("proxmox_task_list")) as { items: { id: string }[] };
    sandbox.fail({ path: "/log", status: 200, reason: "OK", body: { data: [{ n: 1, t: "first" }], total: 1200 }, times: 1 });
    sandbox.fail({ path: "/log", status: 200, reason: "OK", body: { data: [{ n: 1200, t: "last" }], total: 1200 }, times: 1 });
    expect(await app.call("proxmox_task_logs", { id: items[0]?.id, lines: 1 })).toMatchObject({
      result: { lines: ["last"], start: 1199, total: 1200, truncated: true },
    });
  });
});

describe("a connection's health", () => {
  test("names the release and the token", async () => {
    const { connection } = await sandboxOf();
    expect(await testConnection(args(clientOf(connection)))).toMatchObject({
      version: "Proxmox VE 9.2.11",
      facts: { token: "ops@pve!mcp" },
      warnings: [],
    });
  });

  test.each([
    ["separated", "has no permissions"],
    ["auditor", "VM.PowerMgmt nowhere"],
  ] as const)("warns of a token that is too weak: %s", async (token, warning) => {
    const { connection } = await sandboxOf({ estate: { token } });
    expect((await testConnection(args(clientOf(connection)))).warnings).toEqual([expect.stringContaining(warning)]);
  });

  test("warns of a certificate that is not verified", async () => {
    const { connection } = await sandboxOf();
    const { fingerprint: _, ...rest } = connection;
    expect((await testConnection(args(clientOf({ ...rest, verify: false })))).warnings).toEqual([expect.stringContaining("not verified")]);
  });

  test("capacity: one request; disk is the roomiest storage of the node, not a sum of storages", async () => {
    const sandbox = await sandboxOf({ estate: { offline: ["pve2"] } });
    const { places } = await capacityOf(args(clientOf(sandbox.connection)));
    expect(sandbox.requests).toHaveLength(1);
    expect(places.map(({ name, healthy }) => [name, healthy])).toEqual([
      ["pve1", true],
      ["pve2", false],
      ["pve3", true],
    ]);
    expect(places[0]).toMatchObject({ cpu: 32, memory: 128 * 2 ** 30, disk: 20_000 * 2 ** 30, disk_used: 7_400 * 2 ** 30 });
    expect(places[1]?.memory_used).toBeUndefined();
  });
});
