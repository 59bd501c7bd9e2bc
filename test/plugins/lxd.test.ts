import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { clientOf, failure, type Host, host } from "./lxd-harness.js";

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const hosts: Host[] = [];
const open = async (...args: Parameters<typeof host>): Promise<Host> => {
  const one = await host(...args);
  hosts.push(one);
  return one;
};
afterEach(async () => {
  for (const one of hosts.splice(0)) await one.close();
});

describe("instances, read", () => {
  let pi: Host;
  beforeAll(async () => {
    pi = await host();
  });
  afterAll(async () => await pi.close());

  it("come in one request, with state and snapshots", async () => {
    pi.asked();
    const rows = await pi.list("instance");
    expect(pi.asked()).toEqual(["GET /1.0/instances"]);
    expect(pi.sandbox.requests.at(-1)?.query.get("recursion")).toBe("2");
    expect(rows.map(({ name }) => name)).toEqual(["web-server", "db", "cache", "dev", "ci", "home-assistant"]);
    expect(rows[0]).toMatchObject({
      type: "container",
      status: "running",
      cpu: 2,
      memory: GiB,
      memory_used: 212 * MiB,
      ip: expect.stringMatching(/^10\.10\.10\.\d+$/),
      os: "Ubuntu",
      release: "22.04",
      arch: "aarch64",
      project: "default",
      profiles: ["default", "webserver"],
      ephemeral: false,
      snapshots: 0,
    });
  });

  it("leave out what the server does not say", async () => {
    const rows = await pi.list("instance");
    const named = (name: string) => rows.find((row) => row["name"] === name) ?? {};
    expect(named("ci")["memory"], "a share is no size").toBeUndefined();
    expect(named("ci")["cpu"], "no limit").toBeUndefined();
    for (const field of ["memory_used", "ip", "ips", "uptime"]) expect(named("dev")[field], field).toBeUndefined();
    expect(named("dev")).toMatchObject({ status: "stopped", cpu: 2, memory: 2_000_000_000, snapshots: 1 });
    expect(named("web-server")["node"], "no cluster").toBeUndefined();
    expect(named("db")).toMatchObject({ disk: 10 * GiB, snapshots: 2, uptime: expect.any(Number) });
    expect(named("home-assistant")).toMatchObject({ type: "virtual-machine", disk: 32 * GiB, description: "Smart home" });
  });

  it("are filtered by the server where its filter means the same", async () => {
    const filterFor = async (where: Record<string, unknown>): Promise<string | null | undefined> => {
      await pi.list("instance", where);
      return pi.sandbox.requests.at(-1)?.query.get("filter");
    };
    expect(await filterFor({ name: "web-server", status: ["stopped"] })).toBe("name eq web-server");
    expect(await filterFor({ status: ["running"] })).toBe("status eq Running or status eq Ready or status eq Thawed or status eq Started");
    expect(await filterFor({ status: "stopped" })).toBe("status eq Stopped");
    expect(await filterFor({ type: ["virtual-machine"] })).toBe("type eq virtual-machine");
    for (const where of [
      {},
      { name: "web*" },
      { name: "a.b" },
      { status: ["error"] },
      { type: ["container", "virtual-machine"] },
      { memory: { min: 1 } },
    ]) {
      expect(await filterFor(where), JSON.stringify(where)).toBeNull();
    }
    expect(await pi.list("instance", { name: "WEB-SERVER" })).toHaveLength(1);
    expect((await pi.list("instance", { status: ["frozen"] })).map(({ name }) => name)).toEqual(["ci"]);
  });

  it("are read one by one in one request each", async () => {
    pi.asked();
    expect(await pi.get("instance", "cache")).toMatchObject({ name: "cache", memory: 256 * MiB, ip: expect.any(String) });
    expect(pi.asked()).toEqual(["GET /1.0/instances/cache"]);
    const error = await failure(pi.get("instance", "no/such one"));
    expect(error.report()).toMatchObject({ code: "NOT_FOUND", message: 'Unable to read instance "no/such one": Instance not found' });
    expect(pi.asked()).toEqual(["GET /1.0/instances/no%2Fsuch%20one"]);
  });
});

