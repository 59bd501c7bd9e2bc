import { afterEach, describe, expect, test } from "vitest";
import { UndiciHttp } from "../../core/transport/http.js";
import { TOKENS, type TokenName } from "../../plugins/proxmox/sandbox/access.js";
import { closeAll, sandboxOf, signal, type StartedSandbox } from "./proxmox-setup.js";

afterEach(closeAll);

interface Reply {
  readonly status: number;
  readonly reason: string;
  readonly type: unknown;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- answers of any shape
  readonly body: any;
}

/** Asks a sandbox without our client in between. */
async function asking(sandbox: StartedSandbox, token: TokenName = "admin") {
  const { url, fingerprint } = sandbox.connection as { url: string; fingerprint: string };
  const { id, secret } = TOKENS[token];
  const http = new UndiciHttp().open({ url, tls: { fingerprint } });
  return async (method: string, path: string, json?: unknown, more: Record<string, unknown> = {}): Promise<Reply> => {
    const authorization = `PVEAPIToken=${id}=${secret}`;
    const request = {
      method,
      path: `/api2/json${path}`,
      headers: { authorization },
      signal: signal(),
      ...(json === undefined ? {} : { json }),
      ...more,
    };
    const response = await http.request(request);
    const text = await response.text();
    const body = text.startsWith("{") ? JSON.parse(text) : undefined;
    return { status: response.status, reason: response.reason, type: response.headers["content-type"], text, body };
  };
}

