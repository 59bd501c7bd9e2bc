import { afterEach, describe, expect, test } from "vitest";
import { until } from "../fixtures/tape-app.js";
import { appOf, clientOf, closeAll, failure, sandboxOf, signal, type StartedSandbox } from "./proxmox-setup.js";

afterEach(closeAll);

const GIB = 2 ** 30;
interface Answer {
  readonly item?: Record<string, unknown>;
  readonly items?: Record<string, unknown>[];
  readonly result?: Record<string, unknown>;
  readonly notes?: string[];
  readonly deleted?: boolean;
}

async function one(options: Parameters<typeof sandboxOf>[0] = {}) {
  const sandbox = await sandboxOf({ taskTime: 3, ...options });
  const app = await appOf({ prod: sandbox });
  const call = async (tool: string, args: Record<string, unknown> = {}): Promise<Answer> =>
    (await app.call(`proxmox_${tool}`, args, { confirm: true })) as Answer;
  const refused = (tool: string, args: Record<string, unknown> = {}) => failure(app.call(`proxmox_${tool}`, args, { confirm: true }));
  /** What the confirmation would ask. */
  const question = async (tool: string, args: Record<string, unknown>): Promise<string> => (await failure(app.call(`proxmox_${tool}`, args))).message;
  return { sandbox, app, call, refused, question };
}

const sent = ({ requests }: StartedSandbox, method: string, path: RegExp) =>
  requests.find((request) => request.method === method && path.test(request.path));

describe("creating", () => {
  test("a VM of which only the name is given gets the next free id, a node, a storage and a network device", async () => {
    const { sandbox, call } = await one();
    const { item, notes } = await call("vm_create", { name: "plain" });
    expect(item).toMatchObject({
      id: 112,
      name: "plain",
      status: "stopped",
      disk: 32 * GIB,
      nics: [{ id: "net0", model: "virtio", bridge: "vmbr0" }],
    });
    expect(notes).toEqual([expect.stringMatching(/^Placed on node pve1, which has the most free memory, and on storage ceph/)]);
    expect(sent(sandbox, "POST", /qemu$/)?.json()).toMatchObject({
      vmid: 112,
      scsi0: "ceph:32",
      net0: "virtio,bridge=vmbr0",
      boot: "order=scsi0;net0",
    });
  });

  test("everything that is asked for is what is there afterwards", async () => {
    const { call } = await one();
    const { item } = await call("vm_create", {
      name: "full",
      id: 160,
      node: "pve2",
      storage: "local-lvm",
      cpu: 4,
      sockets: 2,
      memory: 3 * GIB,
      memory_min: GIB,
      disk: 20 * GIB,
      cpu_type: "host",
      affinity: "0-3",
      numa_nodes: [{ cpus: "0-1", memory: GIB }],
      bios: "ovmf",
      machine: "q35",
      tags: ["a", "b"],
      pool: "web",
      protection: true,
      iso: "nas:iso/debian-13.1.0-amd64-netinst.iso",
      nics: [
        { vlan: 20, firewall: true, ip: "10.0.0.5/24", gateway: "10.0.0.1" },
        { bridge: "vmbr1", model: "e1000", connected: false },
      ],
      cloud_init: { user: "anna", ssh_keys: ["ssh-ed25519 AAAA anna@x"] },
    });
    expect(item).toMatchObject({
      id: 160,
      node: "pve2",
      cpu: 4,
      sockets: 2,
      memory: 3 * GIB,
      memory_min: GIB,
      cpu_type: "host",
      affinity: "0-3",
      numa: true,
      numa_nodes: [{ cpus: "0-1", memory: GIB }],
      bios: "ovmf",
      machine: "q35",
      tags: ["a", "b"],
      pool: "web",
      protection: true,
      bridges: ["vmbr0", "vmbr1"],
      nics: [
        { id: "net0", vlan: 20, firewall: true, connected: true, ip: "10.0.0.5/24", gateway: "10.0.0.1" },
        { id: "net1", bridge: "vmbr1", model: "e1000", connected: false },
      ],
      cloud_init: { user: "anna", password_set: false, ssh_keys: ["ssh-ed25519 AAAA anna@x"] },
    });
    const uses = Object.fromEntries(((item?.disks ?? []) as { id: string; use: string }[]).map(({ id, use }) => [id, use]));
    expect(uses).toEqual({ efidisk0: "firmware", ide0: "cloud-init", ide2: "cdrom", scsi0: "disk" });
  });

  test("a container from words of a template's name", async () => {
    const { call, refused } = await one();
    const { item, notes } = await call("ct_create", {
      name: "box",
      template: "ubuntu 24.04",
      node: "pve2",
      features: ["nesting"],
      nics: [{ ip: "10.0.0.9/24", gateway: "10.0.0.1" }],
    });
    expect(item).toMatchObject({ name: "box", os: "ubuntu", unprivileged: true, features: ["nesting"], nics: [{ name: "eth0", ip: "10.0.0.9/24" }] });
    expect(notes).toContainEqual("Made from nas:vztmpl/ubuntu-24.04-standard_24.04-2_amd64.tar.zst.");
    expect(await refused("ct_create", { name: "x", template: "haiku" })).toMatchObject({ code: "NOT_FOUND" });
  });

  test("an id that is taken is refused; one that somebody else took meanwhile is replaced", async () => {
    const { sandbox, call, refused } = await one();
    expect(await refused("vm_create", { name: "x", id: 100 })).toMatchObject({ code: "ALREADY_EXISTS" });
    sandbox.fail({ path: "/cluster/nextid", status: 200, reason: "OK", body: { data: "100" }, times: 1 });
    expect((await call("vm_create", { name: "x" })).item).toMatchObject({ id: 112 });
  });

  test("an unknown node, storage or image says what there is", async () => {
    const { refused } = await one();
    expect((await refused("vm_create", { name: "x", node: "nope" })).message).toContain("pve1, pve2, pve3");
    expect(await refused("vm_create", { name: "x", storage: "nas" })).toMatchObject({ code: "NOT_FOUND" });
    expect(await refused("vm_create", { name: "x", image: "nas:import/none.qcow2" })).toMatchObject({ code: "TASK_FAILED" });
  });

  test("without waiting the answer names the task, which is followed by that id to its end", async () => {
    const { call, app } = await one({ taskTime: 60 });
    const left = (await app.call("proxmox_vm_clone", { id: "108", wait: false, new_id: 950 })) as { task: string; notes: string[]; item?: unknown };
    expect(left).toMatchObject({ task: expect.stringMatching(/^UPID:pve1:.*:qmclone:108:/), notes: [expect.stringContaining("proxmox_task_get")] });
    expect(left).not.toHaveProperty("item");
    expect((await call("task_get", { id: left.task })).item).toMatchObject({ id: left.task, status: "running" });
    await until(async () => (await call("task_get", { id: left.task })).item?.["status"] !== "running");
    expect((await call("task_get", { id: left.task })).item).toMatchObject({ status: "ok" });
    expect((await call("vm_get", { id: "950" })).item).toMatchObject({ id: 950 });
    const backup = (await app.call("proxmox_backup_create", { vm: "108", wait: false })) as { task: string };
    expect(backup).toMatchObject({ task: expect.stringContaining(":vzdump:") });
    expect((await app.call("proxmox_task_list", { where: { status: ["running"], type: "vzdump" } })) as object).toMatchObject({ total: 1 });
  });
});

