import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProxMcp, LOGGER, type ProxMcp } from "proxmcp";
import { authHeader, buildAuthHeader, registryOf } from "../../plugins/docker/registry-auth.js";
import { PRIVATE_LOGIN } from "../../plugins/docker/sandbox/image-store.js";
import { start } from "../../plugins/docker/sandbox/index.js";
import { clientOf } from "./docker-harness.js";

const signal = new AbortController().signal;
const before = { ...process.env };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "docker-config-"));
  process.env["DOCKER_CONFIG"] = folder;
});
afterEach(() => {
  for (const name of ["DOCKER_CONFIG", "PATH"])
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  rmSync(folder, { recursive: true, force: true });
});

const config = (value: object): void => writeFileSync(join(folder, "config.json"), JSON.stringify(value));
const basic = (user: string, password: string) => ({ auth: Buffer.from(`${user}:${password}`).toString("base64") });

/** What the engine would read from the header. */
async function login(reference: string, registries?: object): Promise<unknown> {
  const client = clientOf({ socket: "/none", ...(registries ? { registries } : {}) });
  const { "x-registry-auth": header } = await authHeader(client, reference, signal);
  await client.close();
  return header === undefined ? undefined : JSON.parse(Buffer.from(header, "base64url").toString("utf8"));
}

function helper(name: string, script: string): void {
  const file = join(folder, `docker-credential-${name}`);
  writeFileSync(file, `#!/bin/sh\nread host\n${script}\n`);
  chmodSync(file, 0o755);
  process.env["PATH"] = `${folder}:${before["PATH"]}`;
}

describe("the registry of a reference", () => {
  it("is what looks like a host before the first slash", () => {
    const of = { nginx: "docker.io", "a/b:1": "docker.io", "ghcr.io/a/b": "ghcr.io", "localhost/a": "localhost", "r:5000/a@sha256:1": "r:5000" };
    for (const [reference, host] of Object.entries(of)) expect(registryOf(reference), reference).toBe(host);
  });
});

describe("the login for a registry", () => {
  it("is that of the connection before that of the docker command", async () => {
    config({ auths: { "ghcr.io": basic("file", "a:b") } });
    expect(await login("ghcr.io/a/b")).toEqual({ username: "file", password: "a:b", serveraddress: "ghcr.io" });
    expect(await login("ghcr.io/a/b", { "ghcr.io": { username: "own", password: "pw" } })).toMatchObject({ username: "own", password: "pw" });
    expect(await login("quay.io/a/b")).toBeUndefined();
  });

  it("is found however its address is written, and for Docker Hub under its old one", async () => {
    config({
      auths: { "https://r.example:5000/v2/": basic("u", "p"), "https://index.docker.io/v1/": basic("hub", "p"), "t.example": { identitytoken: "T" } },
    });
    expect(await login("r.example:5000/a")).toMatchObject({ username: "u" });
    expect(await login("nginx")).toMatchObject({ username: "hub", serveraddress: "https://index.docker.io/v1/" });
    expect(await login("t.example/a")).toEqual({ identitytoken: "T", serveraddress: "t.example" });
  });

  it("comes from the program that keeps it", async () => {
    config({ credHelpers: { "ghcr.io": "keeper" }, credsStore: "store" });
    helper("keeper", `echo '{"Username":"kept","Secret":"for '$host'"}'`);
    helper("store", `echo '{"Username":"<token>","Secret":"tok"}'`);
    expect(await login("ghcr.io/a")).toMatchObject({ username: "kept", password: "for ghcr.io" });
    expect(await login("quay.io/a")).toEqual({ identitytoken: "tok", serveraddress: "quay.io" });
  });

  it("is none where the program fails, talks nonsense, is missing or has a name that is no name", async () => {
    const none = async (name: string): Promise<void> => {
      config({ credHelpers: { "ghcr.io": name }, auths: { "ghcr.io": basic("file", "p") } });
      expect(await login("ghcr.io/a"), name).toMatchObject({ username: "file" });
    };
    helper("fails", "echo 'credentials not found in native keychain'; exit 1");
    helper("nonsense", "echo hello");
    helper("endless", "yes");
    for (const name of ["fails", "nonsense", "endless", "missing", "../evil"]) await none(name);
    writeFileSync(join(folder, "config.json"), "{");
    expect(await login("ghcr.io/a")).toBeUndefined();
  });

  it("is written as older engines want it: base64 with its padding", async () => {
    const client = clientOf({ socket: "/none", registries: { "r.example": { username: "u", password: "?>~" } } });
    const { "x-registry-auth": header = "" } = await authHeader(client, "r.example/a", signal);
    expect(header.length % 4).toBe(0);
    expect(header).toMatch(/^[\w-]+=*$/);
    expect(await authHeader(client, "other.example/a", signal, true)).toEqual({ "x-registry-auth": "e30=" });
    const build = await buildAuthHeader(client, ["r.example", "none.example"], signal);
    expect(JSON.parse(Buffer.from(build["x-registry-config"] ?? "", "base64url").toString())).toMatchObject({ "r.example": { username: "u" } });
    expect(await buildAuthHeader(client, ["none.example"], signal)).toEqual({});
    await client.close();
  });
});

