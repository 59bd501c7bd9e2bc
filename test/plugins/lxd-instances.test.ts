import { afterEach, describe, expect, it } from "vitest";
import { weakens } from "../../plugins/lxd/isolation.js";
import { failure, type Host, host } from "./lxd-harness.js";

const hosts: Host[] = [];
const open = async (...args: Parameters<typeof host>): Promise<Host> => {
  const one = await host(...args);
  hosts.push(one);
  return one;
};
afterEach(async () => {
  for (const one of hosts.splice(0)) await one.close();
});

const execs = (pi: Host) =>
  pi.sandbox.requests.filter(({ method, path }) => method === "POST" && path.endsWith("/exec")).map((request) => request.json());

describe("a command over websockets", () => {
  it("is asked for with a mark in its environment, by which it can be found", async () => {
    for (const flavor of ["lxd", "incus"] as const) {
      const pi = await open({ estate: { flavor } });
      const asked = { command: ["sh", "-c", "cat; echo $A"], environment: { A: "b" }, stdin: "in\n", cwd: "/tmp", user: 7, group: 8 };
      expect(await pi.run("instance", "exec", "db", asked)).toEqual({
        exit_code: 0,
        stdout: "in\nb\n",
        stderr: "",
        truncated: false,
        timed_out: false,
      });
      expect(execs(pi)).toEqual([
        {
          command: ["sh", "-c", "cat; echo $A"],
          cwd: "/tmp",
          user: 7,
          group: 8,
          environment: { A: "b", PROXMCP_EXEC: expect.stringMatching(/^[0-9a-f-]{36}$/) },
          "record-output": false,
          "wait-for-websocket": true,
          interactive: false,
        },
      ]);
      const opened = pi.sandbox.requests.filter(({ path }) => path.endsWith("/websocket"));
      expect(opened).toHaveLength(4);
      expect(new Set(opened.map(({ query }) => query.get("secret"))).size).toBe(4);
    }
  });

  it("tells its lines as they come", async () => {
    const pi = await open();
    await pi.run("instance", "exec", "db", { command: ["sh", "-c", "echo one; echo two"] });
    expect(pi.progressed.map(({ message }) => message)).toContain("two");
  });

  it("is killed when its caller goes, with what it has started", async () => {
    const pi = await open();
    const leave = new AbortController();
    const call = failure(pi.run("instance", "exec", "db", { command: ["sleep", "600"] }, {}, leave.signal));
    await expect.poll(() => pi.sandbox.requests.filter(({ path }) => path.endsWith("/wait")).length).toBeGreaterThan(0);
    leave.abort();
    expect((await call).code).toBe("CANCELLED");
    const [asked, sweep] = execs(pi) as { command: string[]; environment: Record<string, string>; "wait-for-websocket": boolean }[];
    expect(sweep?.command.slice(3)).toEqual(["sh", `PROXMCP_EXEC=${asked?.environment["PROXMCP_EXEC"]}`]);
    expect(sweep).toMatchObject({ user: 0, "wait-for-websocket": false, "record-output": false });
  });

  it("is killed by a signal where the instance has no shell", async () => {
    const pi = await open();
    const call = pi.run("instance", "exec", "db", { command: ["sleep", "600"], timeout: 1 });
    await expect.poll(() => execs(pi).length).toBe(1);
    pi.sandbox.fail({ method: "POST", path: "/instances/db/exec", status: 400, reason: "Command not found" });
    expect(await call).toMatchObject({ timed_out: true });
    expect(pi.notes.join()).toContain("was killed");
  });

  it("takes no standard input when it is recorded", async () => {
    const pi = await open();
    expect((await failure(pi.run("instance", "exec", "db", { command: ["cat"], stdin: "x", record: true }))).code).toBe("INVALID_INPUT");
    expect(execs(pi)).toEqual([]);
  });
});

