import { fileURLToPath } from "node:url";
import { McpServer } from "@modelcontextprotocol/server";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { createProxMcp, type ProxMcp } from "proxmcp";
import { z } from "zod";

/** A server of one's own, with a tool of its own, and those of ProxMCP beside it. With `@modelcontextprotocol/sdk` it is the same. */
export async function serverFor(app: ProxMcp): Promise<McpServer> {
  const server = new McpServer({ name: "house", version: "1.0.0" });
  server.registerTool("lights_off", { description: "Turn the lights off.", inputSchema: z.object({ room: z.string() }) }, async ({ room }) => ({
    content: [{ type: "text", text: `The ${room} is dark.` }],
  }));
  await app.attach(server);
  return server;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const app = await createProxMcp({ plugins: ["docker"], log: { level: "warn" } });
  const server = await serverFor(app);
  process.stdin.once("end", () => void app.close());
  await server.connect(new StdioServerTransport());
}
