import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createProxMcp, type ProxMcp } from "proxmcp";
import type { Sandbox } from "proxmcp/plugin";
import { type Member, restartOrder } from "../../plugins/docker/compose.js";
import { start } from "../../plugins/docker/sandbox/index.js";

let folder: string;
let sandbox: Sandbox;
let app: ProxMcp;
const before = { ...process.env };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "docker-compose-"));
  sandbox = await start({ socket: join(folder, "docker.sock"), taskTime: 5 });
  app = await createProxMcp({ plugins: ["docker"], connections: { here: { provider: "docker", ...sandbox.connection } }, log: { level: "silent" } });
});
afterEach(async () => {
  process.env["PATH"] = before["PATH"];
  await app.close();
  await sandbox.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A docker command of our own, first in the path or alone in it. It writes down its arguments and where it would connect to. */
function program(script: string): void {
  writeFileSync(join(folder, "docker"), `#!/bin/sh\necho "$DOCKER_HOST|$@" >> ${folder}/calls\n${script}\n`);
  chmodSync(join(folder, "docker"), 0o755);
  process.env["PATH"] = `${folder}:${before["PATH"]}`;
}
const calls = (): string[] => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
const call = async (tool: string, args: object = {}) =>
  await app.call(`docker_compose_project_${tool}`, { name: "shop", ...args }, { confirm: true });

describe("a compose project", () => {
  it("is what the labels of its containers say", async () => {
    const { items } = (await app.call("docker_compose_project_list")) as { items: object[] };
    expect(items).toEqual([
      {
        name: "shop",
        status: "running",
        services: ["api", "cache", "db", "web"],
        containers: 4,
        running: 4,
        folder: "/srv/shop",
        files: ["/srv/shop/compose.yaml"],
      },
    ]);
  });

  it("is brought up by the plugin, with the files it was made from and this connection's socket", async () => {
    program("exit 0");
    process.env["DOCKER_HOST"] = "tcp://elsewhere:2375";
    try {
      expect(await call("up", { build: true, services: ["web"] })).toMatchObject({ item: { name: "shop" } });
    } finally {
      delete process.env["DOCKER_HOST"];
    }
    const host = `-H unix://${folder}/docker.sock`;
    expect(calls()).toEqual([
      `|${host} compose version`,
      `|${host} compose -p shop --project-directory /srv/shop -f /srv/shop/compose.yaml up -d --build web`,
    ]);
  });

  it("that is new needs a folder, and takes it", async () => {
    program("exit 0");
    await expect(app.call("docker_compose_project_up", { name: "fresh" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await app.call("docker_compose_project_up", { name: "fresh", folder: "/srv/fresh" });
    expect(calls().at(-1)).toMatch(/-p fresh --project-directory \/srv\/fresh up -d$/);
  });

  it("is taken down, and what is left is told", async () => {
    program("exit 0"); // it does nothing, so all is left
    expect(await call("down", { volumes: true, timeout: 3 })).toMatchObject({
      result: { down: false, left: ["shop-api", "shop-cache", "shop-db", "shop-web"] },
    });
    expect(calls().at(-1)).toMatch(/ down -v -t 3$/);
  });

  it("fails with the plugin's last words", async () => {
    program('[ "$4" = version ] && exit 0\necho "Container shop-web  Starting" >&2\necho "port is already allocated" >&2\nexit 17');
    await expect(call("up")).rejects.toMatchObject({
      code: "TASK_FAILED",
      message: expect.stringMatching(/Unable to bring up compose project "shop": .*port is already allocated/s),
      details: { data: { exit_code: 17 } },
    });
  });

  it("says so where the plugin is not installed", async () => {
    program("echo \"docker: 'compose' is not a docker command.\" >&2\nexit 1");
    await expect(call("up")).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringMatching(/the docker compose plugin is not installed on this machine: docker: 'compose' is not/),
      details: { next: expect.stringContaining("docker-compose-plugin") },
    });
  });

  it("says so where there is no docker command at all", async () => {
    process.env["PATH"] = join(folder, "nothing");
    await expect(call("down")).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringMatching(/there is no docker command on this machine/),
    });
  });

  it("ends with the call that it was started for", async () => {
    program('[ "$4" = version ] && exit 0\nexec sleep 60');
    const leaving = new AbortController();
    const running = app.call("docker_compose_project_up", { name: "shop" }, { signal: leaving.signal });
    setTimeout(() => leaving.abort(), 300);
    await expect(running).rejects.toMatchObject({ code: "CANCELLED" });
  });

  it("cannot be brought up through the API alone, but restarted and read it can", async () => {
    const plain = await start({ taskTime: 5 });
    const remote = await createProxMcp({
      plugins: ["docker"],
      connections: { far: { provider: "docker", ...plain.connection } },
      log: { level: "silent" },
    });
    await expect(remote.call("docker_compose_project_up", { name: "shop" })).rejects.toMatchObject({
      code: "UNSUPPORTED",
      details: { next: expect.stringContaining("ssh://") },
    });
    expect(await remote.call("docker_compose_project_restart", { name: "shop" })).toMatchObject({ item: { status: "running" } });
    const restarts = plain.requests.filter(({ path }) => path.endsWith("/restart")).map(({ path }) => path.split("/").at(-2));
    expect(restarts.slice(0, 2).sort()).toEqual(["shop-cache", "shop-db"]);
    expect(restarts.slice(2)).toEqual(["shop-api", "shop-web"]);
    await remote.close();
    await plain.close();
  });
});

describe("the order of a restart", () => {
  const member = (service: string, ...needs: string[]): Member => ({ service, needs, item: { name: service } }) as unknown as Member;
  const order = (...members: Member[]): string[][] => restartOrder(members).map((step) => step.map(({ service }) => service));

  it("is that of what needs what", () => {
    expect(order(member("web", "api"), member("api", "db"), member("db"))).toEqual([["db"], ["api"], ["web"]]);
    expect(order(member("web", "elsewhere"), member("db"))).toEqual([["web", "db"]]);
  });

  it("ends even where services need each other", () => {
    expect(order(member("a", "b"), member("b", "a"), member("c"))).toEqual([["c"], ["a", "b"]]);
  });
});
