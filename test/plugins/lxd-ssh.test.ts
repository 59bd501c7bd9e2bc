import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createProxMcp, type ProxMcp } from "proxmcp";
import type { Sandbox } from "proxmcp/plugin";
import { start } from "../../plugins/lxd/sandbox/index.js";
import { failure, until } from "../fixtures/tape-app.js";
import { TestServer, userKey } from "../core/ssh-server.js";

/** A `lxc` that passes requests on to a socket as the real one does: the answer on stdout, or what the server said on stderr. */
const lxc = (socket: string): string => `#!${process.execPath}
const args = process.argv.slice(2);
const value = (name) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
require("node:fs").appendFileSync(${JSON.stringify(`${socket}.calls`)}, args.join(" ") + "\\n");
const request = require("node:http").request({ socketPath: ${JSON.stringify(socket)}, method: value("-X") ?? "GET", path: args.at(-1) }, async (answer) => {
  let text = "";
  for await (const chunk of answer) text += chunk;
  const failed = answer.statusCode >= 400;
  if (failed) process.stderr.write("Error: " + JSON.parse(text).error + "\\n");
  else process.stdout.write(text);
  process.exitCode = failed ? 1 : 0;
});
request.end(value("-d"));
`;

interface Far {
  readonly app: ProxMcp;
  readonly server: TestServer;
  readonly sandbox: Sandbox;
}

interface Options extends NonNullable<Parameters<typeof TestServer.start>[0]> {
  /** Scripts in the PATH of the far side, by name. */
  readonly programs?: (socket: string) => Readonly<Record<string, string>>;
  /** Of the connection, beside its host, port and known_hosts. */
  readonly ssh?: (server: TestServer) => Record<string, unknown>;
  readonly lxd?: Record<string, unknown>;
}

/** A server on the far side of SSH. */
async function far({ programs, ssh = () => ({}), lxd = {}, ...options }: Options = {}): Promise<Far> {
  const bin: Record<string, string> = {};
  const server = await TestServer.start({ ...options, env: bin });
  bin["PATH"] = `${server.folder}:${process.env["PATH"]}`;
  const socket = join(server.folder, "unix.socket");
  const sandbox = await start({ socket, taskTime: 5 });
  for (const [name, text] of Object.entries(programs?.(socket) ?? {})) {
    writeFileSync(join(server.folder, name), text);
    chmodSync(join(server.folder, name), 0o755);
  }
  const { user, port, knownHosts } = server.target();
  const target = { host: "127.0.0.1", port, user, key: userKey.private, known_hosts: knownHosts, ...ssh(server) };
  const app = await createProxMcp({
    plugins: ["lxd"],
    connections: { pi: { provider: "lxd", ssh: target, ...("socket" in lxd || "url" in lxd ? {} : { socket }), ...lxd } },
    log: { level: "silent" },
  });
  onTestFinished(async () => {
    await app.close();
    await sandbox.close();
    await server.close();
  });
  return { app, server, sandbox };
}

const names = async (app: ProxMcp): Promise<unknown[]> =>
  ((await app.call("lxd_instance_list"))["items"] as { name: string }[]).map(({ name }) => name);