describe("changing", () => {
  test("a network device keeps its address and all that is not named", async () => {
    const { call } = await one();
    const before = (await call("vm_get", { id: "108" })).item?.nics as { mac: string }[];
    const { item } = await call("vm_update", { id: "108", nics: [{ id: "net0", vlan: 30 }, { bridge: "vmbr1" }] });
    expect(item?.nics).toMatchObject([
      { id: "net0", mac: before[0]?.mac, bridge: "vmbr0", vlan: 30 },
      { id: "net1", bridge: "vmbr1" },
    ]);
    expect((await call("vm_update", { id: "108", clear: ["net1", "tags"] })).item).toMatchObject({ nics: [{ id: "net0" }], tags: [] });
  });

  test("goes out with the digest of what was read, so that no other change is lost", async () => {
    const { sandbox, call, refused } = await one();
    await call("vm_update", { id: "108", description: "mine" });
    expect(sent(sandbox, "POST", /108\/config$/)?.json()).toHaveProperty("digest");
    sandbox.fail({ method: "POST", path: "/config", status: 500, reason: "checksum mismatch (file change by other user?)" });
    expect(await refused("vm_update", { id: "108", description: "x" })).toMatchObject({ code: "CONFLICT" });
    expect(await refused("vm_update", { id: "108" })).toMatchObject({ code: "INVALID_INPUT" });
  });

  test("a locked guest is refused with the lock's kind", async () => {
    const { refused } = await one();
    for (const [tool, args] of [
      ["vm_update", { description: "x" }],
      ["vm_clone", {}],
      ["vm_migrate", { node: "pve1" }],
      ["vm_move_disk", { storage: "ceph" }],
    ] as const)
      expect(await refused(tool, { id: "109", ...args }), tool).toMatchObject({
        code: "CONFLICT",
        message: expect.stringContaining("locked (backup)"),
      });
    expect(await refused("vm_delete", { id: "109", force: true })).toMatchObject({ data: { because: "CONFLICT" } });
  });

  test("disks grow, never shrink, and a resize that did nothing is a failure", async () => {
    const { sandbox, call, refused } = await one();
    expect((await call("vm_resize_disk", { id: "108", size: 80 * GIB })).item).toMatchObject({ disk: 80 * GIB });
    expect((await call("vm_resize_disk", { id: "108", grow_by: 512 * 2 ** 20 })).item).toMatchObject({ disk: 80.5 * GIB });
    expect(await refused("vm_resize_disk", { id: "108", size: GIB })).toMatchObject({ code: "INVALID_INPUT" });
    expect(await refused("vm_resize_disk", { id: "108", disk: "scsi9", size: GIB })).toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining("scsi0"),
    });
    sandbox.fail({ method: "PUT", path: "/resize", status: 200, reason: "OK", body: { data: null } });
    expect(await refused("ct_resize_disk", { id: "203", grow_by: GIB })).toMatchObject({
      code: "TASK_FAILED",
      message: expect.stringContaining("was not grown"),
    });
  });

  test("to another node: while it runs, or with a restart for a container", async () => {
    const { call, refused } = await one();
    expect((await call("vm_migrate", { id: "web-01", node: "pve2" })).item).toMatchObject({ node: "pve2", status: "running" });
    expect(await refused("ct_migrate", { id: "proxy", node: "pve1" })).toMatchObject({ code: "WRONG_STATE" });
    expect((await call("ct_migrate", { id: "proxy", node: "pve1", restart: true })).item).toMatchObject({ node: "pve1", status: "running" });
    expect(await refused("vm_migrate", { id: "web-02", node: "nope" })).toMatchObject({ code: "NOT_FOUND" });
  });

  test("copies: whole, linked to a template, or of a snapshot", async () => {
    const { sandbox, call, refused } = await one();
    expect((await call("vm_clone", { id: "debian-13-template", name: "linked" })).item).toMatchObject({ name: "linked", template: false });
    expect(sent(sandbox, "POST", /clone$/)?.json()).not.toHaveProperty("full");
    expect((await call("vm_clone", { id: "108", name: "whole", start: true })).item).toMatchObject({ name: "whole", status: "running" });
    expect(await refused("vm_clone", { id: "108", snapshot: "none" })).toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("deleting", () => {
  test("the question names disks, snapshots and the backups that remain", async () => {
    const { call, question } = await one();
    await call("snapshot_create", { vm: "100", name: "before" });
    const asked = await question("vm_delete", { id: "web-01", force: true });
    expect(asked).toContain("Deletes VM 100 (web-01) on node pve1 for good.");
    expect(asked).toContain("It is running and will be switched off.");
    expect(asked).toMatch(/Disks that go: local-lvm:vm-100-disk-0 \(60 GiB\)/);
    expect(asked).toContain("1 snapshot goes with it.");
    expect(asked).toMatch(/Backups that remain: 4, the latest of /);
  });

  test("a protected guest is refused before anybody is asked", async () => {
    const { call, question, refused } = await one();
    await call("vm_update", { id: "108", protection: true });
    expect(await question("vm_delete", { id: "108" })).toContain("is protected");
    expect(await refused("vm_delete", { id: "108" })).toMatchObject({ code: "WRONG_STATE", next: expect.stringContaining("protection: false") });
  });

  test("one that runs needs force; its disks go with it", async () => {
    const { sandbox, call, refused } = await one();
    expect(await refused("ct_delete", { id: "proxy" })).toMatchObject({ code: "WRONG_STATE" });
    expect(await call("ct_delete", { id: "proxy", force: true })).toMatchObject({ deleted: true });
    expect(await call("vm_delete", { id: "web-01", force: true })).toMatchObject({ deleted: true });
    const rows = await clientOf(sandbox.connection).get<{ vmid?: number }[]>("/nodes/pve1/storage/local-lvm/content", signal());
    expect(rows.some(({ vmid }) => vmid === 100)).toBe(false);
  });

  test("without quorum nothing goes", async () => {
    const { refused } = await one({ estate: { quorate: false } });
    expect(await refused("vm_delete", { id: "108" })).toMatchObject({ code: "WRONG_STATE", next: expect.stringContaining("quorum") });
  });
});

describe("commands", () => {
  test("in a VM: argv or a line for the shell, with what it printed and how it ended", async () => {
    const { call, refused } = await one();
    expect((await call("vm_exec", { id: "100", command: ["uname", "-a"] })).result).toMatchObject({
      exit_code: 0,
      stdout: expect.stringContaining("Linux web-01"),
    });
    expect((await call("vm_exec", { id: "100", shell: "echo out; echo err >&2; exit 3" })).result).toEqual({
      exit_code: 3,
      stdout: "out\n",
      stderr: "err\n",
      truncated: false,
    });
    expect((await call("vm_exec", { id: "100", command: ["cat"], stdin: "text" })).result).toMatchObject({ stdout: "text" });
    expect((await call("vm_exec", { id: "100", command: ["sleep", "1"] })).result).toMatchObject({ exit_code: 0 });
    expect((await call("vm_exec", { id: "100", command: ["yes"] })).result).toMatchObject({ truncated: true });
    expect(await refused("vm_exec", { id: "100", command: ["/nope/x"] })).toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining("/nope/x"),
    });
    expect(await refused("vm_exec", { id: "110", command: ["ls"] })).toMatchObject({
      code: "WRONG_STATE",
      next: expect.stringContaining("qemu-guest-agent"),
    });
    expect(await refused("vm_exec", { id: "100" })).toMatchObject({ code: "INVALID_INPUT" });
  });

  test("in a container: typed into its console", async () => {
    const { call, refused } = await one();
    await call("ct_update", { id: "200", console: "shell" });
    expect((await call("ct_exec", { id: "200", command: ["echo", "it's", "$HOME"] })).result).toMatchObject({
      exit_code: 0,
      stdout: "it's $HOME\n",
      truncated: false,
    });
    expect((await call("ct_exec", { id: "200", shell: "echo one; nosuch; exit 5" })).result).toMatchObject({ exit_code: 5 });
    expect((await call("ct_exec", { id: "200", command: ["yes"] })).result).toMatchObject({ truncated: true });
    expect(await refused("ct_exec", { id: "202", command: ["ls"] })).toMatchObject({
      code: "UNSUPPORTED",
      next: expect.stringContaining('console: "shell"'),
    });
    expect(await refused("ct_exec", { id: "203", command: ["ls"] })).toMatchObject({ code: "WRONG_STATE" });
  });

  test("in a container over SSH, where the connection has it", async () => {
    const ran: unknown[] = [];
    const ssh = {
      open: (target: unknown) => ({
        exec: async (argv: readonly string[]) => (ran.push(target, argv), { exitCode: 0, stdout: "hi\n", stderr: "" }),
        close: async () => {},
      }),
    };
    const { connection } = await sandboxOf();
    const client = clientOf({ ...connection, ssh: { user: "root" } }, undefined, ssh as never);
    const { execInCt } = await import("../../plugins/proxmox/guest/terminal.js");
    const result = await execInCt({
      client,
      key: "dns-01",
      signal: signal(),
      input: { command: ["ls", "-l"] },
      at: {},
      note: () => {},
      progress: () => {},
    } as never);
    expect(result).toEqual({ exit_code: 0, stdout: "hi\n", stderr: "", truncated: false });
    expect(ran).toMatchObject([{ host: "10.20.0.11", user: "root" }, ["pct", "exec", "200", "--", "ls", "-l"]]);
  });
});

describe("long operations", () => {
  test("tell how far they are from the task's log", async () => {
    const { app } = await one({ taskTime: 120 });
    const seen: { progress: number; total?: number }[] = [];
    await app.call("proxmox_vm_clone", { id: "108" }, { progress: (step) => void seen.push(step) });
    expect(seen.some(({ progress, total }) => progress === 75 && total === 100)).toBe(true);
  });

  test("are stopped when the caller cancels", async () => {
    const { sandbox, app } = await one({ taskTime: 400 });
    const leaving = new AbortController();
    const waiting = failure(app.call("proxmox_vm_clone", { id: "108" }, { signal: leaving.signal }));
    while (!sandbox.requests.some(({ path }) => path.endsWith("/status") && path.includes("UPID")))
      await new Promise((resolve) => setTimeout(resolve, 2));
    leaving.abort();
    expect(await waiting).toMatchObject({ code: "CANCELLED" });
    for (let look = 0; look < 50 && !sent(sandbox, "DELETE", /tasks\/UPID/); look += 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(sent(sandbox, "DELETE", /tasks\/UPID/)).toBeDefined();
  });
});