describe("instances, made", () => {
  it("are created from a local image with their limits, and started", async () => {
    const pi = await open();
    const made = { name: "web", image: "alpine", cpu: 2, memory: 512 * MiB, disk: 5 * GiB, network: "br-lab", nesting: true };
    expect(await pi.run("instance", "create", "", { ...made, config: { "user.owner": "me" } })).toEqual({ key: "web" });
    expect(pi.sandbox.requests.find(({ method, path }) => method === "POST" && path === "/1.0/instances")?.json()).toEqual({
      name: "web",
      type: "container",
      source: { type: "image", alias: "alpine" },
      config: { "limits.cpu": "2", "limits.memory": "512MiB", "security.nesting": "true", "user.owner": "me" },
      devices: {
        // A bridge that the server does not manage is named as `parent`.
        eth0: { type: "nic", name: "eth0", nictype: "bridged", parent: "br-lab" },
        // The device of the instance replaces that of the profile, so its pool has to come along.
        root: { path: "/", pool: "default", size: "5GiB", type: "disk" },
      },
    });
    expect(await pi.get("instance", "web")).toMatchObject({ status: "running", cpu: 2, memory: 512 * MiB, disk: 5 * GiB, os: "Alpine" });
  });

  it("are not started when told so", async () => {
    const pi = await open();
    await pi.run("instance", "create", "", { name: "idle", image: "alpine", start: false });
    expect(await pi.get("instance", "idle")).toMatchObject({ status: "stopped" });
    expect(pi.asked().filter((line) => line.startsWith("PUT"))).toEqual([]);
  });

  it("come from a public server by the name of a remote, with progress", async () => {
    const pi = await open();
    const source = async (image: string) => {
      await pi.run("instance", "create", "", { name: `x${pi.sandbox.requests.length}`, image, start: false });
      return (pi.sent("POST") as { source: unknown }).source;
    };
    const pull = { type: "image", mode: "pull", protocol: "simplestreams" };
    expect(await source("ubuntu:22.04")).toEqual({ ...pull, server: "https://cloud-images.ubuntu.com/releases", alias: "22.04" });
    expect(await source("images:debian/12")).toEqual({ ...pull, server: "https://images.lxd.canonical.com", alias: "debian/12" });
    expect(await source("local:alpine")).toEqual({ type: "image", alias: "alpine" });
    expect(pi.progressed.map(({ message }) => message)).toContain("rootfs: 100% (11.20MB/s)");
    const incus = await open({ estate: { flavor: "incus" } });
    await incus.run("instance", "create", "", { name: "x", image: "images:debian/12", start: false });
    expect(incus.sent("POST")["source"]).toEqual({ ...pull, server: "https://images.linuxcontainers.org", alias: "debian/12" });
  });

  it("name the images that there are when the image is not there", async () => {
    const pi = await open();
    for (const image of ["ubunut", "0123456789abcdef"]) {
      const error = await failure(pi.run("instance", "create", "", { name: "x", image }));
      expect(error.code, image).toBe("NOT_FOUND");
      expect(error.message).toContain(`Image: "${image}"; local images: 22.04, alpine, alpine/3.20`);
      expect(error.details.data).toMatchObject({ candidates: expect.arrayContaining(["debian/12"]) });
    }
    expect((await failure(pi.run("instance", "create", "", { name: "x", image: "redhat:9" }))).message).toContain("one of ubuntu, ubuntu-daily");
  });

  it("leave nothing half-made behind when they do not start", async () => {
    const pi = await open();
    const error = await failure(pi.run("instance", "create", "", { name: "half", image: "alpine", config: { "limits.memory": "100kB" } }));
    expect(error.code).toBe("TASK_FAILED");
    expect(error.message).toMatch(
      /forkstart half .*exit status 1\. The new instance was removed again\. Free on pi: 4 cores, 4\.9 GiB of 8 GiB of memory, 45 GiB of 64 GiB in pool default\.$/,
    );
    expect((await failure(pi.get("instance", "half"))).code).toBe("NOT_FOUND");
  });

  it("are named when they can't be removed again", async () => {
    const pi = await open();
    pi.sandbox.fail({ method: "PUT", path: "/state", taskError: "no kernel today" });
    pi.sandbox.fail({ method: "DELETE", path: "/instances/half", status: 500, reason: "broken pool" });
    const error = await failure(pi.run("instance", "create", "", { name: "half", image: "alpine" }));
    expect(error.report()).toMatchObject({ code: "TASK_FAILED", next: 'Delete instance "half" before trying again.' });
    expect(error.message).toContain('Instance "half" was created and did not start. It could not be removed.');
    expect(await pi.get("instance", "half")).toMatchObject({ status: "stopped" });
  });

  it("need a root disk somewhere to size it", async () => {
    const pi = await open();
    const error = await failure(pi.run("instance", "create", "", { name: "x", image: "alpine", profiles: ["webserver"], disk: GiB }));
    expect(error.report()).toMatchObject({ code: "INVALID_INPUT", data: { argument: "disk" } });
    expect(error.message).toContain("no root disk in the profiles webserver");
  });

  it("take the root disk of the last profile that has one", async () => {
    const pi = await open();
    const sized = async (profiles: string[]) => {
      await pi.run("instance", "create", "", { name: `x${pi.sandbox.requests.length}`, image: "alpine", profiles, disk: 3 * GiB, start: false });
      return pi.sent("POST")["devices"];
    };
    const plain = { path: "/", pool: "default", size: "3GiB", type: "disk" };
    expect(await sized(["default", "database"])).toEqual({ root: plain });
    const profile = (name: string, root: object) => ({ name, config: {}, devices: { root: { type: "disk", path: "/", ...root } } });
    const metadata = [profile("default", { pool: "slow" }), profile("database", { pool: "fast", "io.bus": "nvme" })];
    pi.sandbox.fail({ path: "/1.0/profiles", status: 200, body: { type: "sync", metadata } });
    pi.sandbox.fail({ method: "POST", path: "/1.0/instances", status: 400, reason: "enough seen" });
    await failure(sized(["database", "default"]));
    expect(pi.sent("POST")["devices"]).toEqual({ root: { ...plain, pool: "slow" } });
    await failure(sized(["default", "database"]));
    expect(pi.sent("POST")["devices"]).toEqual({ root: { ...plain, pool: "fast", "io.bus": "nvme" } });
  });

  it("can be copied and renamed", async () => {
    const pi = await open();
    expect(await pi.run("instance", "clone", "db", { new_name: "db2" })).toEqual({ key: "db2" });
    expect(await pi.get("instance", "db2")).toMatchObject({ status: "stopped", profiles: ["default", "database"], snapshots: 0 });
    await pi.run("instance", "clone", "db", { new_name: "db3", snapshot: "nightly" });
    expect(pi.sent("POST")["source"]).toMatchObject({ type: "copy", source: "db/nightly", instance_only: true });
    await pi.run("instance", "clone", "db", { new_name: "db5", with_snapshots: true });
    expect(await pi.get("instance", "db5")).toMatchObject({ snapshots: 2 });
    expect((await failure(pi.run("instance", "clone", "db", { new_name: "x", snapshot: "nope" }))).code).toBe("NOT_FOUND");
    expect(await pi.run("instance", "rename", "db3", { new_name: "db4" })).toEqual({ key: "db4" });
    expect((await failure(pi.run("instance", "rename", "db4", { new_name: "db2" }))).code).toBe("ALREADY_EXISTS");
    expect((await failure(pi.run("instance", "rename", "db", { new_name: "x" }))).code).toBe("WRONG_STATE");
  });
});

