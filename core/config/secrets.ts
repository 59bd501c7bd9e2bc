import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { ProxMcpError } from "../errors.js";

const MASK = "[secret]";
/** Shorter ones would blot out ordinary words; they are masked by their field alone. */
const MIN_LENGTH = 6;
const SECRET_NAME = /pass(word|wd|phrase)?|secret|token|credential|api_?key|private_?key|authorization/i;

/** Knows every secret that was resolved, and takes them out of whatever is about to be shown. */
export class Secrets {
  readonly #values = new Set<string>();

  add(value: string): void {
    // A token that is used as `name=secret` must not leak by its second half either.
    for (const part of [value, value.trim(), value.includes("=") ? value.slice(value.indexOf("=") + 1) : ""])
      if (part.length >= MIN_LENGTH) this.#values.add(part);
  }

  /** The text with every known secret masked. */
  maskText(text: string): string {
    let masked = text;
    for (const value of this.#values) {
      if (masked.includes(value)) masked = masked.replaceAll(value, MASK);
      const escaped = JSON.stringify(value).slice(1, -1); // as it stands inside JSON text
      if (escaped !== value && masked.includes(escaped)) masked = masked.replaceAll(escaped, MASK);
    }
    return masked;
  }

  /** A copy of the value with every known secret masked, and with values masked whose field name says that they are secret. */
  mask<Value>(value: Value, byName = false): Value {
    if (typeof value === "string") return this.maskText(value) as Value;
    if (Array.isArray(value)) return value.map((one: unknown) => this.mask(one, byName)) as Value;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        byName && SECRET_NAME.test(name) && typeof inner === "string" ? MASK : this.mask(inner, byName),
      ]),
    ) as Value;
  }

  /** Whether there is anything to mask at all. */
  get empty(): boolean {
    return this.#values.size === 0;
  }
}

/** Replaces every `{ env: "NAME" }` and `{ file: "path" }` in the options by what it refers to, and remembers the values. */
export async function resolveSecrets(
  options: unknown,
  { path, folder, env, secrets }: { path: string; folder: string; env: Readonly<Record<string, string | undefined>>; secrets: Secrets },
): Promise<unknown> {
  if (Array.isArray(options)) return Promise.all(options.map((one, at) => resolveSecrets(one, { path: `${path}.${at}`, folder, env, secrets })));
  if (typeof options !== "object" || options === null) return options;
  const entries = Object.entries(options);
  const only = entries.length === 1 ? entries[0] : undefined;
  if (only?.[0] === "env" && typeof only[1] === "string") {
    const value = env[only[1]];
    if (!value)
      throw new ProxMcpError("CONFIG_INVALID", `${path}: the environment variable ${only[1]} is not set.`, {
        next: `Set ${only[1]} where ProxMCP is started, for instance in the client's entry.`,
      });
    secrets.add(value);
    return value;
  }
  if (only?.[0] === "file" && typeof only[1] === "string") {
    const file = resolve(folder, only[1].replace(/^~(?=\/)/, homedir()));
    try {
      const value = (await readFile(file, "utf8")).replace(/\r?\n$/, "");
      secrets.add(value);
      return value;
    } catch (error) {
      throw new ProxMcpError("CONFIG_INVALID", `${path}: the file ${file} can't be read (${(error as { code?: string }).code ?? String(error)}).`);
    }
  }
  return Object.fromEntries(
    await Promise.all(
      entries.map(async ([name, value]) => [name, await resolveSecrets(value, { path: `${path}.${name}`, folder, env, secrets })] as const),
    ),
  );
}
