import { createServer, request as nodeRequest, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as OlderClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OlderTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { HandlerOptions, RequestHandler } from "proxmcp";
import { describe, expect, it, onTestFinished } from "vitest";
import { openTapes, type TapeApp } from "../../fixtures/tape-app.js";

const one = { main: { cartridges: [{ barcode: "T00001" }, { barcode: "T00002" }] } };
const HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };
/** Who calls stands in a header here. Nobody is somebody else for saying so: this is a test. */
const byHeader: HandlerOptions = {
  caller: (request) => {
    const id = request.headers.get("x-caller");
    return id ? { id } : undefined;
  },
};

async function handlerFor(tapes: TapeApp, options?: HandlerOptions): Promise<RequestHandler> {
  const handler = await tapes.app.handler(options);
  onTestFinished(() => handler.close());
  return handler;
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

const KINDS = ["2025-11-25", "2026-07-28", "older SDK"] as const;

interface Remote {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  close(): Promise<void>;
}

async function connect(kind: (typeof KINDS)[number], url: string, headers: Record<string, string> = {}): Promise<Remote> {
  const about = { name: "test", version: "1" };
  const options = { requestInit: { headers } };
  const client =
    kind === "older SDK" ? new OlderClient(about) : new Client(about, kind === "2025-11-25" ? {} : { versionNegotiation: { mode: { pin: kind } } });
  onTestFinished(() => client.close());
  if (client instanceof Client) await client.connect(new StreamableHTTPClientTransport(new URL(url), options));
  else await client.connect(new OlderTransport(new URL(url), options) as never);
  return client as unknown as Remote;
}

/** The error that a failing tool's text carries. */
const errorOf = (answer: unknown) => {
  const { isError, content } = answer as { isError?: boolean; content: { text: string }[] };
  expect(isError).toBe(true);
  return (JSON.parse(content[0]?.text ?? "") as { error: { code: string; data: { confirm: string } } }).error;
};

describe("clients of the request handler", () => {
  it.each(KINDS)("of %s list and call the tools over node:http", async (kind) => {
    const tapes = await openTapes(one);
    const handler = await handlerFor(tapes);
    const client = await connect(kind, await listen((request, response) => void handler.node(request, response)));
    expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(tapes.app.tools().map((tool) => tool.name));
    expect(await client.callTool({ name: "tape_cartridge_list", arguments: {} })).toMatchObject({ structuredContent: { total: 2 } });
    expect(errorOf(await client.callTool({ name: "tape_cartridge_get", arguments: { barcode: "T00009" } })).code).toBe("NOT_FOUND");
  });

  it.each(KINDS)("of %s confirm with their own token, and nobody with another's", async (kind) => {
    const tapes = await openTapes(one);
    const handler = await handlerFor(tapes, byHeader);
    const url = await listen((request, response) => void handler.node(request, response));
    const [ann, ben] = [await connect(kind, url, { "x-caller": "ann" }), await connect(kind, url, { "x-caller": "ben" })];
    const deletion = { name: "tape_cartridge_delete", arguments: { barcode: "T00001" } };
    const { code, data } = errorOf(await ann.callTool(deletion));
    expect(code).toBe("CONFIRMATION_REQUIRED");
    const confirmed = { ...deletion, arguments: { ...deletion.arguments, confirm: data.confirm } };
    expect(errorOf(await ben.callTool(confirmed)).code).toBe("CONFIRMATION_INVALID");
    expect(tapes.room("main").cartridges).toHaveLength(2);
    expect(await ann.callTool(confirmed)).toMatchObject({ structuredContent: { deleted: true } });
  });

  it.each(KINDS)("of %s see and reach what their role allows", async (kind) => {
    const tapes = await openTapes(one, { roles: { viewer: { readOnly: true }, operator: { deny: ["*_delete"] } } });
    const handler = await handlerFor(tapes, { caller: (request) => ({ id: "x", roles: [request.headers.get("x-role") ?? "none"] }) });
    const url = await listen((request, response) => void handler.node(request, response));
    const names = async (role: string): Promise<string[]> =>
      (await (await connect(kind, url, { "x-role": role })).listTools()).tools.map(({ name }) => name);
    expect(await names("operator")).toContain("tape_cartridge_load");
    expect(await names("operator")).not.toContain("tape_cartridge_delete");
    expect(await names("viewer")).not.toContain("tape_cartridge_load");
    expect(await names("stranger")).toEqual([]);
    const stranger = await connect(kind, url, { "x-role": "stranger" });
    await expect(stranger.callTool({ name: "tape_cartridge_list", arguments: {} })).rejects.toMatchObject({ code: -32602 });
    expect(tapes.room("main").calls).toEqual([]);
  });
});

it("a client is told of the connections that its role has, and of no others", async () => {
  const tapes = await openTapes({ main: {}, vault: {} }, { roles: { keeper: { connections: ["vault"] }, all: {} } });
  const handler = await handlerFor(tapes, { caller: (request) => ({ id: "x", roles: [request.headers.get("x-role") ?? ""] }) });
  const url = await listen((request, response) => void handler.node(request, response));
  const told = async (role: string): Promise<string> =>
    String(((await connect("2025-11-25", url, { "x-role": role })) as unknown as Client).getInstructions());
  expect(await told("all")).toContain("Tape library (main, vault)");
  expect(await told("keeper")).toContain("Tape library (vault)");
  expect(await told("nobody")).toContain("No platform is open to this user");
});

describe("a client of 2026-07-28 that can ask its user", () => {
  it("is asked through the request itself, and nobody else can answer in its place", async () => {
    const tapes = await openTapes(one);
    const handler = await handlerFor(tapes, byHeader);
    const url = await listen((request, response) => void handler.node(request, response));
    const asked: string[] = [];
    const open = async (id: string, action: "accept" | "decline"): Promise<Client> => {
      const client = new Client(
        { name: "test", version: "1" },
        { capabilities: { elicitation: {} }, versionNegotiation: { mode: { pin: "2026-07-28" } } },
      );
      client.setRequestHandler("elicitation/create", async ({ params }) => {
        asked.push(`${id}: ${"message" in params ? params.message : ""}`);
        return action === "accept" ? { action, content: { confirm: true } } : { action };
      });
      onTestFinished(() => client.close());
      await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { "x-caller": id } } }));
      return client;
    };
    const deletion = { name: "tape_cartridge_delete", arguments: { barcode: "T00001" } };
    expect(errorOf(await (await open("ben", "decline")).callTool(deletion)).code).toBe("DECLINED");
    expect(tapes.room("main").cartridges).toHaveLength(2);
    expect(await (await open("ann", "accept")).callTool(deletion)).toMatchObject({ structuredContent: { deleted: true } });
    expect(asked).toEqual([expect.stringMatching(/^ben: .*T00001/), expect.stringMatching(/^ann: .*T00001/)]);
  });
});

