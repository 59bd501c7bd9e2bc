import { afterEach, describe, expect, test } from "vitest";
import { createProxMcp } from "../../core/index.js";
import { connectionsIn } from "../../plugins/proxmox/connection.js";
import provider from "../../plugins/proxmox/index.js";
import { appOf, clientOf, closeAll, failure, sandboxOf, signal } from "./proxmox-setup.js";

afterEach(closeAll);

type Answer = Record<string, unknown> & {
  readonly items?: Record<string, unknown>[];
  readonly result?: Record<string, unknown>;
  readonly item?: Record<string, unknown>;
};

async function two() {
  const vault: never[] = [];
  const [production, lab] = await Promise.all([
    sandboxOf({ taskTime: 3, estate: { vault } }),
    sandboxOf({ taskTime: 3, estate: { name: "lab", vault } }),
  ]);
  const app = await appOf({ prod: production, lab });
  const call = async (tool: string, args: Record<string, unknown> = {}): Promise<Answer> =>
    (await app.call(`proxmox_${tool}`, args, { confirm: true })) as Answer;
  const refused = (tool: string, args: Record<string, unknown> = {}) => failure(app.call(`proxmox_${tool}`, args, { confirm: true }));
  return { production, lab, app, call, refused };
}

describe("several clusters", () => {
  test("are listed with their health, one that is down among them", async () => {
    const { production, call } = await two();
    production.fail({ path: "/version", drop: true });
    const { items, errors } = await call("cluster_health");
    expect(errors).toBeUndefined();
    expect(items).toMatchObject([
      { name: "prod", reachable: false, problem: expect.stringContaining("can't be reached") },
      {
        name: "lab",
        reachable: true,
        title: "lab",
        quorate: true,
        nodes: 2,
        nodes_online: 2,
        version: "9.2.11",
        latency: expect.any(Number),
        permissions: expect.any(Number),
      },
    ]);
    expect((await call("cluster_health", { cluster: "lab" })).items).toHaveLength(1);
  });

  test("a VMID that both have is never guessed, whatever is done with it", async () => {
    const { production, lab, refused, call } = await two();
    for (const [tool, args] of [
      ["vm_stop", { id: "100" }],
      ["vm_delete", { id: "100" }],
      ["snapshot_create", { vm: "100", name: "before" }],
      ["backup_create", { vm: "gitlab-runner" }],
      ["firewall_rule_create", { vm: "100", type: "in", action: "DROP" }],
    ] as const)
      expect(await refused(tool, args), tool).toMatchObject({ code: "CONNECTION_AMBIGUOUS", data: { candidates: ["prod", "lab"] } });
    for (const sandbox of [production, lab]) expect(sandbox.requests.filter(({ method }) => method !== "GET")).toEqual([]);
    expect((await call("snapshot_create", { vm: "playground", name: "before" })).cluster).toBe("lab");
    expect((await call("snapshot_create", { vm: "100", name: "before", cluster: "prod" })).cluster).toBe("prod");
  });
});

