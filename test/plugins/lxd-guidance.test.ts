import { describe, expect, it, onTestFinished } from "vitest";
import { start } from "../../plugins/lxd/sandbox/index.js";
import { clientOf, failure, type Host, host } from "./lxd-harness.js";

const GiB = 1024 ** 3;

async function open(options: Parameters<typeof host>[0] = {}, more: Record<string, unknown> = {}): Promise<Host> {
  const made = await host(options, more);
  onTestFinished(() => made.close());
  return made;
}

const create = (pi: Host, input: object = {}) => pi.run("instance", "create", "", { name: "new", image: "alpine", wait: 0, ...input });

describe("where storage is full", () => {
  it("what takes the room is told, the largest first, and nothing is deleted", async () => {
    const pi = await open();
    pi.sandbox.fail({
      method: "POST",
      path: "/1.0/instances",
      taskError: "Failed creating instance from image: Unable to unpack image, run out of disk space",
    });
    pi.asked();
    const error = await failure(create(pi));
    expect(error.code).toBe("NO_CAPACITY");
    expect(error.message).toContain(
      "What takes room: images that no instance uses: busybox (1 MiB); stopped instances: dev (320 MiB); snapshots older than 30 days: dev/clean, db/before-upgrade. Free: 45 GiB in default.",
    );
    const report = error.report();
    expect(report.data).toMatchObject({
      room: {
        images: [{ name: "busybox", size: 1024 ** 2 }],
        stopped: [{ name: "dev" }],
        snapshots: [{ name: "dev/clean" }, { name: "db/before-upgrade" }],
        free: { default: 45 * GiB },
      },
    });
    expect(report.next).toMatch(/^Nothing was deleted\. .*lxd_image_delete, lxd_instance_delete, lxd_snapshot_delete/);
    expect(pi.asked().filter((line) => !line.startsWith("GET"))).toEqual(["POST /1.0/instances"]);
  });

  it("is told of any change, not only of new instances", async () => {
    const pi = await open();
    pi.sandbox.fail({ method: "POST", path: "/snapshots", taskError: 'rsync: write failed on "/x": No space left on device (28)' });
    const error = await failure(pi.run("snapshot", "create", "", { name: "s" }, { instance: "db" }));
    expect(error).toMatchObject({ code: "NO_CAPACITY", message: expect.stringContaining("What takes room") });
  });

  it("is told as it is where nobody can find out more", async () => {
    const pi = await open();
    pi.sandbox.fail({ method: "POST", path: "/snapshots", taskError: "No space left on device" });
    pi.sandbox.fail({ method: "GET", path: "/1.0/images", status: 500, reason: "database is locked" });
    const error = await failure(pi.run("snapshot", "create", "", { name: "s" }, { instance: "db" }));
    expect(error.message).toMatch(/No space left on device$/);
  });

  it("says so where there is nothing to suggest", async () => {
    const pi = await open({ estate: { empty: true } });
    for (const image of ["22.04", "debian/12", "alpine", "busybox"]) await create(pi, { name: `of-${image.replaceAll(/\W/g, "-")}`, image });
    await create(pi, { name: "of-vm", image: "debian/12/vm", type: "virtual-machine" });
    pi.sandbox.fail({ method: "POST", path: "/snapshots", taskError: "No space left on device" });
    const error = await failure(pi.run("snapshot", "create", "", { name: "s" }, { instance: "of-vm" }));
    expect(error.message).toContain("No unused image, stopped instance or old snapshot was found.");
    expect(error.report().next).toContain("give this one more room");
  });
});

