// A stranger's program, type-checked against the installed package.
import { McpServer as OlderMcpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { McpServer } from "@modelcontextprotocol/server";
import { type Caller, CLOCK, type Clock, createProxMcp, defineConfig, isProxMcpError, type ProxMcp, type ToolDefinitions } from "proxmcp";
import { defineProvider, facet, forClient } from "proxmcp/plugin";
import docker from "proxmcp/plugins/docker";
import { z } from "zod";

const clock: Clock = { now: () => 0, sleep: async () => {} };

class Client {
  static readonly inject = [CLOCK] as const;
  constructor(readonly clock: Clock) {}
}
const { kind, write } = forClient<Client>();
const lamp = kind({
  name: "lamp",
  about: "A lamp",
  item: z.object({ name: facet(z.string(), "Name"), on: facet(z.boolean(), "Whether it shines") }),
  key: "name",
  list: async () => [{ name: "desk", on: false }],
  actions: { start: write({ about: "Switch on", input: { watts: z.int().optional() }, run: async () => {} }) },
});
const lights = defineProvider({
  name: "lights",
  title: "Lights",
  about: "Lamps",
  connection: { noun: "room", schema: z.object({ url: z.string() }) },
  hosts: [],
  client: Client,
  test: async () => ({ version: "1" }),
  kinds: [lamp],
});

export const config = defineConfig({ connections: { desk: { provider: "docker", socket: "/var/run/docker.sock" } } });

export async function main(): Promise<number> {
  const app = await createProxMcp({
    plugins: [docker, lights],
    connections: config.connections,
    services: (container) => void container.register(CLOCK, { useValue: clock }),
  });
  try {
    const { items } = await app.call("docker_container_list", { where: { status: ["running"] } });
    const names: string[] = items.map(({ name }) => name);
    const { item } = await app.call("lights_lamp_start", { name: "desk", watts: 5, room: "cellar" });
    const shines: boolean | undefined = item?.on;
    // @ts-expect-error -- a number
    await app.call("lights_lamp_start", { name: "desk", watts: "five" });
    const caller: Caller = { id: "ann", roles: ["operator"] };
    const tools: ToolDefinitions["anthropic"][] = app.toolDefinitions({ format: "anthropic", caller });
    await app.attach(new McpServer({ name: "x", version: "1" }));
    await app.attach(new OlderMcpServer({ name: "x", version: "1" }));
    const handler = await app.handler({ caller: (request) => (request.headers.get("x") ? caller : undefined) });
    const response: Response = await handler.fetch(new Request("http://localhost/mcp"));
    await handler.close();
    const answer = await app.query("running containers", { limit: 5 });
    const { placements } = await app.route("a small postgres");
    await takes(app);
    return names.length + tools.length + response.status + answer.total + placements.length + (shines ? 1 : 0);
  } catch (error) {
    if (isProxMcpError(error)) console.error(error.code, error.report().next);
    throw error;
  } finally {
    await app.close();
  }
}

const takes = async (app: ProxMcp): Promise<void> => void (await app.call("anything", { at: "all" }));
