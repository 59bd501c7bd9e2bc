import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Ssh2 } from "../../core/transport/ssh.js";
import { fingerprintOf } from "../../core/transport/ssh-hostkeys.js";
import type { SshTarget } from "../../core/transport/types.js";
import { ed25519Pair, failure, PASSWORD, parsed, type ServerOptions, TestServer, userKey } from "./ssh-server.js";

const signal = new AbortController().signal;
const none = { key: undefined };
const stranger = ed25519Pair();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function started(options: ServerOptions = {}): Promise<TestServer> {
  vi.stubEnv("SSH_AUTH_SOCK", undefined);
  const server = await TestServer.start(options);
  cleanups.push(() => server.close());
  return server;
}

async function login(server: TestServer, target: Partial<SshTarget> = {}): Promise<number> {
  const ssh = new Ssh2().open(server.target(target));
  cleanups.push(() => ssh.close());
  return (await ssh.exec(["true"], { signal })).exitCode;
}

/** An ssh-agent on a unix socket that holds one key. */
async function agentWith(server: TestServer, privateKey: string): Promise<string> {
  const path = join(server.folder, "agent.sock");
  const key = parsed(privateKey);
  const listening = createServer((socket) => {
    const protocol = new ssh2.AgentProtocol(false);
    protocol.on("identities", (request) => protocol.getIdentitiesReply(request, [key]));
    protocol.on("sign", (request, _key, data) => protocol.signReply(request, key.sign(data)));
    socket.pipe(protocol as unknown as NodeJS.ReadWriteStream).pipe(socket);
  });
  await new Promise<void>((resolve) => listening.listen(path, resolve));
  cleanups.push(() => listening.close());
  return path;
}

