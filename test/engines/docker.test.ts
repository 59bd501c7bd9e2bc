import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProxMcp, type ProxMcp } from "proxmcp";
import docker from "proxmcp/plugins/docker";
import { testProvider } from "proxmcp/testing";
import { conformance, type Subject } from "../conformance.js";
import { dockerScenario, swarmScenario } from "../conformance/docker.js";
import { withClosedSshd } from "./closed-sshd.js";
import { withSwarm } from "./docker-swarm.js";
import { file, withEngine } from "./engines.js";

const real = (name: string, connection: Record<string, unknown>, close = async (): Promise<void> => {}): Subject => ({
  name,
  provider: "docker",
  start: async () => ({ connection, close }),
});

const folder = mkdtempSync(join(tmpdir(), "pmdk-engines-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A port that nothing listens on. */
const freePort = (): number => 20_000 + ((process.pid * 7 + Math.floor(Math.random() * 1000)) % 20_000);

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let left = 200; left > 0; left -= 1) {
    if (condition()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`${what} did not happen`);
}

const opened = async (connections: Record<string, Record<string, unknown>>): Promise<ProxMcp> =>
  await createProxMcp({
    plugins: ["docker"],
    connections: Object.fromEntries(Object.entries(connections).map(([name, options]) => [name, { provider: "docker", ...options }])),
    log: { level: "silent" },
  });

withEngine("docker", ({ socket, url, image }) => {
  withEngine("registry", (registry) => {
    const address = registry.url.replace(/^https?:\/\//, "");
    conformance(real("real docker over its socket", { socket }), dockerScenario({ image, registry: address }));
    if (url) conformance(real("real docker over tcp", { url }), dockerScenario({ image, registry: address }));

    describe("a registry that wants a login", () => {
      // bcrypt of the password, as htpasswd writes it
      const user = "pmdk";
      const password = "planted-registry-password";
      const port = freePort();
      const host = `127.0.0.1:${port}`;
      let stop = (): void => {};

      beforeAll(async () => {
        const hash = execFileSync("perl", ["-e", "print crypt($ARGV[0], q($2y$05$abcdefghijklmnopqrstuu))", password]).toString();
        writeFileSync(join(folder, "htpasswd"), `${user}:${hash}\n`);
        writeFileSync(
          join(folder, "registry.yml"),
          `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}/registry}}\nhttp: {addr: "${host}"}\nauth: {htpasswd: {realm: test, path: ${folder}/htpasswd}}\n`,
        );
        const server = spawn("docker-registry", ["serve", join(folder, "registry.yml")], { stdio: "ignore" });
        stop = () => void server.kill();
        await until(() => answers(`http://${host}/v2/`), "the start of the registry");
      });
      afterAll(() => stop());

      const answers = (address: string): boolean => {
        try {
          execFileSync("curl", ["-s", "--noproxy", "*", "-o", "/dev/null", address]);
          return true;
        } catch {
          return false;
        }
      };

      const reference = `${host}/pmdk/private:${process.pid}`;
      const pushAndPull = async (app: ProxMcp): Promise<void> => {
        const call = async (tool: string, args: Record<string, unknown>) => await app.call(`docker_image_${tool}`, args, { confirm: true });
        await call("tag", { name: image, new_name: reference });
        await call("push", { name: reference });
        await call("delete", { name: reference });
        await call("pull", { image: reference });
        await call("delete", { name: reference });
      };

      it("refuses without one, and the error says what to do", async () => {
        const app = await opened({ engine: { socket } });
        await expect(pushAndPull(app)).rejects.toMatchObject({ code: "FORBIDDEN", details: { next: expect.stringContaining("`registries`") } });
        await app.close();
      });
      afterAll(async () => {
        const app = await opened({ engine: { socket } });
        await app.call("docker_image_delete", { name: reference }, { confirm: true }).catch(() => {});
        await app.close();
      });

      it("takes the login of the connection", async () => {
        const app = await opened({ engine: { socket, registries: { [host]: { username: user, password } } } });
        await pushAndPull(app);
        await app.close();
      });

      it("takes the login of the docker command, from its file or from its helper", async () => {
        const before = { ...process.env };
        try {
          process.env["DOCKER_CONFIG"] = folder;
          writeFileSync(
            join(folder, "config.json"),
            JSON.stringify({ auths: { [host]: { auth: Buffer.from(`${user}:${password}`).toString("base64") } } }),
          );
          const app = await opened({ engine: { socket } });
          await pushAndPull(app);
          writeFileSync(join(folder, "config.json"), JSON.stringify({ credHelpers: { [host]: "pmdk" } }));
          writeFileSync(
            join(folder, "docker-credential-pmdk"),
            `#!/bin/sh\nread host\n[ "$1 $host" = "get ${host}" ] || exit 1\necho '{"Username":"${user}","Secret":"${password}"}'\n`,
          );
          chmodSync(join(folder, "docker-credential-pmdk"), 0o755);
          process.env["PATH"] = `${folder}:${before["PATH"]}`;
          await pushAndPull(app);
          await app.close();
        } finally {
          process.env["DOCKER_CONFIG"] = before["DOCKER_CONFIG"] ?? "";
          process.env["PATH"] = before["PATH"];
        }
      });
    });
  });

  describe("three engines, one of them dead", () => {
    it("leave the others' lists whole", async () => {
      const app = await opened({ one: { socket }, two: { url }, dead: { url: `tcp://127.0.0.1:${freePort()}` } });
      const { items, errors } = (await app.call("docker_container_list", { limit: 1000 })) as {
        items: { host: string; name: string }[];
        errors: object[];
      };
      const names = (host: string): string[] => items.filter((item) => item.host === host).map(({ name }) => name);
      expect(names("one").length).toBeGreaterThan(0);
      expect(names("one")).toEqual(names("two"));
      expect(errors).toEqual([expect.objectContaining({ connection: "dead", code: "UNREACHABLE" })]);
      await app.close();
    });
  });

  describe("a log of 100,000 lines", () => {
    it("stays within its bound and says how to get the rest", async () => {
      const app = await opened({ engine: { socket } });
      const name = `pmdk-${process.pid}-log`;
      try {
        await app.call("docker_container_create", { name, image, command: ["sh", "-c", "seq 1 100000 >&2; seq 1 100000"] });
        await app.call("docker_container_wait", { name, timeout: 60 });
        const before = process.memoryUsage().arrayBuffers;
        const answer = (await app.call("docker_container_logs", { name, tail: 100_000, max_output: 5000 })) as {
          result: { output: { text: string }[]; truncated: boolean };
          notes: string[];
        };
        expect(answer.result.truncated).toBe(true);
        expect(answer.result.output.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(5000);
        expect(answer.result.output.at(-1)?.text).toMatch(/100000\n$/);
        expect(answer.notes).toEqual([expect.stringMatching(/larger max_output, or until/)]);
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
      } finally {
        await app.call("docker_container_delete", { name, force: true }, { confirm: true });
        await app.close();
      }
    });
  });

  withEngine("sshd", (ssh) => {
    const key = file(ssh.key);
    const { knownHosts, port, user } = ssh;
    conformance(real("real docker over SSH", { url: `ssh://${user}@127.0.0.1:${port}`, key, knownHosts }), dockerScenario({ image }));
    describe("real docker over SSH, its socket named and the host key pinned", () => {
      const connection = { url: `ssh://root@127.0.0.1:${port}${socket}`, key, fingerprint: ssh.hostKeySha256 };
      void testProvider(docker, { test: it, connection });
    });

    describe("an SSH server that forwards nothing", () => {
      const closed = withClosedSshd(ssh);
      conformance(
        real("is passed with docker system dial-stdio", { url: `ssh://root@127.0.0.1:${closed.port}`, key, knownHosts: closed.knownHosts }),
        dockerScenario({ image }),
      );
    });
  });
});

withEngine("dockerTls", ({ url, ca, cert, key, image, socket }) => {
  const connection = { url, ca: file(ca), cert: file(cert), key: file(key) };
  conformance(real("real docker over mutual TLS", connection), dockerScenario({ image }));

  describe("a swarm", () => {
    const name = `pmdk-${process.pid}`;
    withSwarm(socket, name, image);
    conformance(real("real docker as a manager", connection), swarmScenario({ service: name }));
  });
});