describe("the request handler in a framework", () => {
  const list = { name: "tape_cartridge_list", arguments: {} };

  it("Hono", async () => {
    const handler = await handlerFor(await openTapes(one));
    const app = new Hono();
    app.all("/mcp", (context) => handler.fetch(context.req.raw));
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: list });
    const answer = await app.request("http://localhost/mcp", { method: "POST", headers: HEADERS, body });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('"total":2');
  });

  it("Express, behind its body parser, with what a middleware found out about the caller", async () => {
    const tapes = await openTapes(one);
    const seen: unknown[] = [];
    const handler = await handlerFor(tapes, {
      caller: (_request, incoming) => {
        const { user } = incoming as unknown as { user: { id: string } };
        seen.push(user.id);
        return user;
      },
    });
    const app = express();
    app.use(express.json(), (request, _response, next) => {
      Object.assign(request, { user: { id: "ann" } });
      next();
    });
    app.all("/mcp", (request, response) => handler.node(request, response, request.body));
    const client = await connect("older SDK", await listen(app));
    expect(await client.callTool(list)).toMatchObject({ structuredContent: { total: 2 } });
    expect(new Set(seen)).toEqual(new Set(["ann"]));
  });

  it("Fastify", async () => {
    const handler = await handlerFor(await openTapes(one));
    const app = fastify();
    app.all("/mcp", async (request, reply) => {
      reply.hijack();
      await handler.node(request.raw, reply.raw, request.body);
    });
    onTestFinished(() => app.close());
    const address = await app.listen({ port: 0, host: "127.0.0.1" });
    const client = await connect("2026-07-28", `${address}/mcp`);
    expect(await client.callTool(list)).toMatchObject({ structuredContent: { total: 2 } });
  });
});

