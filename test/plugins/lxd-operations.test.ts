import { afterEach, describe, expect, it } from "vitest";
import { refused, taskFailed } from "../../plugins/lxd/errors.js";
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

describe("operations", () => {
  it("are waited for, and their failure is the failure of the call", async () => {
    const pi = await open();
    pi.sandbox.fail({ method: "PUT", path: "/instances/dev/state", taskError: "Failed to mount rootfs: no such device" });
    const error = await failure(pi.run("instance", "start", "dev"));
    expect(error.report()).toMatchObject({
      code: "TASK_FAILED",
      message: 'Unable to start instance "dev": Failed to mount rootfs: no such device',
      tried: ["PUT /1.0/instances/dev/state", expect.stringMatching(/^operation [0-9a-f-]{36} \(Starting instance\)$/)],
      data: { operation: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
    pi.sandbox.heal();
    await pi.run("instance", "start", "dev");
    expect(await pi.get("instance", "dev")).toMatchObject({ status: "running" });
  });

  it("that take longer than one wait are waited for again", async () => {
    const pi = await open({ taskTime: 1300 });
    await pi.run("instance", "start", "dev");
    expect(pi.sandbox.requests.filter(({ path }) => path.endsWith("/wait"))).toHaveLength(2);
  });

  it("tell how far they are, and it only grows", async () => {
    const pi = await open({ taskTime: 450 });
    await pi.run("instance", "create", "", { name: "x", image: "ubuntu:24.04", start: false });
    const steps = pi.progressed.map(({ progress }) => progress);
    expect(steps.length).toBeGreaterThan(1);
    expect(steps).toEqual([...steps].sort((one, other) => one - other));
    expect(pi.progressed.at(-1)).toMatchObject({ progress: 200, total: 200 });
  });

  it("tell each step once, however often it is seen", async () => {
    const pi = await open();
    const running = { status: "Running", status_code: 103, may_cancel: true, err: "", metadata: { download_progress: "rootfs: 40% (1MB/s)" } };
    const body = { type: "sync", metadata: { id: "x", description: "Creating instance", ...running } };
    pi.sandbox.fail({ path: "/wait", status: 200, body, times: 3 });
    await pi.run("instance", "create", "", { name: "x", image: "alpine", start: false });
    expect(pi.progressed.map(({ progress }) => progress)).toEqual([40, 140]);
  });

  it("are cancelled on the server when the caller goes, where it can", async () => {
    const pi = await open({ taskTime: 2000 });
    const leave = new AbortController();
    const call = pi.run("instance", "create", "", { name: "big", image: "ubuntu:24.04" }, {}, leave.signal);
    const ended = failure(call);
    while (!pi.sandbox.requests.some(({ path }) => path.endsWith("/wait"))) await new Promise((done) => setTimeout(done, 5));
    leave.abort();
    const error = await ended;
    expect(error.code).toBe("CANCELLED");
    expect(error.details.tried?.at(-1)).toMatch(/^operation .* \(Creating instance\)$/);
    const [, id] = /operation (\S+)/.exec(error.details.tried?.at(-1) ?? "") ?? [];
    expect(pi.sandbox.requests.at(-1)).toMatchObject({ method: "DELETE", path: `/1.0/operations/${id}` });
    await expect.poll(() => pi.list("instance", { name: "big" })).toEqual([]);
    const ask = { doing: "look", signal: new AbortController().signal };
    expect(await pi.client.get(`/1.0/operations/${id}`, ask)).toMatchObject({ status: "Cancelled", status_code: 401 });
  });

  it("that can't be cancelled are left to run, without another error", async () => {
    const pi = await open({ taskTime: 300 });
    const leave = new AbortController();
    const ended = failure(pi.run("instance", "start", "dev", {}, {}, leave.signal));
    while (!pi.sandbox.requests.some(({ path }) => path.endsWith("/wait"))) await new Promise((done) => setTimeout(done, 5));
    leave.abort();
    expect((await ended).code).toBe("CANCELLED");
    await expect.poll(async () => (await pi.get("instance", "dev"))["status"]).toBe("running");
  });

  it("are tried again while the instance is busy", async () => {
    const pi = await open();
    const busy = 'Failed to create instance start operation: Instance is busy running a "stop" operation';
    pi.sandbox.fail({ method: "PUT", path: "/instances/dev/state", taskError: busy, times: 3 });
    await pi.run("instance", "start", "dev");
    expect(pi.sandbox.requests.filter(({ method }) => method === "PUT")).toHaveLength(4);
    pi.sandbox.fail({ method: "PUT", path: "/instances/dev/state", taskError: busy });
    expect((await failure(pi.run("instance", "stop", "dev"))).code).toBe("CONFLICT");
  });

  it("that the server forgot are no missing instance", async () => {
    const pi = await open();
    pi.sandbox.fail({ path: "/wait", status: 404, reason: "Operation not found" });
    expect((await failure(pi.run("instance", "start", "dev"))).report()).toMatchObject({
      code: "UPSTREAM",
      message: 'Unable to start instance "dev": the server forgot the operation, it may have been restarted',
    });
  });

  it("survive a kept connection that the server has closed", async () => {
    const pi = await open();
    pi.sandbox.fail({ path: "/wait", drop: true, times: 1 });
    await pi.run("instance", "start", "dev");
    expect(await pi.get("instance", "dev")).toMatchObject({ status: "running" });
  });
});

describe("answers that are not LXD's", () => {
  it("are shown as they are", async () => {
    const pi = await open();
    pi.sandbox.fail({ path: "/1.0/images", status: 502, body: "<html>Bad gateway</html>", times: 1 });
    expect((await failure(pi.list("image"))).report()).toMatchObject({
      code: "UPSTREAM",
      message: "Unable to list images: <html>Bad gateway</html>",
    });
    pi.sandbox.fail({ path: "/1.0/images", status: 200, body: "<html>Welcome</html>", times: 1 });
    expect((await failure(pi.list("image"))).report()).toMatchObject({ code: "INVALID_OUTPUT", message: expect.stringContaining("Welcome") });
  });

  it("are asked for once only, where it is about the server", async () => {
    const pi = await open();
    await Promise.all([pi.capacity(), pi.capacity(), pi.list("member")]);
    expect(pi.asked().filter((line) => line === "GET /1.0")).toHaveLength(1);
  });

  it("are not remembered when they failed", async () => {
    const pi = await open();
    pi.sandbox.fail({ path: /^\/1\.0$/, status: 500, reason: "database is locked", times: 1 });
    expect((await failure(pi.capacity())).code).toBe("UPSTREAM");
    expect((await pi.capacity()).places).toHaveLength(1);
  });
});

describe("the words of the server", () => {
  const refusal = (status: number, reason: string) => refused({ doing: "do it", request: "PUT /x", status, reason }).code;
  const failed = (err: string) =>
    taskFailed("do it", "PUT /x", { id: "1", description: "Doing", status: "Failure", status_code: 400, metadata: null, may_cancel: false, err })
      .code;

  it.each([
    [400, "Invalid instance name: Name must not start with a number", "INVALID_INPUT"],
    [400, "Instance is not running", "WRONG_STATE"],
    [400, "Instance is frozen", "WRONG_STATE"],
    [400, "Instance is running", "WRONG_STATE"],
    [400, "Target only allowed when clustered", "INVALID_INPUT"],
    [404, "Image alias not found", "NOT_FOUND"],
    [409, 'Name "web0" already in use', "ALREADY_EXISTS"],
    [409, "The record is locked", "CONFLICT"],
    [412, "ETag doesn't match: a vs b", "CONFLICT"],
    [500, 'Requested profile "nope" doesn\'t exist', "NOT_FOUND"],
    [500, "Invalid config: Memory limit can't be 0", "INVALID_INPUT"],
    [500, 'Instance is busy running a "stop" operation', "CONFLICT"],
    [500, "write /var/lib/lxd/x: no space left on device", "NO_CAPACITY"],
    [500, "driver: bad connection", "UPSTREAM"],
    [501, "not implemented", "UNSUPPORTED"],
    [503, "Failed to connect to cluster member", "UPSTREAM"],
  ])("%i %s is %s", (status, reason, code) => {
    expect(refusal(status, reason)).toBe(code);
  });

  it.each([
    ['Failed creating instance record: Add instance info to the database: This "instances" entry already exists', "ALREADY_EXISTS"],
    ["The instance is already running", "WRONG_STATE"],
    ["The container isn't running", "WRONG_STATE"],
    ["Renaming of running container not allowed", "WRONG_STATE"],
    ["Snapshot web/nope does not exist", "NOT_FOUND"],
    ["Failed creating instance record: Invalid CPU limit syntax", "INVALID_INPUT"],
    ["Failed creating instance record: Unknown configuration key: bogus.key", "INVALID_INPUT"],
    ['Failed to create instance delete operation: Instance is busy running a "stop" operation', "CONFLICT"],
    ['Failed shutting down instance, status is "Running": shutting down the container failed', "TASK_FAILED"],
    ['Failed to start device "eth0": Parent device "nope0" doesn\'t exist', "TASK_FAILED"],
    ["no space left on device", "NO_CAPACITY"],
    ["Failed creating instance from image: Unable to unpack image, run out of disk space", "NO_CAPACITY"],
    ["Reached maximum number of instances in project", "TASK_FAILED"],
  ])("a failed operation's %s is %s", (err, code) => {
    expect(failed(err)).toBe(code);
  });
});
