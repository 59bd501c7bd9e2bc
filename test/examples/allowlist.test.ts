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
      "docker_container_delete",
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
    for (const name of ["docker_container_exec", "docker_exec", "docker_image_pull", "proxmox_vm_start"])
      await expect(call(name, { name: "shop-web", host: "staging" }, { confirm: true }), name).rejects.toMatchObject({ code: "TOOL_DENIED" });
  });

  const operator = { caller: { id: "ann", roles: ["operator"] } };

  it("lets an operator start what there is, but neither make nor delete any, and nowhere else", async () => {
    const names = estate.app.tools("all", operator.caller).flatMap((tool) => (tool.operation && tool.safety !== "read" ? [tool.name] : []));
    expect(names).toEqual(["docker_container_start", "docker_container_stop", "docker_container_restart"]);
    expect(await call("docker_container_start", { name: "shop-web", host: "staging" }, { ...operator, confirm: true })).toMatchObject({
      host: "staging",
    });
    for (const [tool, args] of [
      ["docker_container_delete", { name: "shop-web", host: "staging" }],
      ["docker_rm", { name: "shop-web", host: "staging" }],
      ["docker_container_create", { name: "scratch", image: "busybox:1.36", host: "staging" }],
    ] as const)
      await expect(call(tool, args, { ...operator, confirm: true }), tool).rejects.toMatchObject({ code: "TOOL_DENIED" });
    const before = estate.sandboxes["prod"]?.requests.length;
    const { items } = (await call("docker_container_list", {}, operator)) as { items: { host: string }[] };
    expect(new Set(items.map(({ host }) => host))).toEqual(new Set(["staging"]));
    await expect(call("docker_container_get", { name: "shop-web", host: "prod" }, operator)).rejects.toMatchObject({ code: "TOOL_DENIED" });
    expect(estate.sandboxes["prod"]?.requests, "production was not even asked").toHaveLength(before ?? -1);
  });

  it("says which rule it is", () => {
    const { connections } = estate.app.why("docker_container_delete", operator);
    expect(connections).toEqual([
      { connection: "prod", allowed: false, why: "it is not read-only, and connections.prod.tools.readOnly is set" },
      { connection: "staging", allowed: false, why: 'denied by roles.operator.deny "*_delete"' },
    ]);
  });
});
