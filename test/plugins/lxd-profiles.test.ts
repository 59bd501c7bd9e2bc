import { describe, expect, it, onTestFinished } from "vitest";
import { failure, host } from "./lxd-harness.js";

describe("a profile template", () => {
  it("is sent with the values that it ships with", async () => {
    const { run, sent, close } = await host();
    onTestFinished(close);
    await run("profile", "apply_template", "", { template: "webserver", name: "front" });
    expect(sent("POST")).toEqual({
      name: "front",
      description: "Web server",
      config: { "limits.cpu": "2", "limits.memory": "2GB", "limits.memory.swap": "false" },
      devices: {
        eth0: { type: "nic", name: "eth0", nictype: "bridged", parent: "lxdbr0" },
        root: { type: "disk", path: "/", pool: "default" },
        http: { type: "proxy", listen: "tcp:0.0.0.0:80", connect: "tcp:127.0.0.1:80" },
        https: { type: "proxy", listen: "tcp:0.0.0.0:443", connect: "tcp:127.0.0.1:443" },
      },
    });
  });

  it("finds the network of an Incus, and takes sizes in bytes", async () => {
    const { run, sent, close } = await host({ estate: { flavor: "incus" } });
    onTestFinished(close);
    await run("profile", "apply_template", "", { template: "database", name: "pg", memory: 4 * 1024 ** 3, disk: 20_000_000_000 });
    expect(sent("POST")).toMatchObject({
      config: { "limits.memory": "4GiB", "limits.memory.swap": "false" },
      devices: { eth0: { parent: "incusbr0" }, root: { pool: "default", size: "19531250KiB" } },
    });
  });

  it("is privileged only where that is not taken back, and mounts a folder only where one is given", async () => {
    const { run, sent, close } = await host();
    onTestFinished(close);
    await run("profile", "apply_template", "", { template: "development", name: "dev" });
    expect(sent("POST")).toMatchObject({ config: { "security.privileged": "true", "security.nesting": "true" } });
    expect(Object.keys(sent("POST")["devices"] as object)).toEqual(["eth0", "root"]);
    await run("profile", "apply_template", "", { template: "development", name: "safe", privileged: false, share: "/srv/code", path: "/code" });
    expect(sent("POST")).toMatchObject({
      config: { "security.privileged": "false" },
      devices: { share: { type: "disk", source: "/srv/code", path: "/code" } },
    });
  });

  it("keeps what a profile of that name has beside it", async () => {
    const { run, sent, get, notes, close } = await host();
    onTestFinished(close);
    // The sandbox has a profile webserver with 1 GiB, and one default with its network card.
    await run("profile", "update", "webserver", { config: { "user.owner": "ops" } });
    await run("profile", "apply_template", "", { template: "webserver", cpu: 4 });
    expect(sent("PUT")).toMatchObject({
      description: "Web server with its ports on the host",
      config: { "user.owner": "ops", "limits.cpu": "4", "limits.memory": "2GB" },
    });
    expect(notes).toEqual([expect.stringContaining('Profile "webserver" was there')]);
    await run("profile", "apply_template", "", { template: "default", memory: 1024 ** 3 });
    expect(sent("PUT")["devices"]).toEqual({
      eth0: { name: "eth0", network: "lxdbr0", type: "nic" },
      root: { path: "/", pool: "default", type: "disk" },
    });
    expect(await get("profile", "default")).toMatchObject({ memory: 1024 ** 3, networks: ["lxdbr0"] });
  });

  it("refuses what it has no place for, before anything is asked", async () => {
    const { run, asked, close } = await host();
    onTestFinished(close);
    const error = await failure(run("profile", "apply_template", "", { template: "default", http_port: 80 }));
    expect(error).toMatchObject({ code: "INVALID_INPUT", message: expect.stringContaining("it has: cpu, memory, swap, disk, pool, network") });
    expect(asked()).toEqual([]);
  });
});

describe("a profile that its instances can't follow", () => {
  it("is said to have been changed all the same", async () => {
    const { run, close } = await host();
    onTestFinished(close);
    const devices = { root: { type: "disk", path: "/", pool: "gone" } };
    const error = await failure(run("profile", "update", "database", { devices }));
    expect(error).toMatchObject({ code: "TASK_FAILED", message: expect.stringContaining("Cannot update root disk device pool name") });
    expect(error.details.next).toContain("The profile was changed");
  });
});