describe("instances, switched", () => {
  it("say what they were already, and that is no failure", async () => {
    const pi = await open();
    await pi.run("instance", "start", "web-server");
    await pi.run("instance", "stop", "dev");
    await pi.run("instance", "pause", "ci");
    await pi.run("instance", "resume", "db");
    expect(pi.notes).toEqual([
      'Instance "web-server" was running already.',
      'Instance "dev" was stopped already.',
      'Instance "ci" was frozen already.',
      'Instance "db" was running already.',
    ]);
  });

  it("go from state to state", async () => {
    const pi = await open();
    const status = async (name: string) => (await pi.get("instance", name))["status"];
    await pi.run("instance", "start", "dev");
    expect(await status("dev")).toBe("running");
    await pi.run("instance", "pause", "dev");
    expect(await status("dev")).toBe("frozen");
    expect((await failure(pi.run("instance", "start", "dev"))).report()).toMatchObject({ code: "WRONG_STATE", next: "Resume it instead." });
    await pi.run("instance", "resume", "dev");
    await pi.run("instance", "restart", "dev", { force: true });
    expect(pi.sent("PUT")).toEqual({ action: "restart", force: true, timeout: 30 });
    await pi.run("instance", "stop", "dev");
    expect(pi.sent("PUT")).toEqual({ action: "stop", force: false, timeout: 30 });
    expect(await status("dev")).toBe("stopped");
    expect((await failure(pi.run("instance", "restart", "dev"))).report()).toMatchObject({ code: "WRONG_STATE", next: "Start it first." });
    expect(pi.notes).toEqual([]);
  });

  it("are said to need force when they do not shut down in time", async () => {
    const pi = await open();
    await pi.run("instance", "create", "", { name: "slow", image: "alpine", config: { "user.sandbox.stop-time": "60000" } });
    const error = await failure(pi.run("instance", "stop", "slow", { timeout: 1 }));
    expect(error.report()).toMatchObject({ code: "TASK_FAILED", next: expect.stringContaining("stop it with `force`") });
    expect(error.message).toContain("shutting down the container failed (it was given 1 s to shut down)");
    await pi.run("instance", "stop", "slow", { force: true });
    expect(await pi.get("instance", "slow")).toMatchObject({ status: "stopped" });
  });

  it("are deleted only when stopped, or by force", async () => {
    const pi = await open();
    expect((await failure(pi.run("instance", "delete", "cache"))).report()).toMatchObject({
      code: "WRONG_STATE",
      message: 'Unable to delete instance "cache": Instance is running',
      next: "Stop it first, or delete it with `force`.",
    });
    pi.asked();
    await pi.run("instance", "delete", "dev");
    expect(pi.asked()).toEqual(["DELETE /1.0/instances/dev"]);
    for (const name of ["cache", "ci"]) await pi.run("instance", "delete", name, { force: true });
    await pi.run("instance", "create", "", { name: "brief", image: "alpine", ephemeral: true });
    await pi.run("instance", "delete", "brief", { force: true });
    expect((await pi.list("instance")).map(({ name }) => name)).toEqual(["web-server", "db", "home-assistant"]);
  });
});

