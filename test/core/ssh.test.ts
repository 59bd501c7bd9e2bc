import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createPlain } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { UndiciHttp } from "../../core/transport/http.js";
import { Ssh2 } from "../../core/transport/ssh.js";
import { shellQuoted } from "../../core/transport/ssh-channel.js";
import type { SshClient, SshTarget } from "../../core/transport/types.js";
import { failure, type ServerOptions, TestServer } from "./ssh-server.js";

const signal = new AbortController().signal;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: ServerOptions & { target?: Partial<SshTarget> } = {}): Promise<{ server: TestServer; ssh: SshClient }> {
  const server = await TestServer.start(options);
  cleanups.push(() => server.close());
  const ssh = new Ssh2().open(server.target(options.target));
  cleanups.push(() => ssh.close());
  return { server, ssh };
}

const sh = (script: string, ...words: string[]): string[] => ["sh", "-c", script, "sh", ...words];

async function until(condition: () => boolean): Promise<void> {
  for (let left = 200; left > 0 && !condition(); left -= 1) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
}

describe("a command", () => {
  it("gives stdout, stderr and the exit code apart", async () => {
    const { ssh } = await start();
    expect(await ssh.exec(sh("echo out; echo err >&2; exit 3"), { signal })).toEqual({ exitCode: 3, stdout: "out\n", stderr: "err\n" });
    expect(await ssh.exec(["true"], { signal })).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  it("reads its stdin to the end, also a long one", async () => {
    const { ssh } = await start();
    expect((await ssh.exec(["cat"], { signal, stdin: "grüße\n" })).stdout).toBe("grüße\n");
    expect((await ssh.exec(["cat"], { signal })).stdout).toBe("");
    expect((await ssh.exec(["wc", "-c"], { signal, stdin: "x".repeat(5_000_000) })).stdout.trim()).toBe("5000000");
  });

  it("tells by its exit code which signal killed it", async () => {
    const { ssh } = await start();
    expect((await ssh.exec(sh("kill -KILL $$"), { signal })).exitCode).toBe(137);
    expect((await ssh.exec(sh("kill -TERM $$"), { signal })).exitCode).toBe(143);
  });

  it("gets every word as it is", async () => {
    const { ssh } = await start();
    const words = ["", "a b", "it's", '"$HOME"', "`id`", "$(id)", "-n", "a\nb", "*", "!x", "\\", "ü"];
    expect((await ssh.exec(["printf", "%s|", ...words], { signal })).stdout).toBe(`${words.join("|")}|`);
  });

  it("is quoted so that a real sh gives every word back", () => {
    const word = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        // printf repeats its format for each word; NUL can't occur in one, and so separates them beyond doubt.
        const printed = execFileSync("sh", ["-c", shellQuoted(["printf", "%s\\0", ...words])]).toString("utf8");
        expect(printed.split("\0").slice(0, -1)).toEqual(words);
      }),
      { numRuns: 200, examples: [[["'"]], [["''\\'"]], [["a'; exit 1; '"]], [[""]], [["\n"]]] },
    );
  });

  it("can't be empty or hold a NUL", async () => {
    const { ssh, server } = await start();
    expect((await failure(ssh.exec([], { signal }))).code).toBe("INVALID_INPUT");
    expect((await failure(ssh.exec(["echo", "a\0b"], { signal }))).code).toBe("INVALID_INPUT");
    expect(server.connected).toBe(0);
  });

  it("that says more than was asked for is an error, and not a shorter answer", async () => {
    const { ssh } = await start();
    const short = await ssh.exec(sh("printf 123456; printf 7890 >&2"), { signal, maxBytes: 10 });
    expect([short.stdout, short.stderr]).toEqual(["123456", "7890"]);
    const error = await failure(ssh.exec(sh("printf 123456; printf 78901 >&2"), { signal, maxBytes: 10 }));
    expect([error.code, error.message]).toEqual(["UPSTREAM", expect.stringContaining("more than 10 bytes")]);
    const flood = await failure(ssh.exec(["yes"], { signal }));
    expect(flood.message).toContain(`more than ${4 * 1024 * 1024} bytes`);
    expect((await ssh.exec(["echo", "on"], { signal })).stdout).toBe("on\n");
  });

  it("names the program in errors, never its arguments", async () => {
    const { ssh } = await start();
    const error = await failure(ssh.exec(["yes", "s3cret"], { signal, maxBytes: 10 }));
    expect(JSON.stringify(error.report())).toContain("`yes`");
    expect(JSON.stringify(error.report())).not.toContain("s3cret");
  });

  it("that the server refuses to run is FORBIDDEN", async () => {
    const { ssh } = await start({ exec: false });
    const error = await failure(ssh.exec(["id"], { signal }));
    expect([error.code, error.message]).toEqual(["FORBIDDEN", expect.stringContaining("does not let this user run commands")]);
  });

  it("stops being waited for when the call is cancelled, and its session closes", async () => {
    const { ssh, server } = await start();
    const abort = new AbortController();
    const sleeping = failure(ssh.exec(["sleep", "1"], { signal: abort.signal }));
    await until(() => server.commands.length === 1);
    abort.abort();
    expect((await sleeping).code).toBe("CANCELLED");
    await until(() => server.sessions === 0);
    expect((await failure(ssh.exec(["id"], { signal: abort.signal }))).code).toBe("CANCELLED");
  });

  it("is not started when the call was cancelled while it waited for its turn", async () => {
    const { ssh, server } = await start();
    const abort = new AbortController();
    const first = Array.from({ length: 8 }, () => ssh.exec(["sleep", "0.1"], { signal }));
    const ninth = failure(ssh.exec(["touch", join(server.folder, "ran")], { signal: abort.signal }));
    abort.abort();
    expect((await ninth).code).toBe("CANCELLED");
    await Promise.all(first);
    await ssh.exec(["true"], { signal });
    expect(server.commands).toHaveLength(9);
    expect(existsSync(join(server.folder, "ran"))).toBe(false);
  });

  it("gives the deadline's own error when that ended it", async () => {
    const { ssh } = await start();
    expect((await failure(ssh.exec(["sleep", "1"], { signal: AbortSignal.timeout(50) }))).code).toBe("TIMEOUT");
  });
});

