import { access, readFile } from "node:fs/promises";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { ProxMcpError, type SshTarget } from "proxmcp/plugin";

export interface LoginInput {
  readonly target: string;
  readonly key_file?: string | undefined;
  readonly passphrase?: string | undefined;
  readonly password?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly known_hosts?: string | undefined;
}

export interface Login {
  readonly user: string;
  readonly host: string;
  /** For the transport. */
  readonly target: SshTarget;
  /** For the config: keys as references to their files. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Keys that ssh itself tries where none is named. */
const OWN_KEYS = ["id_ed25519", "id_ecdsa", "id_rsa"];

/** How to log in: as `ssh user@host` would, unless more is said. */
export async function loginOf(input: LoginInput): Promise<Login> {
  const { host, port, user } = placeIn(input.target);
  const { key_file: keyFile, passphrase, password, fingerprint, known_hosts: knownHosts } = input;
  const place = { host, ...(port ? { port } : {}), user };
  const checks = { ...(fingerprint ? { fingerprint } : {}) };
  if (keyFile !== undefined || password !== undefined) {
    const key = keyFile === undefined ? undefined : await readKey(keyFile);
    const words = { ...(passphrase === undefined ? {} : { passphrase }), ...(password === undefined ? {} : { password }) };
    return {
      ...{ user, host },
      target: { ...place, ...checks, ...words, ...(key === undefined ? {} : { key }), knownHosts },
      options: { ...place, ...checks, ...words, ...(keyFile === undefined ? {} : { key: { file: keyFile } }), ...known(knownHosts) },
    };
  }
  // The agent first, as it asks nobody; then the keys that lie where ssh has them.
  const files = await ownKeys();
  const also = await Promise.all(files.map(async (file) => ({ key: await readKey(file) })));
  return {
    ...{ user, host },
    target: { ...place, ...checks, knownHosts, ...(also.length > 0 ? { also } : {}) },
    options: { ...place, ...checks, ...known(knownHosts), ...(files.length > 0 ? { also: files.map((file) => ({ key: { file } })) } : {}) },
  };
}

const known = (file: string | undefined) => (file === undefined ? {} : { known_hosts: file });

/** `ops@pi.lan:2222`, `pi.lan`, `root@[fd00::5]:22`. */
export function placeIn(text: string): { readonly host: string; readonly port?: number; readonly user: string } {
  const [, user, bracketed, plain, port] =
    /^(?:ssh:\/\/)?(?:([^@\s]+)@)?(?:\[([^\]\s]+)\]|([^:@\s/]+|[^@\s/]*:[^@\s/]*:[^@\s/]*))(?::(\d+))?\/?$/.exec(text.trim()) ?? [];
  const host = bracketed ?? plain;
  if (!host || Number(port ?? 22) > 65_535)
    throw new ProxMcpError("INVALID_INPUT", `target: found ${JSON.stringify(text)}; allowed: user@host or user@host:port`);
  return { host, user: user ?? userInfo().username, ...(port ? { port: Number(port) } : {}) };
}

async function ownKeys(): Promise<readonly string[]> {
  const files = OWN_KEYS.map((name) => join(homedir(), ".ssh", name));
  const there = await Promise.all(
    files.map((file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  return files.filter((_, at) => there[at]);
}

async function readKey(file: string): Promise<string> {
  try {
    return await readFile(file.replace(/^~(?=\/)/, homedir()), "utf8");
  } catch (error) {
    throw new ProxMcpError("INVALID_INPUT", `key_file: ${file} can't be read (${(error as { code?: string }).code ?? String(error)})`);
  }
}
