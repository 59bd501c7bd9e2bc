import { afterEach, describe, expect, test } from "vitest";
import { checkProvider } from "../../core/declare/check.js";
import provider from "../../plugins/proxmox/index.js";
import { appOf, closeAll, failure, sandboxOf, type StartedSandbox } from "./proxmox-setup.js";

afterEach(closeAll);

interface Row {
  readonly id: number;
  readonly name?: string;
  readonly node: string;
  readonly status: string;
  readonly [field: string]: unknown;
}
interface Answer {
  readonly items?: Row[];
  readonly item?: Row;
  readonly errors?: { readonly source?: string; readonly code: string; readonly message: string }[];
  readonly notes?: string[];
  readonly total?: number;
}

const paths = ({ requests }: StartedSandbox): string[] => requests.map(({ method, path }) => `${method} ${path.replace("/api2/json", "")}`);

/** A cluster, and a way to call its tools. */
async function one(options: Parameters<typeof sandboxOf>[0] = {}) {
  const sandbox = await sandboxOf(options);
  const app = await appOf({ prod: sandbox });
  const call = async (tool: string, args: Record<string, unknown> = {}): Promise<Answer> => (await app.call(tool, args, { confirm: true })) as Answer;
  const refused = (tool: string, args: Record<string, unknown> = {}) => failure(app.call(tool, args, { confirm: true }));
  return { sandbox, app, call, refused };
}

describe("the declaration", () => {
  test("is sound", () => {
    expect(checkProvider(provider)).toEqual([]);
  });

  test("puts at most 13 tools on the default surface", async () => {
    const { app } = await one();
    const names = app.tools().map(({ name }) => name);
    expect(names.filter((name) => name.startsWith("proxmox_"))).toHaveLength(13);
  });

  test.each([
    ["proxmox_vm_get_info", "proxmox_vm_get"],
    ["proxmox_ct_get_info", "proxmox_ct_get"],
    ["proxmox-list-nodes", "proxmox_node_list"],
    ["proxmox-list-vms", "proxmox_vm_list"],
    ["proxmox-list-storage", "proxmox_storage_list"],
    ["proxmox_cluster_nodes", "proxmox_node_list"],
    ["proxmox_cluster_get_node_info", "proxmox_node_get"],
    ["proxmox-cluster-status", "proxmox_cluster_status"],
  ])("%s still means %s", async (old, name) => {
    const { app } = await one();
    expect(app.tool(old).name).toBe(name);
  });
});