describe("the connection", () => {
  it("is one, opened with the first use and shared", async () => {
    const { ssh, server } = await start();
    expect(server.connected).toBe(0);
    const outs = await Promise.all(["a", "b", "c"].map(async (word) => (await ssh.exec(["echo", word], { signal })).stdout));
    expect(outs).toEqual(["a\n", "b\n", "c\n"]);
    expect(server.connected).toBe(1);
  });

  it("runs eight commands at once, the rest wait", async () => {
    const { ssh, server } = await start();
    await Promise.all(Array.from({ length: 20 }, () => ssh.exec(["sleep", "0.05"], { signal })));
    expect([server.most, server.connected, server.commands.length]).toEqual([8, 1, 20]);
  });

  it("that is full is replaced by another", async () => {
    const { ssh, server } = await start({ maxSessions: 2 });
    const outs = await Promise.all(Array.from({ length: 6 }, (_, index) => ssh.exec(sh("sleep 0.1; echo $1", String(index)), { signal })));
    expect(outs.map(({ stdout }) => Number(stdout))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(server.commands).toHaveLength(6);
    await until(() => server.connections.size === 1);
  });

  it("that takes no session at all is an error, not another attempt", async () => {
    const { ssh, server } = await start({ maxSessions: 0 });
    const error = await failure(ssh.exec(["id"], { signal }));
    expect([error.code, error.message]).toEqual(["UPSTREAM", expect.stringContaining("opens no session")]);
    expect(server.connected).toBe(1);
  });

  it("is opened again after it dropped, and what ran on it is reported lost", async () => {
    const { ssh, server } = await start();
    const lost = failure(ssh.exec(["sleep", "1"], { signal }));
    await until(() => server.commands.length === 1);
    server.drop();
    const error = await lost;
    expect([error.code, error.message]).toEqual(["UNREACHABLE", expect.stringContaining("lost while `sleep`")]);
    expect(error.report().next).toContain("may still be running");
    expect((await ssh.exec(["echo", "again"], { signal })).stdout).toBe("again\n");
    expect(server.connected).toBe(2);
  });

  it("ends with close, and stays closed", async () => {
    const { ssh, server } = await start();
    await ssh.exec(["true"], { signal });
    expect(server.connections.size).toBe(1);
    await ssh.close();
    await until(() => server.connections.size === 0);
    expect((await failure(ssh.exec(["true"], { signal }))).message).toContain("was closed");
    expect(server.connected).toBe(1);
  });

  it("that was never used closes, too, and one being opened is given up", async () => {
    const silent = createPlain(() => {}).listen(0, "127.0.0.1");
    cleanups.push(() => silent.close());
    await new Promise((resolve) => silent.once("listening", resolve));
    const target = { host: "127.0.0.1", port: (silent.address() as AddressInfo).port, user: "ops", password: "x" };
    await new Ssh2().open(target).close();
    const ssh = new Ssh2().open(target);
    const opening = failure(ssh.exec(["true"], { signal }));
    await ssh.close();
    expect((await opening).code).toBe("UNREACHABLE");
  });

  it("serves the others when the call that opened it is cancelled", async () => {
    const { ssh, server } = await start();
    const abort = new AbortController();
    const first = failure(ssh.exec(["true"], { signal: abort.signal }));
    const second = ssh.exec(["echo", "here"], { signal });
    abort.abort();
    expect((await first).code).toBe("CANCELLED");
    expect((await second).stdout).toBe("here\n");
    expect(server.connected).toBe(1);
  });
});

describe("a stream to a socket", () => {
  async function site(server: TestServer): Promise<string> {
    const path = join(server.folder, "api.sock");
    const http = createServer(async (request, response) => {
      if (request.url === "/big") return response.end("x".repeat(6_000_000));
      if (request.url === "/hang") return response.writeHead(200).write("begun");
      response.end(`${request.method} ${request.url} ${request.method === "POST" ? (await text(request)).length : ""}`);
    });
    await new Promise<void>((resolve) => http.listen(path, resolve));
    cleanups.push(() => {
      http.closeAllConnections();
      http.close();
    });
    return path;
  }

  it("carries HTTP: many requests, long bodies both ways", async () => {
    const { ssh, server } = await start();
    const path = await site(server);
    const http = new UndiciHttp().open({ url: "http://localhost", dial: (at) => ssh.dialSocket(path, at), connections: 3 });
    cleanups.push(() => http.close());
    const answers = await Promise.all(Array.from({ length: 9 }, (_, index) => http.request({ method: "GET", path: `/${index}`, signal })));
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(Array.from({ length: 9 }, (_, index) => `GET /${index} `));
    expect((await (await http.request({ method: "GET", path: "/big", signal })).bytes()).length).toBe(6_000_000);
    const posted = await http.request({ method: "POST", path: "/", body: "y".repeat(5_000_000), signal });
    expect(await posted.text()).toBe("POST / 5000000");
    expect(server.connected).toBe(1);
  });

  it("that breaks with the connection is an error and not a short answer; the next request opens both again", async () => {
    const { ssh, server } = await start();
    const path = await site(server);
    const http = new UndiciHttp().open({ url: "http://localhost", dial: (at) => ssh.dialSocket(path, at) });
    cleanups.push(() => http.close());
    const answer = await http.request({ method: "GET", path: "/hang", signal });
    server.drop();
    expect((await failure(answer.text())).code).toBe("UNREACHABLE");
    expect(await (await http.request({ method: "GET", path: "/after", signal })).text()).toBe("GET /after ");
  });

  it("shows a lost connection as an error, unlike a proper end", async () => {
    const { ssh, server } = await start();
    const path = await site(server);
    const proper = await ssh.dialSocket(path, signal);
    proper.end("GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    expect(await text(proper)).toContain("GET /x");
    const lost = await ssh.dialSocket(path, signal);
    const reading = text(lost).catch((error: NodeJS.ErrnoException) => error.code);
    server.drop();
    expect(await reading).toBe("ECONNRESET");
    expect(lost.destroyed).toBe(true);
    const late = await new Promise<NodeJS.ErrnoException | null | undefined>((resolve) => lost.write("late", resolve));
    expect(late).toBeInstanceOf(Error);
  });

  it("outlives the signal that it was opened with, and closes when destroyed", async () => {
    const { ssh, server } = await start();
    let closed = 0;
    const path = join(server.folder, "echo.sock");
    const echo = createPlain((socket) => socket.on("close", () => (closed += 1)).pipe(socket));
    await new Promise<void>((resolve) => echo.listen(path, resolve));
    cleanups.push(() => echo.close());
    const abort = new AbortController();
    const stream = await ssh.dialSocket(path, abort.signal);
    abort.abort();
    stream.write("hello");
    expect(String(await new Promise((resolve) => stream.once("data", resolve)))).toBe("hello");
    stream.destroy();
    await until(() => closed === 1);
    expect((await failure(ssh.dialSocket(path, abort.signal))).code).toBe("CANCELLED");
  });

  it("that can't be opened says why: missing, no socket, not allowed, nobody there", async () => {
    const { ssh, server } = await start();
    const missing = await failure(ssh.dialSocket(join(server.folder, "none.sock"), signal));
    expect([missing.code, missing.message]).toEqual(["UNREACHABLE", expect.stringMatching(/there is no such socket, or ops may not/)]);
    const plain = await failure(ssh.dialSocket(server.file("plain", ""), signal));
    expect([plain.code, plain.message]).toEqual(["UNREACHABLE", expect.stringContaining("it is not a socket")]);
    const stale = join(server.folder, "stale.sock");
    const listen = `require("net").createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", listen]);
    const nobody = await failure(ssh.dialSocket(stale, signal));
    expect([nobody.code, nobody.message]).toEqual(["FORBIDDEN", expect.stringContaining("or nothing listens on it")]);
    if (process.getuid?.() === 0) return; // root may open every socket
    chmodSync(stale, 0o400);
    const closed = await failure(ssh.dialSocket(stale, signal));
    expect([closed.code, closed.message]).toEqual(["FORBIDDEN", expect.stringContaining("ops may not open it")]);
  });

  it("is FORBIDDEN where the server forwards nothing", async () => {
    const { ssh } = await start({ forwarding: false });
    for (const refused of [ssh.dialSocket("/var/run/docker.sock", signal), ssh.dialTcp("127.0.0.1", 1, signal)]) {
      const error = await failure(refused);
      expect([error.code, error.message]).toEqual(["FORBIDDEN", expect.stringContaining("does not allow forwarding (AllowStreamLocalForwarding")]);
    }
  });

  it("goes to a TCP address as well", async () => {
    const { ssh } = await start();
    const site = createServer((_request, response) => response.end("over tcp")).listen(0, "127.0.0.1");
    await new Promise((resolve) => site.once("listening", resolve));
    cleanups.push(() => site.close());
    const { port } = site.address() as AddressInfo;
    const http = new UndiciHttp().open({ url: "http://inner:80", dial: (at) => ssh.dialTcp("127.0.0.1", port, at) });
    expect(await (await http.request({ method: "GET", path: "/", signal })).text()).toBe("over tcp");
    await http.close();
    const error = await failure(ssh.dialTcp("127.0.0.1", 1, signal));
    expect([error.code, error.message]).toEqual(["UNREACHABLE", expect.stringContaining("127.0.0.1:1")]);
  });
});
