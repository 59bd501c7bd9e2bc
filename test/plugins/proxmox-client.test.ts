import { afterEach, describe, expect, test } from "vitest";
import { at } from "../../plugins/proxmox/client.js";
import { clientOf, closeAll, failure, sandboxOf, signal } from "./proxmox-setup.js";

afterEach(closeAll);

const following = () => ({ signal: signal(), progress: () => {}, note: () => {} });

describe("the wire", () => {
  test("a read carries the token and its parameters in the query", async () => {
    const sandbox = await sandboxOf();
    const rows = await clientOf(sandbox.connection).get<unknown[]>("/cluster/resources", signal(), { type: "node", missing: undefined });
    expect(rows).toHaveLength(3);
    const [request] = sandbox.requests;
    expect(request?.method).toBe("GET");
    expect(request?.path).toBe("/api2/json/cluster/resources");
    expect(String(request?.query)).toBe("type=node");
    expect(request?.headers.authorization).toBe("PVEAPIToken=ops@pve!mcp=00000000-0000-4000-8000-000000000001");
    expect(request?.body).toHaveLength(0);
  });

  test("a write carries JSON, so that ; and line breaks and booleans survive", async () => {
    const sandbox = await sandboxOf();
    const client = clientOf(sandbox.connection);
    const notes = "one; two\nthree";
    expect(await client.write("PUT", at`/nodes/${"pve1"}/qemu/${100}/config`, { description: notes, onboot: false }, following())).toBeNull();
    expect(sandbox.requests[0]?.headers["content-type"]).toBe("application/json");
    const config = await client.get<Record<string, unknown>>("/nodes/pve1/qemu/100/config", signal());
    expect(config).toMatchObject({ description: notes, onboot: 0 });
  });

  test("a DELETE has no body, as Proxmox refuses one, and no words for yes", async () => {
    const sandbox = await sandboxOf();
    await failure(clientOf(sandbox.connection).write("DELETE", "/nodes/pve1/qemu/9999", { purge: true }, following()));
    expect(String(sandbox.requests[0]?.query)).toBe("purge=1");
    expect(sandbox.requests[0]?.body).toHaveLength(0);
  });

  test("values in a path are encoded", () => {
    expect(at`/nodes/${"pve1"}/tasks/${"UPID:pve1:0:root@pam!x:"}/log`).toBe("/nodes/pve1/tasks/UPID%3Apve1%3A0%3Aroot%40pam!x%3A/log");
    expect(at`/nodes/${"../access"}/status`).toBe("/nodes/..%2Faccess/status");
  });

  test("an address with the API's path at its end works", async () => {
    const { connection } = await sandboxOf();
    const client = clientOf({ ...connection, url: `${String(connection.url)}/api2/json` });
    expect(await client.get("/version", signal())).toMatchObject({ version: "9.2.11" });
  });

  test("the token may come in two parts", async () => {
    const { connection } = await sandboxOf();
    const [token_id, token_secret] = String(connection.token).split("=");
    const { token: _, ...rest } = connection;
    const client = clientOf({ ...rest, token_id, token_secret });
    expect(client.token).toBe("ops@pve!mcp");
    expect(await client.get("/version", signal())).toMatchObject({ release: "9.2" });
  });
});

describe("failures", () => {
  test("a wrong secret: the reason phrase is the whole message, and the secret is in none of ours", async () => {
    const { connection } = await sandboxOf();
    const error = await failure(clientOf({ ...connection, token: "ops@pve!mcp=wrong-secret" }).get("/version", signal()));
    expect(error).toMatchObject({ code: "AUTH_FAILED", message: "Proxmox refused the API token ops@pve!mcp: Authentication failed!" });
    expect(JSON.stringify(error)).not.toContain("wrong-secret");
  });

  test("a certificate that nobody vouches for", async () => {
    const { connection } = await sandboxOf();
    const { fingerprint, ...rest } = connection;
    const error = await failure(clientOf(rest).get("/version", signal()));
    expect(error.code).toBe("TLS_UNTRUSTED");
    expect(error.message).toContain(fingerprint);
  });

  test("a certificate that is not the pinned one", async () => {
    const { connection } = await sandboxOf();
    expect(await failure(clientOf({ ...connection, fingerprint: "ab".repeat(32) }).get("/version", signal()))).toMatchObject({
      code: "TLS_UNTRUSTED",
    });
  });

  test("something that is no Proxmox VE", async () => {
    const sandbox = await sandboxOf();
    const client = clientOf(sandbox.connection);
    for (const body of ["<html>It works!</html>", { hello: 1 }, ""]) {
      sandbox.fail({ path: "/version", status: 200, reason: "OK", body });
      expect(await failure(client.get("/version", signal()))).toMatchObject({ code: "INVALID_OUTPUT" });
      sandbox.heal();
    }
  });

  test("a server that closes the connection", async () => {
    const sandbox = await sandboxOf();
    sandbox.fail({ path: "/version", drop: true });
    expect(await failure(clientOf(sandbox.connection).get("/version", signal()))).toMatchObject({ code: "UNREACHABLE" });
  });

  test("a server that never answers ends with the call's own time", async () => {
    const sandbox = await sandboxOf();
    sandbox.fail({ path: "/version", hang: true });
    const late = AbortSignal.timeout(50);
    expect(await failure(clientOf(sandbox.connection).get("/version", late))).toMatchObject({ code: "CANCELLED" });
  });
});
