import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import lxd from "proxmcp/plugins/lxd";
import { createProxMcp, loadConfig, type ProxMcp, type Setup } from "proxmcp";
import { parse } from "yaml";
import { SecretStore } from "../../core/config/store.js";
import { UndiciHttp } from "../../core/transport/http.js";
import { driverFor, lacking } from "../../plugins/lxd/setup/preseed.js";
import { byApt } from "../../plugins/lxd/setup/install.js";
import { placeIn } from "../../plugins/lxd/setup/login.js";
import { reach } from "../../plugins/lxd/setup/trust.js";
import type { Survey } from "../../plugins/lxd/setup/survey.js";
import { type FakeHostOptions, fakeHost } from "../fixtures/fake-lxd-host.js";
import { failure } from "../fixtures/tape-app.js";
import { proxmcp } from "../core/cli/command-line.js";

/** Without the sockets of the machine that the test runs on. */
const elsewhere = { ...lxd, connection: { ...lxd.connection, local: [] } };
const PASSPHRASE = "a battery, a horse";
type Step = { readonly step: string; readonly outcome: string; readonly what: string };
interface Result {
  readonly name: string;
  readonly road: string;
  readonly steps: readonly Step[];
  readonly instances: number;
  readonly file?: string;
  readonly entry?: object;
}