describe("a host behind SSH", () => {
  it("is reached by its forwarded socket, on one connection, and says nothing about it", async () => {
    const { app, server } = await far();
    const lists = await Promise.all(["instance", "image", "network", "profile"].map((kind) => app.call(`lxd_${kind}_list`)));
    expect(lists.every(({ total }) => Number(total) > 0)).toBe(true);
    expect(lists.flatMap(({ notes }) => notes ?? [])).toEqual([]);
    expect([server.connected, server.commands]).toEqual([1, []]);
    const [running] = (await app.call("lxd_instance_list", { where: { status: ["running"], type: ["container"] } }))["items"] as { name: string }[];
    const executed = await app.call("lxd_instance_exec", { name: running?.name, command: ["echo", "hello"] }, { confirm: true });
    expect(executed).toMatchObject({ result: { exit_code: 0, stdout: "hello\n" } });
  });

  it("is reached by https through the tunnel, its certificate pinned", async () => {
    const secure = await start({ taskTime: 5 });
    onTestFinished(() => secure.close());
    const { app, server } = await far({ lxd: { ...secure.connection } });
    expect((await names(app)).length).toBeGreaterThan(0);
    expect([server.connected, server.commands]).toEqual([1, []]);
  });

  it("is not reached when its host key is another, and the key is shown", async () => {
    const { app } = await far({ ssh: (server) => ({ known_hosts: server.file("none", "") }) });
    expect(await failure(app.call("lxd_instance_list"))).toMatchObject({
      code: "HOST_KEY_UNKNOWN",
      message: expect.stringMatching(/SHA256:[\w+/]{43}/),
    });
  });
});

describe("the roads to a host behind SSH", () => {
  it("are each tried: SSH itself, the tunnel, the command", async () => {
    const both = await far({ programs: (socket) => ({ lxc: lxc(socket) }) });
    expect(await both.app.call("lxd_host_test")).toMatchObject({
      result: {
        ok: true,
        roads: [
          { road: "SSH to ops@127.0.0.1", works: true, taken: false },
          { road: expect.stringMatching(/^the socket .* over SSH$/), works: true, taken: true, answer: "LXD 5.0.2 on pi" },
          { road: "the lxc or incus command over SSH", works: true, taken: false, answer: "LXD 5.0.2 on pi" },
        ],
      },
    });
    const closed = await far({ forwarding: false, programs: (socket) => ({ lxc: lxc(socket) }) });
    expect(await closed.app.call("lxd_host_test")).toMatchObject({
      result: { ok: true, roads: [{ works: true }, { works: false, code: "FORBIDDEN", why: expect.any(String) }, { works: true, taken: true }] },
    });
    const wrong = await far({ demands: ["password"] });
    const { result } = (await wrong.app.call("lxd_host_test")) as unknown as { result: { ok: boolean; roads: { code: string }[] } };
    expect([result.ok, ...result.roads.map(({ code }) => code)]).toEqual([false, "AUTH_FAILED", "AUTH_FAILED", "AUTH_FAILED"]);
  });

  it("a host tells what its kernel says", async () => {
    const { app } = await far();
    expect(await app.call("lxd_host_get", { name: "pi" })).toMatchObject({
      item: { name: "pi", uptime: expect.any(Number), load: expect.any(Number) },
    });
  });
});