describe("instances, changed", () => {
  it("get new limits, and keep the rest", async () => {
    const pi = await open();
    await pi.run("instance", "update", "cache", {
      cpu: 2,
      memory: 1_500_000_000,
      disk: 2 * GiB,
      description: "Redis",
      config: { "boot.autostart": "true" },
    });
    expect(pi.sent("PATCH")).toEqual({
      config: { "limits.cpu": "2", "limits.memory": "1500000000B", "boot.autostart": "true" },
      devices: { root: { path: "/", pool: "default", size: "2GiB", type: "disk" } },
      description: "Redis",
    });
    expect(await pi.get("instance", "cache")).toMatchObject({ cpu: 2, memory: 1_500_000_000, disk: 2 * GiB, description: "Redis", os: "Alpine" });
    await pi.run("instance", "update", "cache", { config: { "limits.memory": "" } });
    expect((await pi.get("instance", "cache"))["memory"]).toBeUndefined();
  });

  it("are refused with the reason", async () => {
    const pi = await open();
    expect((await failure(pi.run("instance", "update", "cache", {}))).code).toBe("INVALID_INPUT");
    expect((await failure(pi.run("instance", "update", "cache", { config: { "limits.cpu": "many" } }))).report()).toMatchObject({
      code: "INVALID_INPUT",
      message: 'Unable to change instance "cache": Invalid config: Invalid CPU limit syntax',
    });
    const below = await failure(pi.run("instance", "update", "cache", { memory: MiB }));
    expect(below.report()).toMatchObject({ code: "WRONG_STATE", next: expect.stringContaining("stop the instance") });
    expect(below.message).toContain("more than 1048576 bytes");
  });
});

