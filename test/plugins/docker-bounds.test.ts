import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serveSandbox } from "proxmcp/testing";
import { basesOf, ignores, packContext } from "../../plugins/docker/build.js";
import { FrameDecoder } from "../../plugins/docker/frames.js";
import { readLogs } from "../../plugins/docker/logs.js";
import { maskedText, maskedVariable } from "../../plugins/docker/masking.js";
import { Head, Tail } from "../../plugins/docker/output.js";
import { sizeText } from "../../plugins/docker/words.js";
import { unpacked } from "../../plugins/docker/sandbox/files.js";
import { clientOf, dock } from "./docker-harness.js";

const signal = new AbortController().signal;

/** One frame of the engine's stream. */
function frame(kind: number, text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = kind;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

describe("a log of 100,000 lines", () => {
  const LINES = 100_000;
  const line = (at: number): string => `${String(at).padStart(6, "0")} a line as programs write them, again and again\n`;

  it("takes no more memory than it may, whatever passes through", () => {
    const limit = 10_000;
    const kept = new Tail(limit);
    const frames = new FrameDecoder((stream, bytes) => kept.push(stream, bytes));
    let passed = 0;
    for (let at = 0; at < LINES; at += 1) {
      const piece = frame(at % 2 ? 1 : 2, line(at));
      passed += piece.length;
      frames.push(piece);
    }
    expect(passed).toBeGreaterThan(5_000_000);
    expect(kept.most).toBeLessThanOrEqual(limit + 100);
    const text = kept
      .passages()
      .map((passage) => passage.text)
      .join("");
    expect(text.endsWith(line(LINES - 1))).toBe(true);
    expect(text.length).toBeLessThanOrEqual(limit);
    expect(kept.truncated).toBe(true);
  });

  it("that comes in one frame of its own is held to the bound as well", () => {
    const kept = new Tail(1000);
    const frames = new FrameDecoder((stream, bytes) => kept.push(stream, bytes));
    const whole = frame(1, line(1).repeat(LINES));
    for (let at = 0; at < whole.length; at += 65_536) frames.push(whole.subarray(at, at + 65_536));
    expect(kept.most).toBeLessThanOrEqual(1000 + 65_536);
  });

  it("is read to its end without being kept, over the wire", async () => {
    let sent = 0;
    const server = await serveSandbox(({ path }) => {
      if (path === "/_ping") return { status: 200, headers: { "api-version": "1.47" }, body: "OK" };
      const body = (async function* () {
        for (let at = 0; at < LINES; at += 1000) {
          const chunk = Buffer.concat(Array.from({ length: 1000 }, (_, step) => frame(1, line(at + step))));
          sent += chunk.length;
          yield chunk;
        }
      })();
      return { status: 200, headers: { "content-type": "application/vnd.docker.multiplexed-stream" }, body };
    });
    const client = clientOf({ url: server.url });
    const log = await readLogs(client, "/containers/x", "container x", { tail: LINES, timestamps: false, maxOutput: 2000 }, signal);
    expect(sent).toBeGreaterThan(5_000_000);
    expect(log.truncated).toBe(true);
    expect(log.output[0]?.text.length).toBeLessThanOrEqual(2000);
    expect(log.output[0]?.text.endsWith(line(LINES - 1))).toBe(true);
    await client.close();
    await server.close();
  });

  it("of a command is cut at its end, and the command goes on", () => {
    const kept = new Head(1000);
    for (let at = 0; at < LINES; at += 1) kept.push(Buffer.from(line(at)));
    expect([kept.held, kept.truncated, kept.text().startsWith(line(0))]).toEqual([1000, true, true]);
  });
});

describe("a large file in a container", () => {
  it("is read in parts, and the transfer ends with the part", async () => {
    const host = await dock();
    const content = "0123456789".repeat(20_000);
    await host.run("container", "files_write", "shop-web", { path: "/tmp/big", content });
    const first = await host.run("container", "files_read", "shop-web", { path: "/tmp/big", max_output: 1000 });
    expect(first).toMatchObject({ truncated: true, next_offset: 1000, size: 200_000, content: content.slice(0, 1000) });
    expect(host.notes.at(-1)).toMatch(/199000 bytes are left: go on with offset 1000/);
    const last = await host.run("container", "files_read", "shop-web", { path: "/tmp/big", offset: 199_995, max_output: 1000 });
    expect(last).toMatchObject({ content: "56789", truncated: false });
    await host.close();
  });
});

describe("a build's context", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "docker-context-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("leaves out what .dockerignore says, and nothing else", () => {
    const ignored = ignores(
      "# a comment\n**/*.log\n!deep/keep.log\nnode_modules\n/only-here\n./dot.txt\nfile?.tmp\n*/two\nDockerfile\nwith.dots\nset[0-9]\n\n",
      ["Dockerfile"],
    );
    const out = ["a.log", "deep/x/a.log", "node_modules/x/y", "only-here", "dot.txt", "file1.tmp", "a/two", "with.dots", "set7"];
    const kept = ["deep/keep.log", "deep/only-here", "a.logx", "file12.tmp", "a/b/two", "two", "Dockerfile", "withXdots", "setx", "src/index.js"];
    expect(out.filter((path) => !ignored(path))).toEqual([]);
    expect(kept.filter(ignored)).toEqual([]);
  });

  it("carries files, folders and links with their modes, and inline files over them", async () => {
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "sub", "run.sh"), "#!/bin/sh\n", { mode: 0o755 });
    writeFileSync(join(folder, "empty"), "");
    writeFileSync(join(folder, "big"), Buffer.alloc(300_000, 7));
    symlinkSync("sub/run.sh", join(folder, "link"));
    const chunks: Buffer[] = [];
    for await (const chunk of await packContext(folder, "Dockerfile", { "added.txt": "inline" })) chunks.push(chunk as Buffer);
    const entries = Object.fromEntries((await unpacked(Buffer.concat(chunks))).map(({ header, content }) => [header.name, { header, content }]));
    expect(Object.keys(entries).sort()).toEqual(["added.txt", "big", "empty", "link", "sub", "sub/run.sh"]);
    expect(entries["sub/run.sh"]?.header.mode).toBe(0o755);
    expect(entries["link"]?.header).toMatchObject({ type: "symlink", linkname: "sub/run.sh" });
    expect(entries["big"]?.content.length).toBe(300_000);
    expect(entries["added.txt"]?.content.toString()).toBe("inline");
  });

  it("takes no inline file that would lie outside of it", async () => {
    const read = async (name: string): Promise<void> => {
      for await (const _ of await packContext(undefined, "Dockerfile", { [name]: "" })) void _;
    };
    await expect(read("../x")).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(read("/etc/x")).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  it("names its base images, for which logins may be needed", () => {
    expect(basesOf("FROM --platform=linux/amd64 ghcr.io/a/b:1 AS build\nfrom scratch\nFROM $BASE\nRUN echo FROM x\n FROM alpine")).toEqual([
      "ghcr.io/a/b:1",
      "alpine",
    ]);
  });
});

