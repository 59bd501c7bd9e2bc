import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { parse, stringify } from "yaml";
import { firstLine, installed, type Installed, root } from "./installed.js";

let stranger: Installed;
beforeAll(async () => {
  stranger = await installed(["@modelcontextprotocol/server", "@modelcontextprotocol/sdk", "zod", "@types/node"]);
}, 240_000);
afterAll(() => stranger?.close());

/** An example as somebody would copy it into a folder of their own. */
function copied(example: string): string {
  const folder = join(stranger.folder, example);
  cpSync(join(root, "examples", example), folder, { recursive: true });
  return folder;
}

/** A config whose machines are sandboxes: what says how they are reached is replaced, all else stands as it is. */
type Connections = Record<string, Record<string, unknown>>;
const CORE = ["provider", "match", "tags", "tools"];
async function onSandboxes(connections: Connections, options: Readonly<Record<string, object>> = {}): Promise<Connections> {
  const reached = await stranger.sandboxes(Object.entries(connections).map(([name, { provider }]) => [name, String(provider), options[name] ?? {}]));
  return Object.fromEntries(
    Object.entries(connections).map(([name, entry]) => [
      name,
      { ...Object.fromEntries(Object.entries(entry).filter(([setting]) => CORE.includes(setting))), ...reached[name] },
    ]),
  );
}

describe("the package", () => {
  it("holds what is needed to use it, and nothing of how it is made", async () => {
    const folder = join(stranger.folder, "node_modules", "proxmcp");
    for (const file of [
      "package.json",
      "README.md",
      "LICENSE",
      "config.schema.json",
      "dist/cli.js",
      "dist/core/index.d.ts",
      "dist/plugins/docker/index.d.ts",
    ])
      expect(existsSync(join(folder, file)), file).toBe(true);
    for (const file of ["test", "core", "plugins", ".ci", "AGENTS.md"]) expect(existsSync(join(folder, file)), file).toBe(false);
    expect(readdirSync(join(folder, "examples"))).toEqual(["template"]);
  });

  it("starts by the name that npm gives it", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    expect(await stranger.proxmcp(["--version"])).toEqual({ code: 0, out: `${version}\n`, err: "" });
  });

  it("has the demo in it", async () => {
    const { code, out, err } = await stranger.proxmcp(["demo"]);
    expect(code, err).toBe(0);
    expect(out).toContain("Done.");
  });

  it("sets itself up in an empty folder, and what it wrote works", async () => {
    const home = join(stranger.folder, "home");
    mkdirSync(home);
    const { fresh } = await stranger.sandboxes([["fresh", "docker"]]);
    const env = { HOME: home, DOCKER_HOST: String(fresh?.["url"]) };
    const { code, out, err } = await stranger.proxmcp(["init", "--yes", "--client", "cursor"], { env });
    expect(code, err).toBe(0);
    expect(out).toContain("proxmcp.config.yaml");
    const text = readFileSync(join(stranger.folder, "proxmcp.config.yaml"), "utf8");
    expect(text).toContain("$schema=./node_modules/proxmcp/config.schema.json");
    const { mcpServers } = JSON.parse(readFileSync(join(home, ".cursor", "mcp.json"), "utf8")) as {
      mcpServers: { proxmcp: { command: string; args: string[] } };
    };
    const client = new Client({ name: "test", version: "1" });
    onTestFinished(() => client.close());
    const { command, args } = mcpServers.proxmcp;
    await client.connect(new StdioClientTransport({ command, args, env: { HOME: home }, cwd: home, stderr: "ignore" }));
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain("docker_container_list");
  });
});