describe("commands", () => {
  it("that are recorded answer their output and exit code, and leave no files", async () => {
    for (const flavor of ["lxd", "incus"] as const) {
      const pi = await open({ estate: { flavor } });
      const command = ["sh", "-c", "echo out $A; echo err >&2; exit 3"];
      expect(await pi.run("instance", "exec", "web-server", { command, environment: { A: "b" }, record: true })).toEqual({
        exit_code: 3,
        stdout: "out b\n",
        stderr: "err\n",
        truncated: false,
        timed_out: false,
      });
      expect(pi.sandbox.requests.find(({ method }) => method === "POST")?.json()).toEqual({
        command,
        environment: { A: "b" },
        "record-output": true,
        "wait-for-websocket": false,
        interactive: false,
      });
      const deleted = pi.sandbox.requests.filter(({ method }) => method === "DELETE").map(({ path }) => path.replace(/_[0-9a-f-]+\./, "_*."));
      const folder = flavor === "incus" ? "logs/exec-output" : "logs";
      expect(deleted).toEqual([`/1.0/instances/web-server/${folder}/exec_*.stdout`, `/1.0/instances/web-server/${folder}/exec_*.stderr`]);
    }
  });

  it("that do not exist have the exit code of a shell", async () => {
    const pi = await open();
    expect(await pi.run("instance", "exec", "db", { command: ["nonexistent"] })).toMatchObject({ exit_code: 127, stderr: "Command not found" });
    expect(await pi.run("instance", "exec", "db", { command: ["/bin"] })).toMatchObject({ exit_code: 126, stderr: "Command not executable" });
  });

  it("are cut off where there is too much output", async () => {
    const pi = await open();
    const result = await pi.run("instance", "exec", "db", { command: ["sh", "-c", "yes | head -c 200000"] });
    expect(result).toMatchObject({ exit_code: 0, truncated: true });
    expect(result["stdout"]).toHaveLength(65_536);
    expect(pi.notes.join()).toContain("write it to a file inside");
  });

  it("that are recorded and take too long are shown as far as they are", async () => {
    for (const flavor of ["lxd", "incus"] as const) {
      const pi = await open({ estate: { flavor } });
      const result = await pi.run("instance", "exec", "db", { command: ["sh", "-c", "echo a; sleep 30; echo b"], timeout: 1, record: true });
      expect(result).toMatchObject({ stdout: "a\n", stderr: "", truncated: false, timed_out: true });
      expect(pi.notes.join()).toContain("still runs inside");
    }
  });

  it("need a running instance", async () => {
    const pi = await open();
    expect((await failure(pi.run("instance", "exec", "dev", { command: ["true"] }))).report()).toMatchObject({
      code: "WRONG_STATE",
      next: "Start it first.",
    });
    expect((await failure(pi.run("instance", "exec", "ci", { command: ["true"] }))).report()).toMatchObject({
      code: "WRONG_STATE",
      next: "Resume it first.",
    });
  });
});

describe("logs", () => {
  it("are the end of the console as plain text", async () => {
    const pi = await open();
    await pi.run("instance", "start", "dev");
    const log = await pi.run("instance", "logs", "dev", { lines: 2 });
    expect(log).toEqual({ source: "console", lines: ["", "dev login: "], truncated: true });
    expect(pi.sandbox.requests.at(-1)?.headers["range"]).toBe("bytes=-65536");
  });

  it("say so when there are none", async () => {
    const pi = await open();
    expect(await pi.run("instance", "logs", "db")).toEqual({ source: "console", lines: [], truncated: false });
    expect(await pi.run("instance", "logs", "db", { source: "qemu.log" })).toMatchObject({ lines: [] });
    expect(pi.notes).toEqual([expect.stringContaining("nothing new"), expect.stringContaining("containers have lxc.log")]);
    expect(await pi.run("instance", "logs", "db", { source: "lxc.log", lines: 1 })).toMatchObject({
      lines: [expect.stringContaining("memory.oom.group")],
      truncated: true,
    });
    expect((await failure(pi.run("instance", "logs", "nope"))).code).toBe("NOT_FOUND");
  });

  it("lose what only a terminal understands", async () => {
    const pi = await open();
    pi.sandbox.fail({ path: "/console", status: 200, body: "\u001b[1;32mOK\u001b[0m\r\n\u001b[6n/ # ", times: 1 });
    expect(await pi.run("instance", "logs", "db")).toMatchObject({ lines: ["OK", "/ # "] });
  });
});

