import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { home, node } from "./child.js";

const CLI = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const CONFIG = JSON.stringify({
  connections: {
    engine: { provider: "docker", socket: "/nowhere/docker.sock" },
    pi: { provider: "lxd", socket: "/nowhere/unix.socket" },
    prod: { provider: "proxmox", url: "https://127.0.0.1:1", token: "root@pam!x=00000000-0000-0000-0000-000000000000" },
  },
  log: { level: "debug" },
});

/** Writes down every module that is loaded. */
const spy = (to: string): string => `
import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";
registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(to)}, url + "\\n"); return next(url, context); } });`;

interface Server {
  readonly child: ChildProcessWithoutNullStreams;
  /** Every line that came on stdout. */
  readonly lines: string[];
  ask(id: number, method: string, params?: object): Promise<{ result?: Record<string, unknown>; error?: { code: number } }>;
  readonly ended: Promise<number | null>;
}

const running: ChildProcessWithoutNullStreams[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

function serve(folder: string, nodeArgs: readonly string[] = []): Server {
  const child = spawn(process.execPath, [...nodeArgs, CLI, "serve"], { cwd: folder, env: { PATH: process.env["PATH"] ?? "", HOME: folder } });
  running.push(child);
  const lines: string[] = [];
  const waiting = new Map<number, (message: never) => void>();
  let rest = "";
  child.stdout.on("data", (chunk) => {
    rest += String(chunk);
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      const line = rest.slice(0, end);
      rest = rest.slice(end + 1);
      lines.push(line);
      const message = JSON.parse(line) as { id?: number };
      if (message.id !== undefined) waiting.get(message.id)?.(message as never);
    }
  });
  return {
    child,
    lines,
    ask: (id, method, params = {}) =>
      new Promise((answered) => {
        waiting.set(id, answered);
        child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
      }),
    ended: new Promise((ended) => child.once("exit", (code) => ended(code))),
  };
}

const hello = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };

describe("the built server over stdio", () => {
  it("loads undici with the first call, and never ssh2, pino or a sandbox before they are needed", async () => {
    const folder = await home({ "proxmcp.config.json": CONFIG.replace("debug", "silent") });
    const loaded = join(folder, "loaded.txt");
    await writeFile(join(folder, "spy.mjs"), spy(loaded));
    const server = serve(folder, ["--import", join(folder, "spy.mjs")]);
    await server.ask(1, "initialize", hello);
    const { result } = await server.ask(2, "tools/list");
    expect((result?.["tools"] as unknown[]).length).toBeGreaterThan(10);
    const before = await readFile(loaded, "utf8");
    expect(before).toContain("dist/cli.js");
    for (const late of ["/undici/", "/ssh2/", "/pino/", "/selfsigned/", "sandbox"]) expect(before).not.toContain(late);

    const called = await server.ask(3, "tools/call", { name: "docker_container_list", arguments: {} });
    expect(called.result).toMatchObject({ isError: true });
    const after = await readFile(loaded, "utf8");
    expect(after).toContain("/undici/");
    expect(after).not.toContain("/ssh2/");
  });

  it("writes the protocol to stdout and nothing else, and its log as JSON lines to stderr", async () => {
    const folder = await home({ "proxmcp.config.json": CONFIG });
    const server = serve(folder);
    let log = "";
    server.child.stderr.on("data", (chunk) => (log += String(chunk)));
    await server.ask(1, "initialize", hello);
    await server.ask(2, "tools/call", { name: "docker_container_list", arguments: {} });
    for (const line of server.lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0" });
    server.child.stdin.end();
    expect(await server.ended).toBe(0);
    const entries = log.trim().split("\n");
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) expect(JSON.parse(entry)).toHaveProperty("level");
  });

  it("answers -32602 to a tool that it does not have", async () => {
    const server = serve(await home({ "proxmcp.config.json": CONFIG.replace("debug", "silent") }));
    await server.ask(1, "initialize", hello);
    expect((await server.ask(2, "tools/call", { name: "no_such_tool", arguments: {} })).error?.code).toBe(-32602);
  });

  it("ends by itself when the client goes, and at once when it is told to", async () => {
    const folder = await home({ "proxmcp.config.json": CONFIG.replace("debug", "silent") });
    const left = serve(folder);
    await left.ask(1, "initialize", hello);
    left.child.stdin.end();
    expect(await left.ended).toBe(0);
    const told = serve(folder);
    await told.ask(1, "initialize", hello);
    told.child.kill("SIGTERM");
    expect(await told.ended).toBe(0);
  });

  it("serves and says so when nothing is connected", async () => {
    const server = serve(await home({ "proxmcp.config.json": '{ "plugins": ["lxd"], "log": { "level": "silent" } }' }));
    const { result } = await server.ask(1, "initialize", hello);
    // A machine with an LXD of its own has a connection; without one the user is told what to do.
    const { result: listed } = await server.ask(2, "tools/call", { name: "connection_list", arguments: {} });
    const { total } = listed?.["structuredContent"] as { total: number };
    expect(String(result?.["instructions"])).toContain(total === 0 ? "proxmcp demo" : "Manages");
  });
});

it("says in one sentence that Node is too old", async () => {
  const folder = await home({});
  await writeFile(join(folder, "old.mjs"), 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } });');
  const { code, stdout, stderr } = await node(["--import", join(folder, "old.mjs"), CLI, "serve"], folder);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toBe("proxmcp needs Node 22.19 or newer; this is 20.20.2.\n");
});