describe("creating", () => {
  it("hands user data and keys to cloud-init, apart", async () => {
    const pi = await open();
    const keys = { user_data: "#cloud-config\npackages: [git]\n", ssh_keys: ["ssh-ed25519 AAAA me@here"] };
    await pi.run("instance", "create", "", { name: "x", image: "alpine", start: false, ...keys });
    expect(pi.sent("POST")["config"]).toEqual({
      "cloud-init.user-data": "#cloud-config\npackages: [git]\n",
      "cloud-init.vendor-data": '#cloud-config\nssh_authorized_keys:\n- "ssh-ed25519 AAAA me@here"\n',
    });
    expect(pi.notes.join()).toContain("/cloud");
  });

  it("uses the older keys where the server knows no others", async () => {
    const pi = await open();
    const old = { api_extensions: ["instances"], auth: "trusted", environment: { server: "lxd", server_version: "4.0.9" } };
    pi.sandbox.fail({ path: /^\/1\.0$/, status: 200, body: { type: "sync", metadata: old } });
    await pi.run("instance", "create", "", { name: "x", image: "alpine", start: false, user_data: "#cloud-config\n" });
    expect(pi.sent("POST")["config"]).toEqual({ "user.user-data": "#cloud-config\n" });
  });

  it("fetches an image from the server that is named, by its protocol", async () => {
    const pi = await open();
    for (const [server, protocol] of [
      ["https://images.example/", "simplestreams"],
      ["https://lxd.example:8443", "lxd"],
    ]) {
      await failure(pi.run("instance", "create", "", { name: "x", image: "own/image", image_server: server, start: false }));
      expect(pi.sent("POST")["source"]).toEqual({ type: "image", mode: "pull", protocol, server: server?.replace(/\/$/, ""), alias: "own/image" });
    }
  });

  it("waits for an address, and goes on without one", async () => {
    const pi = await open();
    const silent = { type: "sync", metadata: { name: "x", status: "Running", config: {}, devices: {}, expanded_devices: { eth0: { type: "nic" } } } };
    pi.sandbox.fail({ method: "GET", path: /instances\/x$/, status: 200, body: silent, times: 3 });
    await pi.run("instance", "create", "", { name: "x", image: "alpine" });
    expect(pi.asked().filter((line) => line === "GET /1.0/instances/x")).toHaveLength(4);
    expect(pi.notes).toEqual([]);
  });

  it("does not wait for an address that nobody gives", async () => {
    const pi = await open();
    const wire = { name: "x", status: "Running", config: {}, devices: {}, expanded_devices: {}, state: { status: "Running", network: {} } };
    pi.sandbox.fail({ method: "GET", path: /instances\/x$/, status: 200, body: { type: "sync", metadata: wire } });
    await pi.run("instance", "create", "", { name: "x", image: "alpine" });
    expect(pi.asked().filter((line) => line === "GET /1.0/instances/x")).toHaveLength(1);
  });

  it("says so when the instance stops by itself", async () => {
    const pi = await open();
    const wire = { name: "x", status: "Stopped", config: {}, devices: {} };
    pi.sandbox.fail({ method: "GET", path: /instances\/x$/, status: 200, body: { type: "sync", metadata: wire } });
    const error = await failure(pi.run("instance", "create", "", { name: "x", image: "alpine" }));
    expect(error.report()).toMatchObject({
      code: "TASK_FAILED",
      message: expect.stringContaining("is stopped again"),
      next: expect.stringContaining("logs"),
    });
  });

  it("names what may be left when its caller goes", async () => {
    const pi = await open({ taskTime: 2000 });
    const leave = new AbortController();
    const call = failure(pi.run("instance", "create", "", { name: "big", image: "alpine" }, {}, leave.signal));
    await expect.poll(() => pi.sandbox.requests.some(({ path }) => path.endsWith("/wait"))).toBe(true);
    leave.abort();
    expect((await call).report()).toMatchObject({ code: "CANCELLED", next: expect.stringContaining('"big"') });
  });
});

describe("changing", () => {
  it("sends the description along, which would be forgotten, and the tag of what was read", async () => {
    const pi = await open();
    await pi.run("instance", "update", "home-assistant", { cpu: 3 });
    const patch = pi.sandbox.requests.find(({ method }) => method === "PATCH");
    expect(patch?.json()).toEqual({ description: "Smart home", config: { "limits.cpu": "3" } });
    expect(patch?.headers["if-match"]).toMatch(/^"[0-9a-f]{64}"$/);
    expect(await pi.get("instance", "home-assistant")).toMatchObject({ description: "Smart home", cpu: 3 });
  });

  it("takes a device away by writing the whole", async () => {
    const pi = await open();
    await pi.run("instance", "update", "home-assistant", { devices: { root: {} }, config: { "limits.memory": "" } });
    expect(pi.sent("PUT")).toMatchObject({ description: "Smart home", devices: {}, config: { "limits.cpu": "2" }, profiles: ["default"] });
    expect(pi.sent("PUT")["config"]).not.toHaveProperty("limits.memory");
  });

  it("says CONFLICT where somebody was faster", async () => {
    const pi = await open();
    pi.sandbox.fail({ method: "PATCH", path: "/instances/db", status: 412, reason: "ETag doesn't match: a vs b" });
    expect((await failure(pi.run("instance", "update", "db", { cpu: 3 }))).code).toBe("CONFLICT");
  });

  it("says where a device that is not its own comes from", async () => {
    const pi = await open();
    const error = await failure(pi.run("instance", "update", "db", { devices: { eth0: {} } }));
    expect(error.report()).toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining("comes from a profile") });
  });
});

