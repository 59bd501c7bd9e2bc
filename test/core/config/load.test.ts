import { chmod, mkdir, mkdtemp, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { checkConfig, loadConfig } from "../../../core/config/load.js";
import { ConfigSchema } from "../../../core/config/schema.js";
import { ProxMcpError } from "../../../core/errors.js";

let top: string;
let env: Record<string, string>;

beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), "proxmcp-load-")));
  env = { XDG_CONFIG_HOME: join(top, "xdg") };
});

async function put(path: string, text: string): Promise<string> {
  const file = join(top, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

const rejection = async (promise: Promise<unknown>): Promise<ProxMcpError> => {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ProxMcpError);
  return error as ProxMcpError;
};

const faultsOf = (config: unknown): readonly string[] => {
  try {
    checkConfig(config);
  } catch (error) {
    expect(error).toBeInstanceOf(ProxMcpError);
    expect((error as ProxMcpError).code).toBe("CONFIG_INVALID");
    return (error as ProxMcpError).details.data?.["faults"] as string[];
  }
  return [];
};

const json = (ttl: number): string => JSON.stringify({ cache: { ttl } });
const yaml = (ttl: number): string => `cache:\n  ttl: ${ttl}\n`;
const esm = (ttl: number): string => `export default { cache: { ttl: ${ttl} } };\n`;
const cjs = (ttl: number): string => `module.exports = { cache: { ttl: ${ttl} } };\n`;
const typed = (ttl: number): string =>
  `interface C { cache: { ttl: number } }\nconst config: C = { cache: { ttl: ${ttl} } };\nexport default config;\n`;

const PLACES: readonly (readonly [name: string, content: (ttl: number) => string])[] = [
  ["proxmcp.config.ts", typed],
  ["proxmcp.config.mts", typed],
  ["proxmcp.config.js", esm],
  ["proxmcp.config.mjs", esm],
  ["proxmcp.config.cjs", cjs],
  ["proxmcp.config.json", json],
  ["proxmcp.config.yaml", yaml],
  ["proxmcp.config.yml", yaml],
  [".proxmcprc", yaml],
  [".proxmcprc", json],
  [".proxmcprc.ts", typed],
  [".proxmcprc.js", esm],
  [".proxmcprc.mjs", esm],
  [".proxmcprc.cjs", cjs],
  [".proxmcprc.json", json],
  [".proxmcprc.yaml", yaml],
  [".proxmcprc.yml", yaml],
  ["package.json", (ttl) => JSON.stringify({ name: "home", type: "module", proxmcp: { cache: { ttl } } })],
];

describe("where a config is looked for", () => {
  it.each(PLACES)("%s", async (name, content) => {
    if (name.endsWith(".js")) await put("home/package.json", '{ "type": "module" }');
    const file = await put(`home/${name}`, content(7));
    const loaded = await loadConfig({ cwd: join(top, "home"), env });
    expect(loaded).toEqual({ config: { cache: { ttl: 7 } }, folder: join(top, "home"), file, env });
  });

  it("upwards from the current folder, past a package.json that has nothing for it", async () => {
    const file = await put("proxmcp.config.json", json(1));
    await put("a/package.json", '{ "name": "a" }');
    await put("a/b/c/notes.txt", "");
    expect(await loadConfig({ cwd: join(top, "a/b/c"), env })).toEqual({ config: { cache: { ttl: 1 } }, folder: top, file, env });
  });

  it("a nearer file wins, whatever its kind", async () => {
    await put("proxmcp.config.ts", typed(1));
    const file = await put("a/package.json", JSON.stringify({ proxmcp: { cache: { ttl: 2 } } }));
    await put("xdg/proxmcp/config.json", json(3));
    expect(await loadConfig({ cwd: join(top, "a"), env })).toMatchObject({ config: { cache: { ttl: 2 } }, file });
  });

  it("in one folder proxmcp.config.* wins over .proxmcprc, and that over package.json", async () => {
    await put("package.json", JSON.stringify({ proxmcp: { cache: { ttl: 3 } } }));
    await put(".proxmcprc", yaml(2));
    expect((await loadConfig({ cwd: top, env })).config).toEqual({ cache: { ttl: 2 } });
    await put("proxmcp.config.yaml", yaml(1));
    expect((await loadConfig({ cwd: top, env })).config).toEqual({ cache: { ttl: 1 } });
  });

  it("an empty file is passed over", async () => {
    await put("a/.proxmcprc", "\n");
    await put("proxmcp.config.json", json(4));
    expect((await loadConfig({ cwd: join(top, "a"), env })).config).toEqual({ cache: { ttl: 4 } });
  });

  it.each(["config.json", "config.yaml", "config.ts", "config.js"])("the user's config folder: %s", async (name) => {
    await put("xdg/proxmcp/package.json", '{ "type": "module" }');
    const content = { json, yaml, ts: typed, js: esm }[name.split(".")[1] as "json"];
    const file = await put(`xdg/proxmcp/${name}`, content(9));
    await mkdir(join(top, "work"));
    expect(await loadConfig({ cwd: join(top, "work"), env })).toEqual({ config: { cache: { ttl: 9 } }, folder: join(top, "xdg/proxmcp"), file, env });
  });

  it("the user's config folder is the one of the environment that was given, not of this process", async () => {
    const before = process.env["XDG_CONFIG_HOME"];
    await put("other/proxmcp/config.json", json(5));
    process.env["XDG_CONFIG_HOME"] = join(top, "other");
    try {
      expect(await loadConfig({ cwd: top, env })).toEqual({ config: {}, folder: top, env });
    } finally {
      if (before === undefined) delete process.env["XDG_CONFIG_HOME"];
      else process.env["XDG_CONFIG_HOME"] = before;
    }
  });

  it("--config reads that file and no other, relative to the current folder", async () => {
    await put("proxmcp.config.json", json(1));
    const file = await put("elsewhere/prod.yaml", yaml(2));
    expect(await loadConfig({ file: "elsewhere/prod.yaml", cwd: top, env })).toEqual({
      config: { cache: { ttl: 2 } },
      folder: join(top, "elsewhere"),
      file,
      env,
    });
    expect((await loadConfig({ file, cwd: "/", env })).file).toBe(file);
  });

  it("none at all is fine", async () => {
    expect(await loadConfig({ cwd: top, env })).toEqual({ config: {}, folder: top, env });
  });

  it("an audit file is relative to the config, as every path in it is", async () => {
    await put("home/proxmcp.config.json", JSON.stringify({ audit: { file: "audit.jsonl" } }));
    await put("home/deep/notes.txt", "");
    expect((await loadConfig({ cwd: join(top, "home/deep"), env })).config.audit).toEqual({ file: join(top, "home/audit.jsonl") });
  });
});

describe("a config that can't be read", () => {
  it("--config of a missing file names it", async () => {
    const error = await rejection(loadConfig({ file: "none.ts", cwd: top, env }));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toBe(`There is no config file ${join(top, "none.ts")}.`);
  });

  it("--config of an empty file says so, rather than going on without any", async () => {
    const file = await put("empty.yaml", "\n");
    const error = await rejection(loadConfig({ file, cwd: top, env }));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toContain(file);
  });

  // A parser shows the text around the fault, and that may be a password.
  const SECRET = "hunter2-planted";
  it.each([
    ["proxmcp.config.json", `{ "connections": { "a": { "provider": "x", "password": "${SECRET}" }`],
    ["proxmcp.config.json", `{ "password": "${SECRET}" "x": 1 }`],
    ["proxmcp.config.json", `{ "password": ${SECRET} }`],
    ["proxmcp.config.yaml", `connections:\n  a:\n    password: "${SECRET}"\n   provider: x\n`],
    ["proxmcp.config.yaml", `password: *${SECRET}\n`],
    ["proxmcp.config.yaml", `password: !${SECRET} x\n`],
    [".proxmcprc", `{ "password": "${SECRET}", ]`],
    ["proxmcp.config.ts", `export default { password: "${SECRET}"; };`],
    ["proxmcp.config.mjs", `export default { password: "${SECRET}"; };`],
    ["proxmcp.config.mjs", `export default { password: '${SECRET}'s ${SECRET}' };`],
    ["proxmcp.config.cjs", `module.exports = { password: "${SECRET}"; };`],
    ["package.json", `{ "proxmcp": { "password": "${SECRET}", } }`],
  ])("%s with a syntax error is named, its text is not shown: %s", async (name, text) => {
    const file = await put(`home/${name}`, text);
    const error = await rejection(loadConfig({ cwd: join(top, "home"), env }));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toContain(file);
    expect(JSON.stringify(error.report())).not.toContain("hunter2");
    expect(error.message.length).toBeGreaterThan(file.length + 20);
  });

  it("one that throws is named with what it said", async () => {
    const file = await put("proxmcp.config.mjs", 'throw new Error("no such vault");');
    const error = await rejection(loadConfig({ cwd: top, env }));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message).toContain(file);
    expect(error.message).toContain("no such vault");
  });

  it("one that this user may not read is not passed over", async () => {
    const file = await put("a/proxmcp.config.json", json(1));
    await put("proxmcp.config.json", json(2));
    await loadConfig({ cwd: top, env }); // whatever is loaded lazily is there before the user changes
    await chmod(top, 0o755);
    await chmod(file, 0);
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65534); // root may read everything
    try {
      expect((await rejection(loadConfig({ cwd: join(top, "a"), env }))).message).toMatch(/^.*a\/proxmcp\.config\.json can't be read: EACCES/);
    } finally {
      if (root) process.seteuid?.(0);
    }
  });
});