describe("what looks secret", () => {
  it("is masked by its name, or as a login within an address", () => {
    const masked: Record<string, string> = {
      "DB_PASSWORD=x": "DB_PASSWORD=[secret]",
      "AWS_SECRET_ACCESS_KEY=x": "AWS_SECRET_ACCESS_KEY=[secret]",
      "GITHUB_TOKEN=x": "GITHUB_TOKEN=[secret]",
      "api_key=x": "api_key=[secret]",
      "REGISTRY_AUTH=x": "REGISTRY_AUTH=[secret]",
      "URL=postgres://me:pw@db:5432/x": "URL=postgres://[secret]@db:5432/x",
      "KEY=-----BEGIN RSA PRIVATE KEY-----\nx": "KEY=[secret]",
      "EMPTY_PASSWORD=": "EMPTY_PASSWORD=",
      "AUTHOR=me": "AUTHOR=me",
      "PLAIN=a=b": "PLAIN=a=b",
      NOVALUE: "NOVALUE",
    };
    for (const [variable, shown] of Object.entries(masked)) expect(maskedVariable(variable), variable).toBe(shown);
    expect(maskedText("redis-server --requirepass=hunter2 --port 6379 --auth-token hunter3")).toBe(
      "redis-server --requirepass=[secret] --port 6379 --auth-token [secret]",
    );
  });
});

it("sizes are read as people say them", () => {
  expect([0, 999, 1000, 1_250_000, 187_000_000, 3.2e12].map(sizeText)).toEqual(["0 bytes", "999 bytes", "1 kB", "1.3 MB", "187 MB", "3.2 TB"]);
});