async function listening(serve: (server: Server) => void): Promise<number> {
  const server = createServer();
  serve(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe("a login", () => {
  it("by key, by password, by the password as an answer, or by nothing where that suffices", async () => {
    expect(await login(await started())).toBe(0);
    expect(await login(await started({ demands: ["password"] }), { ...none, password: PASSWORD })).toBe(0);
    expect(await login(await started({ demands: ["keyboard-interactive"] }), { ...none, password: PASSWORD })).toBe(0);
    expect(await login(await started({ demands: ["none"] }), none)).toBe(0);
  });

  it("tries only what the server offers, the key before the password", async () => {
    const server = await started({ demands: ["publickey"] });
    await login(server, { password: PASSWORD });
    expect(new Set(server.attempts)).toEqual(new Set(["none", "publickey"]));
    const second = await started({ demands: ["password"] });
    await login(second, { password: PASSWORD });
    expect(second.attempts).toEqual(["none", "password"]);
  });

  it("gives all that a server demands", async () => {
    expect(await login(await started({ demands: ["password", "publickey"] }), { password: PASSWORD })).toBe(0);
    const error = await failure(login(await started({ demands: ["publickey", "password"] })));
    expect([error.code, error.message]).toEqual(["AUTH_FAILED", expect.stringContaining("accepted, but another one is needed")]);
    expect(error.details.data).toEqual({ offered: ["password"] });
  });

  it("sends the password as the answer to the first question only", async () => {
    const server = await started({ demands: ["keyboard-interactive"], code: true });
    expect((await failure(login(server, { ...none, password: PASSWORD }))).code).toBe("AUTH_FAILED");
    expect(server.answers).toEqual([PASSWORD, ""]);
  });

  it("by an agent: the one named, or that of the environment when no key is given", async () => {
    const server = await started();
    const agent = await agentWith(server, userKey.private);
    expect(await login(server, { ...none, agent })).toBe(0);
    vi.stubEnv("SSH_AUTH_SOCK", agent);
    expect(await login(server, none)).toBe(0);
    const error = await failure(login(server, { key: stranger.private }));
    expect(error.details.tried).toEqual([expect.stringMatching(/^key ssh-ed25519 SHA256:/)]);
    expect(await login(server, { key: stranger.private, agent })).toBe(0);
  });

  it("goes on without an agent that doesn't answer", async () => {
    const server = await started({ demands: ["publickey"] });
    const agent = join(server.folder, "gone.sock");
    const error = await failure(login(server, { ...none, agent }));
    expect([error.code, error.details.tried]).toEqual([
      "AUTH_FAILED",
      [expect.stringMatching(/^agent .*gone\.sock \(Failed to connect to agent\)$/)],
    ]);
    expect(await login(server, { agent })).toBe(0);
  });

  it("that is refused names what was tried and no secret", async () => {
    const server = await started({ demands: ["publickey", "password"] });
    const error = await failure(login(server, { key: stranger.private, password: "hunter2" }));
    expect(error.code).toBe("AUTH_FAILED");
    expect(error.details.tried).toEqual([`key ssh-ed25519 ${fingerprintOf(parsed(stranger.private).getPublicSSH())}`, "password"]);
    expect(JSON.stringify(error.report())).not.toMatch(/hunter2|PRIVATE KEY/);
    expect(error.message).toContain(`ops@127.0.0.1:${server.port}`);
    expect(server.attempts.filter((method) => method === "password")).toHaveLength(1);
  });

  it("says which credential was not even sent, and when there is none", async () => {
    const error = await failure(login(await started(), { ...none, password: PASSWORD }));
    expect(error.details.tried).toEqual(["password (not sent: the server does not offer it)"]);
    const empty = await failure(login(await started(), none));
    expect([empty.code, empty.message]).toEqual(["AUTH_FAILED", expect.stringContaining("has nothing to offer")]);
  });

  it("that failed is tried anew with the next call", async () => {
    const server = await started();
    const ssh = new Ssh2().open(server.target({ key: stranger.private }));
    cleanups.push(() => ssh.close());
    await failure(ssh.exec(["true"], { signal }));
    const before = server.attempts.length;
    await failure(ssh.exec(["true"], { signal }));
    expect(server.attempts.length).toBe(2 * before);
  });
});

describe("a private key", () => {
  const locked = ed25519Pair({ passphrase: "open sesame", cipher: "aes256-ctr", rounds: 4 });

  it("with its passphrase is read, and refused by the server only", async () => {
    const error = await failure(login(await started(), { key: locked.private, passphrase: "open sesame" }));
    expect([error.code, error.message]).toEqual(["AUTH_FAILED", expect.stringContaining("refused the login")]);
  });

  it.each([
    ["without its passphrase", { key: locked.private }, /no passphrase was given/],
    ["with an empty passphrase", { key: locked.private, passphrase: "" }, /no passphrase was given/],
    ["with a wrong passphrase", { key: locked.private, passphrase: "hunter2" }, /the passphrase is wrong/],
    ["that is public", { key: userKey.public }, /it is a public key/],
    ["that is none", { key: "hello" }, /Unsupported key format/],
    ["that is damaged", { key: userKey.private.slice(0, 120) + userKey.private.slice(160) }, /can't be used/],
  ])("%s is refused at once, before the password is tried", async (_name, target, words) => {
    const server = await started({ demands: ["password"] });
    const error = await failure(login(server, { ...target, password: PASSWORD }));
    expect([error.code, error.message]).toEqual(["AUTH_FAILED", expect.stringMatching(words)]);
    expect(JSON.stringify(error.report())).not.toContain("hunter2");
    expect(server.attempts).toEqual([]);
  });

  it("that is not encrypted needs no passphrase, and a needless one does no harm", async () => {
    expect(await login(await started(), { passphrase: "whatever" })).toBe(0);
  });
});

describe("a host that can't be reached", () => {
  const reach = (host: string, port: number): Promise<unknown> =>
    new Ssh2().open({ host, port, user: "ops", password: "x", knownHosts: "/absent" }).exec(["true"], { signal });

  it("is UNREACHABLE, with the reason in words", async () => {
    const error = await failure(reach("127.0.0.1", 1));
    expect([error.code, error.message]).toEqual(["UNREACHABLE", "ops@127.0.0.1:1 can't be reached: nothing listens there."]);
    expect(error.details.data).toEqual({ code: "ECONNREFUSED" });
    expect((await failure(reach("no-such-host.invalid", 22))).code).toBe("UNREACHABLE");
    expect((await failure(reach("[::1]", 1))).message).toContain("ops@[::1]:1 can't be reached");
  });

  it("is UNREACHABLE when it hangs up, or speaks something else", async () => {
    const hangsUp = await listening((server) => server.on("connection", (socket) => socket.destroy()));
    expect((await failure(reach("127.0.0.1", hangsUp))).code).toBe("UNREACHABLE");
    const web = await listening((server) => server.on("connection", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
    const error = await failure(reach("127.0.0.1", web));
    expect([error.code, error.message]).toEqual(["UNREACHABLE", expect.stringContaining("before handshake")]);
  });

  it("is UNREACHABLE when it says nothing for 20 s", async () => {
    let connected = (): void => {};
    const waiting = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const port = await listening((server) => server.on("connection", () => connected()));
    await import("ssh2");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const opening = failure(reach("127.0.0.1", port));
    await waiting;
    vi.advanceTimersByTime(19_000);
    vi.advanceTimersByTime(1_100);
    expect((await opening).message).toContain("no SSH login within 20 s");
  });
});
