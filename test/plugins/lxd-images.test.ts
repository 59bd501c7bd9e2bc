import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveSandbox } from "proxmcp/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { filing } from "../../plugins/lxd/image/files.js";
import { clientOf, failure, host } from "./lxd-harness.js";

const SERVER = "https://images.example.org";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "proxmcp-lxd-images-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe("an image of two files", () => {
  it("is exported to two, and imported from two", async () => {
    const { run, get, close } = await host();
    onTestFinished(close);
    const { key } = await run("image", "pull", "", { image: "debian/13", image_server: SERVER, aliases: ["trixie"] });
    const file = join(folder(), "trixie");
    const exported = await run("image", "export", "trixie", { file });
    expect(exported).toEqual({ file, rootfs: `${file}.root`, size: statSync(file).size + statSync(`${file}.root`).size });
    await run("image", "delete", "trixie");
    expect(await run("image", "import", "", { file, rootfs: `${file}.root`, aliases: ["back"] })).toEqual({ key });
    expect(await get("image", "back")).toMatchObject({ fingerprint: key, os: "Debian" });
  });

  it("leaves no file behind when it breaks off after the first", async () => {
    const head = (name: string): string => `--x\r\ncontent-disposition: form-data; name="${name}"; filename="${name}"\r\n\r\n`;
    const files = `${head("metadata")}whole\r\n${head("rootfs")}half`;
    const sync = (metadata: object) => ({ status: 200, body: { type: "sync", metadata } });
    const socket = join(folder(), "socket");
    const server = await serveSandbox(
      ({ path }) =>
        path.endsWith("/export")
          ? { status: 200, headers: { "content-type": "multipart/form-data; boundary=x" }, body: files }
          : sync(path.includes("/aliases/") ? { target: "ab12" } : { fingerprint: "ab12" }),
      { socket },
    );
    const client = clientOf({ socket });
    onTestFinished(async () => {
      await client.close();
      await server.close();
    });
    const file = join(folder(), "trixie");
    const args = { client, key: "trixie", input: { file }, signal: new AbortController().signal, progress: () => {} };
    const error = await failure(filing.export.run(args as never));
    expect(error).toMatchObject({ code: "INVALID_OUTPUT", message: expect.stringContaining("broke off") });
    expect([existsSync(file), existsSync(`${file}.root`)]).toEqual([false, false]);
  });
});

describe("copying an image from an image server", () => {
  it("asks the server that is meant, in its protocol", async () => {
    const { run, sent, close } = await host();
    onTestFinished(close);
    await run("image", "pull", "", { image: "ubuntu:24.04", aliases: ["noble"], type: "container" });
    expect(sent("POST")).toEqual({ name: "noble", target: expect.any(String), description: "" });
    await run("image", "pull", "", { image: "images:debian/12" });
    expect(sent("POST")).toEqual({
      source: { type: "image", mode: "pull", protocol: "simplestreams", server: "https://images.lxd.canonical.com", alias: "debian/12" },
      auto_update: false,
      public: false,
    });
  });

  it("takes an alias from another image only where that is said", async () => {
    const { run, get, close } = await host();
    onTestFinished(close);
    const error = await failure(run("image", "pull", "", { image: "images:alpine/3.21", aliases: ["alpine"] }));
    expect(error).toMatchObject({ code: "ALREADY_EXISTS", message: expect.stringContaining('the alias "alpine" names image') });
    const { key } = await run("image", "pull", "", { image: "images:alpine/3.21", aliases: ["alpine"], reuse: true });
    expect(await get("image", "alpine")).toMatchObject({ fingerprint: key, release: "3.21" });
    expect(await get("image", "alpine/3.20")).toMatchObject({ aliases: ["alpine/3.20"] });
  });

  it("passes on how far it is", async () => {
    const { run, progressed, close } = await host({ taskTime: 20 });
    onTestFinished(close);
    await run("image", "pull", "", { image: "ubuntu:24.04" });
    expect(progressed.at(-1)).toMatchObject({ total: 100 });
  });
});
