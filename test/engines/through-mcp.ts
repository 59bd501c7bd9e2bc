import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe } from "vitest";
import { type CallOptions, type ErrorCode, type ProxMcp } from "proxmcp";
import { ProxMcpError } from "proxmcp/plugin";
import { type Bench, benchOf } from "../conformance.js";

const cli = new URL("../../dist/cli.js", import.meta.url).pathname;
type Answer = { readonly isError?: boolean; readonly structuredContent?: unknown; readonly content?: unknown };

/** Calls go to the built server as an MCP client's do; what has to be confirmed comes back as an elicitation. */
async function overMcp(
  provider: string,
  connection: Record<string, unknown>,
): Promise<{ app: Pick<ProxMcp, "call" | "query">; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "proxmcp-mcp-"));
  const config = join(folder, "config.json");
  writeFileSync(config, JSON.stringify({ connections: { engine: { provider, ...connection } }, tools: { surface: "all" }, log: { level: "error" } }));
  const client = new Client({ name: "test", version: "1" }, { capabilities: { elicitation: {} } });
  let confirm: CallOptions["confirm"];
  client.setRequestHandler("elicitation/create", async (request) => {
    const question = "message" in request.params ? request.params.message : "";
    const yes = confirm === true || (await confirm?.(question)) === true;
    return yes ? { action: "accept", content: { confirm: true } } : { action: "decline" };
  });
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [cli, "serve", "--config", config] }));
  const call: ProxMcp["call"] = async (name, args, options) => {
    confirm = options?.confirm;
    const answer = (await client.callTool({ name, arguments: { ...args } }, { timeout: 300_000 })) as Answer;
    if (!answer.isError) return answer.structuredContent as Record<string, unknown>;
    const text = (answer.content as { text?: string }[] | undefined)?.[0]?.text ?? "{}";
    const { error } = JSON.parse(text) as { error: { code: ErrorCode; message: string } };
    throw new ProxMcpError(error.code, error.message);
  };
  const close = async (): Promise<void> => {
    await client.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const query: ProxMcp["query"] = async (text) => (await call("inventory_query", { query: text })) as never;
  return { app: { call, query }, close };
}

/** Runs a scenario as an MCP client would: through the built server, over stdio. */
export function throughMcp(provider: string, name: string, connection: Record<string, unknown>, scenario: (bench: () => Bench) => void): void {
  describe(`an MCP client on ${name}`, () => {
    let bench: Bench;
    let close: () => Promise<void>;
    beforeAll(async () => {
      const opened = await overMcp(provider, connection);
      bench = benchOf(opened.app as ProxMcp, provider);
      close = opened.close;
    });
    afterAll(async () => await close?.());
    scenario(() => bench);
  });
}
