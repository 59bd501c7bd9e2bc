import { mkdir, mkdtemp, readFile, rm, stat, symlink, lstat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { createProxMcp, loadConfig } from "proxmcp";
import docker from "proxmcp/plugins/docker";
import proxmox from "proxmcp/plugins/proxmox";
import { parse as parseComments } from "jsonc-parser";
import { parse } from "yaml";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { initialize, type InitOptions } from "../../../core/cli/init.js";
import { atTerminal } from "../../../core/cli/init-questions.js";
import { CLIENTS, enter } from "../../../core/config/clients.js";
import { failure, until } from "../../fixtures/tape-app.js";
import { tapeLibrary } from "../../fixtures/tape-library.js";
import { proxmcp } from "./command-line.js";

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "proxmcp-init-"));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

const SELF = { command: "/usr/bin/node", args: ["/opt/proxmcp/dist/cli.js"] };
const TOKEN = "00000000-1111-2222-3333-444444444444";

/** Runs init where the machine is as told: only these plugins, this environment, this home. */
async function run(
  options: InitOptions,
  setting: { env?: Record<string, string>; plugins?: readonly object[]; questions?: ReturnType<typeof atTerminal> } = {},
) {
  const cwd = await folder();
  const said: string[] = [];
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, "write").mockImplementation((text) => (said.push(String(text)), true)),
  );
  try {
    const { env = {}, plugins = [tapeLibrary()], questions } = setting;
    const around = { home: join(cwd, "home"), cwd, platform: "linux" as const, env, plugins, self: SELF, questions };
    const again = (more: InitOptions) => initialize(more, around);
    const code = await initialize(options, around);
    return { code, cwd, said: () => said.join(""), again, read: (path: string) => readFile(join(cwd, path), "utf8") };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe("proxmcp init --yes", () => {
  it("writes what is found as YAML that ProxMCP takes, with comments and where editors find its schema", async () => {
    const { read, cwd, said } = await run({ yes: true }, { env: { TAPE_ROOM: "cellar" } });
    const text = await read("proxmcp.config.yaml");
    expect(text).toMatch(/^# yaml-language-server: \$schema=\/.*\/config\.schema\.json\n# Which machines/);
    expect(text).toContain("# from TAPE_ROOM\n  tape:\n    provider: tape\n    room: cellar\n");
    expect(text).toMatch(/# tools:\n# {3}readOnly: true/);
    expect(parse(text)).toEqual({ connections: { tape: { provider: "tape", room: "cellar" } } });
    const { config, file } = await loadConfig({ cwd });
    expect(file).toBe(join(cwd, "proxmcp.config.yaml"));
    const app = await createProxMcp({ ...config, plugins: [tapeLibrary()], env: {} });
    expect(app.connections).toMatchObject([{ name: "tape", provider: "tape" }]);
    await app.close();
    expect(said()).toContain(
      `"args": [\n        "/opt/proxmcp/dist/cli.js",\n        "serve",\n        "--config",\n        "${cwd}/proxmcp.config.yaml"`,
    );
  });

  it("never writes a secret: it refers to the variable that holds it, in the config and in the clients' entries", async () => {
    const env = { PROXMOX_API_URL: "https://pve1:8006", PROXMOX_TOKEN_ID: "mcp@pve!mcp", PROXMOX_TOKEN_SECRET: TOKEN, PROXMOX_VERIFY: "false" };
    const { read, said } = await run(
      { yes: true, client: ["claude-code", "cursor", "vscode", "claude-desktop", "print"] },
      { env, plugins: [proxmox] },
    );
    const config = await read("proxmcp.config.yaml");
    expect(config).toContain("token_secret: { env: PROXMOX_TOKEN_SECRET }");
    expect(parse(config)).toMatchObject({ connections: { proxmox: { url: "https://pve1:8006", token_id: "mcp@pve!mcp", verify: false } } });
    const entry = async (path: string) =>
      JSON.parse(await read(path)) as Record<string, Record<string, { env?: object; type?: string; command: string }>>;
    expect((await entry(".mcp.json"))["mcpServers"]?.["proxmcp"]?.env).toEqual({ PROXMOX_TOKEN_SECRET: "${PROXMOX_TOKEN_SECRET}" });
    expect((await entry("home/.cursor/mcp.json"))["mcpServers"]?.["proxmcp"]?.env).toEqual({ PROXMOX_TOKEN_SECRET: "${env:PROXMOX_TOKEN_SECRET}" });
    expect((await entry(".vscode/mcp.json"))["servers"]?.["proxmcp"]).toMatchObject({ type: "stdio", command: SELF.command });
    const desktop = (await entry("home/.config/Claude/claude_desktop_config.json"))["mcpServers"]?.["proxmcp"];
    expect(desktop).not.toHaveProperty("env");
    expect(said()).toContain("Claude Desktop passes no variables on: put PROXMOX_TOKEN_SECRET");
    const all = await Promise.all(["proxmcp.config.yaml", ".mcp.json", "home/.cursor/mcp.json", ".vscode/mcp.json"].map(read));
    expect([...all, said()].join("")).not.toContain(TOKEN);
  });

  it("finds sockets that answer and the contexts of the docker command", async () => {
    const home = await folder();
    const id = "0".repeat(64);
    await mkdir(join(home, "contexts", "meta", id), { recursive: true });
    await writeFile(
      join(home, "contexts", "meta", id, "meta.json"),
      JSON.stringify({ Name: "nas", Endpoints: { docker: { Host: "tcp://nas.example.com:2375" } } }),
    );
    const { read } = await run({ yes: true }, { env: { DOCKER_CONFIG: home }, plugins: [docker] });
    expect(await read("proxmcp.config.yaml")).toContain(
      "# from the docker context nas\n  nas:\n    provider: docker\n    url: tcp://nas.example.com:2375\n",
    );
  });

  it.each([".json", ".ts", ".yml"])("writes %s by the ending of --file", async (ending) => {
    const { cwd } = await run({ yes: true, file: `here/proxmcp.config${ending}` }, { env: { TAPE_ROOM: "cellar" } });
    const { config } = await loadConfig({ cwd: join(cwd, "here") });
    expect(config.connections).toEqual({ tape: { provider: "tape", room: "cellar" } });
  });

  it("leaves a config alone that is there, but for --force", async () => {
    const { again, read, cwd } = await run({ yes: true });
    await writeFile(join(cwd, "proxmcp.config.yaml"), "tools: { readOnly: true }\n");
    expect(await failure(again({ yes: true }))).toMatchObject({ code: "CONFLICT" });
    expect(await read("proxmcp.config.yaml")).toBe("tools: { readOnly: true }\n");
    await again({ yes: true, force: true });
    expect(await read("proxmcp.config.yaml")).toContain("connections: {}");
  });

  it("refuses what it does not know, before it writes anything", async () => {
    await expect(run({ yes: true, client: ["emacs"] })).rejects.toMatchObject({
      code: "INVALID_INPUT",
      message: expect.stringContaining("claude-code"),
    });
    await expect(run({ yes: true, file: "proxmcp.toml" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    expect(await proxmcp("init")).toMatchObject({ code: 2, err: expect.stringContaining("--yes") });
  });
});

describe("a client's file", () => {
  const entry = { command: "node", args: ["x"] };
  const never = () => false;

  it("keeps everything else in it as it stands: entries, comments, order, mode", async () => {
    const file = join(await folder(), "mcp.json");
    const before =
      '// mine\n{\n    "other": 1,\n    "mcpServers": {\n        // works\n        "files": { "command": "npx", "env": { "KEY": "abc" } },\n    },\n    "last": true\n}\n';
    await writeFile(file, before, { mode: 0o640 });
    expect(await enter(CLIENTS.cursor, file, "proxmcp", entry, never)).toBe("written");
    const after = await readFile(file, "utf8");
    for (const line of ["// mine", '    "other": 1,', "        // works", '    "last": true']) expect(after.split("\n")).toContain(line);
    expect(parseComments(after)).toEqual({ other: 1, mcpServers: { files: { command: "npx", env: { KEY: "abc" } }, proxmcp: entry }, last: true });
    expect(after.indexOf('"other"')).toBeLessThan(after.indexOf('"mcpServers"'));
    expect(after).toMatch(/^ {8}"proxmcp": \{$/m);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await enter(CLIENTS.cursor, file, "proxmcp", entry, never)).toBe("unchanged");
    expect(await readFile(file, "utf8")).toBe(after);
  });

  it("that has another entry of this name keeps it, unless told", async () => {
    const file = join(await folder(), "mcp.json");
    await writeFile(file, JSON.stringify({ servers: { proxmcp: { command: "old" }, other: { command: "o" } } }));
    expect(await enter(CLIENTS.vscode, file, "proxmcp", entry, never)).toBe("kept");
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ servers: { proxmcp: { command: "old" } } });
    expect(await enter(CLIENTS.vscode, file, "proxmcp", entry, () => true)).toBe("written");
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ servers: { proxmcp: entry, other: { command: "o" } } });
  });

  it.each(["{ broken", "[]", '{"mcpServers": []}'])("that is not what it should be is left alone: %s", async (text) => {
    const file = join(await folder(), "mcp.json");
    await writeFile(file, text);
    expect(await failure(enter(CLIENTS.cursor, file, "proxmcp", entry, () => true))).toMatchObject({
      code: "CONFLICT",
      message: expect.stringContaining(file),
    });
    expect(await readFile(file, "utf8")).toBe(text);
  });

  it("that is a link stays one", async () => {
    const made = await folder();
    await writeFile(join(made, "dotfiles.json"), "");
    await symlink(join(made, "dotfiles.json"), join(made, "mcp.json"));
    await enter(CLIENTS.cursor, join(made, "mcp.json"), "proxmcp", entry, never);
    expect((await lstat(join(made, "mcp.json"))).isSymbolicLink()).toBe(true);
    expect(JSON.parse(await readFile(join(made, "dotfiles.json"), "utf8"))).toEqual({ mcpServers: { proxmcp: entry } });
  });

  it("is where each system has it", () => {
    const around = { home: "/h", cwd: "/c", env: { APPDATA: "/a" } };
    const file = (platform: NodeJS.Platform) => CLIENTS["claude-desktop"].file({ ...around, platform });
    expect(file("darwin")).toBe("/h/Library/Application Support/Claude/claude_desktop_config.json");
    expect(file("linux")).toBe("/h/.config/Claude/claude_desktop_config.json");
    expect(file("win32")).toBe("/a/Claude/claude_desktop_config.json");
  });
});

describe("proxmcp init at a terminal", () => {
  /** Presses keys whenever a question shows that has not been answered yet. */
  function person(replies: readonly (readonly [question: string, keys: string])[]) {
    const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
    let shown = "";
    const output = Object.assign(new Writable({ write: (chunk, _encoding, done) => ((shown += String(chunk)), done()) }), {
      columns: 100,
      rows: 40,
      isTTY: true,
    });
    const answered = (async () => {
      for (const [question, keys] of replies) {
        await until(() => shown.includes(question));
        shown = shown.slice(shown.indexOf(question) + question.length);
        for (const key of keys.split(/(?<=\r)|(?<= )/)) input.write(key);
      }
    })();
    return { questions: atTerminal({ input: input as never, output: output as never }), answered };
  }

  it("takes what is found, adds a machine in its provider's own terms, and asks for no secret itself", async () => {
    const { questions, answered } = person([
      ["Which shall be managed?", "\r"],
      ["Another machine?", "y"],
      ["What is it?", "\r"],
      ["What shall it be called?", "vault\r"],
      ["Which of these do you give?", "\u001b[B \r"],
      ["room:", "attic\r"],
      ["password:", "\r"],
      ["Another machine?", "n"],
      ["What may a model do?", "\u001b[B\u001b[B\r"],
      ["Where shall the config be?", "\r"],
      ["Which clients shall start it?", "\r"],
    ]);
    const { read, said } = await run({}, { env: { TAPE_ROOM: "cellar" }, questions });
    await answered;
    expect(parse(await read("proxmcp.config.yaml"))).toEqual({
      connections: { tape: { provider: "tape", room: "cellar" }, vault: { provider: "tape", room: "attic", password: { env: "VAULT_PASSWORD" } } },
      tools: { readOnly: true },
    });
    expect(said()).toContain("Set the variable VAULT_PASSWORD");
  });

  it("writes nothing when it is broken off", async () => {
    const { questions, answered } = person([["A machine?", "\u0003"]]);
    const cwd = await folder();
    const around = { home: cwd, cwd, platform: "linux" as const, env: {}, plugins: [tapeLibrary()], self: SELF, questions };
    expect(await failure(initialize({}, around))).toMatchObject({ code: "CANCELLED" });
    await answered;
    await expect(stat(join(cwd, "proxmcp.config.yaml"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});
