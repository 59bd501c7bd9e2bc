import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { type AddressInfo, createServer as createPlain } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { Ssh2 } from "../../core/transport/ssh.js";
import { shellQuoted } from "../../core/transport/ssh-channel.js";
import type { SshClient, SshTarget } from "../../core/transport/types.js";
import { failure, type ServerOptions, TestServer, until } from "./ssh-server.js";

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
    const sleeping = failure(ssh.exec(["sleep", "5"], { signal: abort.signal }));
    await until(() => server.commands.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 50)); // for the server's answer that it runs
    abort.abort();
    expect((await sleeping).code).toBe("CANCELLED");
    await until(() => server.sessions === 0);
    expect((await failure(ssh.exec(["id"], { signal: abort.signal }))).code).toBe("CANCELLED");
  });

  it("that was cancelled while it started has its session closed as well", async () => {
    const { ssh, server } = await start();
    await ssh.exec(["true"], { signal });
    const abort = new AbortController();
    const sleeping = failure(ssh.exec(["sleep", "5"], { signal: abort.signal }));
    setImmediate(() => abort.abort());
    expect((await sleeping).code).toBe("CANCELLED");
    await until(() => server.commands.length === 2 && server.sessions === 0);
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

  it("that is lost before the answer leaves open whether the command ran", async () => {
    const { ssh } = await start({ exec: "drop" });
    const error = await failure(ssh.exec(["reboot"], { signal }));
    expect([error.code, error.report().next]).toEqual(["UNREACHABLE", expect.stringContaining("may still be running")]);
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
