/**
 * Writes a connection into the config, its secrets into the store. A config that is code is left alone: the entry is then told to the person.
 * @module
 */
import { constants } from "node:fs";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { ConnectionEntryDraft, Kept } from "../declare/connecting.js";
import { facetOf } from "../declare/facet.js";
import type { Provider } from "../declare/provider.js";
import { ProxMcpError } from "../errors.js";
import { draftText, withoutSecrets } from "./draft.js";
import { openStore } from "./inventory.js";
import { checkConfig, loadConfig } from "./load.js";
import { partOf } from "./nested.js";
import { schemaFor } from "./schema-file.js";
import { isReference } from "./secrets.js";
import { passphraseOf, type SecretStore, storePath } from "./store.js";
import { isEditable, replaceText, withConnection } from "./written.js";

/** A connection that there is now, wherever it comes from. */
export interface Present {
  readonly name: string;
  readonly provider: Provider;
  readonly options: Readonly<Record<string, unknown>>;
  readonly from: string;
}

export interface KeepOptions {
  readonly provider: Provider;
  /** The config file, if there is one. */
  readonly file?: string | undefined;
  /** The config was given by a program, and stands in no file. */
  readonly inCode: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Those that were found without any config: a new config that leaves them out would lose them. */
  readonly found: readonly Present[];
}

/** The file that connections are written to: the config, or a new one in the user's config folder. Undefined where a person has to do it. */
function targetOf({ file, inCode, env }: KeepOptions): string | undefined {
  if (file !== undefined) return isEditable(file) ? file : undefined;
  return inCode ? undefined : join(userFolder(env), "config.yaml");
}

const userFolder = (env: KeepOptions["env"]): string => join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "proxmcp");

/** Throws when a connection could not be written down: before anything has been done for it. */
export async function readyToKeep(options: KeepOptions): Promise<void> {
  if ((await passphraseOf(options.env)) !== undefined) await openStore(options.env);
  const file = targetOf(options);
  if (file === undefined) return;
  const there = await exists(file);
  await access(there ? file : await nearest(dirname(file)), constants.W_OK).catch((error: unknown) => {
    throw new ProxMcpError("CONFIG_INVALID", `${file} can't be written.`, {
      cause: error,
      next: "Give this user the right to write it, or name another config with --config.",
    });
  });
  if (there) withConnection(file, await readFile(file, "utf8"), "trial", {});
}

/** Writes a connection down. */
export async function keepConnection({ name, options: given }: ConnectionEntryDraft, options: KeepOptions): Promise<Kept> {
  const { provider, env } = options;
  const notes: string[] = [];
  const own = await withSecretsKept(name, provider.connection.schema, given, env, notes);
  const entry = { provider: provider.name, ...own };
  const file = targetOf(options);
  if (file === undefined) {
    const where = options.file ?? "the config that this program gives";
    return {
      entry,
      notes: [...notes, `Add the connection ${name} to ${where}: it is code, which is not changed from here. The entry is in the answer.`],
    };
  }
  if (await exists(file)) {
    const before = await readFile(file, "utf8");
    const others = othersOf(name, options, notes);
    const all = [...others.map((one) => ({ name: one.name, entry: { provider: one.provider.name, ...one.options } })), { name, entry }];
    await replaceText(
      file,
      all.reduce((text, one) => withConnection(file, text, one.name, one.entry), before),
    );
    if (others.length > 0) notes.push(alsoNamed(others));
    await checked(file, env).catch(async (error: unknown) => {
      await replaceText(file, before);
      throw error;
    });
  } else await begin(file, { name, provider, options: own }, options, notes);
  return { file, entry, notes };
}

/** What was found without any connection in a config: one that names others would make them vanish. */
function othersOf(name: string, { env, found }: KeepOptions, notes: string[]): readonly Present[] {
  return found
    .filter((one) => one.name !== name)
    .map((one) => {
      const kept = withoutSecrets(one, env);
      for (const variable of kept.missing)
        notes.push(`Set the variable ${variable}: ${one.name} needs it, and secrets are not copied into a config.`);
      return { ...one, options: kept.options };
    });
}

const alsoNamed = (others: readonly Present[]): string =>
  `The config now also names what was found without it: ${others.map((one) => one.name).join(", ")}.`;

/** A new config. */
async function begin(file: string, made: Omit<Present, "from">, options: KeepOptions, notes: string[]): Promise<void> {
  const others = othersOf(made.name, options, notes);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, draftText({ connections: [...others, made], schema: await schemaFor(file) }, ".yaml"), { mode: 0o600, flag: "wx" });
  notes.push(`There was no config, so ${file} was begun.${others.length > 0 ? ` ${alsoNamed(others)}` : ""}`);
}

/** What was written is worth as much as it reads. */
async function checked(file: string, env: KeepOptions["env"]): Promise<void> {
  checkConfig((await loadConfig({ file, env })).config, file);
}

/** The options with each secret put away, and a reference in its place. */
async function withSecretsKept(
  name: string,
  schema: object,
  options: Readonly<Record<string, unknown>>,
  env: KeepOptions["env"],
  notes: string[],
): Promise<Record<string, unknown>> {
  let store: SecretStore | undefined;
  let asked = false;
  const put = async (path: string, value: string): Promise<object> => {
    if (!asked) {
      asked = true;
      if ((await passphraseOf(env)) !== undefined) store = await openStore(env);
      else
        notes.push(`The secrets of ${name} are in files that only this user can read: the store of secrets has no passphrase (PROXMCP_PASSPHRASE).`);
    }
    if (!store) return { file: await intoFile(env, path, value) };
    await store.set(path, value);
    return { store: path };
  };
  const walk = async (value: unknown, at: object | undefined, path: string): Promise<unknown> => {
    if (value === undefined || isReference(value)) return value;
    if (typeof value === "string") return at && facetOf(at)?.secret ? await put(path, value) : value;
    if (typeof value !== "object" || value === null) return value;
    const entries: [string, unknown][] = [];
    for (const [key, inner] of Object.entries(value)) entries.push([key, await walk(inner, at && partOf(at, key), `${path}.${key}`)]);
    return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
  };
  return (await walk(options, schema, name)) as Record<string, unknown>;
}

/** A secret where there is no store: as SSH keeps its keys. */
async function intoFile(env: KeepOptions["env"], path: string, value: string): Promise<string> {
  const file = resolve(dirname(storePath(env)), "keys", path);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await rm(file, { force: true }); // or the mode of an older one would stay
  await writeFile(file, value, { mode: 0o600 });
  return file;
}

/** The nearest folder that there is, on the way to one that is to be made. */
async function nearest(folder: string): Promise<string> {
  return (await exists(folder)) || dirname(folder) === folder ? folder : await nearest(dirname(folder));
}

const exists = (path: string): Promise<boolean> =>
  access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