/** How a task ended that was started by this request. */
async function ending(ask: Awaited<ReturnType<typeof asking>>, method: string, path: string, json?: unknown): Promise<string> {
  const { status, body } = await ask(method, path, json);
  expect(status).toBe(200);
  const node = String(body.data).split(":")[1];
  for (;;) {
    const { data } = (await ask("GET", `/nodes/${node}/tasks/${encodeURIComponent(body.data)}/status`)).body;
    if (data.status === "stopped") return data.exitstatus;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const CONFIG = "Configuration file 'nodes/pve1/qemu-server/9999.conf' does not exist";

describe("the sandbox refuses what Proxmox refuses", () => {
  test("no token and a wrong one: 401 after a while, with nothing but a reason phrase", async () => {
    const ask = await asking(await sandboxOf({ estate: { authDelay: 60 } }));
    const began = performance.now();
    expect(await ask("GET", "/version", undefined, { headers: {} })).toMatchObject({ status: 401, reason: "No ticket", text: "" });
    expect(performance.now() - began).toBeGreaterThan(50);
    const headers = { authorization: "PVEAPIToken=ops@pve!mcp=wrong" };
    expect(await ask("GET", "/version", undefined, { headers })).toMatchObject({ status: 401, reason: "Authentication failed!", text: "" });
  });

  test("a method or path that the schema lacks: 501", async () => {
    const ask = await asking(await sandboxOf());
    expect(await ask("GET", "/nope")).toMatchObject({ status: 501, body: { message: "Method 'GET /nope' not implemented", data: null } });
    expect(await ask("POST", "/version")).toMatchObject({ status: 501, reason: "Method 'POST /version' not implemented" });
    expect(await ask("GET", "", undefined, { path: "/api2/nope/version" })).toMatchObject({
      status: 501,
      text: "no formatter for uri /version, nope",
    });
  });

  test("a parameter that the schema lacks: 400 naming it", async () => {
    const ask = await asking(await sandboxOf());
    const { status, reason, body, type } = await ask("GET", "/version?foo=1");
    expect({ status, reason, type }).toEqual({ status: 400, reason: "Parameter verification failed.", type: "application/json;charset=UTF-8" });
    expect(body).toEqual({
      data: null,
      message: "Parameter verification failed.\n",
      errors: { foo: "property is not defined in schema and the schema does not allow additional properties" },
    });
    expect((await ask("POST", "/nodes/pve1/qemu/100/status/start", { colour: "red" })).body.errors).toHaveProperty("colour");
    expect((await ask("POST", "/nodes/pve1/qemu/100/status/shutdown", { timeout: "soon" })).body.errors).toEqual({
      timeout: "type check ('integer') failed - got 'soon'",
    });
  });

  test("bodies in the wrong form", async () => {
    const ask = await asking(await sandboxOf());
    const form = { "content-type": "application/x-www-form-urlencoded", authorization: `PVEAPIToken=${TOKENS.admin.id}=${TOKENS.admin.secret}` };
    expect(await ask("DELETE", "/nodes/pve1/qemu/9999", { purge: 1 })).toMatchObject({ status: 501, text: "Unexpected content for method 'DELETE'" });
    expect(await ask("PUT", "/nodes/pve1/qemu/100/config", { description: "x".repeat(600_000) })).toMatchObject({
      status: 501,
      text: "for data too large",
    });
    expect(await ask("PUT", "/nodes/pve1/qemu/100/config", undefined, { headers: form, body: "onboot=true" })).toMatchObject({
      status: 400,
      body: { errors: { onboot: "type check ('boolean') failed - got 'true'" } },
    });
    expect(await ask("PUT", "/nodes/pve1/qemu/100/config", undefined, { headers: form, body: "onboot=1" })).toMatchObject({ status: 200 });
  });

  test("a method that it has no state for says so, so that nobody takes it for an answer", async () => {
    const ask = await asking(await sandboxOf());
    expect(await ask("GET", "/cluster/firewall/macros")).toMatchObject({ status: 500, reason: "sandbox: no state for GET /cluster/firewall/macros" });
  });

  test("what tokens may not call at all", async () => {
    const ask = await asking(await sandboxOf());
    expect((await ask("PUT", "/access/password", { userid: "ops@pve", password: "longenough" })).reason).toBe(
      "Permission check failed (URI '/access/password' not available with API token, need proper ticket.",
    );
  });

  test("permission comes before parameters, and lists are emptied instead of refused", async () => {
    const ask = await asking(await sandboxOf(), "separated");
    expect(await ask("GET", "/nodes/pve1/qemu/100/config?bogus=1")).toMatchObject({
      status: 403,
      reason: "Permission check failed (/vms/100, VM.Audit)",
    });
    expect((await ask("GET", "/nodes/pve1/qemu")).body).toEqual({ data: [] });
    expect((await ask("GET", "/access/permissions")).body).toEqual({ data: {} });
    expect((await ask("GET", "/nodes")).body.data[0]).not.toHaveProperty("maxcpu");
  });
});

describe("wrong nodes and lost nodes", () => {
  test("a guest that is not there", async () => {
    const ask = await asking(await sandboxOf());
    expect(await ask("GET", "/nodes/pve1/qemu/9999/config")).toMatchObject({ status: 500, body: { message: `${CONFIG}\n`, data: null } });
    expect(await ask("GET", "/nodes/pve1/qemu/101/config")).toMatchObject({ status: 500 });
    expect(await ask("GET", "/nodes/pve1/lxc/100/config")).toMatchObject({
      reason: "Configuration file 'nodes/pve1/lxc/100.conf' does not exist",
    });
    expect(await ask("POST", "/nodes/pve1/lxc/9999/status/stop")).toMatchObject({ status: 500, reason: "CT 9999 not running" });
  });

  test("starting through the wrong node begins a task that fails", async () => {
    const ask = await asking(await sandboxOf());
    expect(await ending(ask, "POST", "/nodes/pve1/qemu/9999/status/start")).toBe(CONFIG);
    expect(await ending(ask, "POST", "/nodes/pve1/qemu/101/status/start")).toBe(
      "Configuration file 'nodes/pve1/qemu-server/101.conf' does not exist",
    );
    expect(await ending(ask, "POST", "/nodes/pve1/qemu/9999/status/stop")).toBe("unable to find configuration file for VM 9999 on node 'pve1'");
  });

  test("a node that does not exist, and one that is lost", async () => {
    const ask = await asking(await sandboxOf({ estate: { offline: ["pve3"] } }));
    expect((await ask("GET", "/nodes/nope/status")).reason).toMatch(/^hostname lookup 'nope' failed/);
    expect(await ask("GET", "/nodes/pve3/status")).toMatchObject({ status: 595, reason: "No route to host", text: "" });
    expect((await ask("GET", "/cluster/status")).body.data.find(({ name }: { name: string }) => name === "pve3")).toMatchObject({ online: 0 });
  });

  test("a lost node's guests keep what was last known of them", async () => {
    const ask = await asking(await sandboxOf({ estate: { offline: ["pve3"] } }));
    const { data } = (await ask("GET", "/cluster/resources")).body;
    expect(data.find(({ id }: { id: string }) => id === "qemu/105")).toMatchObject({ status: "running", node: "pve3" });
    expect(data.find(({ id }: { id: string }) => id === "node/pve3")).not.toHaveProperty("uptime");
  });
});

describe("guests in the sandbox", () => {
  test.each([
    ["/nodes/pve1/qemu/100/status/start", "VM 100 already running"],
    ["/nodes/pve3/qemu/109/status/start", "VM is locked (backup)"],
    ["/nodes/pve1/qemu/900/status/start", "you can't start a vm if it's a template"],
    ["/nodes/pve1/qemu/108/status/stop", "OK"],
    ["/nodes/pve1/qemu/108/status/shutdown", "OK"],
    ["/nodes/pve3/qemu/109/status/stop", "OK"],
    ["/nodes/pve1/qemu/110/status/shutdown", "VM quit/powerdown failed - got timeout"],
    ["/nodes/pve1/qemu/100/status/suspend", "OK"],
  ])("the task of POST %s ends with %s", async (path, exitstatus) => {
    expect(await ending(await asking(await sandboxOf()), "POST", path)).toBe(exitstatus);
  });

  test.each([
    ["/nodes/pve1/lxc/200/status/start", "CT 200 already running"],
    ["/nodes/pve1/lxc/203/status/stop", "CT 203 not running"],
    ["/nodes/pve1/lxc/203/status/shutdown", "CT 203 not running"],
    ["/nodes/pve1/qemu/108/status/reboot", "VM 108 not running"],
    ["/nodes/pve1/qemu/108/status/suspend", "VM 108 not running"],
    ["/nodes/pve1/lxc/200/status/resume", "CT 200 already running"],
  ])("POST %s is refused at once: %s", async (path, reason) => {
    expect(await (await asking(await sandboxOf()))("POST", path)).toMatchObject({ status: 500, reason });
  });

  test("locks: a change of the configuration is refused at once, a start in its task", async () => {
    const ask = await asking(await sandboxOf());
    expect(await ask("PUT", "/nodes/pve3/qemu/109/config", { description: "x" })).toMatchObject({ status: 500, reason: "VM is locked (backup)" });
    expect(await ask("POST", "/nodes/pve3/qemu/109/status/start", { skiplock: 1 })).toMatchObject({
      status: 400,
      body: { errors: { skiplock: "Only root may use this option." } },
    });
  });

  test("a stale digest is refused in different words for VMs and containers", async () => {
    const ask = await asking(await sandboxOf());
    const change = { description: "x", digest: "0".repeat(40) };
    expect((await ask("PUT", "/nodes/pve1/qemu/100/config", change)).reason).toBe("checksum mismatch (file change by other user?)");
    expect((await ask("PUT", "/nodes/pve1/lxc/200/config", change)).reason).toMatch(/^detected modified configuration/);
    const { digest } = (await ask("GET", "/nodes/pve1/qemu/100/config")).body.data;
    expect((await ask("PUT", "/nodes/pve1/qemu/100/config", { tags: "b;a;A", digest })).status).toBe(200);
    expect((await ask("GET", "/nodes/pve1/qemu/100/config")).body.data).toMatchObject({ tags: "a;b", memory: "8192" });
  });

  test("tasks on one guest wait for each other and then give up", async () => {
    const ask = await asking(await sandboxOf({ taskTime: 10 }));
    void ask("POST", "/nodes/pve1/qemu/108/status/start");
    expect(await ending(ask, "POST", "/nodes/pve1/qemu/108/status/stop")).toBe("OK");
    expect((await ask("GET", "/nodes/pve1/qemu/108/status/current")).body.data.status).toBe("stopped");
  });

  test("snapshots come, go and are rolled back to", async () => {
    const ask = await asking(await sandboxOf());
    const all = "/nodes/pve1/qemu/100/snapshot";
    expect(await ending(ask, "POST", all, { snapname: "before", description: "first" })).toBe("OK");
    expect(await ending(ask, "POST", all, { snapname: "before" })).toBe("snapshot name 'before' already used");
    await ask("PUT", "/nodes/pve1/qemu/100/config", { description: "changed" });
    expect((await ask("GET", all)).body.data).toMatchObject([
      { name: "before", description: "first", vmstate: 0 },
      { name: "current", parent: "before" },
    ]);
    expect(await ending(ask, "POST", `${all}/before/rollback`)).toBe("OK");
    expect((await ask("GET", "/nodes/pve1/qemu/100/config")).body.data).not.toHaveProperty("description");
    expect(await ending(ask, "DELETE", `${all}/before`)).toBe("OK");
    expect(await ending(ask, "DELETE", `${all}/before`)).toBe("snapshot 'before' does not exist");
  });

  test("without quorum reads work and writes are refused", async () => {
    const ask = await asking(await sandboxOf({ estate: { quorate: false } }));
    expect(await ask("POST", "/nodes/pve1/qemu/108/status/start")).toMatchObject({ status: 500, reason: "cluster not ready - no quorum?" });
    expect((await ask("PUT", "/nodes/pve1/qemu/108/config", { description: "x" })).reason).toMatch(/Permission denied$/);
    expect((await ask("GET", "/cluster/resources")).status).toBe(200);
  });

  test("the next free id is text", async () => {
    const ask = await asking(await sandboxOf());
    expect((await ask("GET", "/cluster/nextid")).body).toEqual({ data: "112" });
    expect((await ask("GET", "/cluster/nextid?vmid=100")).body.errors).toEqual({ vmid: "VM 100 already exists" });
  });
});
