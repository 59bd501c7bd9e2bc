import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { Client as OlderClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as OlderTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, describe, expect, it } from "vitest";
import { withEngine } from "./engines.js";

const cli = new URL("../../dist/cli.js", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "proxmcp-engines-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** How a server is spawned by a client, on a config with this one connection. */
function command(name: string, connection: object): { command: string; args: string[] } {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({ connections: { [name]: connection }, tools: { surface: "all" }, log: { level: "error" } }));
  return { command: process.execPath, args: [cli, "serve", "--config", file] };
}

type Content = { readonly structuredContent?: unknown; readonly isError?: boolean | undefined; readonly content?: unknown };

/** The structured answer of a call that has to succeed. */
function answer(result: Content): Record<string, unknown> {
  expect(result.isError, JSON.stringify(result.content)).toBeFalsy();
  return result.structuredContent as Record<string, unknown>;
}

withEngine("lxd", ({ socket, image }) => {
  describe("an MCP client on a real LXD", () => {
    it("creates, starts, execs in, snapshots, stops and deletes a container", async () => {
      const client = new Client({ name: "test", version: "1" }, { capabilities: { elicitation: {} } });
      const questions: string[] = [];
      client.setRequestHandler("elicitation/create", (request) => {
        questions.push("message" in request.params ? request.params.message : "");
        return { action: "accept", content: { confirm: true } };
      });
      await client.connect(new StdioClientTransport(command("here", { provider: "lxd", socket })));
      const call = async (tool: string, args: Record<string, unknown>) => answer(await client.callTool({ name: `lxd_${tool}`, arguments: args }));
      const name = `mcp-${process.pid}`;
      try {
        expect(await call("instance_create", { name, image, start: false })).toMatchObject({ item: { name, status: "stopped" } });
        expect(await call("instance_start", { name })).toMatchObject({ item: { status: "running" } });
        expect(await call("instance_exec", { name, command: ["uname", "-s"] })).toMatchObject({ result: { exit_code: 0, stdout: "Linux\n" } });
        expect(await call("snapshot_create", { instance: name, name: "one" })).toMatchObject({ item: { name: "one", instance: name } });
        expect(await call("instance_list", { where: { name } })).toMatchObject({ total: 1, items: [{ name, status: "running" }] });
        expect(await call("instance_stop", { name, force: true })).toMatchObject({ item: { status: "stopped" } });
      } finally {
        expect(await call("instance_delete", { name, force: true })).toMatchObject({ deleted: true });
        await client.close();
      }
      expect(questions.some((question) => question.includes(name))).toBe(true);
    });
  });
});

withEngine("docker", ({ socket, image }) => {
  describe("an MCP client of the older SDK on a real Docker", () => {
    it("creates, execs in and deletes a container", async () => {
      const client = new OlderClient({ name: "test", version: "1" }, { capabilities: { elicitation: {} } });
      client.setRequestHandler(ElicitRequestSchema, () => ({ action: "accept", content: { confirm: true } }));
      await client.connect(new OlderTransport(command("engine", { provider: "docker", socket })));
      const call = async (tool: string, args: Record<string, unknown>) =>
        answer((await client.callTool({ name: `docker_${tool}`, arguments: args })) as Content);
      const name = `proxmcp-mcp-${process.pid}`;
      try {
        expect(await call("container_create", { name, image })).toMatchObject({ item: { name, status: "running" } });
        expect(await call("container_exec", { name, command: ["cat", "/proc/1/comm"] })).toMatchObject({ result: { exit_code: 0 } });
        expect(await call("container_logs", { name })).toMatchObject({ result: {} });
      } finally {
        expect(await call("container_delete", { name, force: true })).toMatchObject({ deleted: true });
        await client.close();
      }
    });

    it("gets a refusal with a token where the client cannot ask, and goes on with it once", async () => {
      const client = new OlderClient({ name: "test", version: "1" });
      await client.connect(new OlderTransport(command("engine", { provider: "docker", socket })));
      const name = `proxmcp-token-${process.pid}`;
      const call = async (tool: string, args: Record<string, unknown>) =>
        (await client.callTool({ name: `docker_${tool}`, arguments: args })) as Content;
      answer(await call("container_create", { name, image, start: false }));
      const refused = await call("container_delete", { name });
      expect(refused.isError).toBe(true);
      const { error } = JSON.parse((refused.content as { text: string }[])[0]?.text ?? "{}") as {
        error: { code: string; data: { confirm: string } };
      };
      expect(error.code).toBe("CONFIRMATION_REQUIRED");
      expect(answer(await call("container_delete", { name, confirm: error.data.confirm }))).toMatchObject({ deleted: true });
      await client.close();
    });
  });
});
