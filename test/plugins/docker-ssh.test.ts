import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createProxMcp, type ProxMcp } from "proxmcp";
import type { Sandbox } from "proxmcp/plugin";
import { start } from "../../plugins/docker/sandbox/index.js";
import { TestServer, userKey } from "../core/ssh-server.js";

const cleanups: (() => unknown)[] = [];
const path = process.env["PATH"];
afterEach(async () => {
  process.env["PATH"] = path;
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Far {
  readonly app: ProxMcp;
  readonly server: TestServer;
  readonly sandbox: Sandbox;
}

/** An engine on the far side of an SSH server, whose commands run here. */
async function far(options: { forwarding?: boolean } = {}, program?: (socket: string) => string): Promise<Far> {
  const server = await TestServer.start(options);
  cleanups.push(() => server.close());
  const socket = join(server.folder, "docker.sock");
  const sandbox = await start({ socket, taskTime: 5 });
  cleanups.push(() => sandbox.close());
  if (program) {
    writeFileSync(join(server.folder, "docker"), program(socket));
    chmodSync(join(server.folder, "docker"), 0o755);
  }
  process.env["PATH"] = `${server.folder}:${path}`;
  const { knownHosts = "" } = server.target();
  const app = await createProxMcp({
    plugins: ["docker"],
    connections: { far: { provider: "docker", url: `ssh://ops@127.0.0.1:${server.port}${socket}`, key: userKey.private, knownHosts } },
    log: { level: "silent" },
  });
  cleanups.push(() => app.close());
  return { app, server, sandbox };
}

/** A docker command that knows `system dial-stdio` and writes down what it is called with. */
const dialing = (socket: string): string =>
  `#!${process.execPath}
const { connect } = require("node:net");
require("node:fs").appendFileSync(${JSON.stringify(`${socket}.calls`)}, process.argv.slice(2).join(" ") + "\\n");
const socket = connect(${JSON.stringify(socket)});
process.stdin.pipe(socket).pipe(process.stdout);
socket.on("close", () => process.exit(0));
`;

describe("an engine behind SSH", () => {
  it("is reached by its forwarded socket, on one connection", async () => {
    const { app, server } = await far();
    const lists = await Promise.all(["container", "image", "network", "volume"].map(async (kind) => await app.call(`docker_${kind}_list`)));
    expect(lists.every(({ total }) => Number(total) > 0)).toBe(true);
    expect(server.connected).toBe(1);
    expect(server.commands).toEqual([]);
    expect(await app.call("docker_container_exec", { name: "shop-web", command: ["cat"], stdin: "over ssh" }, { confirm: true })).toMatchObject({
      result: { stdout: "over ssh" },
    });
  });

  it("is reached by the docker command there where nothing is forwarded", async () => {
    const { app, server } = await far({ forwarding: false }, dialing);
    expect(await app.call("docker_container_get", { name: "shop-web" })).toMatchObject({ item: { name: "shop-web" } });
    expect(await app.call("docker_container_exec", { name: "shop-web", command: ["cat"], stdin: "by stdio" }, { confirm: true })).toMatchObject({
      result: { stdout: "by stdio" },
    });
    expect(server.commands[0]).toMatch(/'docker' '-H' 'unix:\/\/.*docker\.sock' 'system' 'dial-stdio'/);
  });

  it("says what is wrong when neither works", async () => {
    const { app } = await far({ forwarding: false }, () => "#!/bin/sh\necho 'docker: permission denied' >&2\nexit 1\n");
    await expect(app.call("docker_container_list")).rejects.toMatchObject({
      message: expect.stringMatching(/`docker` on .* failed: docker: permission denied/),
    });
  });

  it("has its compose projects brought up over there", async () => {
    const { app, server } = await far({}, () => '#!/bin/sh\necho said "$@"\n');
    expect(await app.call("docker_compose_project_up", { name: "shop", services: ["web"] })).toMatchObject({ item: { name: "shop" } });
    expect(server.commands.at(-1)).toMatch(
      /'docker' '-H' 'unix:\/\/.*' 'compose' '-p' 'shop' '--project-directory' '\/srv\/shop' '-f' '\/srv\/shop\/compose.yaml' 'up' '-d' 'web'/,
    );
  });
});
