import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { facetOf } from "../declare/facet.js";
import { isProxMcpError } from "../errors.js";
import { partOf, partsOf } from "./nested.js";

const MASK = "[secret]";
/** Shorter ones would blot out ordinary words; they are masked by their field alone. */
const MIN_LENGTH = 6;
const SECRET_WORD = "pass(?:word|wd|phrase)?|secret|token|credential|api_?key|private_?key|authorization";
const SECRET_NAME = new RegExp(SECRET_WORD, "i");
/** `DB_PASSWORD=...` alone, as in an environment; `--password=...` or `?token=...` within a text. */
const ASSIGNMENT = /^[\w.-]+=/;
const ASSIGNED = new RegExp(`((?:${SECRET_WORD})[\\w.-]{0,40}=)[^\\s&,;"']+`, "gi");

/** Knows every secret that was resolved, and takes them out of whatever is about to be shown. */
export class Secrets {
  readonly #values = new Set<string>();
  #pattern: RegExp | undefined;

  add(value: string): void {
    const parts = [value, value.trim()];
    // A token that is used as `name=secret` must not leak by its second half either. Keys in PEM only end in `=`.
    if (!value.includes("\n")) for (let at = value.indexOf("="); at >= 0; at = value.indexOf("=", at + 1)) parts.push(value.slice(at + 1));
    for (const part of parts) {
      if (part.length < MIN_LENGTH) continue;
      this.#values.add(part);
      this.#values.add(JSON.stringify(part).slice(1, -1)); // as it stands inside JSON text
      this.#values.add(encodeURIComponent(part));
    }
    this.#pattern = undefined;
  }

  /** The text with every known secret masked. */
  maskText(text: string): string {
    if (this.empty) return text;
    // The longest first: of one that begins with another, the rest would remain.
    this.#pattern ??= new RegExp(
      [...this.#values]
        .sort((a, b) => b.length - a.length)
        .map(literally)
        .join("|"),
      "g",
    );
    return text.replace(this.#pattern, MASK);
  }

  /** A copy of the value with every known secret masked, and with values masked whose field name says that they are secret. */
  mask<Value>(value: Value, byName = false): Value {
    return this.#masked(value, { byName, hidden: false, above: [] }) as Value;
  }

  #masked(value: unknown, { byName, hidden, above }: { byName: boolean; hidden: boolean; above: readonly object[] }): unknown {
    // A declared secret may be a number; what is merely called `tokens` may be a count of them.
    if (hidden && !byName && ["number", "bigint", "boolean"].includes(typeof value)) return MASK;
    if (typeof value === "string") return hidden ? MASK : byName ? maskAssigned(this.maskText(value)) : this.maskText(value);
    if (typeof value !== "object" || value === null) return value;
    if (above.includes(value)) return "[circular]";
    const inside = { byName, hidden, above: [...above, value] };
    if (Array.isArray(value)) return value.map((one: unknown) => this.#masked(one, inside));
    if ("toJSON" in value && typeof value.toJSON === "function") return this.#masked(value.toJSON(), inside);
    // What an error says is not among its entries.
    const entries = value instanceof Error ? Object.assign({ name: value.name, message: value.message }, value) : value;
    return Object.fromEntries(
      Object.entries(entries).map(([name, inner]) => [
        this.maskText(name),
        this.#masked(inner, { ...inside, hidden: hidden || (byName && SECRET_NAME.test(name)) }),
      ]),
    );
  }

  /** A copy of the value in which the fields that a schema declares secret are masked, whatever they hold. */
  hideFields(schema: object | undefined, value: unknown): unknown {
    if (schema && facetOf(schema)?.secret) return this.#masked(value, { byName: false, hidden: true, above: [] });
    if (typeof value !== "object" || value === null || !schema) return value;
    if (Array.isArray(value)) return value.map((one, at) => this.hideFields(partOf(schema, String(at)), one));
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.hideFields(partOf(schema, name), inner)]));
  }

  /** Whether there is anything to mask at all. */
  get empty(): boolean {
    return this.#values.size === 0;
  }
}

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

