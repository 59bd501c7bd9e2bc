// oxlint-disable typescript/no-deprecated -- the older SDK's low-level server is what is tested here
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { McpServer, Server } from "@modelcontextprotocol/server";
import { Client as OlderClient } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport as OlderTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { Server as OlderServer } from "@modelcontextprotocol/sdk/server/index.js";
import { McpServer as OlderMcpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { AttachOptions, AttachableServer } from "proxmcp";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { openTapes, type TapeApp } from "../../fixtures/tape-app.js";

const one = { main: { cartridges: [{ barcode: "T00001" }, { barcode: "T00002" }] } };
const about = { name: "theirs", version: "1" };

interface Answer {
  isError?: boolean;
  structuredContent?: Record<string, unknown>;
  content: { text: string }[];
}
type Reply = { action: "accept" | "decline" | "cancel"; content?: Record<string, boolean> };
interface Remote {
  listTools(): Promise<{ tools: { name: string; inputSchema: object; outputSchema?: object; annotations?: object }[] }>;
  callTool(call: { name: string; arguments?: object }, options?: { onprogress(progress: { message?: string }): void }): Promise<Answer>;
}

/** Somebody's server with a tool of its own, or none where it is a low-level one. */
const SERVERS = {
  McpServer: () => {
    const server = new McpServer(about);
    server.registerTool("greet", { inputSchema: z.object({ whom: z.string() }) }, async ({ whom }) => ({
      content: [{ type: "text", text: `Hello ${whom}` }],
    }));
    return server;
  },
  Server: () => new Server(about, { capabilities: {} }),
  "older McpServer": () => {
    const server = new OlderMcpServer(about);
    server.registerTool("greet", { inputSchema: { whom: z.string() } }, async ({ whom }) => ({ content: [{ type: "text", text: `Hello ${whom}` }] }));
    return server;
  },
  "older Server": () => new OlderServer(about, { capabilities: {} }),
} satisfies Record<string, () => AttachableServer>;

async function connect(kind: keyof typeof SERVERS, { app }: TapeApp, elicit?: (message: string) => Reply, options?: AttachOptions): Promise<Remote> {
  const server = SERVERS[kind]();
  await app.attach(server, options);
  const capabilities = { capabilities: elicit ? { elicitation: {} } : {} };
  if (kind.startsWith("older")) {
    const [near, far] = OlderTransport.createLinkedPair();
    const client = new OlderClient(about, capabilities);
    if (elicit) client.setRequestHandler(ElicitRequestSchema, async ({ params }) => elicit(params.message));
    await (server as OlderServer).connect(far);
    await client.connect(near);
    onTestFinished(() => client.close());
    return {
      listTools: async () => (await client.listTools()) as never,
      callTool: async (call, given) => (await client.callTool(call as never, undefined, given as never)) as unknown as Answer,
    };
  }
  const [near, far] = InMemoryTransport.createLinkedPair();
  const client = new Client(about, capabilities);
  if (elicit) client.setRequestHandler("elicitation/create", async ({ params }) => elicit(params.message));
  await (server as Server).connect(far);
  await client.connect(near);
  onTestFinished(() => client.close());
  return client as unknown as Remote;
}

const errorOf = ({ isError, content }: Answer) => {
  expect(isError).toBe(true);
  return (JSON.parse(content[0]?.text ?? "") as { error: { code: string; data: { confirm: string } } }).error;
};
const kinds = Object.keys(SERVERS) as (keyof typeof SERVERS)[];
/** Without what only says how to read it. */
const bare = ({ $schema: _, ...schema }: Record<string, unknown>) => schema;

describe.each(kinds)("attached to a %s", (kind) => {
  it("the tools stand beside its own, with their schemas and hints", async () => {
    const tapes = await openTapes(one);
    const client = await connect(kind, tapes);
    const { tools } = await client.listTools();
    const own = kind.endsWith("McpServer") ? ["greet"] : [];
    expect(tools.map((tool) => tool.name)).toEqual([...own, ...tapes.app.tools().map((tool) => tool.name)]);
    for (const tool of tapes.app.tools()) {
      const found = tools.find((one) => one.name === tool.name);
      expect(bare(found?.inputSchema as Record<string, unknown>), tool.name).toEqual(bare(tool.inputSchema as Record<string, unknown>));
      expect(bare(found?.outputSchema as Record<string, unknown>), tool.name).toEqual(bare(tool.outputSchema as Record<string, unknown>));
      expect(found?.annotations).toMatchObject({ readOnlyHint: tool.safety === "read", destructiveHint: tool.safety === "destructive" });
    }
    if (own.length > 0) expect((await client.callTool({ name: "greet", arguments: { whom: "Ann" } })).content[0]?.text).toBe("Hello Ann");
  });

  it("they answer, fail with their codes, and report progress", async () => {
    const client = await connect(kind, await openTapes(one));
    await client.listTools(); // from here on the client holds results to their schemas
    expect((await client.callTool({ name: "tape_cartridge_list", arguments: { where: { barcode: "*2" } } })).structuredContent).toMatchObject({
      total: 1,
    });
    expect(errorOf(await client.callTool({ name: "tape_cartridge_get", arguments: { barcode: "T00009" } })).code).toBe("NOT_FOUND");
    expect(errorOf(await client.callTool({ name: "tape_cartridge_get", arguments: { colour: 1 } })).code).toBe("INVALID_INPUT");
    const told: (string | undefined)[] = [];
    await client.callTool(
      { name: "tape_cartridge_load", arguments: { barcode: "T00001" } },
      { onprogress: ({ message }) => void told.push(message) },
    );
    expect(told).toEqual(["arm moving", "in drive"]);
  });

  it("a confirmation is asked for through its client, or by a token where that can't be", async () => {
    const tapes = await openTapes(one);
    const asked: string[] = [];
    const deletion = { name: "tape_cartridge_delete", arguments: { barcode: "T00001" } };
    const answering = (reply: Reply) => (message: string) => {
      asked.push(message);
      return reply;
    };
    for (const reply of [{ action: "decline" }, { action: "accept", content: { confirm: false } }] as const)
      expect(errorOf(await (await connect(kind, tapes, answering(reply))).callTool(deletion)).code).toBe("DECLINED");
    expect(tapes.room("main").cartridges).toHaveLength(2);
    const yes = await connect(kind, tapes, answering({ action: "accept", content: { confirm: true } }));
    expect((await yes.callTool(deletion)).structuredContent).toMatchObject({ deleted: true });
    expect(asked).toHaveLength(3);
    expect(asked[0]).toContain("Everything on it is lost.");

    const mute = await connect(kind, tapes);
    const second = { barcode: "T00002" };
    const { code, data } = errorOf(await mute.callTool({ ...deletion, arguments: second }));
    expect(code).toBe("CONFIRMATION_REQUIRED");
    expect((await mute.callTool({ ...deletion, arguments: { ...second, confirm: data.confirm } })).structuredContent).toMatchObject({
      deleted: true,
    });
  });

  it("the rules hold, for the caller that it names", async () => {
    const tapes = await openTapes(one, { roles: { viewer: { readOnly: true } } });
    const client = await connect(kind, tapes, undefined, { caller: () => ({ id: "ann", roles: ["viewer"] }) });
    expect(errorOf(await client.callTool({ name: "tape_cartridge_load", arguments: { barcode: "T00001" } })).code).toBe("TOOL_DENIED");
    expect((await client.callTool({ name: "tape_cartridge_list", arguments: {} })).structuredContent).toMatchObject({ total: 2 });
    expect(tapes.room("main").calls).toEqual(["list"]);
  });
});

describe("attaching", () => {
  it("to a low-level server that lists tools already is refused, with what to do instead", async () => {
    const { app } = await openTapes(one);
    const server = new Server(about, { capabilities: { tools: {} } });
    server.setRequestHandler("tools/list", () => ({ tools: [] }));
    await expect(app.attach(server)).rejects.toMatchObject({ code: "CONFLICT", details: { next: expect.stringContaining("McpServer") } });
  });

  it.each(["Server", "older Server"] as const)("to a %s refuses what is not there in the words of the protocol", async (kind) => {
    const client = await connect(kind, await openTapes(one));
    await expect(client.callTool({ name: "tape_cartridge_burn", arguments: {} })).rejects.toMatchObject({ code: -32602 });
  });

  it("two apps to one server is fine as long as their tools have names of their own", async () => {
    const [first, second] = [await openTapes(one), await openTapes(one)];
    const server = SERVERS.McpServer();
    await first.app.attach(server);
    await expect(second.app.attach(server)).rejects.toThrow("already registered");
  });
});
