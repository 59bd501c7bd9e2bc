import { afterEach, describe, expect, test } from "vitest";
import { createProxMcp } from "../../core/index.js";
import { exclusionOf, safetyOf } from "../../plugins/proxmox/api-safety.js";
import provider from "../../plugins/proxmox/index.js";
import { apiSchema } from "../../plugins/proxmox/schema.js";
import { appOf, closeAll, failure, sandboxOf } from "./proxmox-setup.js";

afterEach(closeAll);

describe("what a method may do", () => {
  test("follows from its verb, with the exceptions that matter", async () => {
    const keys = Object.keys((await apiSchema()).methods);
    for (const key of keys) {
      if (key.startsWith("GET ")) expect(safetyOf(key), key).toBe("read");
      if (key.startsWith("DELETE ")) expect(safetyOf(key), key).toBe("destructive");
      if (/^(POST|PUT) /.test(key) && safetyOf(key) === "read") expect(key).toMatch(/agent|openid|vncticket/);
    }
    for (const key of [
      "POST /nodes/{node}/qemu/{vmid}/status/stop",
      "POST /nodes/{node}/qemu/{vmid}/snapshot/{snapname}/rollback",
      "POST /nodes/{node}/qemu/{vmid}/agent/exec",
      "POST /nodes/{node}/qemu/{vmid}/agent/file-write",
      "PUT /nodes/{node}/disks/wipedisk",
      "POST /nodes/{node}/execute",
      "POST /nodes/{node}/status",
      "PUT /access/acl",
      "POST /nodes/{node}/lxc",
    ]) {
      expect(keys, key).toContain(key);
      expect(safetyOf(key), key).toBe("destructive");
    }
    expect(safetyOf("POST /nodes/{node}/qemu/{vmid}/status/start")).toBe("write");
  });

  test("a tool refuses what is above it and names the one that takes it", async () => {
    const sandbox = await sandboxOf();
    const app = await appOf({ prod: sandbox });
    const call = (tool: string, args: object) => failure(app.call(tool, args as never, { confirm: true }));
    expect(await call("proxmox_api_write", { method: "POST", path: "/nodes/pve1/qemu/100/status/stop" })).toMatchObject({
      code: "TOOL_DENIED",
      next: "Use proxmox_api_call.",
    });
    expect(await call("proxmox_api_read", { method: "POST", path: "/nodes/pve1/qemu/100/status/start" })).toMatchObject({
      code: "TOOL_DENIED",
      next: "Use proxmox_api_write.",
    });
    expect(sandbox.requests).toEqual([]);
  });

  test("read-only leaves nothing that writes", async () => {
    const sandbox = await sandboxOf();
    const app = await createProxMcp({
      plugins: [provider as never],
      connections: { prod: { provider: "proxmox", ...sandbox.connection } },
      tools: { readOnly: true },
      env: {},
      log: { level: "silent" },
    } as never);
    for (const tool of ["proxmox_api_call", "proxmox_api_write"])
      expect(await failure(app.call(tool, { method: "POST", path: "/nodes/pve1/qemu/108/status/start" }, { confirm: true }))).toMatchObject({
        code: "TOOL_DENIED",
      });
    expect(await failure(app.call("proxmox_api_read", { method: "POST", path: "/nodes/pve1/qemu/108/status/start" }))).toMatchObject({
      code: "TOOL_DENIED",
    });
    expect(await app.call("proxmox_api_read", { path: "/version" })).toMatchObject({ result: { data: { version: "9.2.11" } } });
    expect(sandbox.requests.every(({ method }) => method === "GET")).toBe(true);
    await app.close();
  });
});

describe("calling", () => {
  test("checks every parameter before anything is sent", async () => {
    const sandbox = await sandboxOf();
    const app = await appOf({ prod: sandbox });
    const error = await failure(
      app.call("proxmox_api_write", { method: "PUT", path: "/nodes/pve1/qemu/100/resize", parameters: { disk: "foo", size: "big", extra: 1 } }),
    );
    expect(error).toMatchObject({
      code: "INVALID_INPUT",
      data: {
        faults: expect.arrayContaining([expect.stringContaining("disk:"), expect.stringContaining("size:"), expect.stringContaining("extra:")]),
      },
    });
    expect(await failure(app.call("proxmox_api_read", { path: "/nope" }))).toMatchObject({ code: "NOT_FOUND" });
    expect(await failure(app.call("proxmox_api_read", { path: "/version?x=1" }))).toMatchObject({ code: "INVALID_INPUT" });
    expect(sandbox.requests).toEqual([]);
  });

  test("follows the task, and asks first", async () => {
    const app = await appOf({ prod: await sandboxOf() });
    expect(await app.call("proxmox_api_write", { method: "POST", path: "/nodes/pve1/qemu/108/status/start" })).toEqual({ result: { data: null } });
    expect(await app.call("proxmox_vm_get", { id: "108" })).toMatchObject({ item: { status: "running" } });
    const args = { method: "DELETE", path: "/access/users/dev@pve" };
    expect(await failure(app.call("proxmox_api_call", args))).toMatchObject({
      code: "CONFIRMATION_REQUIRED",
      message: expect.stringContaining("DELETE /access/users/dev@pve"),
    });
    expect(await app.call("proxmox_api_call", args, { confirm: true })).toEqual({ result: { data: null } });
  });

  test("what can't be called says why", async () => {
    const { methods } = await apiSchema();
    const excluded = Object.entries(methods).filter(([key, { token }]) => exclusionOf(key, token) !== undefined);
    expect(excluded.length).toBeGreaterThan(5);
    expect(excluded.length).toBeLessThan(20);
    const app = await appOf({ prod: await sandboxOf() });
    expect(
      await failure(
        app.call(
          "proxmox_api_call",
          { method: "PUT", path: "/access/password", parameters: { userid: "a@pve", password: "longenough" } },
          { confirm: true },
        ),
      ),
    ).toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining("ticket"),
    });
  });
});

describe("finding", () => {
  test("a method by words, and what it takes", async () => {
    const app = await appOf({ prod: await sandboxOf() });
    const { methods, total } = (await app.call("proxmox_api_search", { query: "ceph osd", limit: 5 })).result as {
      methods: { path: string }[];
      total: number;
    };
    expect(methods).toHaveLength(5);
    expect(total).toBeGreaterThan(5);
    expect(methods[0]?.path).toBe("/nodes/{node}/ceph/osd");
    expect(await app.call("proxmox_api_describe", { method: "PUT", path: "/nodes/{node}/qemu/{vmid}/resize" })).toMatchObject({
      result: { safety: "write", parameters: { size: { required: true, pattern: expect.any(String) }, digest: { required: false } } },
    });
  });
});
