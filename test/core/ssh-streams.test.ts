import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecure } from "node:https";
import { type AddressInfo, createServer as createPlain } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { selfSignedCertificate } from "../../core/sandbox/certificate.js";
import { UndiciHttp } from "../../core/transport/http.js";
import { Ssh2 } from "../../core/transport/ssh.js";
import type { SshClient } from "../../core/transport/types.js";
import { failure, type ServerOptions, TestServer, until } from "./ssh-server.js";

const signal = new AbortController().signal;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: ServerOptions = {}): Promise<{ server: TestServer; ssh: SshClient }> {
  const server = await TestServer.start(options);
  cleanups.push(() => server.close());
  const ssh = new Ssh2().open(server.target());
  cleanups.push(() => ssh.close());
  return { server, ssh };
}

describe("a stream to a socket", () => {
  async function site(server: TestServer): Promise<string> {
    const path = join(server.folder, "api.sock");
    // oxlint-disable-next-line typescript/no-misused-promises -- a test server; what it throws fails the test
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

  it("carries TLS, which is checked as ever", async () => {
    const { ssh } = await start();
    const certificate = await selfSignedCertificate("inner.test");
    const site = createSecure(certificate, (_request, response) => response.end("secret")).listen(0, "127.0.0.1");
    await new Promise((resolve) => site.once("listening", resolve));
    cleanups.push(() => site.close());
    const { port } = site.address() as AddressInfo;
    const visit = async (fingerprint: string): Promise<string> => {
      const http = new UndiciHttp().open({ url: "https://inner.test", tls: { fingerprint }, dial: (at) => ssh.dialTcp("127.0.0.1", port, at) });
      cleanups.push(() => http.close());
      return await (await http.request({ method: "GET", path: "/", signal })).text();
    };
    expect(await visit(certificate.fingerprint)).toBe("secret");
    expect((await failure(visit("00".repeat(32)))).code).toBe("TLS_UNTRUSTED");
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

  it("makes a fast sender wait for a slow reader", async () => {
    const { ssh, server } = await start();
    const path = join(server.folder, "flood.sock");
    const flood = createPlain((socket) => socket.end(Buffer.alloc(20_000_000)));
    await new Promise<void>((resolve) => flood.listen(path, resolve));
    cleanups.push(() => flood.close());
    const stream = await ssh.dialSocket(path, signal);
    await new Promise((resolve) => stream.once("readable", resolve));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(stream.readableLength).toBeLessThan(3_000_000);
    let size = 0;
    for await (const chunk of stream) size += (chunk as Buffer).length;
    expect(size).toBe(20_000_000);
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

describe("a stream to a command", () => {
  it("carries both directions until the command ends", async () => {
    const { ssh } = await start();
    const stream = await ssh.dialCommand(["cat"], signal);
    stream.end("there and back");
    expect(await text(stream)).toBe("there and back");
  });

  it("ends with the last words of a command that failed", async () => {
    const { ssh } = await start();
    const stream = await ssh.dialCommand(["sh", "-c", "echo half; echo no such program >&2; exit 127"], signal);
    const error = await failure(text(stream));
    expect(error).toMatchObject({ code: "UPSTREAM", message: expect.stringMatching(/^`sh` on .* failed: no such program$/) });
  });

  it("ends the command when it is destroyed, and does not open for a caller who left", async () => {
    const { ssh, server } = await start();
    const stream = await ssh.dialCommand(["cat"], signal);
    stream.destroy();
    await until(() => server.sessions === 0);
    expect((await failure(ssh.dialCommand(["cat"], AbortSignal.abort()))).code).toBe("CANCELLED");
  });
});