describe("moving within a cluster", () => {
  const members = ["n1", "n2", "!n3"];

  it("goes to the member, the pool and the project that are named", async () => {
    const pi = await open({ estate: { members } });
    const [row] = await pi.list("instance", { status: ["stopped"] });
    const name = String(row?.["name"]);
    const node = row?.["node"] === "n1" ? "n2" : "n1";
    await pi.run("instance", "migrate", name, { node });
    expect(await pi.get("instance", name)).toMatchObject({ node });
    expect(pi.sandbox.requests.find(({ method, path }) => method === "POST" && path.endsWith(name))?.query.get("target")).toBe(node);
    await pi.run("instance", "start", name);
    expect((await failure(pi.run("instance", "migrate", name, { node: "n1" }))).report()).toMatchObject({
      code: "WRONG_STATE",
      next: expect.stringContaining("`stop`"),
    });
    const other = node === "n1" ? "n2" : "n1";
    await pi.run("instance", "migrate", name, { node: other, stop: true });
    expect(await pi.get("instance", name)).toMatchObject({ node: other, status: "running" });
    await pi.run("instance", "stop", name, { force: true });
    await pi.run("instance", "clone", name, { new_name: "copied", node });
    expect(pi.sent("POST")).toMatchObject({ architecture: "aarch64", config: { "security.nesting": "true" } });
    expect(await pi.get("instance", "copied")).toMatchObject({ node });
    expect((await failure(pi.run("instance", "migrate", name, { node: "n3" }))).message).toContain("offline");
    expect((await failure(pi.run("instance", "migrate", name, { node: "n9" }))).code).toBe("NOT_FOUND");
    expect((await failure(pi.run("instance", "migrate", name, {}))).code).toBe("INVALID_INPUT");
  });
});

describe("an operation that the server lacks", () => {
  it("is refused with the extension and the version, and nothing is sent", async () => {
    const pi = await open();
    const error = await failure(pi.run("instance", "rebuild", "dev"));
    expect(error.report()).toMatchObject({
      code: "UNSUPPORTED",
      message: 'Unable to rebuild instance "dev": host runs LXD 5.0.2, which lacks the API extension instances_rebuild',
      next: expect.stringContaining("LXD 5.15 or any Incus"),
      data: { extension: "instances_rebuild" },
    });
    expect(pi.asked()).toEqual(["GET /1.0"]);
  });

  it("is carried out where it is there, also on an instance that runs, if told to", async () => {
    const pi = await open({ estate: { flavor: "incus" } });
    expect((await failure(pi.run("instance", "rebuild", "cache"))).code).toBe("WRONG_STATE");
    await pi.run("instance", "rebuild", "cache", { image: "debian/12", force: true });
    expect(await pi.get("instance", "cache")).toMatchObject({ status: "running", os: "Debian" });
    expect(pi.sandbox.requests.find(({ path }) => path.endsWith("/rebuild"))?.json()).toEqual({ source: { type: "image", alias: "debian/12" } });
  });
});

describe("measuring", () => {
  it("sees the share of the CPU time that the limits allow", async () => {
    for (const flavor of ["lxd", "incus"] as const) {
      const pi = await open({ estate: { flavor } });
      // A sandbox instance uses a quarter of one core; `db` may use two.
      const stats = await pi.run("instance", "stats", "db", { seconds: 0.3 });
      expect(stats).toMatchObject({ status: "running", cpu: 2, memory: 2 * 1024 ** 3, processes: 12 });
      expect(stats["cpu_usage"]).toBeGreaterThan(0.02);
      expect(stats["cpu_usage"]).toBeLessThanOrEqual(1);
    }
  });

  it("knows nothing of an instance that is stopped, and says so", async () => {
    const pi = await open();
    const stats = await pi.run("instance", "stats", "dev");
    expect(stats).toMatchObject({ status: "stopped", networks: [] });
    expect(stats).not.toHaveProperty("cpu_usage");
    expect(pi.notes).toEqual(['Instance "dev" is stopped.']);
  });
});

describe("what weakens the isolation from the host", () => {
  it.each([
    [{ config: { "security.privileged": "true" } }, /root on the host/],
    [{ config: { "raw.lxc": "x" } }, /raw settings/],
    [{ config: { "raw.idmap": "both 1000 1000" } }, /raw settings/],
    [{ config: { "security.syscalls.intercept.mount": "1" } }, /carried out by the host/],
    [{ config: { "security.secureboot": "false" } }, /nobody signed/],
    [{ config: { "security.protection.delete": "false" } }, /protection/],
    [{ config: { "linux.kernel_modules": "overlay" } }, /kernel/],
    [{ devices: { host: { type: "disk", source: "/etc", path: "/mnt" } } }, /gives it \/etc/],
    [{ devices: { usb0: { type: "usb" } } }, /a usb of the host/],
  ])("%j does", (change, why) => {
    expect(weakens(change)).toMatch(why);
  });

  it.each([
    [{ config: { "security.privileged": "false", "limits.cpu": "2", "security.nesting": "true" } }],
    [{ config: { "raw.lxc": "" } }],
    [{ devices: { root: { type: "disk", path: "/", pool: "default" }, eth0: { type: "nic", network: "lxdbr0" } } }],
    [{ devices: { usb0: {} } }],
    [{}],
  ])("%j does not", (change) => {
    expect(weakens(change)).toBeUndefined();
  });
});