describe("an instance that can't be made", () => {
  it("is told beside what is free: what was asked, and the host's", async () => {
    const pi = await open();
    pi.sandbox.fail({ method: "POST", path: "/1.0/instances", taskError: "Failed to create volume: exit status 5" });
    const error = await failure(create(pi, { memory: 64 * GiB, cpu: 16, disk: 500 * GiB }));
    expect(error.code).toBe("TASK_FAILED");
    expect(error.message).toMatch(
      /exit status 5\. Asked for: 16 cores, 64 GiB of memory, 500 GiB of disk\. Free on pi: 4 cores, 4\.9 GiB of 8 GiB of memory, 45 GiB of 64 GiB in pool default\.$/,
    );
    expect(error.report().data).toMatchObject({ asked: { memory: 64 * GiB, cpu: 16 }, free: { host: "pi", cpu: 4, pools: [{ name: "default" }] } });
    expect((await failure(pi.get("instance", "new"))).code).toBe("NOT_FOUND");
  });

  it("is told of the member that it was to be on", async () => {
    const pi = await open({ estate: { flavor: "incus", members: ["n1", "n2"] } });
    pi.sandbox.fail({ method: "POST", path: "/1.0/instances", taskError: "Failed to create volume: exit status 5" });
    expect((await failure(create(pi, { node: "n2" }))).message).toContain("Free on n2: 4 cores (20 % busy)");
    expect(pi.sandbox.requests.findLast(({ path }) => path === "/1.0/resources")?.query.get("target")).toBe("n2");
  });

  it("asks nothing more where the words say what is wrong", async () => {
    const pi = await open();
    pi.asked();
    expect((await failure(create(pi, { config: { "bogus.key": "x" } }))).message).not.toContain("Free on");
    expect(pi.asked()).not.toContain("GET /1.0/resources");
  });

  it("leaves nothing half made: what the server left is removed", async () => {
    const pi = await open({ estate: { leavesHalf: true } });
    pi.sandbox.fail({ method: "POST", path: "/1.0/instances", taskError: "Failed to mount: exit status 32" });
    const error = await failure(create(pi));
    expect(error.message).toMatch(/exit status 32\. The new instance was removed again\. Free on pi/);
    expect((await failure(pi.get("instance", "new"))).code).toBe("NOT_FOUND");
  });

  it("is named where it can't be removed", async () => {
    const pi = await open({ estate: { leavesHalf: true } });
    pi.sandbox.fail({ method: "POST", path: "/1.0/instances", taskError: "Failed to mount: exit status 32" });
    pi.sandbox.fail({ method: "DELETE", path: "/instances/new", status: 500, reason: "broken pool" });
    const error = await failure(create(pi));
    expect(error.message).toContain('Instance "new" was left half made. It could not be removed.');
    expect(error.report().next).toBe('Delete instance "new" before trying again.');
  });

  it("never takes one away that was there before", async () => {
    const pi = await open();
    pi.sandbox.fail({ method: "POST", path: "/1.0/instances", taskError: "Failed creating instance record: out of luck" });
    expect((await failure(create(pi, { name: "db" }))).code).toBe("TASK_FAILED");
    expect(await pi.get("instance", "db")).toMatchObject({ status: "running" });
  });
});

describe("a network that is not there", () => {
  it("is told with those that there are, before anything is made", async () => {
    const pi = await open();
    pi.asked();
    const error = await failure(create(pi, { network: "lan0" }));
    expect(error.report()).toMatchObject({
      code: "NOT_FOUND",
      message: 'There is no network "lan0" on host. Networks: lxdbr0, br-lab.',
      data: { candidates: ["lxdbr0", "br-lab"] },
      next: expect.stringContaining("fallback_network"),
    });
    expect(pi.asked()).toEqual(["GET /1.0/networks"]);
  });

  it("is replaced by the connection's fallback, which the answer says", async () => {
    const pi = await open({}, { fallback_network: "br-lab" });
    await create(pi, { network: "lan0" });
    expect(pi.sent("POST")).toMatchObject({ devices: { eth0: { nictype: "bridged", parent: "br-lab" } } });
    expect(pi.notes).toEqual(['There is no network "lan0" on host, so it is on "br-lab", its fallback_network.']);
    await create(pi, { name: "other", network: "lxdbr0" });
    expect(pi.sent("POST")).toMatchObject({ devices: { eth0: { network: "lxdbr0" } } });
    expect(pi.notes).toHaveLength(1);
  });

  it("says so where the fallback is missing too", async () => {
    const pi = await open({}, { fallback_network: "gone0" });
    expect((await failure(create(pi, { network: "lan0" }))).message).toContain('Nor is there its fallback_network "gone0".');
  });
});

describe("a host that does not answer", () => {
  const list = async (options: Record<string, unknown>) => {
    const client = clientOf(options);
    onTestFinished(() => client.close());
    return (await failure(client.get("/1.0", { doing: "look", signal: new AbortController().signal }))).report();
  };

  it("may have nothing installed: the set-up is offered, by the name that it takes", async () => {
    const sandbox = await start();
    await sandbox.close();
    const { url } = sandbox.connection as { url: string };
    const report = await list({ url, verify: false });
    expect(report).toMatchObject({
      code: "UNREACHABLE",
      next: expect.stringContaining("lxd_host_setup with target user@127.0.0.1, or `proxmcp setup lxd user@127.0.0.1`"),
    });
    expect(report.next).toContain("Check that the address is right");
  });

  it("on this machine is installed by a command", async () => {
    expect((await list({ socket: "/nowhere/unix.socket" })).next).toMatch(/snap install lxd && lxd init --minimal/);
  });

  it("that does not trust us is enrolled on", async () => {
    const pi = await open({ estate: { trusted: false } });
    const error = await failure(pi.client.get("/1.0/instances", { doing: "list", signal: new AbortController().signal }));
    expect(error.report()).toMatchObject({ code: "AUTH_FAILED", next: expect.stringMatching(/lxc config trust add.*lxd_host_enrol/) });
  });
});