describe("the environment", () => {
  test("names clusters, their patterns, regions, tiers and further addresses", () => {
    const found = connectionsIn({
      PROXMOX_CLUSTERS: "east,west",
      PROXMOX_CLUSTER_east_API_URL: "https://pve1:8006, https://pve2:8006",
      PROXMOX_CLUSTER_east_TOKEN_NAME: "root@pam!a",
      PROXMOX_CLUSTER_east_TOKEN_VALUE: "s",
      PROXMOX_CLUSTER_east_REGION: "eu-east",
      PROXMOX_CLUSTER_east_TIER: "production",
      PROXMOX_CLUSTER_west_API_URL: "https://pve9:8006",
      PROXMOX_CLUSTER_west_TOKEN_ID: "root@pam!b",
      PROXMOX_CLUSTER_west_TOKEN_SECRET: "s",
      PROXMOX_CLUSTER_PATTERNS: '{"prod-": "east", "*-dr": "west"}',
    });
    expect(found).toMatchObject([
      {
        name: "east",
        options: { url: "https://pve1:8006", more_urls: ["https://pve2:8006"], match: ["prod-*"], tags: { region: "eu-east", tier: "production" } },
      },
      { name: "west", options: { url: "https://pve9:8006", match: ["*-dr"] } },
    ]);
  });

  test("patterns may be written for a shell", () => {
    const env = { PROXMOX_CLUSTERS: "a", PROXMOX_CLUSTER_a_API_URL: "https://x:8006", PROXMOX_CLUSTER_PATTERNS: "dr-=a" };
    expect(connectionsIn(env)[0]?.options.match).toEqual(["dr-*"]);
  });

  test("becomes connections", async () => {
    const { connection } = await sandboxOf();
    const [token_id = "", secret = ""] = String(connection.token).split("=");
    const env = {
      PROXMOX_CLUSTERS: "east",
      PROXMOX_CLUSTER_east_API_URL: String(connection.url),
      PROXMOX_CLUSTER_east_TOKEN_ID: token_id,
      PROXMOX_CLUSTER_east_TOKEN_SECRET: secret,
      PROXMOX_CLUSTER_east_FINGERPRINT: String(connection.fingerprint),
      PROXMOX_CLUSTER_east_REGION: "eu",
    };
    const app = await createProxMcp({ plugins: [provider as never], env, log: { level: "silent" } } as never);
    expect(await app.call("proxmox_cluster_list")).toMatchObject({ items: [{ name: "east", reachable: true, region: "eu" }] });
    await app.close();
  });
});

describe("several addresses of one cluster", () => {
  test("when the first is dead the next is asked, and stays the one that is asked", async () => {
    const [dead, alive] = await Promise.all([sandboxOf(), sandboxOf()]);
    const { url, fingerprint } = dead.connection;
    await dead.close();
    const client = clientOf({
      ...alive.connection,
      url,
      fingerprint,
      more_urls: [{ url: alive.connection.url, fingerprint: alive.connection.fingerprint }],
    });
    expect(await client.get("/version", signal())).toMatchObject({ version: "9.2.11" });
    expect(client.address).toBe(alive.connection.url);
    await client.write("PUT", "/nodes/pve1/qemu/108/config", { description: "x" }, { signal: signal(), progress: () => {}, note: () => {} });
  });

  test("a write that may have arrived is not sent again", async () => {
    const [first, second] = await Promise.all([sandboxOf(), sandboxOf()]);
    first.fail({ path: "/status/start", drop: true });
    const client = clientOf({ ...first.connection, more_urls: [{ url: second.connection.url, fingerprint: second.connection.fingerprint }] });
    const start = client.write("POST", "/nodes/pve1/qemu/108/status/start", {}, { signal: signal(), progress: () => {}, note: () => {} });
    expect(await failure(start)).toMatchObject({ code: "UNREACHABLE" });
    expect(second.requests).toEqual([]);
    expect(await client.get("/version", signal())).toBeDefined();
  });

  test("when none answers the error names them all", async () => {
    const [one, other] = await Promise.all([sandboxOf(), sandboxOf()]);
    await Promise.all([one.close(), other.close()]);
    const client = clientOf({ ...one.connection, more_urls: [{ url: other.connection.url, fingerprint: other.connection.fingerprint }] });
    expect(await failure(client.get("/version", signal()))).toMatchObject({ code: "UNREACHABLE", tried: [one.connection.url, other.connection.url] });
  });
});