describe("a private registry", () => {
  const image = "registry.example/private/tool:1";

  async function open(options: object, said: string[] = []): Promise<{ app: ProxMcp; close(): Promise<void>; sent(): unknown[] }> {
    const sandbox = await start({
      taskTime: 5,
      estate: { images: [], registry: [{ reference: image, size: 1e6, age: 10, command: ["sh"] }] },
    });
    const log = (message: string, facts?: object): void => void said.push(JSON.stringify([message, facts]));
    const app = await createProxMcp({
      plugins: ["docker"],
      connections: { engine: { provider: "docker", ...sandbox.connection, ...options } },
      audit: { file: join(folder, "audit") },
      log: { level: "debug" },
      services: (container) => container.register(LOGGER, { useValue: { debug: log, info: log, warn: log, error: log } }),
    });
    const close = async (): Promise<void> => {
      await app.close();
      await sandbox.close();
    };
    return { app, close, sent: () => sandbox.requests.map(({ headers }) => headers["x-registry-auth"]) };
  }

  it("opens for the login, which is nowhere to be read afterwards", async () => {
    const said: string[] = [];
    const { app, close } = await open({ registries: { "registry.example": PRIVATE_LOGIN } }, said);
    const answers = [await app.call("docker_image_pull", { image }), await app.call("docker_image_push", { name: image })];
    const failed = await app.call("docker_image_pull", { image: "registry.example/private/none:1" }).catch((error: unknown) => error);
    await close();
    const read = JSON.stringify([
      answers,
      said,
      failed,
      (failed as Error).message,
      (failed as Error).stack,
      readFileSync(join(folder, "audit"), "utf8"),
    ]);
    expect(read).toContain("registry.example/private/tool:1");
    const { password } = PRIVATE_LOGIN;
    for (const form of [
      password,
      Buffer.from(password).toString("base64").slice(0, -4),
      Buffer.from(`${PRIVATE_LOGIN.username}:${password}`).toString("base64"),
    ])
      expect(read).not.toContain(form);
  });

  it("opens for the login of the docker command, too, which is as little to be read", async () => {
    config({ auths: { "registry.example": basic(PRIVATE_LOGIN.username, PRIVATE_LOGIN.password) } });
    const said: string[] = [];
    const { app, close, sent } = await open({}, said);
    await app.call("docker_image_pull", { image });
    const failed = await app.call("docker_image_pull", { image: "registry.example/private/none:1" }).catch((error: unknown) => error);
    await close();
    expect(sent().some(Boolean)).toBe(true);
    expect(JSON.stringify([said, failed, (failed as Error).message, readFileSync(join(folder, "audit"), "utf8")])).not.toContain(
      PRIVATE_LOGIN.password,
    );
  });

  it("stays shut without one, and the error says what to do", async () => {
    const { app, close } = await open({});
    await expect(app.call("docker_image_pull", { image })).rejects.toMatchObject({
      code: "FORBIDDEN",
      details: { next: expect.stringContaining("docker login") },
    });
    await close();
  });
});