describe("snapshots", () => {
  it("of all instances come in one request", async () => {
    const pi = await open();
    const rows = await pi.list("snapshot");
    expect(rows.map(({ instance, name }) => `${instance}/${name}`)).toEqual(["db/before-upgrade", "db/nightly", "dev/clean"]);
    expect(pi.asked()).toEqual(["GET /1.0/instances"]);
    expect(Object.keys(rows[0] ?? {}), "no expiry, no size: unknown").toEqual(["name", "instance", "created", "stateful", "project"]);
    expect(await pi.list("snapshot", {}, { instance: "dev" })).toHaveLength(1);
    expect(pi.asked()).toEqual(["GET /1.0/instances/dev/snapshots"]);
  });

  it("put an instance back", async () => {
    const pi = await open();
    const sh = async (script: string) => (await pi.run("instance", "exec", "db", { command: ["sh", "-c", script] }))["stdout"];
    await sh("echo before > /root/data");
    expect(await pi.run("snapshot", "create", "", { name: "s1", expires: "2030-01-01T00:00:00Z" }, { instance: "db" })).toEqual({ key: "s1" });
    expect(await pi.get("snapshot", "s1", { instance: "db" })).toMatchObject({
      instance: "db",
      stateful: false,
      expires: "2030-01-01T00:00:00.000Z",
    });
    await sh("echo after > /root/data");
    await pi.run("snapshot", "restore", "s1", {}, { instance: "db" });
    expect(await sh("cat /root/data")).toBe("before\n");
    await pi.run("snapshot", "delete", "s1", {}, { instance: "db" });
    expect((await failure(pi.get("snapshot", "s1", { instance: "db" }))).code).toBe("NOT_FOUND");
  });

  it("of older servers carry the instance in their name", async () => {
    const pi = await open();
    const metadata = [{ name: "db/old", created_at: "2019-01-01T00:00:00Z", expires_at: "0001-01-01T00:00:00Z", stateful: false, size: -1 }];
    pi.sandbox.fail({ path: "/snapshots", status: 200, body: { type: "sync", metadata } });
    expect(await pi.list("snapshot", {}, { instance: "db" })).toMatchObject([{ name: "old", instance: "db" }]);
  });

  it("are named by the time unless they get a name", async () => {
    const pi = await open();
    const { key } = await pi.run("snapshot", "create", "", {}, { instance: "cache" });
    expect(key).toMatch(/^snap-\d{8}-\d{6}$/);
    expect(await pi.list("snapshot", {}, { instance: "cache" })).toMatchObject([{ name: key }]);
  });

  it("are refused with the code that fits", async () => {
    const pi = await open();
    const create = (name: string) => failure(pi.run("snapshot", "create", "", { name }, { instance: "db" }));
    expect((await create("nightly")).code).toBe("ALREADY_EXISTS");
    expect((await create("a b")).code).toBe("INVALID_INPUT");
    expect((await create("a/b")).code).toBe("INVALID_INPUT");
    expect((await failure(pi.run("snapshot", "restore", "nope", {}, { instance: "db" }))).code).toBe("NOT_FOUND");
    expect((await failure(pi.run("snapshot", "create", "", {}, { instance: "nope" }))).code).toBe("NOT_FOUND");
  });
});

