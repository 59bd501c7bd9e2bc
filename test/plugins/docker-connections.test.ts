import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProxMcp } from "proxmcp";
import type { Sandbox } from "proxmcp/plugin";
import { foundConnections } from "../../plugins/docker/contexts.js";
import docker from "../../plugins/docker/index.js";
import { sshAddress } from "../../plugins/docker/road.js";
import { start } from "../../plugins/docker/sandbox/index.js";

let home: string;
const sandboxes: Sandbox[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "docker-home-"));
});
afterEach(async () => {
  rmSync(home, { recursive: true, force: true });
  await Promise.all(sandboxes.splice(0).map((sandbox) => sandbox.close()));
});

const idOf = (name: string): string => createHash("sha256").update(name).digest("hex");

/** Writes a context as the docker command does. */
function context(name: string, host: string, more: { skip?: boolean; tls?: Record<string, string> } = {}): void {
  const meta = join(home, ".docker", "contexts", "meta", idOf(name));
  mkdirSync(meta, { recursive: true });
  writeFileSync(
    join(meta, "meta.json"),
    JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker: { Host: host, SkipTLSVerify: more.skip ?? false } } }),
  );
  const tls = join(home, ".docker", "contexts", "tls", idOf(name), "docker");
  mkdirSync(tls, { recursive: true });
  for (const [file, text] of Object.entries(more.tls ?? {})) writeFileSync(join(tls, file), text);
}

async function sandbox(options: Parameters<typeof start>[0] = {}): Promise<Sandbox> {
  const started = await start(options);
  sandboxes.push(started);
  return started;
}

describe("contexts of the docker command", () => {
  it("are connections, with their certificates", async () => {
    context("prod", "tcp://10.0.0.1:2376", { tls: { "ca.pem": "C", "cert.pem": "C", "key.pem": "K" } });
    context("lab+1", "tcp://10.0.0.2:2376", { skip: true, tls: { "cert.pem": "only half a pair" } });
    context("edge", "ssh://ops@edge:2222");
    context("local", "unix:///run/x.sock");
    context("windows", "npipe:////./pipe/docker_engine");
    context("broken", "tcp://");
    writeFileSync(join(home, ".docker", "contexts", "meta", idOf("broken"), "meta.json"), "{");
    const tls = join(home, ".docker", "contexts", "tls", idOf("prod"), "docker");
    const file = (name: string) => ({ file: join(tls, name) });
    expect(await foundConnections({ HOME: home })).toEqual([
      { name: "edge", from: "the docker context edge", options: { url: "ssh://ops@edge:2222" } },
      { name: "lab-1", from: "the docker context lab+1", options: { url: "tcp://10.0.0.2:2376", verify: false } },
      { name: "local", from: "the docker context local", socket: "/run/x.sock", options: { socket: "/run/x.sock" } },
      {
        name: "prod",
        from: "the docker context prod",
        options: { url: "tcp://10.0.0.1:2376", ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem") },
      },
      expect.objectContaining({ name: "docker-desktop" }),
      expect.objectContaining({ name: "docker", socket: `${home}/.docker/run/docker.sock` }),
    ]);
  });

  it("prefer the one that is in use, or that DOCKER_CONTEXT names", async () => {
    context("a", "tcp://10.0.0.1:2375");
    context("b", "tcp://10.0.0.2:2375");
    const preferred = async (env: Record<string, string>): Promise<string[]> =>
      (await foundConnections({ HOME: home, ...env })).filter((one) => one.preferred).map(({ name }) => name);
    expect(await preferred({})).toEqual([]);
    writeFileSync(join(home, ".docker", "config.json"), JSON.stringify({ currentContext: "b" }));
    expect(await preferred({})).toEqual(["b"]);
    expect(await preferred({ DOCKER_CONTEXT: "a" })).toEqual(["a"]);
    expect(await preferred({ DOCKER_CONFIG: join(home, "elsewhere") })).toEqual([]);
  });

  it("work without a word of config: each is asked for a list, the preferred one for what names none", async () => {
    const [one, two] = [await sandbox(), await sandbox({ estate: "empty" })];
    context("one", String(one.connection["url"]));
    context("two", String(two.connection["url"]));
    const env = { HOME: home, DOCKER_CONTEXT: "two" };
    const app = await createProxMcp({ plugins: [{ ...docker, connection: { ...docker.connection, local: [] } }], env, log: { level: "silent" } });
    expect(app.connections.map(({ name, from }) => [name, from])).toEqual([
      ["one", "the docker context one"],
      ["two", "the docker context two"],
    ]);
    await app.call("docker_volume_create", { name: "here" });
    expect(two.requests.some(({ path }) => path.endsWith("/volumes/create"))).toBe(true);
    expect(one.requests.some(({ path }) => path.endsWith("/volumes/create"))).toBe(false);
    const { items } = (await app.call("docker_container_list", { limit: 100 })) as { items: { host: string }[] };
    expect(new Set(items.map(({ host }) => host))).toEqual(new Set(["one"]));
    await app.close();
  });

  it("are left alone where DOCKER_HOST or a config says where to go", async () => {
    const [one, two] = [await sandbox(), await sandbox()];
    context("one", String(one.connection["url"]));
    const app = await createProxMcp({
      plugins: ["docker"],
      env: { HOME: home, DOCKER_HOST: String(two.connection["url"]) },
      log: { level: "silent" },
    });
    expect(app.connections.map(({ from }) => from)).toEqual(["DOCKER_HOST"]);
    await app.close();
  });

  it("of rootless engines are used only where something answers", async () => {
    const run = join(home, "run");
    mkdirSync(join(run, "podman"), { recursive: true });
    await sandbox({ socket: join(run, "podman", "podman.sock") });
    const plugin = { ...docker, connection: { ...docker.connection, local: [] } };
    const app = await createProxMcp({ plugins: [plugin], env: { HOME: home, XDG_RUNTIME_DIR: run }, log: { level: "silent" } });
    expect(app.connections.map(({ name }) => name)).toEqual(["podman-rootless"]);
    expect(await app.call("docker_system_info")).toMatchObject({ result: { name: "dock1" } });
    await app.close();
  });
});

describe("an ssh:// address", () => {
  it("has a host, and perhaps a user, a port and a socket", () => {
    expect(sshAddress("ssh://ops@host")).toEqual({ host: "host", user: "ops" });
    expect(sshAddress("ssh://ops@host:2222/run/user/1000/docker.sock")).toEqual({
      host: "host",
      user: "ops",
      port: 2222,
      path: "/run/user/1000/docker.sock",
    });
    expect(sshAddress("ssh://[::1]/").host).toBe("::1");
    expect(sshAddress("ssh://host").user).not.toBe("");
  });
});
