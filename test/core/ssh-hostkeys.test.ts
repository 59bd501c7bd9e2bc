import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Ssh2 } from "../../core/transport/ssh.js";
import { fingerprintOf, knownKeys } from "../../core/transport/ssh-hostkeys.js";
import type { SshTarget } from "../../core/transport/types.js";
import { failure, hostKeys, PASSWORD, parsed, publicLine, type ServerOptions, TestServer } from "./ssh-server.js";

const signal = new AbortController().signal;
const ed25519 = publicLine(hostKeys.ed25519);
const rsa = publicLine(hostKeys.rsa);
const ecdsa = publicLine(hostKeys.ecdsa);
const fingerprint = (name: keyof typeof hostKeys): string => fingerprintOf(parsed(hostKeys[name]).getPublicSSH());
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function started(options: ServerOptions = {}): Promise<TestServer> {
  const server = await TestServer.start(options);
  cleanups.push(() => server.close());
  return server;
}

/** Runs `true` on a server that is known by these lines; `HOST` stands for its name in known_hosts. */
async function visit(server: TestServer, lines: string | undefined, target: Partial<SshTarget> = {}): Promise<void> {
  const knownHosts =
    lines === undefined ? join(server.folder, "absent") : server.file("known", lines.replaceAll("HOST", `[127.0.0.1]:${server.port}`));
  const ssh = new Ssh2().open(server.target({ knownHosts, ...target }));
  cleanups.push(() => ssh.close());
  await ssh.exec(["true"], { signal });
}

const hashed = (name: string): string => {
  const salt = Buffer.from("0123456789abcdefghij");
  return `|1|${salt.toString("base64")}|${createHmac("sha1", salt).update(name).digest("base64")}`;
};

describe("the known_hosts file", () => {
  const names = (text: string, name: string): number[] => knownKeys(text, name).map(({ line }) => line);

  it("is read by name, list, wildcard, negation and hash", () => {
    const text = [
      "# a comment",
      `web ${ed25519}`,
      `db,web,10.0.0.1 ${rsa} a comment`,
      `*.example.com,!bad.example.com ${ed25519}`,
      `n?de ${ed25519}`,
      `${hashed("web")} ${ecdsa}`,
      `[web]:2222 ${ed25519}`,
      `${hashed("[web]:2222")} ${rsa}`,
      "web 1024 35 1234567890",
      "web ssh-ed25519 !!!notbase64",
      "web",
      "",
      `\tWEB\t${rsa}`,
    ].join("\r\n");
    expect(names(text, "web")).toEqual([2, 3, 6, 13]);
    expect(names(text, "Web")).toEqual([2, 3, 6, 13]);
    expect(names(text, "10.0.0.1")).toEqual([3]);
    expect(names(text, "10.0.0.10")).toEqual([]);
    expect(names(text, "a.example.com")).toEqual([4]);
    expect(names(text, "bad.example.com")).toEqual([]);
    expect(names(text, "example.com")).toEqual([]);
    expect(names(text, "node")).toEqual([5]);
    expect(names(text, "noode")).toEqual([]);
    expect(names(text, "[web]:2222")).toEqual([7, 8]);
    expect(knownKeys(text, "web").map(({ type }) => type)).toEqual(["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ssh-rsa"]);
  });

  it("takes brackets and dots literally", () => {
    expect(names(`[web]:2222 ${ed25519}`, "w")).toEqual([]);
    expect(names(`a.b ${ed25519}`, "axb")).toEqual([]);
  });

  it("tells revoked keys, and leaves authorities and unknown markers out", () => {
    const found = knownKeys([`@revoked * ${rsa}`, `@cert-authority * ${ed25519}`, `@other * ${ed25519}`].join("\n"), "web");
    expect(found.map(({ line, revoked }) => [line, revoked])).toEqual([[1, true]]);
  });
});