describe("where nothing is forwarded", () => {
  it("reads and lifecycle go by the command over there, and every result says so", async () => {
    const { app, server, sandbox } = await far({ forwarding: false, programs: (socket) => ({ lxc: lxc(socket) }) });
    const listed = await app.call("lxd_instance_list");
    expect(Number(listed["total"])).toBeGreaterThan(0);
    expect(listed["notes"]).toEqual([
      expect.stringMatching(/^pi: answered by the lxc command over SSH, as the API of 127\.0\.0\.1 can't be reached/),
    ]);
    const stopped = ((await app.call("lxd_instance_list", { where: { status: ["stopped"] } }))["items"] as { name: string }[])[0];
    const started = await app.call("lxd_instance_start", { name: stopped?.name });
    expect(started).toMatchObject({ item: { name: stopped?.name, status: "running" }, notes: [expect.stringContaining("lxc command")] });
    expect(await failure(app.call("lxd_instance_get", { name: "nobody" }))).toMatchObject({ code: "NOT_FOUND" });
    await app.call("lxd_snapshot_create", { instance: stopped?.name, name: "by-command" });
    expect(await app.call("lxd_snapshot_get", { instance: stopped?.name, name: "by-command" })).toMatchObject({ item: { name: "by-command" } });
    expect(await app.call("lxd_instance_delete", { name: stopped?.name, force: true }, { confirm: true })).toMatchObject({ deleted: true });
    expect(server.commands.every((command) => command.includes("'lxc' 'query'"))).toBe(true);
    expect(sandbox.requests.some(({ method }) => method === "DELETE")).toBe(true);
  });

  it("the command is tried as root, and that of Incus, before it is given up", async () => {
    const refused =
      "#!/bin/sh\necho 'Error: Get \"http://unix.socket/1.0\": dial unix /var/lib/lxd/unix.socket: connect: permission denied' >&2\nexit 1\n";
    const { app, server } = await far({
      forwarding: false,
      programs: (socket) => ({ lxc: refused, sudo: "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n", incus: lxc(socket) }),
    });
    expect((await app.call("lxd_instance_list"))["notes"]).toEqual([expect.stringContaining("answered by the incus command")]);
    expect(server.commands.slice(0, 3)).toEqual(["'lxc' 'query' '/1.0'", "'sudo' '-n' 'lxc' 'query' '/1.0'", "'incus' 'query' '/1.0'"]);
  });

  it("what needs a stream says why it can't be", async () => {
    const { app } = await far({ forwarding: false, programs: (socket) => ({ lxc: lxc(socket) }) });
    await app.call("lxd_instance_list");
    const [running] = (await app.call("lxd_instance_list", { where: { status: ["running"] } }))["items"] as { name: string }[];
    const error = await failure(app.call("lxd_instance_exec", { name: running?.name, command: ["cat"], stdin: "x" }, { confirm: true }));
    expect(error).toMatchObject({ code: "UNSUPPORTED", next: expect.stringContaining("AllowStreamLocalForwarding") });
  });

  it("a host without either is said to have neither, with what was tried", async () => {
    const none = "#!/bin/sh\nexit 127\n";
    const { app } = await far({ forwarding: false, programs: () => ({ lxc: none, incus: none, sudo: none }) });
    expect(await failure(app.call("lxd_instance_list"))).toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining("Neither the API nor the command"),
      next: expect.stringMatching(/`proxmcp setup lxd ops@127\.0\.0\.1:\d+`, installs it/),
    });
  });
});

describe("logging in", () => {
  it("goes by a host on the way", async () => {
    const jump = await TestServer.start();
    onTestFinished(() => jump.close());
    const on = jump.target();
    const { app, server } = await far({
      ssh: () => ({ jump: { host: "127.0.0.1", port: on.port, user: "ops", key: userKey.private, known_hosts: on.knownHosts } }),
    });
    expect((await names(app)).length).toBeGreaterThan(0);
    expect([jump.connected, server.connected]).toEqual([1, 1]);
    await app.close();
    await until(() => jump.connections.size === 0);
  });

  it("a host on the way that can't reach it says so", async () => {
    const jump = await TestServer.start();
    onTestFinished(() => jump.close());
    const on = jump.target();
    const way = { host: "127.0.0.1", port: on.port, user: "ops", key: userKey.private, known_hosts: on.knownHosts };
    const { app } = await far({ ssh: () => ({ jump: way, port: 1 }) });
    expect(await failure(app.call("lxd_instance_list"))).toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringMatching(/127\.0\.0\.1:1 can't be reached from ops@127\.0\.0\.1:\d+: \w/),
    });
  });

  it("takes the next login when one is refused, and names them all when none is taken", async () => {
    const logins = { demands: ["password"] as const };
    const { app } = await far({ ...logins, ssh: () => ({ also: [{ user: "guest", password: "wrong" }, { password: "correct horse" }] }) });
    expect((await names(app)).length).toBeGreaterThan(0);
    const none = await far({ ...logins, ssh: () => ({ also: [{ user: "guest", password: "wrong" }] }) });
    const error = await failure(none.app.call("lxd_instance_list"));
    expect(error).toMatchObject({ code: "AUTH_FAILED", tried: [expect.stringContaining("ops: key ssh-ed25519"), "guest: password"] });
    expect(JSON.stringify(error)).not.toContain("wrong");
  });
});
