import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createProxMcp, type ProxMcp, type Setup } from "proxmcp";
import { CONNECTION, facet, type Provider, secret } from "proxmcp/plugin";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import * as z3 from "zod/v3";
import { isProxMcpError, type ProxMcpError } from "../../../core/errors.js";
import docker from "../../../plugins/docker/index.js";
import lxd from "../../../plugins/lxd/index.js";
import proxmox from "../../../plugins/proxmox/index.js";
import { tapeLibrary } from "../../fixtures/tape-library.js";

async function open(setup: Setup): Promise<ProxMcp> {
  const app = await createProxMcp({ plugins: [tapeLibrary()], env: {}, log: { level: "silent" }, ...setup });
  onTestFinished(() => app.close());
  return app;
}

async function refusal(setup: Setup): Promise<ProxMcpError> {
  const error = await open(setup).then(
    () => new Error("it was taken"),
    (thrown: unknown) => thrown,
  );
  if (!isProxMcpError(error)) throw error;
  expect(error.code).toBe("CONFIG_INVALID");
  return error;
}

const faultsOf = async (setup: Setup): Promise<readonly string[]> => (await refusal(setup)).details.data?.["faults"] as string[];

const folderOf = (): Promise<string> => mkdtemp(join(tmpdir(), "proxmcp-inventory-"));

/** A tape library of another name or with other ways to its connections. */
const variant = (changes: Partial<Provider>, connection: Partial<Provider["connection"]> = {}): Provider => {
  const base = tapeLibrary();
  return { ...base, ...changes, connection: { ...base.connection, ...connection } };
};

async function listening(path: string): Promise<string> {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((ready) => server.listen(path, ready));
  onTestFinished(() => new Promise<void>((closed) => server.close(() => closed())));
  return path;
}

const local = (name: string, socket: string) => ({ name, socket, options: { room: socket }, from: socket });