describe("the lock file", () => {
  it("pins the plugins that come with the package, and notices a changed file of it", async () => {
    const folder = join(stranger.folder, "locked");
    mkdirSync(folder);
    const connections = { desk: { provider: "docker", socket: "/nowhere.sock" } };
    writeFileSync(join(folder, "proxmcp.config.yaml"), stringify({ plugins: ["docker"], connections }));
    expect(await stranger.proxmcp(["plugins", "lock"], { cwd: folder })).toMatchObject({ code: 0, err: "" });
    const lock = JSON.parse(readFileSync(join(folder, "proxmcp.lock.json"), "utf8")) as { plugins: Record<string, object> };
    expect(lock.plugins["docker"]).toMatchObject({ package: "proxmcp", integrity: expect.stringMatching(/^sha256-/) });
    expect(await stranger.proxmcp(["config", "check"], { cwd: folder })).toMatchObject({ code: 0 });
    const index = join(stranger.folder, "node_modules", "proxmcp", "dist", "plugins", "docker", "index.js");
    const text = readFileSync(index, "utf8");
    onTestFinished(() => writeFileSync(index, text));
    writeFileSync(index, `${text}\n// a word`);
    const { code, err } = await stranger.proxmcp(["config", "check"], { cwd: folder });
    expect(code).toBe(2);
    expect(err).toContain("The files of the plugin docker are not those that proxmcp.lock.json pins.\n  Its tools are the same");
  });
});