describe("the rest of a host", () => {
  it("lists images, networks, storage and profiles", async () => {
    const pi = await open();
    expect(await pi.list("image")).toContainEqual(
      expect.objectContaining({
        name: "ubuntu/22.04",
        aliases: ["ubuntu/22.04", "22.04", "jammy"],
        os: "Ubuntu",
        release: "22.04",
        type: "container",
        size: 128 * MiB,
      }),
    );
    expect((await pi.list("network"))[0]).toEqual({
      name: "lxdbr0",
      type: "bridge",
      managed: true,
      status: "created",
      ipv4: "10.10.10.1/24",
      nat: true,
      used_by: 7,
      project: "default",
    });
    expect(await pi.list("storage_pool")).toEqual([
      { name: "default", driver: "zfs", status: "created", disk: 64 * GiB, disk_used: 19 * GiB, used_by: 8, source: "default" },
    ]);
    expect((await pi.list("profile")).map(({ name, memory, disk, pool, networks }) => ({ name, memory, disk, pool, networks }))).toEqual([
      { name: "default", memory: undefined, disk: undefined, pool: "default", networks: ["lxdbr0"] },
      { name: "webserver", memory: GiB, disk: undefined, pool: undefined, networks: [] },
      { name: "database", memory: 2 * GiB, disk: 10 * GiB, pool: "default", networks: [] },
    ]);
    expect(await pi.list("member")).toEqual([]);
  });

  it("shows no configuration, which may hold secrets", async () => {
    const pi = await open();
    await pi.run("instance", "create", "", {
      name: "x",
      image: "alpine",
      config: { "user.user-data": "password: hunter2", "environment.TOKEN": "t0psecret" },
    });
    const all = await Promise.all(["instance", "profile", "snapshot"].map((kind) => pi.list(kind)));
    expect(JSON.stringify([all, await pi.get("instance", "x")])).not.toMatch(/hunter2|t0psecret/);
  });

  it("tells who the server is", async () => {
    expect(await (await open()).test()).toMatchObject({
      version: "LXD 5.0.2",
      facts: { clustered: false, auth: "trusted", server_name: "pi" },
      warnings: [],
    });
    expect((await (await open({ estate: { flavor: "incus" } })).test()).version).toBe("Incus 6.0.4");
    const careless = await open({}, { fingerprint: undefined, verify: false });
    expect((await careless.test()).warnings).toEqual([expect.stringContaining("pin it by its `fingerprint`")]);
    const elsewhere = await open({}, { project: "nope" });
    expect((await failure(elsewhere.test())).report()).toMatchObject({
      code: "NOT_FOUND",
      message: 'Unable to use project "nope": Project not found',
    });
  });

  it("knows what there is room for", async () => {
    const pi = await open();
    expect(await pi.capacity()).toEqual({
      places: [
        {
          name: "pi",
          healthy: true,
          arch: "aarch64",
          cpu: 4,
          memory: 8 * GiB,
          memory_used: Math.round(3.1 * GiB),
          disk: 64 * GiB,
          disk_used: 19 * GiB,
        },
      ],
    });
    const incus = await open({ estate: { flavor: "incus" } });
    expect((await incus.capacity()).places[0]?.cpu_usage).toBeCloseTo(0.2);
  });

  it("has as much room as its roomiest pool", async () => {
    const pi = await open();
    const pool = (name: string) => ({ name, driver: "dir", config: {}, used_by: [] });
    pi.sandbox.fail({ path: /storage-pools$/, status: 200, body: { type: "sync", metadata: ["full", "roomy", "broken"].map(pool) } });
    pi.sandbox.fail({ path: "/full/", status: 200, body: { type: "sync", metadata: { space: { total: 900, used: 890 } } } });
    pi.sandbox.fail({ path: "/roomy/", status: 200, body: { type: "sync", metadata: { space: { total: 100, used: 10 } } } });
    expect((await pi.capacity()).places).toMatchObject([{ disk: 100, disk_used: 10 }]);
  });

  it("works in the project that the connection names", async () => {
    const pi = await open({}, { project: "default" });
    await pi.list("instance");
    expect(pi.sandbox.requests.at(-1)?.query.get("project")).toBe("default");
    const other = await open({}, { project: "lab" });
    expect(await other.list("instance")).toEqual([]);
  });

  it("is reached through a unix socket too", async () => {
    const socket = join(await mkdtemp(join(tmpdir(), "lxd-")), "unix.socket");
    const pi = await open({ socket });
    expect(await pi.list("instance")).toHaveLength(6);
  });
});