describe("connections of the config", () => {
  it("come in their order, with where they are from", async () => {
    const app = await open({ connections: { b: { provider: "tape", room: "1" }, a: { provider: "tape", room: "2" } }, file: "/etc/p.json" });
    expect(app.connections).toEqual([
      { name: "b", provider: "tape", from: "/etc/p.json" },
      { name: "a", provider: "tape", from: "/etc/p.json" },
    ]);
  });

  it("all faults of all connections at once, under the name of the file, in the order of the config", async () => {
    const error = await refusal({
      file: "/etc/p.json",
      connections: {
        a: { provider: "tape", rom: "1", password: 7, jammed: "maybe" },
        b: { provider: "tapes", room: "1" },
        c: { provider: "tape", room: "1", toString: "x" },
        d: { provider: "tape", room: { env: "ROOM" }, password: { file: "/no/such" } },
      },
      defaults: { tape: "z", robots: "a" },
    });
    expect(error.message.split("\n")).toEqual([
      "/etc/p.json has 10 faults:",
      "  connections.a.rom: no such option; allowed: room, password, jammed",
      expect.stringMatching(/^ {2}connections\.a\.room: found nothing; .*string/),
      expect.stringMatching(/^ {2}connections\.a\.password: found a number; .*string/),
      expect.stringMatching(/^ {2}connections\.a\.jammed: found "maybe"; .*boolean/),
      '  connections.b.provider: found "tapes"; allowed: tape',
      "  connections.c.toString: no such option; allowed: room, password, jammed",
      "  connections.d.room: the environment variable ROOM is not set; set it where ProxMCP is started",
      "  connections.d.password: the file /no/such can't be read (ENOENT)",
      '  defaults.tape: found "z"; allowed: a, c, d',
      "  defaults.robots: no such provider; allowed: tape",
    ]);
  });

  it("a provider that is missing or no text", async () => {
    expect(await faultsOf({ connections: { a: { room: "1" } as never } })).toEqual([
      expect.stringMatching(/^connections\.a\.provider: found nothing; /),
    ]);
    expect(await faultsOf({ connections: { a: { provider: { env: "X" } } as never } })).toEqual([
      expect.stringMatching(/^connections\.a\.provider: found an object; .*string/),
    ]);
  });

  it("a default has to be a connection of that provider", async () => {
    const other = variant({ name: "attic", kinds: tapeLibrary().kinds.map((kind) => ({ ...kind, aliases: {}, actions: {}, everyday: [] })) });
    const connections = { a: { provider: "tape", room: "1" }, b: { provider: "attic", room: "2" } };
    const app = await open({ plugins: [tapeLibrary(), other], connections, defaults: { tape: "a", attic: "b" } });
    expect(app.connections).toHaveLength(2);
    expect(await faultsOf({ plugins: [tapeLibrary(), other], connections, defaults: { tape: "b" } })).toEqual([
      'defaults.tape: found "b"; allowed: a',
    ]);
    expect(await faultsOf({ plugins: [tapeLibrary(), other], connections: { a: connections.a }, defaults: { attic: "a" } })).toEqual([
      'defaults.attic: found "a"; allowed: none, as no such connection is configured',
    ]);
  });

  it("a missing part is told once: not also by the rules that need it", async () => {
    const faults = await faultsOf({
      plugins: [proxmox],
      connections: { pve: { provider: "proxmox", url: "pve1:8006/x y", token_id: "root@pam!mcp", token_secret: { env: "PVE_SECRET" } } },
    });
    expect(faults).toEqual([
      "connections.pve.token_secret: the environment variable PVE_SECRET is not set; set it where ProxMCP is started",
      expect.stringMatching(/^connections\.pve\.url: found "pve1/),
    ]);
  });
});

describe("references", () => {
  it("lead to environment variables and files: relative to the config's folder, in the home, absolute; without the last newline", async () => {
    const folder = await folderOf();
    await writeFile(join(folder, "room.txt"), "from a file\n");
    const rooms: unknown[] = [];
    const witness = variant({
      client: class {
        static readonly inject = tapeLibrary().client.inject;
        constructor(connection: never) {
          rooms.push((connection as { options: { room: unknown } }).options.room);
        }
      },
    });
    const connections = {
      a: { provider: "tape", room: { env: "ROOM" } },
      b: { provider: "tape", room: { file: "room.txt" } },
      c: { provider: "tape", room: { file: join(folder, "room.txt") } },
    };
    const app = await open({ plugins: [witness], connections, folder, env: { ROOM: "from the environment" } });
    await app.test();
    expect(rooms).toEqual(["from the environment", "from a file", "from a file"]);
    expect(await faultsOf({ connections: { a: { provider: "tape", room: { file: "~/no-such-proxmcp-file" } } } })).toEqual([
      `connections.a.room: the file ${homedir()}/no-such-proxmcp-file can't be read (ENOENT)`,
    ]);
  });

  it("an empty variable is none", async () => {
    expect(await faultsOf({ connections: { a: { provider: "tape", room: { env: "ROOM" } } }, env: { ROOM: "" } })).toEqual([
      expect.stringMatching(/^connections\.a\.room: the environment variable ROOM is not set/),
    ]);
  });

  it("are found at any depth", async () => {
    const schema = z.object({ ssh: z.object({ keys: z.array(secret(z.string(), "Key")) }) });
    const plugin = variant({}, { schema });
    const ssh = { keys: [{ env: "A" }, { env: "B" }] };
    expect(await faultsOf({ plugins: [plugin], connections: { a: { provider: "tape", ssh } }, env: { A: "x" } })).toEqual([
      expect.stringMatching(/^connections\.a\.ssh\.keys\.1: the environment variable B is not set/),
    ]);
  });

  it("what a schema makes of a secret is as secret", async () => {
    const schema = z.object({
      room: z.string(),
      password: secret(
        z.string().transform((text) => text.replace(/^basic /, "")),
        "Password",
      ),
    });
    const client = class {
      static readonly inject = [CONNECTION];
      readonly password: string;
      constructor({ options }: { options: { password: string } }) {
        this.password = options.password;
      }
    };
    const test = ({ client: { password } }: { client: { password: string } }) => Promise.reject(new Error(`${password} was refused`));
    const connections = { a: { provider: "tape", room: "1", password: { env: "P" } } };
    const app = await open({ plugins: [variant({ client: client as never, test }, { schema })], connections, env: { P: "basic planted-secret" } });
    expect(await app.test()).toMatchObject([{ ok: false, error: { message: "[secret] was refused" } }]);
  });

  it("what a platform's own schema says about a secret is masked", async () => {
    const schema = z3.z.object({
      mode: z3.z.string().superRefine((value, context) => context.addIssue({ code: "custom", message: `not ${value}` })),
      password: z3.z.string(),
    });
    const faults = await faultsOf({
      plugins: [variant({}, { schema })],
      connections: { a: { provider: "tape", mode: "planted", password: { env: "P" } } },
      env: { P: "planted" },
    });
    expect(faults).toEqual(['connections.a.mode: found "[secret]"; not [secret]']);
  });
});

describe("without connections in the config", () => {
  it("those of the environment are used, each provider's own", async () => {
    const app = await open({ env: { TAPE_ROOM: "cellar" } });
    expect(app.connections).toEqual([{ name: "tape", provider: "tape", from: "TAPE_ROOM" }]);
    await expect(app.call("tape_cartridge_list")).resolves.toMatchObject({ total: 0 });
  });

  it("the environment alone is enough for each shipped platform", async () => {
    const app = await open({
      plugins: [proxmox, lxd, docker],
      env: {
        PROXMOX_API_URL: "https://pve.example:8006",
        PROXMOX_TOKEN_ID: "root@pam!mcp",
        PROXMOX_TOKEN_SECRET: "planted-secret",
        LXD_DIR: "/srv/lxd",
        INCUS_SOCKET: "/srv/incus.socket",
        DOCKER_HOST: "tcp://docker.example:2375",
      },
    });
    expect(app.connections.map(({ name, provider, from }) => `${name} ${provider} ${from}`)).toEqual([
      "proxmox proxmox PROXMOX_API_URL",
      "incus lxd INCUS_SOCKET",
      "lxd lxd LXD_DIR",
      "docker docker DOCKER_HOST",
    ]);
  });

  it("a fault in the environment names the variable's connection and shows no secret", async () => {
    const faults = await faultsOf({
      plugins: [proxmox],
      env: { PROXMOX_API_URL: "https://pve.example:8006", PROXMOX_TOKEN_ID: "nonsense", PROXMOX_TOKEN_SECRET: "planted-secret" },
    });
    expect(faults).toEqual([expect.stringMatching(/^connections\.proxmox\.token_id: found "nonsense"; looks like USER@REALM!TOKENID/)]);
  });

  it("a config that names a machine wins over the environment and over local sockets", async () => {
    const socket = await listening(join(await folderOf(), "s"));
    const plugin = variant({}, { local: [local("here", socket)] });
    const app = await open({ plugins: [plugin], connections: { mine: { provider: "tape", room: "1" } }, env: { TAPE_ROOM: "cellar" } });
    expect(app.connections.map((one) => one.name)).toEqual(["mine"]);
  });

  it("the environment wins over local sockets", async () => {
    const socket = await listening(join(await folderOf(), "s"));
    const app = await open({ plugins: [variant({}, { local: [local("here", socket)] })], env: { TAPE_ROOM: "cellar" } });
    expect(app.connections.map((one) => one.from)).toEqual(["TAPE_ROOM"]);
  });

  it("of the local sockets those that answer are used; one of each name", async () => {
    const folder = await folderOf();
    const one = await listening(join(folder, "one"));
    const two = await listening(join(folder, "two"));
    const file = join(folder, "file");
    await writeFile(file, "no socket");
    const plugin = variant(
      {},
      {
        local: [local("none", join(folder, "none")), local("file", file), local("a", one), local("a", two), local("b", two), local("folder", folder)],
      },
    );
    const app = await open({ plugins: [plugin] });
    expect(app.connections).toEqual([
      { name: "a", provider: "tape", from: one },
      { name: "b", provider: "tape", from: two },
    ]);
  });

  it("what the user's own settings describe is used beside the sockets; what of it leads nowhere is left out", async () => {
    const one = await listening(join(await folderOf(), "one"));
    const found = async () => [
      { name: "good", options: { room: "1" }, from: "settings", preferred: true },
      { name: "stale", options: { room: { file: "/no/such/file" } }, from: "settings" },
      { name: "foreign", options: { address: "x" }, from: "settings" },
      { name: "gone", socket: "/no/such/socket", options: { room: "2" }, from: "settings" },
    ];
    const app = await open({ plugins: [variant({}, { local: [local("here", one)], found })] });
    expect(app.connections.map((each) => each.name)).toEqual(["here", "good"]);
    const other = await open({ plugins: [variant({}, { local: [local("here", one)], found })], env: { TAPE_ROOM: "x" } });
    expect(other.connections.map((each) => each.name)).toEqual(["tape"]);
  });

  it("two that the environment describes under one name are a fault, not a guess", async () => {
    const twice = variant(
      {},
      {
        env: () => [
          { name: "x", options: { room: "1" }, from: "A" },
          { name: "x", options: { room: "2" }, from: "B" },
        ],
      },
    );
    expect(await faultsOf({ plugins: [twice] })).toEqual(["connections.x: described twice, by A and B"]);
  });

  it("nothing at all is no failure: no connections, no platform tools", async () => {
    const app = await open({ plugins: [variant({}, { local: [local("x", "/no/such/socket")] })] });
    expect(app.connections).toEqual([]);
    expect(app.tools("all").filter((tool) => tool.operation)).toEqual([]);
    expect(await app.call("connection_list")).toEqual({ items: [], total: 0 });
    await expect(app.call("tape_cartridge_list")).rejects.toMatchObject({ code: "TOOL_UNKNOWN" });
  });
});

describe("an option's description", () => {
  it("does not keep the secret of a wrapped field from being known", async () => {
    const schema = z.object({ room: facet(z.string(), "Room").optional(), pin: secret(z.string(), "Pin").optional().default("planted-pin") });
    const faults = await faultsOf({
      plugins: [variant({}, { schema })],
      connections: { a: { provider: "tape", room: 1, pin: "planted-pin" }, b: { provider: "tape", pin: ["planted-pin"] } },
    });
    expect(faults.join()).not.toContain("planted");
    expect(faults).toHaveLength(2);
  });
});