describe("a program that embeds it", () => {
  it.each(["node16", "bundler"])("passes a strict type check with moduleResolution %s", async (resolution) => {
    cpSync(join(root, "test/packed/embedding/embedding.ts"), join(stranger.folder, "embedding.ts"));
    const config = join(stranger.folder, `tsconfig.${resolution}.json`);
    const compilerOptions = {
      ...{ target: "es2023", strict: true, noEmit: true, types: ["node"] },
      ...{ module: resolution === "bundler" ? "esnext" : "node16", moduleResolution: resolution },
    };
    writeFileSync(config, JSON.stringify({ compilerOptions, files: ["embedding.ts"] }));
    const { code, out } = await stranger.node([join(root, "node_modules/typescript/bin/tsc"), "-p", config]);
    expect(out).toBe("");
    expect(code).toBe(0);
  });

  it("that has only the older MCP SDK attaches to it, and today's SDK is never loaded from outside the package", async () => {
    const program = join(stranger.folder, "older.mjs");
    writeFileSync(
      program,
      `import { registerHooks } from "node:module";
       const loaded = [];
       registerHooks({ resolve: (name, context, next) => { const found = next(name, context); loaded.push(found.url); return found; } });
       const { createProxMcp } = await import("proxmcp");
       const { McpServer } = await import("@modelcontextprotocol/sdk/server/mcp.js");
       const app = await createProxMcp({ plugins: ["docker"], connections: { here: { provider: "docker", socket: "/nowhere.sock" } } });
       const names = await app.attach(new McpServer({ name: "x", version: "1" }));
       await app.close();
       console.log(JSON.stringify({ names, loaded }));`,
    );
    const { code, out, err } = await stranger.node([program]);
    expect(code, err).toBe(0);
    const { names, loaded } = JSON.parse(out) as { names: string[]; loaded: string[] };
    expect(names).toContain("docker_container_list");
    expect(loaded.filter((url) => /modelcontextprotocol\/(server|node|core)\//.test(url) || /proxmcp\/dist\/chunks\/mcp-/.test(url))).toEqual([]);
  });
});

describe("the examples", () => {
  it("config-file: a server for what the file names", async () => {
    const folder = copied("config-file");
    const file = join(folder, "proxmcp.config.yaml");
    const incomplete = await stranger.proxmcp(["config", "check"], { cwd: folder });
    expect(incomplete.code).toBe(2);
    expect(incomplete.err).toContain("PVE_TOKEN is not set");
    const config = parse(await readFile(file, "utf8")) as { connections: Connections };
    writeFileSync(file, stringify({ ...config, connections: await onSandboxes(config.connections) }));
    expect(await stranger.proxmcp(["config", "check"], { cwd: folder })).toMatchObject({ code: 0, out: expect.stringContaining("4 connections") });
    const doctor = await stranger.proxmcp(["doctor"], { cwd: folder });
    expect(doctor.code, doctor.out + doctor.err).toBe(0);
    const { out } = await stranger.proxmcp(["query", "--json", "count", "running", "vms"], { cwd: folder });
    expect(JSON.parse(out)).toMatchObject({ aggregate: { op: "count", value: expect.any(Number) } });
  }, 120_000);

  it("config-file: a change of the file is applied while it is served", async () => {
    const folder = join(stranger.folder, "watched");
    mkdirSync(folder);
    const file = join(folder, "proxmcp.config.yaml");
    const connections = await onSandboxes({ desk: { provider: "docker" } });
    writeFileSync(file, stringify({ connections, log: { level: "silent" } }));
    let told: (() => void) | undefined;
    const client = new Client({ name: "test", version: "1" }, { listChanged: { tools: { autoRefresh: false, onChanged: () => told?.() } } });
    onTestFinished(() => client.close());
    const cli = join(stranger.folder, "node_modules", "proxmcp", "dist", "cli.js");
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [cli, "serve", "--watch"], cwd: folder, stderr: "ignore" }));
    const names = async (): Promise<string[]> => (await client.listTools()).tools.map(({ name }) => name);
    expect(await names()).toContain("docker_container_delete");
    const changed = new Promise<void>((resolve) => {
      told = resolve;
    });
    writeFileSync(file, stringify({ connections, log: { level: "silent" }, tools: { readOnly: true } }));
    await changed;
    expect(await names()).not.toContain("docker_container_delete");
    expect(await client.callTool({ name: "docker_container_list", arguments: {} })).toMatchObject({
      structuredContent: { total: expect.any(Number) },
    });
  });

  it("allowlist: what the rules leave, under each role", async () => {
    const folder = copied("allowlist");
    const file = join(folder, "proxmcp.config.ts");
    const { out: printed } = await stranger.node(["-e", 'import("./proxmcp.config.ts").then((one) => console.log(JSON.stringify(one.default)))'], {
      cwd: folder,
    });
    const config = JSON.parse(printed) as { connections: Connections };
    const replaced = { ...config, connections: await onSandboxes(config.connections) };
    writeFileSync(file, `import { defineConfig } from "proxmcp";\nexport default defineConfig(${JSON.stringify(replaced)});\n`);
    const why = await stranger.proxmcp(["tools", "--why", "docker_container_delete", "--role", "operator"], { cwd: folder });
    expect(why.out).toContain('denied by roles.operator.deny "*_delete"');
    const stop = ["docker_container_stop", "--name", "shop-web", "--yes", "--host"];
    expect(await stranger.proxmcp(["call", ...stop, "prod"], { cwd: folder })).toMatchObject({
      code: 1,
      err: expect.stringContaining("TOOL_DENIED"),
    });
    expect(await stranger.proxmcp(["call", "--role", "viewer", ...stop, "staging"], { cwd: folder })).toMatchObject({ code: 1 });
    expect(await stranger.proxmcp(["call", "--role", "operator", ...stop, "staging"], { cwd: folder })).toMatchObject({
      code: 0,
      out: expect.stringMatching(/status +exited/),
    });
  }, 120_000);

  describe("embedded", () => {
    let folder: string;
    let env: Record<string, string>;
    beforeAll(async () => {
      folder = copied("embedded");
      const { here } = await stranger.sandboxes([["here", "docker"]]);
      env = { DOCKER_HOST: String(here?.["url"]) };
    });

    it("agent.ts", async () => {
      const { code, out, err } = await stranger.node(["agent.ts"], { cwd: folder, env });
      expect(code, err).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ items: expect.arrayContaining([expect.objectContaining({ kind: "container", status: "running" })]) });
    });

    it("tidy.ts", async () => {
      const { code, out, err } = await stranger.node(["tidy.ts"], { cwd: folder, env, input: "y\nn\nn\nn\nn\nn\n" });
      expect(code, err).toBe(0);
      expect(out).toMatch(/Delete Docker container .*\[y\/N\]/);
      expect(out).toMatch(/Deleted: \[ '[^']+' \]/);
    });

    it("attach.ts", async () => {
      const client = new Client({ name: "test", version: "1" });
      onTestFinished(() => client.close());
      await client.connect(new StdioClientTransport({ command: process.execPath, args: ["attach.ts"], cwd: folder, env, stderr: "ignore" }));
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(["lights_off", "docker_container_list"]));
      expect(await client.callTool({ name: "docker_container_list", arguments: { limit: 1 } })).toMatchObject({
        structuredContent: { total: expect.any(Number) },
      });
    });

    it("http.ts", async () => {
      const child = stranger.start(["http.ts"], { cwd: folder, env: { ...env, ANN_TOKEN: "a-token", BEN_TOKEN: "b-token", PORT: "0" } });
      const url = new URL(await firstLine(child));
      const client = new Client({ name: "test", version: "1" });
      onTestFinished(() => client.close());
      await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization: "Bearer b-token" } } }));
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toContain("docker_container_list");
      expect(tools.every(({ annotations }) => annotations?.readOnlyHint)).toBe(true);
      expect((await fetch(url, { method: "POST", body: "{}" })).status).toBe(401);
    });
  });

  it("a new provider: written, its types checked and its tests passed at once; built and packed, it is loaded by its name", async () => {
    const { code, out, err } = await stranger.proxmcp(["new", "provider", "nimbus", "--title", "Nimbus Cloud"]);
    expect(code, err).toBe(0);
    const folder = join(stranger.folder, "proxmcp-provider-nimbus");
    expect(out).toContain(folder);
    const ran = async (words: readonly string[], cwd = folder): Promise<string> => {
      const result = await stranger.npm(words, { cwd });
      expect(result.code, result.out + result.err).toBe(0);
      return result.out;
    };
    await ran(["install", "--save-dev", stranger.tarball]);
    await ran(["run", "typecheck"]);
    expect(await ran(["test"])).toMatch(/Tests +\d\d passed/);
    await ran(["pack", "--pack-destination", stranger.folder]);
    await ran(["install", "--no-save", join(stranger.folder, "proxmcp-provider-nimbus-0.1.0.tgz"), stranger.tarball], stranger.folder);
    const env = { NIMBUS_URL: "https://127.0.0.1:1", NIMBUS_TOKEN: "planted-token" };
    const place = join(stranger.folder, "nimbus");
    mkdirSync(place);
    writeFileSync(join(place, "proxmcp.config.yaml"), stringify({ plugins: ["proxmcp-provider-nimbus"] }));
    const tools = await stranger.proxmcp(["tools"], { cwd: place, env });
    expect(tools.out, tools.err).toContain("nimbus_machine_list");
  }, 240_000);

  it("first-provider: its own tests, with the package as its only source of ProxMCP", async () => {
    const folder = copied("first-provider");
    const { code, err } = await stranger.npm(["install", "--no-save", stranger.tarball, "zod", "vitest"], { cwd: folder });
    expect(code, err).toBe(0);
    const tests = await stranger.npm(["test"], { cwd: folder });
    expect(tests.code, tests.out + tests.err).toBe(0);
  }, 240_000);

  it("own-provider: its own types and tests; built and packed, it is loaded by its name", async () => {
    const folder = copied("own-provider");
    const ran = async (words: readonly string[], cwd = folder): Promise<string> => {
      const { code, out, err } = await stranger.npm(words, { cwd });
      expect(code, out + err).toBe(0);
      return out;
    };
    await ran(["install", "--save-dev", stranger.tarball]);
    await ran(["run", "typecheck"]);
    await ran(["test"]);
    await ran(["pack", "--pack-destination", stranger.folder]);
    // Beside a config of somebody who uses it, where it finds the ProxMCP that runs.
    await ran(["install", "--no-save", join(stranger.folder, "proxmcp-provider-containarium-0.1.0.tgz"), stranger.tarball], stranger.folder);
    const child = stranger.start(["sandbox.mjs"], { cwd: containarium() });
    const connection = JSON.parse(await firstLine(child)) as { url: string; token: string };
    const env = { CONTAINARIUM_SERVER_URL: connection.url, CONTAINARIUM_JWT_TOKEN: connection.token };
    const asked = await stranger.proxmcp(["query", "--json", "which", "container", "uses", "the", "most", "memory"], { cwd: containarium(), env });
    expect(asked.code, asked.out + asked.err).toBe(0);
    expect(JSON.parse(asked.out)).toMatchObject({ items: [{ username: "bob" }, { username: "alice" }, {}, {}, {}] });
    const doctor = await stranger.proxmcp(["doctor"], { cwd: containarium(), env });
    expect(doctor.out).toContain("Containarium 0.21.0");
    expect(doctor.out + doctor.err).not.toContain(connection.token);
  }, 240_000);

  /** A folder with a config that names the package, and a program that starts its sandbox. */
  function containarium(): string {
    const folder = join(stranger.folder, "containarium");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "proxmcp.config.yaml"), stringify({ plugins: ["proxmcp-provider-containarium"] }));
    writeFileSync(
      join(folder, "sandbox.mjs"),
      `import containarium from "proxmcp-provider-containarium";
       const { connection } = await (await containarium.sandbox()).start();
       console.log(JSON.stringify(connection));`,
    );
    return folder;
  }
});