/** A folder for the user's config, and apps that find theirs there. */
function user(env: Readonly<Record<string, string>> = {}) {
  const home = mkdtempSync(join(tmpdir(), "setup-home-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const around = { ...env, XDG_CONFIG_HOME: home };
  const open = async (setup: Partial<Setup> = {}): Promise<ProxMcp> => {
    const { config, file, folder } = await loadConfig({ cwd: home, env: around });
    const found = file === undefined ? {} : { file };
    const app = await createProxMcp({ ...config, folder, ...found, plugins: [elsewhere], env: around, log: { level: "silent" }, ...setup });
    onTestFinished(() => app.close());
    return app;
  };
  return { home, env: around, open, file: join(home, "proxmcp", "config.yaml") };
}

async function host(options: FakeHostOptions = {}) {
  const made = await fakeHost(options);
  onTestFinished(() => made.close());
  return made;
}

const outcomes = ({ steps }: Result): string[] => steps.map(({ step, outcome }) => `${step} ${outcome}`);
const setUp = async (app: ProxMcp, args: object, confirm: true | ((question: string) => Promise<boolean>) | undefined = true) =>
  (await app.call("lxd_host_setup", { ...args }, { confirm })) as unknown as { result: Result; notes?: string[] };
const ALL = ["ssh", "detect", "install", "init", "trust", "keep", "prove"];

describe("lxd_host_setup", () => {
  it("takes a bare host to one that is managed: asks, installs the snap, initialises, enrols, writes down, lists", async () => {
    const { args, installs, preseed, sandbox } = await host({ snapd: true, apt: { lxd: "5.0.2" } });
    const { open, file, home } = user({ PROXMCP_PASSPHRASE: PASSPHRASE });
    const app = await open();
    const told: string[] = [];
    const asked: string[] = [];
    const { result, notes } = (await app.call("lxd_host_setup", args, {
      confirm: async (question) => asked.push(question) > 0,
      progress: ({ message }) => void told.push(message ?? ""),
    })) as unknown as { result: Result; notes: string[] };
    expect(asked).toEqual([expect.stringMatching(/^Install LXD by snap on ops@127\.0\.0\.1 \(.+\)\?$/)]);
    expect(installs()).toEqual(["snap install lxd"]);
    expect(outcomes(result)).toEqual(ALL.map((step) => `${step} done`));
    expect(result).toMatchObject({ name: "pi", road: "https", address: sandbox.connection["url"], software: "LXD 5.0.2", instances: 6, file });
    expect(preseed()).toMatchObject({
      config: { "core.https_address": ":8443" },
      storage_pools: [{ name: "default", driver: expect.stringMatching(/^(zfs|dir)$/) }],
      networks: [{ name: "lxdbr0", type: "bridge" }],
      profiles: [{ name: "default", devices: { root: { type: "disk", path: "/", pool: "default" }, eth0: { network: "lxdbr0" } } }],
    });
    for (const step of ALL) expect(told.some((line) => line.startsWith(`${step}: `))).toBe(true);
    expect(told).toContain("install: snap install lxd");
    // By a token, not by a certificate that the command adds: the server counts it as used.
    expect(sandbox.requests.some(({ method, path, json }) => method === "POST" && path === "/1.0/certificates" && "token" in json())).toBe(true);
    expect(notes.join(" ")).toContain(`There was no config, so ${file} was begun.`);

    const text = readFileSync(file, "utf8");
    expect(text).toContain("key: { store: pi.key }");
    expect(text).not.toContain("PRIVATE KEY");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const store = await SecretStore.open(join(home, "proxmcp", "secrets.json"), PASSPHRASE);
    expect(store.get("pi.key")).toContain("PRIVATE KEY");
    // Picked up by whoever starts next.
    const next = await open();
    expect(next.connections).toMatchObject([{ name: "pi", provider: "lxd" }]);
    expect(await next.call("lxd_instance_list")).toMatchObject({ total: 6 });
  });

  it("does nothing twice", async () => {
    const { args, installs, sandbox } = await host({ snapd: true });
    const { open, file } = user();
    await setUp(await open(), args);
    const text = readFileSync(file, "utf8");
    const posts = (): number => sandbox.requests.filter(({ method }) => method === "POST").length;
    const before = posts();
    const { result } = await setUp(await open(), args, async (question) => expect.fail(question));
    expect(outcomes(result)).toEqual([
      ...["ssh done", "detect done", "install skipped", "init skipped", "trust skipped", "keep skipped", "prove done"],
    ]);
    expect([posts(), installs(), readFileSync(file, "utf8")]).toEqual([before, ["snap install lxd"], text]);
  });

  it("without anybody to ask it installs nothing, and goes on with the token of the question", async () => {
    const { args, installs } = await host({ snapd: true });
    const { open, file } = user();
    const app = await open();
    const refusal = await failure(app.call("lxd_host_setup", args));
    expect(refusal).toMatchObject({ code: "CONFIRMATION_REQUIRED", message: expect.stringMatching(/^Install LXD by snap/) });
    expect(installs()).toEqual([]);
    const confirm = String(refusal.data?.["confirm"]);
    expect(await failure(app.call("lxd_host_setup", { ...args, name: "other", confirm }))).toMatchObject({ code: "CONFIRMATION_INVALID" });
    expect(installs()).toEqual([]);
    expect(await app.call("lxd_host_setup", { ...args, confirm })).toMatchObject({ result: { file } });
    expect(await failure(app.call("lxd_host_setup", { ...args, confirm }))).toMatchObject({ code: "CONFIRMATION_INVALID" });
  });

  it("takes a no for an answer", async () => {
    const { args, installs } = await host({ snapd: true });
    const app = await user().open();
    expect(await failure(setUp(app, args, async () => false))).toMatchObject({ code: "DECLINED" });
    expect(installs()).toEqual([]);
  });

  it("falls back to apt, by sudo, with fresh package lists", async () => {
    const { args, installs, server } = await host({ apt: { lxd: "5.0.2-5", "lxd-client": "5.0.2-5", incus: "6.0.4" } });
    const { result } = await setUp(await user().open(), args);
    expect(installs()).toEqual(["apt-get update", "apt-get install -y lxd lxd-client"]);
    expect(server.commands.filter((line) => line.includes("'apt-get'")).every((line) => line.startsWith("'sudo' '-n' "))).toBe(true);
    expect(result.steps[2]).toMatchObject({ step: "install", outcome: "done", what: "LXD 5.0.2 by apt" });
  });

  it.each([
    ["Incus where LXD is not to be had", { apt: { incus: "6.0.4-2" } }, {}],
    ["Incus where LXD's package is only a pointer to the snap", { apt: { lxd: "1:0.10", incus: "6.0.0" } }, {}],
    ["Incus where it is asked for", { snapd: true, apt: { lxd: "5.0.2", incus: "6.0.4" } }, { software: "incus" }],
  ])("installs %s, and initialises it as Incus", async (_, has, more) => {
    const { args, installs, preseed, server } = await host({ ...has, flavor: "incus" });
    const { result } = await setUp(await user().open(), { ...args, ...more });
    expect(installs()).toEqual(["apt-get update", "apt-get install -y incus"]);
    expect(result).toMatchObject({ software: expect.stringMatching(/^Incus 6/), road: "https" });
    expect(preseed()).toMatchObject({ networks: [{ name: "incusbr0" }] });
    expect(server.commands.some((line) => /incus' 'admin' 'init' '--preseed'$/.test(line))).toBe(true);
  });

  it("uses what is there: no question, no init, no package manager", async () => {
    const { args, installs, preseed } = await host({ installed: "lxd", initialised: true });
    const { result } = await setUp(await user().open(), args, async (question) => expect.fail(question));
    expect(outcomes(result)).toEqual([...["ssh done", "detect done", "install skipped", "init skipped", "trust done", "keep done", "prove done"]]);
    expect([installs(), preseed()]).toEqual([[], undefined]);
  });

  it("a step that fails says which, what was done before and what to do; the next run goes on from there", async () => {
    const { args, broken, installs } = await host({ snapd: true });
    const { open } = user();
    const app = await open();
    broken(true);
    const error = await failure(setUp(app, args));
    expect(error).toMatchObject({
      code: "TASK_FAILED",
      message: 'Setting up ops@127.0.0.1 stopped at install: `snap install lxd` failed: error: cannot install "lxd": no network',
      next: "Mend that on the host, then run this again.",
      data: { step: "install", steps: [{ step: "ssh" }, { step: "detect", what: "neither LXD nor Incus is installed" }] },
    });
    broken(false);
    expect(outcomes((await setUp(app, args)).result)).toHaveLength(ALL.length);
    expect(installs()).toEqual(["snap install lxd", "snap install lxd"]);
  });

  it.each([
    ["no rights to install", { snapd: true, sudo: false }, "FORBIDDEN", "install", /NOPASSWD/],
    ["nothing to install with", {}, "UNSUPPORTED", "install", /Install LXD or Incus there/],
    ["sources without either", { apt: {} }, "UNSUPPORTED", "install", /backports|snapd/],
  ])("says what to do about %s", async (_, has, code, step, next) => {
    const { args } = await host(has);
    expect(await failure(setUp(await user().open(), args))).toMatchObject({ code, next: expect.stringMatching(next), data: { step } });
  });

  it("shows the fingerprint of a host key that nobody knows, and takes it when it is given", async () => {
    const { args } = await host({ installed: "lxd", initialised: true });
    const app = await user().open();
    const { known_hosts: _, ...strange } = args;
    const error = await failure(setUp(app, { ...strange, known_hosts: "/dev/null" }));
    expect(error).toMatchObject({ code: "HOST_KEY_UNKNOWN", next: expect.stringContaining("`fingerprint`") });
    const [fingerprint] = /SHA256:[\w+/=]+[\w+/=]/.exec(error.message) ?? [];
    expect((await setUp(app, { ...strange, known_hosts: "/dev/null", fingerprint })).result).toMatchObject({ instances: 6 });
  });

  it("keeps the API off the network where SSH is to be the road", async () => {
    const { args, preseed, sandbox } = await host({ snapd: true });
    const { open, file } = user();
    // What is kept leads to the daemon's command: the fake host has no socket.
    const { result } = await setUp(await open(), { ...args, road: "ssh" });
    expect(result).toMatchObject({ road: "ssh", instances: 6 });
    expect(preseed()).not.toHaveProperty("config");
    expect(sandbox.requests.some(({ path }) => path === "/1.0/certificates")).toBe(false);
    const { connections } = parse(readFileSync(file, "utf8")) as { connections: { pi: { ssh: { key: object } } } };
    expect(connections.pi.ssh).toMatchObject({ user: "ops", key: { file: args.key_file }, known_hosts: args.known_hosts });
    expect(connections.pi).not.toHaveProperty("url");
  });
});

describe("where a set-up writes", () => {
  it("into the config that there is, whatever else stands in it", async () => {
    const { args } = await host({ installed: "lxd", initialised: true });
    const { home, open } = user();
    const file = join(home, "proxmcp.config.yaml");
    const before =
      '# mine\nconnections:\n  old:\n    provider: lxd\n    url: "https://192.0.2.1:8443"\n    verify: false # for now\ntools:\n  readOnly: false # for now\n';
    writeFileSync(file, before);
    const changed: string[] = [];
    const app = await open({ onConfigChange: (path) => void changed.push(path) });
    expect((await setUp(app, args)).result).toMatchObject({ file });
    expect(changed).toEqual([file]);
    const text = readFileSync(file, "utf8");
    for (const line of before.trimEnd().split("\n")) expect(text).toContain(line);
    expect(Object.keys((parse(text) as { connections: object }).connections)).toEqual(["old", "pi"]);
  });

  it("into JSON, with its indentation; secrets into files that only the user reads, where the store has no passphrase", async () => {
    const { args } = await host({ installed: "lxd", initialised: true });
    const { home, open } = user();
    const file = join(home, "proxmcp.config.json");
    writeFileSync(file, '{\n    "log": { "level": "silent" }\n}\n');
    const { result, notes } = await setUp(await open(), args);
    expect(result).toMatchObject({ file });
    expect(notes?.join(" ")).toContain("PROXMCP_PASSPHRASE");
    const text = readFileSync(file, "utf8");
    expect(text).toContain('\n    "connections": {');
    const { key } = (JSON.parse(text) as { connections: { pi: { key: { file: string } } } }).connections.pi;
    expect(readFileSync(key.file, "utf8")).toContain("PRIVATE KEY");
    expect(statSync(key.file).mode & 0o777).toBe(0o600);
    expect(await (await open()).call("lxd_instance_list")).toMatchObject({ total: 6 });
  });

  it("nowhere, where the config is code: the entry is in the answer, its secrets as references", async () => {
    const { args } = await host({ installed: "lxd", initialised: true });
    const { open } = user({ PROXMCP_PASSPHRASE: PASSPHRASE });
    const app = await open({ connections: { other: { provider: "lxd", url: "https://192.0.2.1:8443", verify: false } } });
    const { result, notes } = await setUp(app, args);
    expect(result).not.toHaveProperty("file");
    expect(result.entry).toMatchObject({ provider: "lxd", key: { store: "pi.key" } });
    expect(notes?.join(" ")).toContain("Add the connection pi to the config that this program gives");
  });

  it("is looked at before anything is done", async () => {
    const { args, server } = await host({ snapd: true });
    const { home, open } = user();
    const file = join(home, "proxmcp.config.yaml");
    writeFileSync(file, "log: { level: silent }\n");
    const app = await open();
    writeFileSync(file, "log: { level: [\n");
    expect(await failure(setUp(app, args))).toMatchObject({ code: "CONFIG_INVALID" });
    expect(server.commands).toEqual([]);
  });

  it("a connection of that name that leads elsewhere stays; a certificate that is kept nowhere is taken back", async () => {
    const { args, sandbox } = await host({ installed: "lxd", initialised: true });
    const { open } = user();
    const taken = await open({ connections: { pi: { provider: "lxd", url: "https://192.0.2.1:8443", verify: false } } });
    expect(await failure(setUp(taken, args))).toMatchObject({ code: "CONFLICT", data: { step: "trust" } });
    const other = await open({ plugins: [elsewhere, "docker"], connections: { pi: { provider: "docker", socket: "/nowhere" } } });
    expect(await failure(setUp(other, args))).toMatchObject({ code: "CONFLICT", data: { step: "keep" } });
    const [posted, deleted] = ["POST", "DELETE"].map((method) =>
      sandbox.requests.filter((one) => one.method === method && one.path.startsWith("/1.0/certificates")),
    );
    expect([posted?.length, deleted?.length]).toEqual([2, 1]);
  });
});

describe("proxmcp setup", () => {
  it("calls what the plugin declares, each step on a line of its own", async () => {
    const { args, installs } = await host({ snapd: true });
    const { home } = user();
    const file = join(home, "mine.yaml");
    writeFileSync(file, "plugins: [lxd]\nlog: { level: silent }\nconnections: {}\n");
    const words = ["setup", "lxd", args.target, "--name", "pi", "--key_file", args.key_file, "--known_hosts", args.known_hosts];
    const refused = await proxmcp("--config", file, ...words);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("pass --yes")]);
    expect(installs()).toEqual([]);
    const { code, err, out } = await proxmcp("--config", file, ...words, "--yes");
    expect([code, err]).toEqual([0, expect.stringMatching(/^ssh: ops@127.*\ndetect: .*\ninstall: snap install lxd\ninstall: LXD 5\.0\.2/)]);
    expect(out).toContain(file);
    expect(readFileSync(file, "utf8")).toContain("  pi:\n    provider: lxd");
  });

  it("names the providers that can be set up, and what can be given", async () => {
    const { home } = user();
    const file = join(home, "mine.yaml");
    writeFileSync(file, "log: { level: silent }\nconnections: {}\n");
    expect((await proxmcp("--config", file, "setup", "docker", "x")).err).toContain("Those that do: lxd.");
    expect((await proxmcp("--config", file, "setup", "lxd")).out).toContain("--target <string>");
    expect((await proxmcp("--config", file, "setup", "nothing", "x", "--json")).out).toContain('"code":"INVALID_INPUT"');
  });
});

describe("what a set-up decides by", () => {
  const GiB = 1024 ** 3;
  const pi = { memory: 8 * GiB, diskFree: 100 * GiB } as Survey;

  it.each([
    [8, 100, ["dir", "btrfs", "zfs"], "zfs"],
    [1, 100, ["dir", "btrfs", "zfs"], "btrfs"],
    [8, 10, ["dir", "btrfs", "zfs"], "dir"],
    [8, 100, ["dir", "lvm"], "dir"],
    [8, 100, [], "dir"],
  ])("%i GiB of memory, %i GiB free, able to do %j: %s", (memory, free, drivers, driver) => {
    expect(driverFor({ memory: memory * GiB, diskFree: free * GiB }, drivers)).toBe(driver);
  });

  it("adds only what is missing, and uses what is there", () => {
    const server = { config: { "core.https_address": "[::]:8443" } };
    const network = { name: "br7", type: "bridge", managed: true };
    const want = { port: 8443, storage: undefined };
    const all = { software: "lxd" as const, server, pools: [{ name: "tank" }], networks: [network] };
    expect(lacking({ ...all, devices: { root: { type: "disk" }, eth0: { type: "nic" } } }, pi, want)).toBeUndefined();
    expect(lacking({ ...all, devices: {} }, pi, want)).toEqual({
      profiles: [
        { name: "default", devices: { root: { type: "disk", path: "/", pool: "tank" }, eth0: { type: "nic", name: "eth0", network: "br7" } } },
      ],
    });
    expect(
      lacking({ ...all, server: { config: {} }, devices: { disk: { type: "disk" }, nic: { type: "nic" } } }, pi, { port: 9443, storage: undefined }),
    ).toEqual({
      config: { "core.https_address": ":9443" },
    });
    const other = { name: "lxdbr0", type: "bridge", managed: false };
    expect(lacking({ ...all, networks: [other], devices: { root: { type: "disk" } } }, pi, want)).toMatchObject({
      networks: [{ name: "lxdbr1" }],
      profiles: [{ devices: { eth0: { network: "lxdbr1" } } }],
    });
    expect(lacking({ ...all, pools: [], devices: { eth0: { type: "nic" } } }, pi, { port: undefined, storage: "btrfs" })).toEqual({
      storage_pools: [{ name: "default", driver: "btrfs" }],
      profiles: [{ name: "default", devices: { root: { type: "disk", path: "/", pool: "default" } } }],
    });
  });

  it.each([
    [{ lxd: "5.0.2-5", incus: "6.0" }, undefined, "lxd"],
    [{ lxd: "1:0.10", incus: "6.0" }, undefined, "incus"],
    [{ lxd: "1:0.10" }, undefined, "lxd"],
    [{ incus: "6.0" }, "lxd", undefined],
    [{ lxd: "5.0.2" }, "incus", undefined],
    [{}, undefined, undefined],
  ] as const)("of %j, asked for %s, apt gives %s", (candidates, wanted, software) => {
    expect(byApt({ candidates }, wanted)).toBe(software);
  });

  it.each([
    ["ops@pi.lan", { host: "pi.lan", user: "ops" }],
    ["ops@192.168.1.20:2222", { host: "192.168.1.20", user: "ops", port: 2222 }],
    ["root@[fd00::5]:22", { host: "fd00::5", user: "root", port: 22 }],
    ["root@fd00::5", { host: "fd00::5", user: "root" }],
  ])("%s", (text, place) => {
    expect(placeIn(text)).toEqual(place);
  });

  it.each(["", "ops@", "a b", "ops@pi:99999"])("%j is no place", (text) => {
    expect(() => placeIn(text)).toThrow(/target: found/);
  });

  it("goes through SSH where no address answers from here", async () => {
    const { sandbox } = await host({ installed: "lxd", initialised: true });
    const http = new UndiciHttp();
    const { signal } = new AbortController();
    const { url, fingerprint } = sandbox.connection as { url: string; fingerprint: string };
    const port = new URL(url).port;
    const { metadata } = await (await http.open({ url, tls: sandbox.connection }).request({ method: "GET", path: "/1.0", signal })).json<{
      metadata: { environment: object };
    }>();
    const server = { ...metadata, config: { "core.https_address": `:${port}` }, api_extensions: [] };
    const login = (name: string) => ({ user: "ops", host: name, target: { host: name, user: "ops" }, options: {} });
    expect(await reach(http, server, login("127.0.0.1"), signal)).toEqual({ url, fingerprint, tunnelled: false });
    sandbox.fail({ path: "/1.0", drop: true });
    expect(await reach(http, server, login("127.0.0.1"), signal)).toEqual({ url, fingerprint, tunnelled: true });
  });
});