describe("the request handler refuses", () => {
  const ask = (handler: RequestHandler, headers: Record<string, string> = {}, url = "http://localhost/mcp") =>
    handler.fetch(
      new Request(url, {
        method: "POST",
        headers: { ...HEADERS, ...headers },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
      }),
    );

  it("a name that is not its own, as DNS rebinding would bring, even from this very machine", async () => {
    const tapes = await openTapes(one);
    const handler = await handlerFor(tapes);
    const url = new URL(await listen((request, response) => void handler.node(request, response)));
    const status = await new Promise((resolve, reject) => {
      const asked = nodeRequest(
        { host: "127.0.0.1", port: url.port, path: "/mcp", method: "POST", headers: { ...HEADERS, host: "evil.example" } },
        (response) => resolve(response.statusCode),
      );
      asked.on("error", reject).end(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "tape_cartridge_list" } }));
    });
    expect(status).toBe(403);
    expect((await ask(handler, {}, "http://evil.example/mcp")).status).toBe(403);
    expect((await ask(handler, { host: "evil.example" })).status).toBe(403);
    for (const host of ["localhost:3000", "127.0.0.1", "[::1]:8080"]) expect((await ask(handler, { host })).status, host).toBe(200);
    expect(tapes.room("main").calls).toEqual([]);
  });

  it("a web page that is not allowed to ask", async () => {
    const handler = await handlerFor(await openTapes(one));
    for (const origin of ["https://evil.example", "null", "nonsense"]) expect((await ask(handler, { origin })).status, origin).toBe(403);
    expect((await ask(handler, { origin: "http://localhost:5173" })).status).toBe(200);
    const open = await handlerFor(await openTapes(one), { origins: ["panel.example"] });
    expect((await ask(open, { origin: "https://panel.example" })).status).toBe(200);
    expect((await ask(open, { origin: "http://localhost:5173" })).status).toBe(403);
  });

  it("who is nobody, before anything is asked; a fault in finding out is a refusal", async () => {
    const handler = await handlerFor(await openTapes(one), byHeader);
    expect((await ask(handler)).status).toBe(401);
    expect((await ask(handler, { "x-caller": "ann" })).status).toBe(200);
    const broken = await handlerFor(await openTapes(one), {
      caller: () => {
        throw new Error("the directory is down");
      },
    });
    expect((await ask(broken)).status).toBe(401);
  });

  it("to be made for other machines' eyes with nobody to tell callers apart", async () => {
    const { app } = await openTapes(one);
    await expect(app.handler({ hosts: ["mcp.example.com"] })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const handler = await app.handler({ hosts: ["mcp.example.com"], ...byHeader });
    expect((await ask(handler, { "x-caller": "ann" }, "https://mcp.example.com/mcp")).status).toBe(200);
    expect((await ask(handler, { "x-caller": "ann" })).status, "this machine's own name is none of its").toBe(403);
    await handler.close();
  });

  it("a body that is too large, read by Node or not", async () => {
    const tapes = await openTapes(one);
    const handler = await handlerFor(tapes, { maxBody: 200 });
    const url = await listen((request, response) => void handler.node(request, response));
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: { cursor: "x".repeat(300) } });
    expect((await fetch(url, { method: "POST", headers: HEADERS, body })).status).toBe(413);
    expect((await handler.fetch(new Request(url, { method: "POST", headers: HEADERS, body }))).status).toBe(413);
  });
});