describe("listing guests", () => {
  test("takes one request for the whole cluster", async () => {
    const { sandbox, call } = await one();
    const { items, total } = await call("proxmox_vm_list");
    expect(total).toBe(13);
    expect(paths(sandbox)).toEqual(["GET /cluster/resources"]);
    expect(items?.[0]).toEqual({
      id: 100,
      name: "web-01",
      status: "running",
      node: "pve1",
      cpu: 4,
      cpu_usage: 0.31,
      memory: 8 * 2 ** 30,
      memory_used: Math.round(8 * 2 ** 30 * 0.62),
      disk: 60 * 2 ** 30,
      uptime: expect.any(Number),
      tags: ["prod", "web"],
      pool: "web",
      template: false,
    });
  });

  test("what only a running guest has is absent from the others, not zero", async () => {
    const { call } = await one();
    const { items } = await call("proxmox_vm_list", { where: { status: ["stopped"] } });
    expect(items?.map(({ name }) => name)).toEqual(["staging", "debian-13-template"]);
    for (const item of items ?? []) for (const field of ["cpu_usage", "memory_used", "uptime", "disk_used"]) expect(item).not.toHaveProperty(field);
  });

  test("a container's disk use is known, a VM's is not", async () => {
    const { call } = await one();
    expect((await call("proxmox_ct_list")).items?.[0]).toMatchObject({ id: 200, disk_used: expect.any(Number) });
    for (const item of (await call("proxmox_vm_list")).items ?? []) expect(item).not.toHaveProperty("disk_used");
  });

  test("one offline node leaves every other node's guests listed, with the error stated beside them", async () => {
    const { sandbox, call } = await one({ estate: { offline: ["pve3"] } });
    const { items = [], errors = [] } = await call("proxmox_vm_list", { limit: 100 });
    expect(items).toHaveLength(13);
    expect(items.filter(({ node }) => node === "pve3").map(({ status }) => status)).toEqual(["unknown", "unknown", "unknown", "unknown"]);
    expect(items.filter(({ node, status }) => node !== "pve3" && status === "running").map(({ id }) => id)).toEqual([100, 101, 102, 104, 106, 110]);
    expect(errors).toEqual([expect.objectContaining({ source: "pve3", code: "UNREACHABLE", message: expect.stringContaining("pve3 is offline") })]);
    expect(paths(sandbox)).toHaveLength(1);
  });

  test("an offline node without containers is no error when containers are listed", async () => {
    const { sandbox, call } = await one();
    const data = [
      { id: "lxc/200", type: "lxc", vmid: 200, node: "pve1", status: "running", name: "dns-01", template: 0 },
      { id: "qemu/105", type: "qemu", vmid: 105, node: "pve3", status: "running", name: "mail", template: 0 },
      { id: "node/pve3", type: "node", node: "pve3", status: "offline", level: "" },
    ];
    sandbox.fail({ path: "/cluster/resources", status: 200, reason: "OK", body: { data } });
    expect(await call("proxmox_ct_list")).not.toHaveProperty("errors");
    expect((await call("proxmox_vm_list")).errors).toHaveLength(1);
  });

  test("rows that the cluster has no details of are listed as they are", async () => {
    const { sandbox, call } = await one();
    const data = [
      { id: "qemu/301", type: "qemu", vmid: 301, node: "pve2", status: "unknown", lock: "create" },
      { id: "node/pve2", type: "node", node: "pve2", status: "online", level: "", "cgroup-mode": 2 },
    ];
    sandbox.fail({ path: "/cluster/resources", status: 200, reason: "OK", body: { data } });
    expect((await call("proxmox_vm_list")).items).toEqual([{ id: 301, status: "unknown", node: "pve2", tags: [], lock: "create" }]);
  });

  test("an empty list says so when the token may see nothing, at the cost of one request", async () => {
    const { sandbox, call } = await one({ estate: { token: "separated" } });
    const { items, notes } = await call("proxmox_vm_list");
    expect(items).toEqual([]);
    expect(notes).toEqual([expect.stringContaining("ops@pve!separated has VM.Audit nowhere")]);
    expect(paths(sandbox)).toEqual(["GET /cluster/resources", "GET /access/permissions"]);
  });

  test("no hint where there are guests, just none of this kind", async () => {
    const { sandbox, call } = await one({ estate: { token: "limited" } });
    expect(await call("proxmox_ct_list")).toEqual({ items: [], total: 0 });
    expect(paths(sandbox)).toEqual(["GET /cluster/resources"]);
  });
});

