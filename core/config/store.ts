/**
 * The store of secrets: a file that is worthless without its passphrase. Names can be read, values can't: each is encrypted by itself with
 * AES-256-GCM, and bound to its name. The key comes from the passphrase through scrypt; the passphrase from the environment, a file, or the
 * keyring of the operating system.
 * @module
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { ProxMcpError } from "../errors.js";

type Env = Readonly<Record<string, string | undefined>>;

interface Sealed {
  readonly iv: string;
  readonly tag: string;
  readonly data: string;
}

interface StoreFile {
  readonly version: 1;
  readonly scrypt: { readonly N: number; readonly r: number; readonly p: number; readonly salt: string };
  /** Something that only the right passphrase opens. */
  readonly check: Sealed;
  readonly secrets: Readonly<Record<string, Sealed>>;
}

/** As OWASP recommends for keys that are derived seldom: 128 MiB, about half a second. */
const COST = { N: 2 ** 17, r: 8, p: 1 } as const;
const CIPHER = "aes-256-gcm";
const CHECK = "proxmcp";
const NAME = /^[A-Za-z0-9][\w.-]{0,99}$/;

/** Where the store is: PROXMCP_SECRETS_FILE, else in the user's config folder. */
export const storePath = (env: Env): string =>
  env["PROXMCP_SECRETS_FILE"] || join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "proxmcp", "secrets.json");

/** An opened store. */
export class SecretStore {
  readonly path: string;
  #file: StoreFile;
  readonly #key: Buffer;

  private constructor(path: string, file: StoreFile, key: Buffer) {
    this.path = path;
    this.#file = file;
    this.#key = key;
  }

  /** Opens the store, or begins a new one where there is none. Throws CONFIG_INVALID for a wrong passphrase, a loose file mode, a damaged file. */
  static async open(path: string, passphrase: string): Promise<SecretStore> {
    if (passphrase === "") throw invalid(path, "the passphrase is empty");
    const known = await readStore(path);
    if (known) {
      const key = await derive(passphrase, known.scrypt);
      if (unseal(key, "", known.check) !== CHECK) throw invalid(path, "the passphrase is wrong, or the file is damaged");
      return new SecretStore(path, known, key);
    }
    const cost = { ...COST, salt: randomBytes(16).toString("base64") };
    const key = await derive(passphrase, cost);
    return new SecretStore(path, { version: 1, scrypt: cost, check: seal(key, "", CHECK), secrets: {} }, key);
  }

  /** Undefined when there is none of this name. */
  get(name: string): string | undefined {
    const sealed = Object.hasOwn(this.#file.secrets, name) ? this.#file.secrets[name] : undefined;
    if (!sealed) return undefined;
    const value = unseal(this.#key, name, sealed);
    if (value === undefined) throw invalid(this.path, `the secret ${name} was changed outside of ProxMCP`);
    return value;
  }

  async set(name: string, value: string): Promise<void> {
    if (!NAME.test(name))
      throw new ProxMcpError(
        "INVALID_INPUT",
        `${JSON.stringify(name)} is no name for a secret: letters, digits, \`_\`, \`.\` and \`-\`, at most 100.`,
      );
    await this.#write({ ...this.#file.secrets, [name]: seal(this.#key, name, value) });
  }

  /** Whether there was one. */
  async remove(name: string): Promise<boolean> {
    const { [name]: gone, ...rest } = this.#file.secrets;
    if (gone) await this.#write(rest);
    return gone !== undefined;
  }

  async #write(secrets: StoreFile["secrets"]): Promise<void> {
    this.#file = { ...this.#file, secrets };
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    // Whole or not at all: a crash in the middle must not cost the other secrets.
    const draft = `${this.path}.${process.pid}.part`;
    await writeFile(draft, `${JSON.stringify(this.#file, undefined, 2)}\n`, { mode: 0o600 });
    await rename(draft, this.path);
  }
}

/** The names in a store, which need no passphrase. */
export async function storedNames(path: string): Promise<readonly string[]> {
  return Object.keys((await readStore(path))?.secrets ?? {}).toSorted();
}

/** The passphrase, if something has it: PROXMCP_PASSPHRASE, the file in PROXMCP_PASSPHRASE_FILE, or the keyring. */
export async function passphraseOf(env: Env, keyring: () => Promise<string | undefined> = fromKeyring): Promise<string | undefined> {
  if (env["PROXMCP_PASSPHRASE"]) return env["PROXMCP_PASSPHRASE"];
  const file = env["PROXMCP_PASSPHRASE_FILE"];
  if (!file) return await keyring();
  await refuseLoose(file);
  return (await readFile(file, "utf8")).replace(/\r?\n$/, "");
}

/** The keyring of the operating system, where `@napi-rs/keyring` is installed beside ProxMCP. It has native parts, so it is no dependency. */
async function fromKeyring(): Promise<string | undefined> {
  const name = "@napi-rs/keyring";
  try {
    const { Entry } = (await import(name)) as { Entry: new (service: string, user: string) => { getPassword(): string | null } };
    return new Entry("proxmcp", "secrets").getPassword() ?? undefined;
  } catch {
    return undefined; // not installed, or no keyring runs here
  }
}

async function readStore(path: string): Promise<StoreFile | undefined> {
  let text: string;
  try {
    await refuseLoose(path);
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    if (error instanceof ProxMcpError) throw error;
    throw invalid(path, (error as Error).message, error);
  }
  try {
    const file = JSON.parse(text) as StoreFile;
    if (file.version !== 1 || typeof file.secrets !== "object" || !file.check || !file.scrypt.salt) throw new Error("not a store");
    return file;
  } catch (error) {
    throw invalid(path, "it is no store of secrets, or it is damaged", error);
  }
}

/** Others than the owner must not even read it: they could try passphrases at leisure. */
async function refuseLoose(path: string): Promise<void> {
  const { mode } = await stat(path);
  if (process.platform === "win32" || (mode & 0o077) === 0) return;
  throw new ProxMcpError("CONFIG_INVALID", `${path} can be read by others (mode ${(mode & 0o777).toString(8)}).`, { next: `chmod 600 ${path}` });
}

const invalid = (path: string, why: string, cause?: unknown): ProxMcpError =>
  new ProxMcpError("CONFIG_INVALID", `The store of secrets ${path} can't be used: ${why}.`, { cause });

function derive(passphrase: string, { N, r, p, salt }: StoreFile["scrypt"]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { N, r, p, maxmem: 256 * N * r };
    scrypt(passphrase.normalize("NFKC"), Buffer.from(salt, "base64"), 32, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function seal(key: Buffer, name: string, value: string): Sealed {
  const iv = randomBytes(12);
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.from(name));
  const data = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
  return { iv: iv.toString("base64"), tag: cipher.getAuthTag().toString("base64"), data: data.toString("base64") };
}

/** Undefined when the key, the name or the text is another than it was sealed with. */
function unseal(key: Buffer, name: string, { iv, tag, data }: Sealed): string | undefined {
  try {
    const decipher = createDecipheriv(CIPHER, key, Buffer.from(iv, "base64"), { authTagLength: 16 })
      .setAAD(Buffer.from(name))
      .setAuthTag(Buffer.from(tag, "base64"));
    return decipher.update(Buffer.from(data, "base64"), undefined, "utf8") + decipher.final("utf8");
  } catch {
    return undefined;
  }
}
