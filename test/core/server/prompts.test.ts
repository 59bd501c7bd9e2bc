import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { describe, expect, it, onTestFinished } from "vitest";
import type { ProxMcp } from "proxmcp";
import { createMcpServer } from "../../../core/server/mcp.js";
import { openTapes } from "../../fixtures/tape-app.js";

const one = { main: { cartridges: [{ barcode: "T00001" }] } };

async function clientOf(app: ProxMcp): Promise<Client> {
  const [near, far] = InMemoryTransport.createLinkedPair();
  const server = createMcpServer(app);
  await server.connect(far);
  const client = new Client({ name: "test", version: "1" });
  await client.connect(near);
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  return client;
}

const completing = async (client: Client, value: string, name = "inventory_query", argument = "query") =>
  (await client.complete({ ref: { type: "ref/prompt", name }, argument: { name: argument, value } })).completion;

describe("the prompt for questions", () => {
  it("is listed with its argument, and asks for the tool", async () => {
    const { app } = await openTapes(one);
    const client = await clientOf(app);
    const { prompts } = await client.listPrompts();
    expect(prompts.map(({ name, arguments: taken }) => [name, taken?.map((argument) => argument.name)])).toEqual([["inventory_query", ["query"]]]);
    const { messages } = await client.getPrompt({ name: "inventory_query", arguments: { query: 'tapes called "a b"' } });
    expect(messages).toEqual([
      { role: "user", content: { type: "text", text: expect.stringContaining(String.raw`inventory_query with the query "tapes called \"a b\""`) } },
    ]);
  });

  it("completes what someone types with what is loaded", async () => {
    const client = await clientOf((await openTapes(one)).app);
    expect((await completing(client, "")).values).toEqual(expect.arrayContaining(["cartridges", "tracks"]));
    expect((await completing(client, "loaded car")).values).toEqual(["loaded cartridges"]);
    expect((await completing(client, "cartridges sorted by cap")).values).toEqual(["cartridges sorted by capacity"]);
    expect(await completing(client, "nothing like it")).toEqual({ values: [], total: 0, hasMore: false });
    expect((await completing(client, "", "inventory_query", "other")).values).toEqual([]);
  });

  it("is refused by names that are not there", async () => {
    const client = await clientOf((await openTapes(one)).app);
    await expect(client.getPrompt({ name: "other", arguments: {} })).rejects.toMatchObject({ code: -32_602 });
    await expect(completing(client, "", "other")).rejects.toMatchObject({ code: -32_602 });
    await expect(
      client.complete({ ref: { type: "ref/resource", uri: "file:///{path}" }, argument: { name: "path", value: "" } }),
    ).rejects.toMatchObject({ code: -32_602 });
  });

  it("is not there for those who may not ask", async () => {
    const client = await clientOf((await openTapes(one, { tools: { deny: ["inventory_query"] } })).app);
    expect((await client.listPrompts()).prompts).toEqual([]);
    await expect(completing(client, "car")).rejects.toMatchObject({ code: -32_602 });
    await expect(client.getPrompt({ name: "inventory_query", arguments: { query: "tapes" } })).rejects.toMatchObject({ code: -32_602 });
  });
});
