import { afterAll, beforeAll, describe, expect, it } from "vitest";
import config from "../../examples/allowlist/proxmcp.config.js";
import { onSandboxes } from "./on-sandboxes.js";

describe("examples/allowlist", () => {
  let estate: Awaited<ReturnType<typeof onSandboxes>>;
  beforeAll(async () => {
    estate = await onSandboxes(config);
  });
  afterAll(async () => await estate.close());
  const call = (...given: Parameters<typeof estate.app.call>) => estate.app.call(...given);

  it("lists what may be called somewhere, and nothing else", () => {
    const writing = estate.app.tools("all").filter((tool) => tool.operation && tool.safety !== "read");
    expect(writing.map((tool) => tool.name)).toEqual([
      "docker_container_create",
      "docker_container_start",
      "docker_container_stop",
      "docker_container_restart",
    ]);
  });

  it("reads everywhere", async () => {
    const { items, errors } = (await call("docker_container_list")) as { items: { host: string }[]; errors?: unknown };
    expect(new Set(items.map(({ host }) => host))).toEqual(new Set(["prod", "staging"]));
    expect(errors).toBeUndefined();
    expect((await call("proxmox_vm_list"))["total"]).toBeGreaterThan(0);
  });

  it("changes nothing on production", async () => {
    const before = estate.sandboxes["prod"]?.requests.length;
    await expect(call("docker_container_stop", { name: "shop-web", host: "prod" }, { confirm: true })).rejects.toMatchObject({
      code: "TOOL_DENIED",
      message: expect.stringContaining("connections.prod.tools.readOnly"),
    });
    expect(estate.sandboxes["prod"]?.requests).toHaveLength(before ?? -1);
  });

  it("changes things on staging once that is confirmed", async () => {
    const stop = { name: "shop-web", host: "staging" };
    await expect(call("docker_container_stop", stop)).rejects.toMatchObject({ code: "CONFIRMATION_REQUIRED" });
    expect(await call("docker_container_stop", stop, { confirm: true })).toMatchObject({ host: "staging", item: { status: "exited" } });
  });

  it("shows logs of staging and not of production", async () => {
    expect(await call("docker_container_logs", { name: "shop-web", host: "staging" })).toHaveProperty("result");
    await expect(call("docker_container_logs", { name: "shop-web", host: "prod" })).rejects.toMatchObject({
      code: "TOOL_DENIED",
      message: expect.stringContaining('connections.prod.tools.deny "docker_container_logs"'),
    });
  });

  it("refuses what is not allowed by any of its names", async () => {
    for (const name of ["docker_container_exec", "docker_exec", "docker_container_delete", "docker_image_pull", "proxmox_vm_start"])
      await expect(call(name, { name: "shop-web", host: "staging" }, { confirm: true }), name).rejects.toMatchObject({ code: "TOOL_DENIED" });
  });
});
