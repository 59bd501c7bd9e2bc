import { createHash, createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { ProxMcpError } from "../errors.js";
import type { SshTarget } from "./types.js";

/**
 * The signature algorithms that prove a key of each type, best first, in OpenSSH's order of types.
 * Like OpenSSH we leave out the SHA-1 signature that is called `ssh-rsa`, and DSA.
 */
const ALGORITHMS: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"],
};

/** A key that a known_hosts file holds for a host. */
export interface KnownKey {
  /** `ssh-ed25519`, `ssh-rsa`, ... */
  readonly type: string;
  /** The key as it is sent on the wire. */
  readonly key: Buffer;
  /** Marked `@revoked`: never to be accepted. */
  readonly revoked: boolean;
  /** Line in the file, from 1. */
  readonly line: number;
}

/** What we know about the keys of one host, and the judgement on the key that it presents. */
export class HostKeys {
  readonly #target: SshTarget;
  readonly #file: string;
  readonly #pin: string | undefined;
  /** Under the very name that we connect to, `host` or `[host]:port`. */
  readonly #known: readonly KnownKey[];
  /** For another port than 22: under the host's name alone. OpenSSH takes those keys as well. */
  readonly #portless: readonly KnownKey[];
  /** Types whose key is not the pinned one, so that another type is to be asked for. */
  readonly #ruledOut = new Set<string>();

  private constructor(target: SshTarget, file: string, text: string) {
    this.#target = target;
    this.#file = file;
    this.#pin = target.fingerprint === undefined ? undefined : plainFingerprint(target.fingerprint);
    this.#known = knownKeys(text, nameOf(target));
    this.#portless = nameOf(target) === bareHost(target) ? [] : knownKeys(text, bareHost(target));
  }

  /** Reads the known_hosts file, unless a fingerprint is pinned. A file that isn't there knows nobody. */
  static async load(target: SshTarget): Promise<HostKeys> {
    const file = (target.knownHosts ?? "~/.ssh/known_hosts").replace(/^~(?=\/)/, homedir());
    if (target.fingerprint !== undefined) return new HostKeys(target, file, "");
    try {
      return new HostKeys(target, file, await readFile(file, "utf8"));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "ENOENT" || code === "ENOTDIR") return new HostKeys(target, file, "");
      throw new ProxMcpError(
        "HOST_KEY_UNKNOWN",
        `The known hosts can't be read from ${file} (${code}), so the host key of ${nameOf(target)} can't be checked.`,
        {
          next: "Make the file readable, or pin the host's fingerprint in the connection.",
          cause: error,
        },
      );
    }
  }

  /**
   * What to ask the server for, in order. A server has a key of each type and shows the one that the client likes best,
   * so the types we know come first: a host known by its RSA key is not to look like a stranger by its ed25519 key.
   */
  get algorithms(): ServerHostKeyAlgorithm[] {
    const known = new Set((this.#known.length ? this.#known : this.#portless).filter((entry) => !entry.revoked).map((entry) => entry.type));
    const types = Object.keys(ALGORITHMS).filter((type) => !this.#ruledOut.has(type));
    const ordered = [...types.filter((type) => known.has(type)), ...types.filter((type) => !known.has(type))];
    return ordered.flatMap((type) => ALGORITHMS[type] ?? []);
  }

  /** Why the presented key is refused, or nothing when the host is who we think it is. */
  judge(key: Buffer): ProxMcpError | undefined {
    const type = typeOf(key) ?? "unknown";
    const shown = `${type} ${fingerprintOf(key)}`;
    if (this.#pin !== undefined) return this.#judgePinned(type, shown, key);
    const same = (entry: KnownKey): boolean => entry.key.equals(key);
    const revoked = [...this.#known, ...this.#portless].find((entry) => entry.revoked && same(entry));
    if (revoked)
      return this.#refusal(key, `${this.#name} presented the host key ${shown}, which line ${revoked.line} of ${this.#file} marks as revoked.`, {
        next: "Do not connect. Whoever revoked this key knows why; the host needs a new one.",
        line: revoked.line,
      });
    const known = this.#known.filter((entry) => !entry.revoked);
    if (known.some(same)) return undefined;
    if (!this.#known.length && this.#portless.some(same)) return undefined;
    const add = `${this.#name} ${type} ${key.toString("base64")}`;
    const other = known.find((entry) => entry.type === type);
    if (other)
      return this.#refusal(
        key,
        `THE HOST KEY OF ${this.#name} HAS CHANGED, or someone is in between: it presented ${shown}, but line ${other.line} of ${this.#file} holds ${fingerprintOf(other.key)}.`,
        {
          next: `Do not connect before the new fingerprint was checked on the host itself. If the host was reinstalled, remove the old key (ssh-keygen -R '${this.#name}' -f ${this.#file}) and add: ${add}`,
          line: other.line,
          add,
        },
      );
    const types = [...new Set(known.map((entry) => entry.type))].join(", ");
    return this.#refusal(
      key,
      `The host key of ${this.#name} is not known: ${shown}. ${this.#file} has ${types ? `only ${types}` : "no key"} for this host.`,
      { next: `Compare the fingerprint on the host itself (ssh-keygen -l), then pin it in the connection or add to ${this.#file}: ${add}`, add },
    );
  }

  /** After a refusal: whether the server may yet have the pinned key, as a key of a type that it was not asked for. */
  get mayHaveOther(): boolean {
    return this.#pin !== undefined && this.algorithms.length > 0;
  }

  get #name(): string {
    return nameOf(this.#target);
  }

  #judgePinned(type: string, shown: string, key: Buffer): ProxMcpError | undefined {
    if (fingerprintOf(key) === this.#pin) return undefined;
    this.#ruledOut.add(type);
    return this.#refusal(key, `${this.#name} presented the host key ${shown}, but ${this.#pin} is pinned.`, {
      next: "If the host was reinstalled, check the new fingerprint on the host itself and pin that. Otherwise someone is in between.",
    });
  }

  #refusal(key: Buffer, message: string, { next, ...data }: { next: string; line?: number; add?: string }): ProxMcpError {
    const facts = { type: typeOf(key), fingerprint: fingerprintOf(key), ...data };
    return new ProxMcpError("HOST_KEY_UNKNOWN", message, { tried: [`SSH handshake with ${this.#name}`], next, data: facts });
  }
}