function maskAssigned(text: string): string {
  const [name = ""] = ASSIGNMENT.exec(text) ?? [];
  return SECRET_NAME.test(name) ? `${name}${MASK}` : text.replace(ASSIGNED, `$1${MASK}`);
}

/** What stands in the config for a value that is elsewhere. */
export type Reference = { readonly env: string } | { readonly file: string } | { readonly store: string };

/** A secret in the config: `{ env: "NAME" }`, `{ file: "path" }` or `{ store: "name" }`. */
export function isReference(value: unknown): value is Reference {
  if (typeof value !== "object" || value === null) return false;
  const [only, ...others] = Object.entries(value);
  return others.length === 0 && only !== undefined && ["env", "file", "store"].includes(only[0]) && typeof only[1] === "string";
}

export interface ResolveOptions {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where what can't be resolved is told. */
  readonly faults: string[];
  /** Opens the store of secrets; once, whoever asks first. */
  readonly store: () => Promise<{ get(name: string): string | undefined }>;
}

/** Replaces every reference in the options by what it refers to; those that lead nowhere become undefined. */
export async function resolveReferences(options: unknown, path: string, context: ResolveOptions): Promise<unknown> {
  if (isReference(options)) return await followed(options, path, context);
  if (Array.isArray(options)) return await Promise.all(options.map((one, at) => resolveReferences(one, `${path}.${at}`, context)));
  if (typeof options !== "object" || options === null) return options;
  return Object.fromEntries(
    await Promise.all(
      Object.entries(options).map(async ([name, value]) => [name, await resolveReferences(value, `${path}.${name}`, context)] as const),
    ),
  );
}

async function followed(reference: Reference, path: string, { folder, env, faults, store }: ResolveOptions): Promise<string | undefined> {
  if ("env" in reference) {
    const value = env[reference.env];
    if (!value) faults.push(`${path}: the environment variable ${reference.env} is not set; set it where ProxMCP is started`);
    return value || undefined;
  }
  if ("store" in reference) {
    try {
      const value = (await store()).get(reference.store);
      if (value === undefined)
        faults.push(`${path}: the store has no secret ${reference.store}; \`proxmcp secrets set ${reference.store}\` puts it there`);
      return value;
    } catch (error) {
      if (!isProxMcpError(error)) throw error;
      faults.push(`${path}: ${error.message}${error.details.next ? ` ${error.details.next}` : ""}`);
      return undefined;
    }
  }
  const file = resolve(folder, reference.file.replace(/^~(?=\/)/, homedir()));
  try {
    return (await readFile(file, "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    faults.push(`${path}: the file ${file} can't be read (${(error as { code?: string }).code ?? String(error)})`);
    return undefined;
  }
}

/**
 * Remembers the secrets among resolved options: what stands in a field that is declared secret, and what a reference led to, unless its
 * field is described as something else. An address from the environment is no secret, and masking it would blot it out of every result.
 */
export function rememberSecrets(schema: object | undefined, given: unknown, resolved: unknown, secrets: Pick<Secrets, "add">): void {
  const facet = schema && facetOf(schema);
  if (typeof resolved === "string") {
    if (facet?.secret || (isReference(given) && !facet)) secrets.add(resolved);
    return;
  }
  if (typeof resolved !== "object" || resolved === null) return;
  for (const [name, value] of Object.entries(resolved)) {
    const inner = facet?.secret ? schema : schema && partOf(schema, name);
    rememberSecrets(inner, (given as Record<string, unknown> | undefined)?.[name], value, secrets);
  }
}

/** Whether there is a secret in a field, or somewhere below it. */
export function holdsSecret(schema: object): boolean {
  return Boolean(facetOf(schema)?.secret) || partsOf(schema).some(holdsSecret);
}
