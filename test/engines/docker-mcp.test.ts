import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe } from "vitest";
import { type CallOptions, type ErrorCode, type ProxMcp } from "proxmcp";
import { ProxMcpError } from "proxmcp/plugin";
import { type Bench, benchOf } from "../conformance.js";
import { dockerScenario, swarmScenario } from "../conformance/docker.js";
import { withSwarm } from "./docker-swarm.js";
import { file, withEngine } from "./engines.js";

const cli = new URL("../../dist/cli.js", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "pmdk-mcp-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Answer = { readonly isError?: boolean; readonly structuredContent?: unknown; readonly content?: unknown };

/** Calls go to the built server as an MCP client's do; what has to be confirmed comes back as an elicitation. */
async function overMcp(connection: Record<string, unknown>): Promise<{ app: Pick<ProxMcp, "call">; close(): Promise<void> }> {
  const config = join(folder, "config.json");
  writeFileSync(
    config,
    JSON.stringify({ connections: { engine: { provider: "docker", ...connection } }, tools: { surface: "all" }, log: { level: "error" } }),
  );
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
  return { app: { call }, close: () => client.close() };
}

function throughMcp(name: string, connection: Record<string, unknown>, scenario: (bench: () => Bench) => void): void {
  describe(`an MCP client on ${name}`, () => {
    let bench: Bench;
    let close: () => Promise<void>;
    beforeAll(async () => {
      const opened = await overMcp(connection);
      bench = benchOf(opened.app as ProxMcp, "docker");
      close = opened.close;
    });
    afterAll(async () => await close?.());
    scenario(() => bench);
  });
}

withEngine("docker", ({ socket, image }) => {
  withEngine("registry", ({ url }) => {
    throughMcp("a real Docker and a registry", { socket }, dockerScenario({ image, registry: url.replace(/^https?:\/\//, "") }));
  });
  withEngine("sshd", ({ port, user, key, knownHosts }) => {
    throughMcp("a real Docker behind SSH", { url: `ssh://${user}@127.0.0.1:${port}`, key: file(key), knownHosts }, dockerScenario({ image }));
  });
});

withEngine("dockerTls", ({ url, ca, cert, key, image, socket }) => {
  const connection = { url, ca: file(ca), cert: file(cert), key: file(key) };
  throughMcp("a real Docker with mutual TLS", connection, dockerScenario({ image }));
  describe("a swarm", () => {
    const service = `pmdk-mcp-${process.pid}`;
    withSwarm(socket, service, image);
    throughMcp("its manager", connection, swarmScenario({ service }));
  });
});
