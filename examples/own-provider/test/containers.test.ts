import { describe, expect, it } from "vitest";
import { sent, started } from "./started.ts";

const GIB = 2 ** 30;
const confirm = { confirm: true } as const;

describe("the tools of Containarium's own server, by their names", () => {
  it("list_containers", async () => {
    const { app, sandbox } = await started();
    const { items } = (await app.call("list_containers", { where: { status: ["stopped"] } })) as { items: object[] };
    expect(items).toEqual([
      expect.objectContaining({
        username: "charlie",
        name: "charlie-container",
        status: "stopped",
        cpu: 4,
        memory: 4_000_000_000,
        disk: 50_000_000_000,
        os: "debian 12",
        node: "gcp-main",
        connect: "charlie@ssh.containarium.example",
      }),
    ]);
    expect(sent(sandbox, "GET")).toMatchObject({ path: "/v1/containers", query: { state: "CONTAINER_STATE_STOPPED" } });
    expect(items[0]).not.toHaveProperty("ip");
  });

  it("get_container, with the keys that may log in", async () => {
    const { app } = await started();
    expect(await app.call("get_container", { username: "alice" })).toMatchObject({
      item: { memory: 8_000_000_000, stack: "nodejs", docker: true, tags: ["team=web"], ssh_keys: [expect.stringContaining("alice@laptop")] },
    });
  });

  it("create_container: every setting goes over the wire under the API's own name", async () => {
    const { app, sandbox } = await started();
    const ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZha2Uga2V5IG9mIHRoZSBzYW5kYm94 erin@desk"];
    const args = { username: "erin", cpu: 8, memory: 16 * GIB, disk: 100_000_000_000, ssh_keys, image: "images:debian/12", enable_docker: false };
    expect(await app.call("create_container", { ...args, ttl: 3600, idle_stop: 90, labels: { team: "web" } })).toMatchObject({
      item: {
        username: "erin",
        status: "running",
        cpu: 8,
        memory: 16 * GIB,
        os: "debian 12",
        docker: false,
        auto_sleep: 120,
        expires: expect.any(String),
      },
    });
    expect(sent(sandbox, "POST")).toEqual({
      path: "/v1/containers",
      query: {},
      body: {
        username: "erin",
        resources: { cpu: "8", memory: "16GiB", disk: "100GB" },
        sshKeys: ssh_keys,
        image: "images:debian/12",
        enablePodman: false,
        labels: { team: "web" },
        ttlSeconds: "3600",
        idleStopMinutes: 2,
      },
    });
  });

  it("create_container with a name alone: the server's own sizes, and Docker, which has to be asked for", async () => {
    const { app, sandbox } = await started();
    expect(await app.call("create_container", { username: "finn" })).toMatchObject({
      item: { status: "running", cpu: 4, memory: 4_000_000_000, disk: 50_000_000_000, docker: true, os: "ubuntu 24.04" },
    });
    expect(sent(sandbox, "POST").body).toEqual({ username: "finn", resources: {}, enablePodman: true });
  });

  it("create_container without waiting answers what it is by then", async () => {
    const { app } = await started({ taskTime: 60_000 });
    expect(await app.call("create_container", { username: "gina", wait: false })).toMatchObject({
      item: { status: "creating" },
      notes: [expect.stringContaining("It is being created")],
    });
  });

  it("create_container on a backend that is chosen, or that isn't there", async () => {
    const { app, sandbox } = await started();
    expect(await app.call("create_container", { username: "hugo", backend: "gpu-box" })).toMatchObject({ item: { node: "tunnel-gpu", pool: "lab" } });
    expect(sent(sandbox, "POST").body).toMatchObject({ backendId: "tunnel-gpu" });
    await expect(app.call("create_container", { username: "ida", backend: "moon" })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: "There is no backend moon. Reached are: gcp-main, tunnel-gpu.",
    });
  });

  it("start_container and stop_container, for what runs already too", async () => {
    const { app, sandbox } = await started();
    expect(await app.call("start_container", { username: "charlie" })).toMatchObject({ item: { status: "running" } });
    expect(await app.call("start_container", { username: "charlie" })).toMatchObject({ item: { status: "running" } });
    expect(await app.call("stop_container", { username: "charlie", timeout: 5 })).toMatchObject({ item: { status: "stopped" } });
    expect(sent(sandbox, "POST")).toMatchObject({ path: "/v1/containers/charlie/stop", body: { force: false, timeout: 5 } });
    expect(await app.call("stop_container", { username: "charlie" })).toMatchObject({ item: { status: "stopped" } });
  });

  it("start_container does not take a frozen one for running, as the server's words would have it", async () => {
    const { app } = await started();
    await expect(app.call("start_container", { username: "dora" })).rejects.toMatchObject({
      code: "WRONG_STATE",
      message: expect.stringContaining("It is frozen."),
    });
  });

  it("stop_container by force is confirmed, gracefully it is not", async () => {
    const { app, sandbox } = await started();
    await expect(app.call("stop_container", { username: "alice", force: true })).rejects.toMatchObject({ code: "CONFIRMATION_REQUIRED" });
    expect(await app.call("stop_container", { username: "alice", force: true }, confirm)).toMatchObject({ item: { status: "stopped" } });
    expect(sent(sandbox, "POST").body).toEqual({ force: true });
  });

  it("delete_container, once it is confirmed", async () => {
    const { app, sandbox } = await started();
    await expect(app.call("delete_container", { username: "alice" })).rejects.toMatchObject({
      code: "CONFIRMATION_REQUIRED",
      message: expect.stringContaining("all snapshots of it are lost"),
    });
    await app.call("delete_container", { username: "alice", force: true }, confirm);
    expect(sent(sandbox, "DELETE")).toMatchObject({ path: "/v1/containers/alice", query: { force: "true" } });
    await expect(app.call("get_container", { username: "alice" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("get_metrics, of all or of one", async () => {
    const { app, sandbox } = await started();
    const all = (await app.call("get_metrics", {})) as { result: { metrics: { name: string }[] } };
    expect(all.result.metrics.map(({ name }) => name)).toEqual(["alice", "bob", "charlie", "dora", "runner"].map((name) => `${name}-container`));
    expect(await app.call("get_metrics", { username: "bob" })).toMatchObject({
      result: { metrics: [{ name: "bob-container", memory_used: 11_800_000_000, cpu_time: 5400, network_received: 734_003_200, processes: 37 }] },
    });
    expect(sent(sandbox, "GET").path).toBe("/v1/metrics/bob");
  });

  it("get_system_info: one row for each backend", async () => {
    const { app } = await started();
    expect(await app.call("get_system_info", {})).toMatchObject({
      items: [
        {
          name: "gcp-main",
          version: "0.21.0",
          cpu: 16,
          cpu_usage: 0.25,
          memory_used: 26 * GIB,
          running: 2,
          stopped: 2,
          containers: 4,
          storage: "zfs",
        },
        { name: "tunnel-gpu", gpus: ["NVIDIA GeForce RTX 4090"], running: 1 },
      ],
    });
  });
});

describe("containers, further", () => {
  it("are resized, and a disk only grows", async () => {
    const { app, sandbox } = await started();
    expect(await app.call("resize_container", { username: "alice", memory: 12 * GIB, cpu: 6 })).toMatchObject({ item: { cpu: 6, memory: 12 * GIB } });
    expect(sent(sandbox, "PUT")).toEqual({ path: "/v1/containers/alice/resize", query: {}, body: { cpu: "6", memory: "12GiB" } });
    await expect(app.call("resize_container", { username: "alice", disk: 1_000_000_000 })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(app.call("resize_container", { username: "alice" })).rejects.toMatchObject({ message: "Say what to change: cpu, memory or disk." });
  });

  it("let keys in and out, but for the removal of one that the server can't be told", async () => {
    const { app, sandbox } = await started();
    const [add, remove] = ["containarium_container_add_ssh_key", "containarium_container_remove_ssh_key"];
    const public_key = "ssh-ed25519 AAAAC3Nz+aC1 erin@desk";
    expect(await app.call(add, { username: "bob", public_key })).toMatchObject({ result: { keys: 2 } });
    expect(await app.call(remove, { username: "bob", public_key })).toMatchObject({ result: { keys: 1 } });
    expect(sent(sandbox, "DELETE").path).toBe("/v1/containers/bob/ssh-keys/ssh-ed25519%20AAAAC3Nz%2BaC1%20erin%40desk");
    await expect(app.call(remove, { username: "bob", public_key: "ssh-ed25519 AAAA/C3Nz erin@desk" })).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: "Unable to remove a key of bob: the server takes no keys with a slash here.",
    });
  });

  it("are protected, put to sleep, cleaned, looked into", async () => {
    const { app } = await started();
    expect(await app.call("containarium_container_protect", { username: "bob" })).toMatchObject({ item: { protected: true } });
    expect(await app.call("toggle_auto_sleep", { username: "bob", idle: 600 })).toMatchObject({ item: { auto_sleep: 600 } });
    expect(await app.call("containarium_container_cleanup_disk", { username: "bob" })).toMatchObject({ result: { freed: 4_750_000_000 } });
    expect(await app.call("debug_container", { username: "charlie" })).toMatchObject({
      result: { state: "stopped", likely_cause: "container is not running", next_actions: ["start the container of charlie"] },
    });
    await expect(app.call("debug_container", { username: "nobody" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("are given a time to live, which is confirmed, and which can be taken back without", async () => {
    const { app } = await started();
    await expect(app.call("set_container_ttl", { username: "bob", seconds: 60 })).rejects.toMatchObject({ code: "CONFIRMATION_REQUIRED" });
    expect(await app.call("set_container_ttl", { username: "bob", seconds: 60 }, confirm)).toMatchObject({ item: { expires: expect.any(String) } });
    expect(await app.call("set_container_ttl", { username: "bob", seconds: 0 })).not.toHaveProperty("item.expires");
  });

  it("have what they use beside them when it is asked for, in one request more", async () => {
    const { app, sandbox } = await started();
    const before = sandbox.requests.length;
    const { items } = (await app.call("list_containers", { where: { memory_used: { min: 2_000_000_000 } } })) as { items: { username: string }[] };
    expect(items.map(({ username }) => username)).toEqual(["alice", "bob"]);
    expect(sandbox.requests.slice(before).map(({ path }) => path)).toEqual(["/v1/containers", "/v1/metrics"]);
  });
});

describe("snapshots and collaborators", () => {
  it("are taken and listed, of one container or of all", async () => {
    const { app, sandbox } = await started();
    expect(await app.call("containarium_snapshot_create", { username: "bob", name: "now" })).toMatchObject({
      item: { name: "now", username: "bob", size: 0, referenced: 95_000_000_000 },
    });
    const before = sandbox.requests.length;
    expect(await app.call("containarium_snapshot_list", { where: { username: "alice" } })).toMatchObject({ total: 2 });
    expect(sandbox.requests.slice(before).map(({ path }) => path)).toEqual(["/v1/containers/alice/snapshots"]);
    expect(await app.call("containarium_snapshot_list", {})).toMatchObject({ total: 3 });
  });

  it("are gone back to, when that takes nothing more than was said", async () => {
    const { app } = await started();
    const back = (more: object) => app.call("containarium_snapshot_restore", { username: "alice", name: "before-upgrade", ...more }, confirm);
    await expect(back({})).rejects.toMatchObject({ code: "WRONG_STATE", message: expect.stringContaining("alice is running") });
    await expect(back({ force: true })).rejects.toMatchObject({ code: "WRONG_STATE", message: expect.stringContaining("taken after it") });
    expect(await back({ force: true, destroy_newer: true })).toMatchObject({ result: { stopped: true, destroyed: ["monday"] } });
    expect(await app.call("get_container", { username: "alice" })).toMatchObject({ item: { status: "stopped" } });
  });

  it("come with errors for the containers that can't be asked", async () => {
    const { app, sandbox } = await started();
    sandbox.fail({ path: "/bob/snapshots", status: 500, reason: "zfs list: dataset is busy" });
    expect(await app.call("containarium_snapshot_list", {})).toMatchObject({ total: 2, errors: [{ code: "WRONG_STATE", source: "bob" }] });
  });

  it("let others in", async () => {
    const { app } = await started();
    const guest = { owner: "alice", name: "zoe" };
    expect(await app.call("add_collaborator", { ...guest, public_keys: ["ssh-ed25519 AAAA zoe@desk"], sudo: true })).toMatchObject({
      item: { ...guest, account: "alice-container-zoe", sudo: true, docker: false },
    });
    await app.call("remove_collaborator", guest, confirm);
    expect(await app.call("containarium_collaborator_list", { owner: "alice" })).toMatchObject({ items: [{ name: "bob" }], total: 1 });
  });
});