describe("a cluster", () => {
  const members = ["pi1", "!pi2", "pi3"];

  it("is whole where it can be, with one member down", async () => {
    const pi = await open({ estate: { members } });
    const { places } = await pi.capacity();
    expect(places.map(({ name, healthy, memory }) => ({ name, healthy, memory }))).toEqual([
      { name: "pi1", healthy: true, memory: 8 * GiB },
      { name: "pi2", healthy: false, memory: undefined },
      { name: "pi3", healthy: true, memory: 8 * GiB },
    ]);
    expect((await pi.list("member")).map(({ name, status }) => `${name} ${status}`)).toEqual(["pi1 online", "pi2 offline", "pi3 online"]);
    expect((await pi.list("instance")).map(({ node }) => node)).toContain("pi3");
  });

  it("gives a member that fails when asked as unhealthy", async () => {
    const pi = await open({ estate: { members: ["pi1", "pi3"] } });
    pi.sandbox.fail({ path: "/1.0/resources", status: 503, reason: "connect: no route to host", times: 1 });
    expect((await pi.capacity()).places.map(({ healthy }) => healthy).sort()).toEqual([false, true]);
  });

  it("has the storage of all members, and of a shared store once", async () => {
    const pi = await open({ estate: { members: ["pi1", "pi3"] } });
    expect(await pi.list("storage_pool")).toMatchObject([{ disk: 128 * GiB, disk_used: 38 * GiB, nodes: ["pi1", "pi3"] }]);
    const shared = { name: "default", driver: "ceph", config: {}, locations: ["pi1", "pi3"] };
    pi.sandbox.fail({ path: /storage-pools$/, status: 200, body: { type: "sync", metadata: [shared] }, times: 1 });
    expect(await pi.list("storage_pool")).toMatchObject([{ disk: 64 * GiB }]);
    pi.sandbox.fail({ path: "/default/resources", status: 500, reason: "member is gone", times: 1 });
    const [half] = await pi.list("storage_pool");
    expect(half, "half a sum is worse than none").not.toHaveProperty("disk");
  });

  it("takes new instances on the member that is asked for", async () => {
    const pi = await open({ estate: { members } });
    await pi.run("instance", "create", "", { name: "there", image: "alpine", node: "pi3" });
    expect(await pi.get("instance", "there")).toMatchObject({ node: "pi3" });
  });
});

describe("strangers", () => {
  it("are told to enrol their certificate", async () => {
    const pi = await open({ estate: { trusted: false } });
    for (const error of [await failure(pi.list("instance")), await failure(pi.test())]) {
      expect(error.report()).toMatchObject({ code: "AUTH_FAILED", next: expect.stringContaining("lxc config trust add") });
    }
    const { url, fingerprint } = pi.sandbox.connection as Record<string, string>;
    const nobody = clientOf({ url, fingerprint });
    expect((await failure(nobody.get("/1.0/instances", { doing: "list instances", signal: new AbortController().signal }))).code).toBe("AUTH_FAILED");
    await nobody.close();
  });

  it("are not mistaken for those with fewer rights", async () => {
    const pi = await open();
    pi.sandbox.fail({ path: "/1.0/networks", status: 403, reason: "Certificate is restricted" });
    expect((await failure(pi.list("network"))).report()).toMatchObject({
      code: "FORBIDDEN",
      message: "Unable to list networks: Certificate is restricted",
      next: expect.stringContaining("lxc config trust edit"),
    });
  });

  it("that play the server are found out by their certificate", async () => {
    const pi = await open({}, { fingerprint: "ab".repeat(32) });
    expect((await failure(pi.list("instance"))).code).toBe("TLS_UNTRUSTED");
    expect(pi.sandbox.requests).toEqual([]);
  });
});
