import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createProxMcp } from "proxmcp";
import { passphraseOf, SecretStore, storedNames } from "../../../core/config/store.js";
import { failure } from "../../fixtures/tape-app.js";
import { roomOf, stock, tapeLibrary } from "../../fixtures/tape-library.js";
import { proxmcp } from "../cli/command-line.js";

const PASSPHRASE = "a battery, a horse";
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "proxmcp-store-"));
  path = join(folder, "proxmcp", "secrets.json");
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

const stored = async (secrets: Readonly<Record<string, string>>): Promise<SecretStore> => {
  const store = await SecretStore.open(path, PASSPHRASE);
  for (const [name, value] of Object.entries(secrets)) await store.set(name, value);
  return store;
};

describe("the store of secrets", () => {
  it("gives back what was put into it, to whoever has the passphrase", async () => {
    await stored({ "pve-token": "root@pam!x=geheim", "pi.key": "-----BEGIN\nkey\n-----END" });
    const again = await SecretStore.open(path, PASSPHRASE);
    expect([again.get("pve-token"), again.get("pi.key"), again.get("other"), again.get("constructor")]).toEqual([
      "root@pam!x=geheim",
      "-----BEGIN\nkey\n-----END",
      undefined,
      undefined,
    ]);
    expect(await storedNames(path)).toEqual(["pi.key", "pve-token"]);
    expect([await again.remove("pi.key"), await again.remove("pi.key")]).toEqual([true, false]);
    expect(await storedNames(path)).toEqual(["pve-token"]);
    expect(await failure(SecretStore.open(path, "a battery, a hors"))).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("passphrase is wrong"),
    });
  });

  it("holds no value that can be read, and only its owner may look at it", async () => {
    await stored({ token: "geheimnis-4711" });
    const text = await readFile(path, "utf8");
    expect(text).not.toContain("geheimnis");
    expect(text).not.toContain(Buffer.from("geheimnis-4711").toString("base64").slice(0, 12));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await chmod(path, 0o640);
    expect(await failure(SecretStore.open(path, PASSPHRASE))).toMatchObject({
      message: expect.stringContaining("mode 640"),
      next: `chmod 600 ${path}`,
    });
    expect(await failure(storedNames(path))).toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("notices when secrets were changed or exchanged behind its back", async () => {
    await stored({ weak: "everybody-knows", strong: "nobody-knows-it" });
    const file = JSON.parse(await readFile(path, "utf8")) as { secrets: Record<string, { data: string }> };
    const write = async (secrets: object): Promise<void> => await writeFile(path, JSON.stringify({ ...file, secrets }), { mode: 0o600 });
    await write({ ...file.secrets, strong: file.secrets["weak"] });
    const exchanged = await SecretStore.open(path, PASSPHRASE);
    expect(() => exchanged.get("strong")).toThrow(/changed outside/);
    expect(exchanged.get("weak")).toBe("everybody-knows");
    await write({ weak: { ...file.secrets["weak"], data: `${file.secrets["weak"]?.data.slice(0, -4)}AAA=` } });
    const cut = await SecretStore.open(path, PASSPHRASE);
    expect(() => cut.get("weak")).toThrow(/changed outside/);
    await writeFile(path, "{", { mode: 0o600 });
    expect(await failure(SecretStore.open(path, PASSPHRASE))).toMatchObject({ message: expect.stringContaining("damaged") });
  });

  it("finds its passphrase in the environment, a file that nobody else may read, or the keyring", async () => {
    const file = join(folder, "passphrase");
    await writeFile(file, `${PASSPHRASE}\n`, { mode: 0o600 });
    const keyring = async (): Promise<string> => "from the keyring";
    expect(await passphraseOf({ PROXMCP_PASSPHRASE: "said", PROXMCP_PASSPHRASE_FILE: file }, keyring)).toBe("said");
    expect(await passphraseOf({ PROXMCP_PASSPHRASE_FILE: file }, keyring)).toBe(PASSPHRASE);
    expect(await passphraseOf({}, keyring)).toBe("from the keyring");
    await chmod(file, 0o644);
    expect(await failure(passphraseOf({ PROXMCP_PASSPHRASE_FILE: file }))).toMatchObject({ next: `chmod 600 ${file}` });
  });
});

describe("a connection with { store: ... }", () => {
  const open = async (password: unknown, env: Record<string, string> = { PROXMCP_PASSPHRASE: PASSPHRASE }) => {
    stock("store", [{ barcode: "T00001" }]);
    const app = await createProxMcp({
      plugins: [tapeLibrary()],
      connections: { main: { provider: "tape", room: "store", password: password as never } },
      env: { PROXMCP_SECRETS_FILE: path, ...env },
      log: { level: "silent" },
    });
    onTestFinished(() => app.close());
    return app;
  };

  it("gets its secret, which is masked wherever it turns up", async () => {
    await stored({ robot: "swordfish-99" });
    const app = await open({ store: "robot" });
    roomOf("store").fault = () => {
      throw new Error("the robot was told swordfish-99");
    };
    const error = await failure(app.call("tape_cartridge_list"));
    roomOf("store").fault = undefined;
    expect(error.message).toContain("[secret]");
    expect(JSON.stringify(error)).not.toContain("swordfish");
  });

  it.each([
    ["a name that is not there", { store: "other" }, undefined, /has no secret other; `proxmcp secrets set other` puts it there/],
    ["no passphrase", { store: "robot" }, {}, /has no passphrase here.*PROXMCP_PASSPHRASE/],
    ["a wrong one", { store: "robot" }, { PROXMCP_PASSPHRASE: "wrong" }, /passphrase is wrong/],
  ])("is refused at the start: %s", async (_name, reference, env, message) => {
    await stored({ robot: "swordfish-99" });
    const error = await failure(open(reference, env));
    expect(error).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringMatching(message) });
    expect(error.message).toContain("connections.main.password");
  });
});

describe("proxmcp secrets", () => {
  it("sets what comes through a pipe, lists names alone, and removes", async () => {
    const { env, stdin } = process;
    const pipe = (value: string): void => void Object.defineProperty(process, "stdin", { value: new PassThrough().end(value), configurable: true });
    process.env = { ...env, PROXMCP_SECRETS_FILE: path, PROXMCP_PASSPHRASE: PASSPHRASE };
    onTestFinished(() => {
      process.env = env;
      Object.defineProperty(process, "stdin", { value: stdin, configurable: true });
    });
    pipe("swordfish-99\n");
    const set = await proxmcp("secrets", "set", "robot");
    expect([set.code, set.out]).toEqual([0, ""]);
    expect(set.err).toContain('{ store: "robot" }');
    expect(set.err).not.toContain("swordfish");
    expect((await SecretStore.open(path, PASSPHRASE)).get("robot")).toBe("swordfish-99");
    expect(await proxmcp("secrets", "list")).toEqual({ code: 0, out: "robot\n", err: "" });
    expect((await proxmcp("secrets", "rm", "robot")).code).toBe(0);
    expect((await proxmcp("secrets", "rm", "robot")).code).toBe(1);
    pipe("x");
    expect((await proxmcp("secrets", "set", "../robot")).code).toBe(2);
    pipe("");
    expect((await proxmcp("secrets", "set", "robot")).code).toBe(2);
    delete process.env["PROXMCP_PASSPHRASE"];
    pipe("x");
    expect(await proxmcp("secrets", "set", "robot")).toMatchObject({ code: 2, err: expect.stringContaining("PROXMCP_PASSPHRASE") });
  });
});