describe("a host key", () => {
  it("in the file is accepted: plain, hashed, by wildcard, or for the host without the port", async () => {
    const server = await started();
    await visit(server, `HOST ${ed25519}\n`);
    await visit(server, `${hashed(`[127.0.0.1]:${server.port}`)} ${ed25519}\n`);
    await visit(server, `[127.0.0.*]:* ${ed25519}\n`);
    await visit(server, `127.0.0.1 ${ed25519}\n`);
    expect(server.connected).toBe(4);
  });

  it("in a file of ssh-keyscan is accepted, and its fingerprint is that of ssh-keygen", async () => {
    const server = await started();
    const file = server.file("host.pub", `${ed25519}\n`);
    const shown = run("ssh-keygen", "-lf", file);
    if (shown) expect(shown.split(" ")[1]).toBe(fingerprint("ed25519"));
    await visit(server, `HOST ${ed25519} extra words\n`);
  });

  it("that is not known is refused, with all that is needed to make it known", async () => {
    const server = await started();
    for (const lines of [undefined, "", `other ${ed25519}\n`, `@cert-authority * ${ed25519}\n`]) {
      const error = await failure(visit(server, lines));
      expect(error.code).toBe("HOST_KEY_UNKNOWN");
      expect(error.message).toContain(`ssh-ed25519 ${fingerprint("ed25519")}`);
      expect(error.report().next).toContain(`[127.0.0.1]:${server.port} ${ed25519}`);
      expect(error.report().data).toMatchObject({ type: "ssh-ed25519", fingerprint: fingerprint("ed25519") });
    }
    const { next } = (await failure(visit(server, ""))).report();
    await visit(server, `${next.slice(next.indexOf("["))}\n`);
  });

  it("is checked before anything is said about who we are", async () => {
    const server = await started({ demands: ["password"] });
    await failure(visit(server, "", { password: PASSWORD }));
    await failure(visit(server, undefined, { password: PASSWORD, fingerprint: fingerprint("rsa") }));
    expect(server.attempts).toEqual([]);
  });

  it("that has changed is refused in stronger words, with the line that it contradicts", async () => {
    const server = await started();
    const old = publicLine(hostKeys.rsa).replace("ssh-rsa", "");
    const other = Buffer.from(ed25519.split(" ")[1] ?? "", "base64");
    other.writeUInt8(other.readUInt8(40) ^ 1, 40);
    const error = await failure(visit(server, `x${old}\nHOST ssh-ed25519 ${other.toString("base64")}\n`));
    expect([error.code, error.message]).toEqual(["HOST_KEY_UNKNOWN", expect.stringMatching(/HAS CHANGED.*line 2 of/)]);
    expect(error.message).toContain(fingerprint("ed25519"));
    expect(error.message).toContain(fingerprintOf(other));
    expect(server.attempts).toEqual([]);
  });

  it("of another type than the known one is unknown, and the known type is named", async () => {
    const server = await started();
    const error = await failure(visit(server, `HOST ${rsa}\n`));
    expect(error.message).toMatch(/is not known: ssh-ed25519 .* has only ssh-rsa for this host/);
  });

  it("for the host under another port is no proof of a change", async () => {
    const server = await started();
    const other = Buffer.from(ed25519.split(" ")[1] ?? "", "base64");
    other.writeUInt8(other.readUInt8(40) ^ 1, 40);
    expect((await failure(visit(server, `127.0.0.1 ssh-ed25519 ${other.toString("base64")}\n`))).message).toContain("is not known");
    const both = await failure(visit(server, `HOST ssh-ed25519 ${other.toString("base64")}\n127.0.0.1 ${ed25519}\n`));
    expect(both.message).toContain("HAS CHANGED");
  });

  it("that is revoked is refused, also when another line knows it", async () => {
    const server = await started();
    for (const lines of [`HOST ${ed25519}\n@revoked * ${ed25519}\n`, `@revoked 127.0.0.1 ${ed25519}\n127.0.0.1 ${ed25519}\n`]) {
      const error = await failure(visit(server, lines));
      expect([error.code, error.message]).toEqual(["HOST_KEY_UNKNOWN", expect.stringContaining("revoked")]);
    }
    await visit(server, `HOST ${ed25519}\n@revoked * ${rsa}\n`);
  });

  it("is asked for in a type that is known", async () => {
    const server = await started({ keys: ["ed25519", "ecdsa", "rsa"] });
    await visit(server, `HOST ${rsa}\n`);
    await visit(server, `HOST ${ecdsa}\n`);
    await visit(server, `127.0.0.1 ${rsa}\n`);
    const error = await failure(visit(server, `HOST ${rsa}\n@revoked * ${rsa}\n`));
    expect(error.message).toContain("revoked");
  });

  it("that is pinned is accepted with and without prefix and padding, whatever the file says", async () => {
    const server = await started();
    const pin = fingerprint("ed25519");
    for (const form of [pin, pin.slice("SHA256:".length), `${pin}=`, ` ${pin}\n`])
      await visit(server, `@revoked * ${ed25519}\n`, { fingerprint: form });
    expect(server.connected).toBe(4);
  });

  it("that is pinned is found among the host's keys of several types", async () => {
    const server = await started({ keys: ["ed25519", "ecdsa", "rsa"] });
    for (const name of ["ed25519", "ecdsa", "rsa"] as const) await visit(server, undefined, { fingerprint: fingerprint(name) });
  });

  it("other than the pinned one is refused, also when the file knows it", async () => {
    const server = await started();
    const error = await failure(visit(server, `HOST ${ed25519}\n`, { fingerprint: fingerprint("rsa") }));
    expect([error.code, error.message]).toEqual(["HOST_KEY_UNKNOWN", expect.stringContaining(`but ${fingerprint("rsa")} is pinned`)]);
    expect(error.message).toContain(`ssh-ed25519 ${fingerprint("ed25519")}`);
    expect(server.attempts).toEqual([]);
  });

  it("can't be pinned by something that is not a fingerprint", async () => {
    const server = await started();
    for (const wrong of ["", "SHA256:", "16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48", "yes"])
      expect((await failure(visit(server, `HOST ${ed25519}\n`, { fingerprint: wrong }))).code).toBe("CONFIG_INVALID");
  });

  it("is looked up in ~/.ssh/known_hosts when no file is named", async () => {
    const server = await started();
    vi.stubEnv("HOME", server.folder);
    mkdirSync(join(server.folder, ".ssh"));
    const { knownHosts: _, ...target } = server.target();
    const unknown = new Ssh2().open(target);
    expect((await failure(unknown.exec(["true"], { signal }))).message).toContain(join(server.folder, ".ssh", "known_hosts"));
    server.file(".ssh/known_hosts", `[127.0.0.1]:${server.port} ${ed25519}\n`);
    const ssh = new Ssh2().open(target);
    cleanups.push(() => ssh.close());
    expect((await ssh.exec(["true"], { signal })).exitCode).toBe(0);
  });

  it("can't be checked with a file that can't be read", async () => {
    const server = await started();
    const error = await failure(visit(server, undefined, { knownHosts: server.folder }));
    expect([error.code, error.message]).toEqual(["HOST_KEY_UNKNOWN", expect.stringContaining("EISDIR")]);
  });
});

/** What a program prints, or nothing where it is not installed. */
function run(program: string, ...words: string[]): string | undefined {
  try {
    return execFileSync(program, words, { stdio: ["ignore", "pipe", "ignore"] }).toString();
  } catch {
    return undefined;
  }
}