describe("between clusters", () => {
  test("a VM is copied, verified, and only then deleted where it was", async () => {
    const { production, call, refused } = await two();
    const { result } = await call("vm_migrate_cluster", { id: "staging", to_cluster: "lab", delete_source: true });
    expect(result).toMatchObject({ to_cluster: "lab", vmid: 108, road: "remote-migrate", source_deleted: true });
    expect((await call("vm_get", { id: "staging", cluster: "lab" })).item).toMatchObject({ id: 108, disk: 60 * 2 ** 30 });
    expect(await refused("vm_get", { id: "108", cluster: "prod" })).toMatchObject({ code: "NOT_FOUND" });
    const order = production.requests.map(({ method, path }) => `${method} ${path}`);
    expect(order.findIndex((line) => line.startsWith("DELETE"))).toBeGreaterThan(order.findIndex((line) => line.includes("remote_migrate")));
  });

  test("an older release goes by a backup on a storage that both have", async () => {
    const { production, call } = await two();
    production.fail({ path: "/remote_migrate", status: 501, reason: "Method 'POST /nodes/pve1/qemu/108/remote_migrate' not implemented" });
    const { result, notes } = await call("vm_migrate_cluster", { id: "staging", to_cluster: "lab" });
    expect(result).toMatchObject({ vmid: 108, road: "backup and restore", source_deleted: false });
    expect(notes).toContainEqual(expect.stringContaining("was made for this, and is kept"));
    expect((await call("vm_get", { id: "108", cluster: "prod" })).item).toMatchObject({ name: "staging" });
  });

  test("a copy that can't be verified costs nothing here", async () => {
    const { production, call, refused } = await two();
    production.fail({ path: "/remote_migrate", status: 200, reason: "OK", body: { data: null } });
    expect(await refused("vm_migrate_cluster", { id: "staging", to_cluster: "lab", delete_source: true })).toMatchObject({
      code: "TASK_FAILED",
      message: expect.stringContaining("Nothing was deleted here"),
    });
    expect((await call("vm_get", { id: "108", cluster: "prod" })).item).toMatchObject({ name: "staging" });
  });

  test("what a failed restore left on the far side is removed", async () => {
    const { production, lab, call, refused } = await two();
    production.fail({ path: "/remote_migrate", status: 501, reason: "not implemented" });
    lab.fail({ method: "POST", path: /\/qemu$/, taskError: "error before or during data restore" });
    expect(await refused("vm_migrate_cluster", { id: "staging", to_cluster: "lab", delete_source: true })).toMatchObject({ code: "TASK_FAILED" });
    expect((await call("vm_list", { cluster: "lab" })).items?.map(({ id }) => id)).not.toContain(108);
    expect((await call("vm_get", { id: "108", cluster: "prod" })).item).toMatchObject({ name: "staging" });
  });

  test("the far side's rules hold too", async () => {
    const [production, lab] = await Promise.all([sandboxOf(), sandboxOf({ estate: { name: "lab" } })]);
    const connections = {
      prod: { provider: "proxmox", ...production.connection },
      lab: { provider: "proxmox", ...lab.connection, tools: { readOnly: true } },
    };
    const app = await createProxMcp({ plugins: [provider as never], connections, env: {}, log: { level: "silent" } } as never);
    expect(
      await failure(app.call("proxmox_vm_migrate_cluster", { id: "staging", to_cluster: "lab", cluster: "prod" }, { confirm: true })),
    ).toMatchObject({ code: "TOOL_DENIED" });
    expect(lab.requests.filter(({ method }) => method !== "GET")).toEqual([]);
    await app.close();
  });

  test("a backup on a storage that both have is there at once; another is made anew on one", async () => {
    const { call } = await two();
    const made = (await call("backup_create", { vm: "staging", storage: "pbs" })).item;
    expect((await call("backup_copy", { id: made?.id, to_cluster: "lab", cluster: "prod" })).result).toEqual({
      id: made?.id,
      to_cluster: "lab",
      storage: "pbs",
      verified: true,
    });
    const nas = (await call("backup_list", { cluster: "prod", where: { vmid: 100, storage: "nas" } })).items?.[0]?.id;
    const { result, notes } = await call("backup_copy", { id: nas, to_cluster: "lab", cluster: "prod" });
    expect(result).toMatchObject({ storage: "pbs", verified: true });
    expect(notes).toEqual([expect.stringContaining("backed up anew to pbs")]);
  });
});
