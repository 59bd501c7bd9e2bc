import { createProxMcp } from "proxmcp";
import { describe, expect, it, onTestFinished } from "vitest";
import { parsedFacts } from "../../plugins/lxd/host/facts.js";
import { start } from "../../plugins/lxd/sandbox/index.js";
import { host } from "./lxd-harness.js";

describe("a host", () => {
  it("says what it has and what of it is in use", async () => {
    const { list, get, close, asked } = await host();
    onTestFinished(close);
    const rows = await list("host");
    expect(rows).toEqual([
      {
        name: "pi",
        status: "online",
        model: "Raspberry Pi Foundation Raspberry Pi 5 Model B Rev 1.0",
        arch: "aarch64",
        cpu: 4,
        cpu_model: "Cortex-A76",
        memory: 8 * 1024 ** 3,
        memory_used: Math.round(3.1 * 1024 ** 3),
        disk: 63_864_569_856 + 500_107_862_016,
        disks: [
          { name: "mmcblk0", model: "SD64G", type: "mmc", size: 63_864_569_856, removable: true },
          { name: "sda", model: "Portable SSD", type: "usb", size: 500_107_862_016, removable: false },
        ],
        gpus: ["v3d"],
        version: "LXD 5.0.2",
        os: "Ubuntu 24.04",
        kernel: "6.8.0-1013-raspi",
        addresses: [expect.stringContaining("127.0.0.1:")],
      },
    ]);
    expect(asked()).toEqual(["GET /1.0", "GET /1.0/resources"]);
    // Over https the kernel can't be read.
    expect(await get("host", "pi")).toEqual(rows[0]);
    await expect(get("host", "other")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("is told apart from the other members of its cluster; one that is offline is told too", async () => {
    const { list, get, close } = await host({ estate: { flavor: "incus", members: ["n1", "n2", "!n3"] } });
    onTestFinished(close);
    expect((await list("host")).map(({ name, status, load }) => [name, status, load])).toEqual([
      ["n1", "online", 0.8],
      ["n2", "online", 0.8],
      ["n3", "offline", undefined],
    ]);
    expect(await get("host", "n3")).toEqual({ name: "n3", status: "offline", arch: "aarch64" });
    const [first, second] = await list("host");
    expect([first?.["os"], second?.["os"]]).toEqual(["Ubuntu 24.04", undefined]);
  });

  it("a member that went away meanwhile is offline, with the error beside the others", async () => {
    const sandbox = await start({ estate: { members: ["n1", "n2"] } });
    onTestFinished(() => sandbox.close());
    const app = await createProxMcp({
      plugins: ["lxd"],
      connections: { c: { provider: "lxd", ...sandbox.connection } },
      env: {},
      log: { level: "silent" },
    });
    onTestFinished(() => app.close());
    sandbox.fail({ path: "/1.0/resources", status: 503, reason: "Failed to connect to cluster member", times: 1 });
    const { items, errors } = (await app.call("lxd_host_list")) as unknown as { items: { status: string }[]; errors: { source: string }[] };
    expect(items.map(({ status }) => status).sort()).toEqual(["offline", "online"]);
    expect(errors).toEqual([expect.objectContaining({ source: expect.stringMatching(/^n[12]$/), connection: "c" })]);
  });

  it("tells what its kernel says where it is this machine", async () => {
    const socket = `/tmp/proxmcp-host-${process.pid}.sock`;
    const { get, close } = await host({ socket });
    onTestFinished(close);
    expect(Number((await get("host", "pi"))["uptime"])).toBeGreaterThan(0);
  });

  it.each([
    [["350735.47 234388.90", "", "0.20 0.18 0.12 1/80 11206", "", "48312", "", "51000", ""], { uptime: 350_735, load: 0.2, temperature: 51 }],
    [["12 7", "0", "-274000", "999999"], { uptime: 12 }],
    [["", ""], {}],
  ])("reads the kernel's files: %j", (lines, read) => {
    expect(parsedFacts(lines)).toEqual(read);
  });
});

describe("the roads to a host", () => {
  it("are tried one by one, and say what answered or why not", async () => {
    const { run, sandbox, close } = await host();
    onTestFinished(close);
    expect(await run("host", "test", "")).toEqual({
      ok: true,
      roads: [{ road: sandbox.connection["url"], works: true, taken: true, answer: "LXD 5.0.2 on pi", milliseconds: expect.any(Number) }],
    });
    const untrusted = await host({ estate: { trusted: false } });
    onTestFinished(untrusted.close);
    expect(await untrusted.run("host", "test", "")).toMatchObject({
      ok: false,
      roads: [{ works: false, taken: false, code: "AUTH_FAILED", next: expect.stringContaining("lxd_host_enrol") }],
    });
    sandbox.fail({ path: "/1.0", drop: true });
    expect(await run("host", "test", "")).toMatchObject({ ok: false, roads: [{ works: false, code: "UNREACHABLE" }] });
  });
});
