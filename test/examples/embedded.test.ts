import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Client, InMemoryTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { type AuditEntry, createProxMcp, type ProxMcp } from "proxmcp";
import docker from "proxmcp/plugins/docker";
import type { Sandbox } from "proxmcp/plugin";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { answer, type Model } from "../../examples/embedded/agent.js";
import { serverFor } from "../../examples/embedded/attach.js";
import { serve } from "../../examples/embedded/http.js";
import { openApp, tidy } from "../../examples/embedded/tidy.js";

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = (await (await docker.sandbox?.())?.start()) as Sandbox;
  return () => sandbox.close();
});

/** An app on the sandbox. */
async function open(setup: Parameters<typeof createProxMcp>[0] = {}): Promise<ProxMcp> {
  const app = await createProxMcp({ connections: { here: { provider: "docker", ...sandbox.connection } }, log: { level: "silent" }, ...setup });
  onTestFinished(() => app.close());
  return app;
}

describe("examples/embedded", () => {
  it("tidy.ts deletes what its user says yes to, and no more", async () => {
    const audit: AuditEntry[] = [];
    const app = await openApp({ write: (entry) => void audit.push(entry) }, { here: { provider: "docker", ...sandbox.connection } });
    onTestFinished(() => app.close());
    const ended = async (): Promise<string[]> => {
      const { items } = await app.call("docker_container_list", { where: { status: ["exited", "dead"] } });
      return items.map(({ name }) => name);
    };
    await app.call("docker_container_stop", { name: "shop-web" });
    const before = await ended();
    expect(before.length).toBeGreaterThan(1);

    const questions: string[] = [];
    const gone = await tidy(app, async (question) => questions.push(question) === 1);
    expect(questions).toHaveLength(before.length);
    expect(questions[0]).toContain(JSON.stringify(before[0]));
    expect(gone).toEqual(before.slice(0, 1));
    expect(await ended()).toEqual(before.slice(1));

    const deletions = audit.filter(({ tool }) => tool === "docker_container_delete").map(({ outcome }) => outcome);
    expect(deletions).toEqual(["ok", ...before.slice(1).map(() => "DECLINED")]);
  });

  it("agent.ts hands the tools to a model and carries out what it asks for; a refusal is an answer", async () => {
    const app = await open();
    const told: unknown[] = [];
    const model: Model = async ({ messages, tools }) => {
      expect(tools.map(({ name }) => name)).toEqual(app.tools().map(({ name }) => name));
      if (messages.length === 1)
        return [
          { type: "text", text: "Let me look." },
          { type: "tool_use", id: "1", name: "docker_container_list", input: { limit: 1 } },
          { type: "tool_use", id: "2", name: "docker_container_delete", input: { name: "shop-web" } },
        ];
      told.push(...(messages.at(-1)?.content as object[]));
      return [{ type: "text", text: "Done." }];
    };
    expect(await answer("tidy up", app, model)).toBe("Done.");
    expect(told).toMatchObject([
      { type: "tool_result", tool_use_id: "1", content: expect.stringContaining('"items":[{') },
      { type: "tool_result", tool_use_id: "2", is_error: true, content: expect.stringContaining("CONFIRMATION_REQUIRED") },
    ]);
    expect(sandbox.requests.filter(({ method }) => method === "DELETE")).toEqual([]);
  });

  it("attach.ts serves its own tool and those of ProxMCP", async () => {
    const server = await serverFor(await open());
    const [near, far] = InMemoryTransport.createLinkedPair();
    const client = new Client({ name: "test", version: "1" });
    await server.connect(far);
    await client.connect(near);
    onTestFinished(() => client.close());
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["lights_off", "docker_container_list"]));
    expect(await client.callTool({ name: "lights_off", arguments: { room: "cellar" } })).toMatchObject({
      content: [{ text: "The cellar is dark." }],
    });
    expect(await client.callTool({ name: "docker_container_get", arguments: { name: "shop-web" } })).toMatchObject({
      structuredContent: { item: { name: "shop-web" } },
    });
  });

  it("http.ts lets in who has a token, each with their own role, and nobody else", async () => {
    const app = await open({ roles: { operator: { deny: ["*_delete"] }, viewer: { readOnly: true } } });
    const server = await serve(app, { "a-token": { id: "ann", roles: ["operator"] }, "b-token": { id: "ben", roles: ["viewer"] } });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close().closeAllConnections());
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
    const connect = async (token: string): Promise<Client> => {
      const client = new Client({ name: "test", version: "1" });
      onTestFinished(() => client.close());
      await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization: `Bearer ${token}` } } }));
      return client;
    };
    const stop = { name: "docker_container_stop", arguments: { name: "shop-web" } };
    expect(await (await connect("a-token")).callTool(stop)).toMatchObject({ structuredContent: { item: { status: "exited" } } });
    await expect((await connect("b-token")).callTool(stop)).rejects.toMatchObject({ code: -32602 });
    await expect(connect("c-token")).rejects.toThrow("Who is calling is not known");
    expect(await (await fetch(new URL("/", url))).text()).toContain("Nothing but /mcp");
  });
});