describe("one guest", () => {
  test("is found by id and by name, with its configuration", async () => {
    const { sandbox, call } = await one();
    const byName = (await call("proxmox_vm_get", { id: "DB-01" })).item;
    expect(byName).toMatchObject({
      id: 102,
      node: "pve2",
      status: "running",
      os: "linux",
      os_type: "l26",
      ha: "started",
      description: "PostgreSQL, primary",
      created: "2025-10-10T13:13:20.000Z",
    });
    expect(paths(sandbox).sort()).toEqual(["GET /cluster/resources", "GET /nodes/pve2/qemu/102/config", "GET /nodes/pve2/qemu/102/status/current"]);
    expect((await call("proxmox_vm_get", { id: "102" })).item).toEqual(byName);
    expect((await call("proxmox_ct_get", { id: "proxy" })).item).toMatchObject({
      id: 201,
      os: "debian",
      arch: "x86_64",
      unprivileged: true,
      onboot: true,
    });
  });

  test("its state is that of now, finer than the listing's", async () => {
    const { call } = await one();
    expect((await call("proxmox_vm_get", { id: "111" })).item).toMatchObject({ status: "paused" });
  });

  test("two of one name are told apart by their ids", async () => {
    const { app, refused, sandbox } = await one();
    const { clientOf, signal } = await import("./proxmox-setup.js");
    const call = { signal: signal(), progress: () => {}, note: () => {} };
    await clientOf(sandbox.connection).write("PUT", "/nodes/pve1/qemu/108/config", { name: "mail" }, call);
    const error = await refused("proxmox_vm_start", { id: "mail" });
    expect(error).toMatchObject({
      code: "NAME_AMBIGUOUS",
      data: {
        candidates: [
          { id: 105, node: "pve3" },
          { id: 108, node: "pve1" },
        ],
      },
    });
    expect(await app.call("proxmox_vm_get", { id: "105" })).toMatchObject({ item: { name: "mail" } });
  });

  test("a container is no VM, and the error says where to go", async () => {
    const { refused } = await one();
    expect(await refused("proxmox_vm_get", { id: "proxy" })).toMatchObject({
      code: "NOT_FOUND",
      message: "proxy is no VM but a container (201 on pve2).",
      next: "Use the tools for containers.",
    });
    expect(await refused("proxmox_vm_get", { id: "nobody" })).toMatchObject({ code: "NOT_FOUND" });
  });

  test("on an offline node it is shown as the cluster remembers it, and can't be started", async () => {
    const { sandbox, call, refused } = await one({ estate: { offline: ["pve3"] } });
    const { item, notes } = await call("proxmox_vm_get", { id: "mail" });
    expect(item).toMatchObject({ id: 105, status: "unknown" });
    expect(notes).toEqual([expect.stringContaining("pve3 is offline")]);
    expect(await refused("proxmox_vm_start", { id: "mail" })).toMatchObject({ code: "UNREACHABLE", data: { node: "pve3" } });
    expect(paths(sandbox).every((path) => path === "GET /cluster/resources")).toBe(true);
  });

  test("that moves to another node in between is followed", async () => {
    const { sandbox, call } = await one();
    const stale = { id: "qemu/102", type: "qemu", vmid: 102, name: "db-01", node: "pve1", status: "running" };
    sandbox.fail({ path: "/cluster/resources", status: 200, reason: "OK", body: { data: [stale] }, times: 1 });
    expect((await call("proxmox_vm_get", { id: "db-01" })).item).toMatchObject({ node: "pve2", status: "running" });
  });

  test("the same id on two clusters needs the cluster's name; a name on one of them does not", async () => {
    const [production, lab] = [await sandboxOf(), await sandboxOf({ estate: { name: "lab" } })];
    const app = await appOf({ production, lab });
    expect(await app.call("proxmox_vm_get", { id: "100", cluster: "lab" })).toMatchObject({ item: { name: "playground" }, cluster: "lab" });
    expect(await app.call("proxmox_vm_get", { id: "k3s-01" })).toMatchObject({ item: { id: 102 }, cluster: "lab" });
    expect(await failure(app.call("proxmox_vm_start", { id: "gitlab-runner" }))).toMatchObject({ code: "CONNECTION_AMBIGUOUS" });
  });
});