describe("a config that is wrong", () => {
  it("lists every fault at once with path, what was found and what is allowed, under the file's name", async () => {
    const file = await put(
      "proxmcp.config.json",
      JSON.stringify({
        tools: { surface: "everything", confirm: "maybe", readOnly: "yes" },
        cache: { ttl: -1 },
        limits: { concurrency: 0.5, readTimeout: "1m" },
        log: { level: "loud" },
        audit: true,
        plugins: [7],
        connections: { a: { match: "web-*" }, "b b": { provider: "tape" } },
      }),
    );
    const error = await rejection(loadConfig({ cwd: top, env }));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.message.split("\n")[0]).toMatch(new RegExp(`^${file} has \\d+ faults:$`));
    const faults = error.details.data?.["faults"] as string[];
    expect(error.message.split("\n").slice(1)).toEqual(faults.map((fault) => `  ${fault}`));
    const about = (path: string): string | undefined => faults.find((fault) => fault.startsWith(`${path}: `));
    expect(about("tools.surface")).toMatch(/found "everything"; .*default.*all.*search/);
    expect(about("tools.confirm")).toMatch(/found "maybe"; .*destructive.*write.*never/);
    expect(about("tools.readOnly")).toMatch(/found "yes"; .*boolean/);
    expect(about("cache.ttl")).toMatch(/found -1; .*0/);
    expect(about("limits.concurrency")).toMatch(/found 0\.5; .*int/);
    expect(about("limits.readTimeout")).toMatch(/found "1m"; .*number/);
    expect(about("log.level")).toMatch(/found "loud"; .*debug.*silent/);
    expect(about("audit")).toMatch(/found true; .*false.*file/);
    expect(about("plugins.0")).toMatch(/found 7; .*package name, a path or a provider object/);
    expect(about("connections.a.provider")).toMatch(/found nothing; /);
    expect(about("connections.a.match")).toMatch(/found "web-\*"; .*array/);
    expect(about("connections.b b")).toMatch(/letters, digits/);
    expect(faults).toHaveLength(12);
  });

  it.each([
    [{ surfaces: {} }, "surfaces", Object.keys(ConfigSchema.shape).join(", ")],
    [{ tools: { alow: [] } }, "tools.alow", "allow, deny, readOnly, confirm, surface, confirmBy"],
    [{ cache: { tll: 1 } }, "cache.tll", "ttl"],
    [{ audit: { path: "x" } }, "audit", "file"],
    [{ connections: { a: { provider: "x", tools: { surface: "all" } } } }, "connections.a.tools.surface", "allow, deny, readOnly, confirm"],
  ])("names an unknown setting and the ones there are: %j", (config, path, allowed) => {
    const faults = faultsOf(config);
    expect(faults.some((fault) => fault.startsWith(`${path}: `) && fault.includes(allowed))).toBe(true);
  });

  it.each([[null], ["text"], [7], [[]], [undefined]])("a config that is %j", (config) => {
    expect(faultsOf(config)).toEqual([expect.stringMatching(/^\(top level\): found .*object/)]);
  });

  it("shows nothing of a connection, whatever is wrong around it", () => {
    const secret = "hunter2";
    const configs: unknown[] = [
      { connections: { a: { provider: "x", password: secret } }, unknown: 1 },
      { connections: { "bad name": { provider: "x", password: secret } } },
      { connections: { a: { password: secret } } },
      { connections: { a: { password: secret, tools: { deny: secret } } }, tools: 1 },
      { connections: { a: secret } },
      { connections: secret },
      { connections: [{ password: secret }] },
      { connections: { a: { provider: { password: secret } } } },
      { connections: { a: { provider: "x", tags: { password: 1, x: secret } } } },
      [{ connections: { a: { password: secret } } }],
      { plugins: [{ connections: secret }, 7], connection: { a: { password: secret } } },
    ];
    for (const config of configs) {
      const faults = faultsOf(config);
      expect(faults.length, JSON.stringify(config)).toBeGreaterThan(0);
      const shown = faults.filter((fault) => !fault.startsWith("connections.a.tools.")).join("\n");
      expect(shown, JSON.stringify(config)).not.toContain("hunter2");
    }
  });

  it("survives what JSON can't show", () => {
    const round: Record<string, unknown> = {};
    round["self"] = round;
    expect(faultsOf({ tools: round }).length).toBeGreaterThan(0);
    expect(faultsOf({ cache: { ttl: 10n } })).toHaveLength(1);
    expect(faultsOf({ audit: { file: () => "x" } })).toHaveLength(1);
  });
});

describe("a .env file", () => {
  it("beside the config adds to the environment, which wins", async () => {
    const file = await put("work/proxmcp.config.json", json(1));
    await put("work/.env", "# clusters\nPROXMOX_API_URL=https://pve:8006\nTAPE_ROOM='a b'\nHOME=/elsewhere\n");
    await put(".env", "TAPE_ROOM=other\n");
    const loaded = await loadConfig({ file, cwd: top, env: { ...env, HOME: "/home/me", UNSET: undefined } });
    expect(loaded.env).toEqual({ ...env, PROXMOX_API_URL: "https://pve:8006", TAPE_ROOM: "a b", HOME: "/home/me" });
  });

  it("in the current folder counts where there is no config, and one that can't be read is an error", async () => {
    await put(".env", "TAPE_ROOM=cellar\n");
    expect((await loadConfig({ cwd: top, env })).env).toMatchObject({ TAPE_ROOM: "cellar" });
    await mkdir(join(top, "folder/.env"), { recursive: true });
    expect((await loadConfig({ cwd: join(top, "folder"), env })).env).toEqual(env);
  });
});