/** The keys that the text of a known_hosts file has for a name. Certificate authorities are left out: we don't check certificates. */
export function knownKeys(text: string, name: string): KnownKey[] {
  const found: KnownKey[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim().split(/[ \t]+/);
    const marker = words[0]?.startsWith("@") ? words.shift() : undefined;
    const [patterns = "", , blob = ""] = words;
    if (patterns.startsWith("#") || (marker !== undefined && marker !== "@revoked") || !covers(patterns, name.toLowerCase())) continue;
    const key = Buffer.from(blob, "base64");
    const type = typeOf(key);
    if (type !== undefined) found.push({ type, key, revoked: marker === "@revoked", line: index + 1 });
  }
  return found;
}

/** `a,*.b,!c.b` or `|1|salt|hash`: whether the first column of a line means this name. */
function covers(patterns: string, name: string): boolean {
  if (patterns.startsWith("|")) {
    const [, version, salt = "", hash] = patterns.split("|");
    return version === "1" && createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
  }
  let covered = false;
  for (const pattern of patterns.toLowerCase().split(",")) {
    const except = pattern.startsWith("!");
    if (!wildcard(except ? pattern.slice(1) : pattern).test(name)) continue;
    if (except) return false;
    covered = true;
  }
  return covered;
}

/** Only `*` and `?` mean something here: the brackets of `[host]:port` are plain characters. */
function wildcard(pattern: string): RegExp {
  const source = pattern.replace(/[\\^$.|+()[\]{}]/g, "\\$&").replace(/\*+/g, ".*");
  return new RegExp(`^${source.replaceAll("?", ".")}$`);
}

/** A key on the wire begins with its type as a string with its length before it. */
function typeOf(key: Buffer): string | undefined {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
  if (length === 0 || length > 64 || key.length <= 4 + length) return undefined;
  return key.toString("latin1", 4, 4 + length);
}

/** `SHA256:` and base64 without padding, as `ssh-keygen -l` prints it. */
export const fingerprintOf = (key: Buffer): string => `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;

function plainFingerprint(text: string): string {
  const base64 = text
    .trim()
    .replace(/^SHA256:/i, "")
    .replace(/=+$/, "");
  if (!/^[A-Za-z0-9+/]{43}$/.test(base64))
    throw new ProxMcpError("CONFIG_INVALID", `"${text}" is not the fingerprint of an SSH host key.`, {
      next: "Give it as ssh-keygen -l prints it: SHA256: and 43 characters. A fingerprint with colons is the older MD5, which is not safe.",
      data: { field: "fingerprint" },
    });
  return `SHA256:${base64}`;
}

/** The host without the brackets that an IPv6 address may come in. */
export const bareHost = (target: SshTarget): string => target.host.replace(/^\[|\]$/g, "");

/** The name of a host in known_hosts. */
function nameOf(target: SshTarget): string {
  const port = target.port ?? 22;
  return port === 22 ? bareHost(target) : `[${bareHost(target)}]:${port}`;
}

/** `user@host:port`, as targets are named in messages. */
export const placeOf = (target: SshTarget): string =>
  `${target.user}@${/:/.test(bareHost(target)) ? `[${bareHost(target)}]` : bareHost(target)}:${target.port ?? 22}`;
