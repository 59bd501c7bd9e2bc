import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createProxMcp, isProxMcpError, loadConfig, type ProxMcp } from "proxmcp";
import { hostKeys, publicLine, TestServer, userKey } from "../core/ssh-server.js";
import { withEngine } from "./engines.js";
import { freshLxd } from "./fresh-lxd.js";

const cli = new URL("../../dist/cli.js", import.meta.url).pathname;
const run = promisify(execFile);

interface Outcome {
  readonly result: {
    readonly name: string;
    readonly road: string;
    readonly instances: number;
    readonly file: string;
    readonly steps: readonly Row[];
  };
}
type Row = { readonly step: string; readonly outcome: string; readonly what: string };
const outcomes = ({ result: { steps } }: Outcome): string[] => steps.map(({ step, outcome }) => `${step} ${outcome}`);

/** A user of whom nothing is known: an empty config folder. */
function stranger() {
  const home = mkdtempSync(join(tmpdir(), "setup-engines-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const env = { XDG_CONFIG_HOME: home, PROXMCP_PASSPHRASE: "a battery, a horse" };
  const open = async (): Promise<ProxMcp> => {
    const { config, file, folder } = await loadConfig({ cwd: home, env });
    const app = await createProxMcp({ ...config, folder, ...(file ? { file } : {}), plugins: ["lxd"], env, log: { level: "silent" } });
    onTestFinished(() => app.close());
    return app;
  };
  return { home, env, open };
}

const asked = async (question: string): Promise<boolean> => expect.fail(question);

withEngine("lxd", ({ socket, instance, fingerprint }) => {
  withEngine("sshd", (sshd) => {
    const lxc = async (...words: string[]): Promise<string> =>
      (await run("lxc", words, { env: { ...process.env, LXD_DIR: socket.replace(/\/unix\.socket$/, "") } })).stdout;
    const name = `setup-${process.pid}`;
    const args = { target: `root@127.0.0.1:${sshd.port}`, name, key_file: sshd.key, known_hosts: sshd.knownHosts };
    /** Our certificates on the real daemon, by their fingerprints. */
    const enrolled = async (): Promise<string[]> => {
      const all = JSON.parse(await lxc("query", "/1.0/certificates?recursion=1")) as { name: string; fingerprint: string }[];
      return all.filter((one) => one.name === `proxmcp-${name}`).map((one) => one.fingerprint);
    };
    const forget = async (): Promise<void> => {
      for (const one of await enrolled()) await lxc("config", "trust", "remove", one);
    };

    describe("setting up a host with a real LXD and a real sshd", () => {
      afterAll(forget);

      it("goes from untrusted to trusted by a token, and lists; again, and nothing is done twice", async () => {
        await forget();
        const { open, home } = stranger();
        const first = (await (await open()).call("lxd_host_setup", args, { confirm: asked })) as unknown as Outcome;
        expect(outcomes(first)).toEqual(["ssh done", "detect done", "install skipped", "init skipped", "trust done", "keep done", "prove done"]);
        expect(first.result).toMatchObject({
          road: "https",
          steps: expect.arrayContaining([expect.objectContaining({ step: "trust", what: expect.stringContaining("token") })]),
        });
        expect(await enrolled()).toHaveLength(1);
        const text = readFileSync(join(home, "proxmcp", "config.yaml"), "utf8");
        expect(text).toContain(`key: { store: ${name}.key }`);
        expect(text).toContain(fingerprint);

        const app = await open();
        expect(await app.call("lxd_instance_get", { name: instance, host: name })).toMatchObject({ item: { name: instance } });
        expect(await app.call("lxd_host_test", { host: name })).toMatchObject({ result: { ok: true, roads: [{ works: true }] } });
        const again = (await app.call("lxd_host_setup", args, { confirm: asked })) as unknown as Outcome;
        expect(outcomes(again)).toEqual([
          "ssh done",
          "detect done",
          "install skipped",
          "init skipped",
          "trust skipped",
          "keep skipped",
          "prove done",
        ]);

        // Somebody took the certificate away: the same call enrols another.
        await forget();
        const mended = (await app.call("lxd_host_setup", args, { confirm: asked })) as unknown as Outcome;
        expect(outcomes(mended)).toContain("trust done");
        expect(await (await open()).call("lxd_instance_get", { name: instance, host: name })).toMatchObject({ item: { name: instance } });
      });

      it("through SSH alone, as a user of the group lxd", async () => {
        const { open } = stranger();
        const made = (await (
          await open()
        ).call("lxd_host_setup", { ...args, target: `${sshd.user}@127.0.0.1:${sshd.port}`, road: "ssh" })) as unknown as Outcome;
        expect(made.result.road).toBe("ssh");
        expect(await (await open()).call("lxd_instance_get", { name: instance, host: name })).toMatchObject({ item: { name: instance } });
      });

      it("is found by its address", async () => {
        const found = await (await stranger().open()).call("lxd_host_discover", { addresses: ["127.0.0.1-127.0.0.4"] });
        expect(found).toMatchObject({ result: { hosts: [{ address: "127.0.0.1", software: "LXD", fingerprint, trusted: false }], asked: 4 } });
      });

      it("by an MCP client: the server takes the new connection up at once", async () => {
        await forget();
        const { home, env } = stranger();
        const client = new Client({ name: "test", version: "1" }, { capabilities: { elicitation: {} } });
        const command = { command: process.execPath, args: [cli, "serve"], cwd: home, env: { ...env, PATH: process.env["PATH"] ?? "" } };
        await client.connect(new StdioClientTransport({ ...command, stderr: "ignore" }));
        onTestFinished(() => client.close());
        const said: (string | undefined)[] = [];
        const answer = await client.callTool(
          { name: "lxd_host_setup", arguments: args },
          { timeout: 60_000, onprogress: ({ message }) => void said.push(message) },
        );
        expect(answer.structuredContent).toMatchObject({ result: { name, road: "https", file: join(home, "proxmcp", "config.yaml") } });
        expect(said.some((line) => line?.startsWith("trust: our certificate was enrolled"))).toBe(true);
        const there = async (): Promise<boolean> => {
          const { structuredContent } = await client.callTool({ name: "connection_list", arguments: {} });
          return (structuredContent as { items: { name: string }[] }).items.some((one) => one.name === name);
        };
        for (let tries = 0; !(await there()); tries += 1) {
          if (tries > 100) expect.fail("the server never took it up");
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        const got = await client.callTool({ name: "lxd_instance_get", arguments: { name: instance, host: name } });
        expect(got.structuredContent).toMatchObject({ item: { name: instance }, host: name });
      });
    });

    describe("setting up a real LXD that nobody has initialised", () => {
      let fresh: Awaited<ReturnType<typeof freshLxd>>;
      beforeAll(async () => (fresh = await freshLxd()), 90_000);
      afterAll(async () => await fresh?.stop(), 60_000);

      it("gives it storage, a bridge and a profile, and changes none of it the second time", async () => {
        const server = await TestServer.start({ forwarding: false, env: fresh.env });
        onTestFinished(() => server.close());
        const { home, open } = stranger();
        const file = (own: string, text: string): string => {
          writeFileSync(join(home, own), text, { mode: 0o600 });
          return join(home, own);
        };
        const there = {
          ...{ target: `root@127.0.0.1:${server.port}`, name: "fresh", road: "ssh", key_file: file("id", userKey.private) },
          known_hosts: file("known_hosts", `[127.0.0.1]:${server.port} ${publicLine(hostKeys.ed25519)}\n`),
        };
        const first = (await (await open()).call("lxd_host_setup", there, { confirm: asked })) as unknown as Outcome;
        expect(outcomes(first)).toEqual(["ssh done", "detect done", "install skipped", "init done", "trust skipped", "keep done", "prove done"]);
        expect(first.result.steps[3]?.what).toMatch(/^storage pool default \((dir|btrfs|zfs)\), network lxdbr0, devices of the profile default$/);
        const app = await open();
        const state = async () => [
          // How much of it is in use changes by itself: the folder shares its disk with all others.
          ((await app.call("lxd_storage_pool_list", { host: "fresh" })) as unknown as { items: Record<string, unknown>[] }).items.map(
            ({ name, driver, source }) => ({ name, driver, source }),
          ),
          await app.call("lxd_network_get", { name: "lxdbr0", host: "fresh" }),
          await app.call("lxd_profile_get", { name: "default", host: "fresh" }),
        ];
        const before = await state();
        expect(before[0]).toMatchObject([{ name: "default" }]);
        const again = (await app.call("lxd_host_setup", there, { confirm: asked })) as unknown as Outcome;
        expect(outcomes(again)).toEqual([
          "ssh done",
          "detect done",
          "install skipped",
          "init skipped",
          "trust skipped",
          "keep skipped",
          "prove done",
        ]);
        expect(await state()).toEqual(before);
      });
    });
  });
});

withEngine("lxd2", ({ socket, image }) => {
  describe("where a real LXD has no room", () => {
    const small = `small-${process.pid}`;
    const folder = join(tmpdir(), small);
    const lxc = async (...words: string[]): Promise<unknown> =>
      await run("lxc", words, { env: { ...process.env, LXD_DIR: socket.replace(/\/unix\.socket$/, "") } });

    beforeAll(async () => {
      await run("mkdir", ["-p", folder]);
      await run("mount", ["-t", "tmpfs", "-o", "size=2500k", "tmpfs", folder]);
      await run("mkdir", [join(folder, "pool")]);
      await lxc("storage", "create", small, "dir", `source=${join(folder, "pool")}`);
      await lxc("profile", "create", small);
      await lxc("profile", "device", "add", small, "root", "disk", "path=/", `pool=${small}`);
    });

    afterAll(async () => {
      for (const at of [1, 2]) await lxc("delete", "--force", `${small}-${at}`).catch(() => {});
      await lxc("profile", "delete", small).catch(() => {});
      await lxc("storage", "delete", small).catch(() => {});
      await run("umount", [folder]);
      rmSync(folder, { recursive: true, force: true });
    });

    it("says what takes the room, deletes nothing and leaves nothing half made", async () => {
      const app = await createProxMcp({ plugins: ["lxd"], connections: { two: { provider: "lxd", socket } }, log: { level: "silent" } });
      onTestFinished(() => app.close());
      const create = (at: number) => app.call("lxd_instance_create", { name: `${small}-${at}`, image, profiles: [small], start: false });
      await create(1);
      const error: unknown = await create(2).catch((failure: unknown) => failure);
      if (!isProxMcpError(error)) throw error;
      expect(error.code).toBe("NO_CAPACITY");
      expect(error.message).toMatch(new RegExp(`What takes room: .*stopped instances.*${small}-1`));
      expect(error.message).toMatch(/Free: .* in small-\d+.*Free on \S+: \d+ cores, .* of memory\.$/);
      expect(error.details.data).toMatchObject({ room: { free: { [small]: expect.any(Number) } } });
      expect(await app.call("lxd_instance_list", { where: { name: `${small}-*` } })).toMatchObject({ items: [{ name: `${small}-1` }], total: 1 });
    });

    it("names the networks that there are", async () => {
      const app = await createProxMcp({
        plugins: ["lxd"],
        connections: { two: { provider: "lxd", socket }, falling: { provider: "lxd", socket, fallback_network: "lxdbr1" } },
        log: { level: "silent" },
      });
      onTestFinished(() => app.close());
      const args = { name: `${small}-2`, image, profiles: [small], start: false, network: "nonesuch" };
      await expect(app.call("lxd_instance_create", { ...args, host: "two" })).rejects.toMatchObject({
        code: "NOT_FOUND",
        details: { data: { candidates: expect.arrayContaining(["lxdbr1"]) } },
      });
    });
  });
});