describe("switching on and off", () => {
  test("start waits for the task and reads the guest back", async () => {
    const { call } = await one();
    expect((await call("proxmox_vm_start", { id: "staging" })).item).toMatchObject({ id: 108, status: "running" });
    expect((await call("proxmox_ct_start", { id: "scratch" })).item).toMatchObject({ id: 203, status: "running" });
  });

  test.each([
    ["proxmox_vm_start", "100", "VM 100 was running already."],
    ["proxmox_ct_start", "200", "container 200 was running already."],
    ["proxmox_ct_stop", "203", "container 203 was stopped already."],
    ["proxmox_ct_shutdown", "203", "container 203 was stopped already."],
  ])("%s on %s that is there already is no failure", async (tool, id, note) => {
    const { call } = await one();
    expect((await call(tool, { id })).notes).toEqual([note]);
  });

  test("'already running' is believed only when the guest agrees", async () => {
    const { sandbox, refused } = await one();
    sandbox.fail({ path: "/status/start", taskError: "VM 108 already running" });
    expect(await refused("proxmox_vm_start", { id: "108" })).toMatchObject({ code: "TASK_FAILED" });
  });

  test("stopping a VM that is off is a task with nothing to do", async () => {
    const { call } = await one();
    expect((await call("proxmox_vm_stop", { id: "108" })).item).toMatchObject({ status: "stopped" });
  });

  test("a shutdown passes on its limit, and force", async () => {
    const { sandbox, call, refused } = await one();
    expect(await refused("proxmox_vm_shutdown", { id: "scanner", timeout: 5 })).toMatchObject({
      code: "TASK_FAILED",
      message: expect.stringContaining("VM quit/powerdown failed - got timeout"),
    });
    const sent = () => JSON.parse(Buffer.from(sandbox.requests.findLast(({ method }) => method === "POST")?.body ?? "").toString());
    expect(sent()).toEqual({ timeout: 5 });
    expect((await call("proxmox_vm_shutdown", { id: "scanner", force: true })).item).toMatchObject({ status: "stopped" });
    expect(sent()).toEqual({ forceStop: true });
  });

  test("a restart of a VM is over when the guest is back, not when it is down", async () => {
    const { call } = await one({ taskTime: 60 });
    expect((await call("proxmox_vm_restart", { id: "100" })).item).toMatchObject({ status: "running", uptime: 0 });
    expect((await call("proxmox_ct_restart", { id: "200" })).item).toMatchObject({ status: "running", uptime: 0 });
  });

  test("a restart of what is off says so", async () => {
    const { refused } = await one();
    expect(await refused("proxmox_vm_restart", { id: "108" })).toMatchObject({
      code: "WRONG_STATE",
      message: expect.stringContaining("VM 108 not running"),
    });
  });

  test("a stop can end a shutdown that hangs", async () => {
    const { call, refused, sandbox } = await one({ taskTime: 60 });
    const hanging = refused("proxmox_vm_shutdown", { id: "scanner" });
    while (!sandbox.requests.some(({ path }) => path.endsWith("/shutdown"))) await new Promise((resolve) => setTimeout(resolve, 2));
    expect((await call("proxmox_vm_stop", { id: "scanner", overrule_shutdown: true })).item).toMatchObject({ status: "stopped" });
    expect(await hanging).toMatchObject({ code: "TASK_FAILED", data: { exitstatus: "received interrupt" } });
  });

  test("a hard stop is confirmed, a shutdown is not", async () => {
    const { app } = await one();
    const error = await failure(app.call("proxmox_vm_stop", { id: "100" }));
    expect(error).toMatchObject({ code: "CONFIRMATION_REQUIRED", message: expect.stringContaining("not written to disk is lost") });
    expect(await app.call("proxmox_vm_shutdown", { id: "100" })).toMatchObject({ item: { status: "stopped" } });
  });

  test("without the privilege it is refused by name", async () => {
    const { refused } = await one({ estate: { token: "auditor" } });
    expect(await refused("proxmox_vm_start", { id: "108" })).toMatchObject({
      code: "FORBIDDEN",
      next: expect.stringContaining("Give audit@pve!read VM.PowerMgmt on /vms/108"),
    });
  });

  test("without quorum it is refused with the reason, and reads go on", async () => {
    const { call, refused } = await one({ estate: { quorate: false } });
    expect(await refused("proxmox_vm_start", { id: "108" })).toMatchObject({ code: "WRONG_STATE", next: expect.stringContaining("no quorum") });
    expect((await call("proxmox_vm_list")).total).toBe(13);
  });
});
