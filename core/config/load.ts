import type { CosmiconfigResult } from "cosmiconfig";
import { randomUUID } from "node:crypto";
import { access, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ProxMcpError } from "../errors.js";
import { withDotEnv } from "./dotenv.js";
import { configInvalid, describeIssue } from "./faults.js";
import { mapOwnPackage } from "./resolve.js";
import { type CheckedConfig, ConfigSchema } from "./schema.js";

const ENDINGS = ["ts", "mts", "js", "mjs", "cjs", "json", "yaml", "yml"];
const SEARCH_PLACES = [
  ...ENDINGS.map((ending) => `proxmcp.config.${ending}`),
  ".proxmcprc",
  ...ENDINGS.map((ending) => `.proxmcprc.${ending}`),
  "package.json",
];
const USER_PLACES = ENDINGS.map((ending) => `config.${ending}`);

export interface LoadedConfig {
  readonly config: CheckedConfig;
  /** The folder that relative paths and plugin names are resolved from. */
  readonly folder: string;
  /** The file it came from; absent when there is none. */
  readonly file?: string;
  /** The environment, with what `.env` in the folder adds. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface LoadOptions {
  /** Read this file and no other. */
  readonly file?: string | undefined;
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Read a file that is code once more, though it was loaded before. What it imports stays as it was. */
  readonly again?: boolean | undefined;
}

type Read = (path: string) => Promise<CosmiconfigResult>;

/** Finds the config: the given file, else upwards from `cwd`, else in the user's config folder. None at all is fine. */
export async function loadConfig({ file, cwd = process.cwd(), env = process.env, again = false }: LoadOptions = {}): Promise<LoadedConfig> {
  mapOwnPackage(); // a config file may import `defineConfig`, wherever this package is installed
  const read = await reader(again);
  const path = file === undefined ? await search(read, cwd, env) : resolve(cwd, file);
  if (path === undefined) return { config: {}, folder: cwd, env: await withDotEnv(cwd, env) };
  const found = await read(path);
  if (!found || found.isEmpty) throw new ProxMcpError("CONFIG_INVALID", `${path} holds no configuration.`);
  const folder = dirname(path);
  const { audit, ...rest } = checkConfig(found.config, path);
  return {
    config: { ...rest, ...(audit ? { audit: { file: resolve(folder, audit.file) } } : audit === false ? { audit } : {}) },
    folder,
    file: path,
    env: await withDotEnv(folder, env),
  };
}

/** The nearest file that has something for us: an empty one counts for nothing, nor does a package.json without `proxmcp`. */
async function search(read: Read, cwd: string, env: NonNullable<LoadOptions["env"]>): Promise<string | undefined> {
  const user = join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "proxmcp");
  for (const place of [
    ...upwards(cwd).flatMap((folder) => SEARCH_PLACES.map((name) => join(folder, name))),
    ...USER_PLACES.map((name) => join(user, name)),
  ]) {
    const reachable = await access(place).then(
      () => true,
      () => false,
    );
    if (!reachable) continue;
    const found = await read(place);
    if (found && !found.isEmpty) return place;
  }
  return undefined;
}

function upwards(from: string): readonly string[] {
  const folder = resolve(from);
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...upwards(parent)];
}

/** Reads a file as its ending says, once. Which file it is that fails is always said; its text never is. */
async function reader(again: boolean): Promise<Read> {
  const { cosmiconfig } = await import("cosmiconfig");
  const { load } = cosmiconfig("proxmcp", { packageProp: "proxmcp", ...(again ? { loaders: AGAIN } : {}) });
  return async (path) => {
    try {
      return await load(path);
    } catch (error) {
      if ((error as { code?: string }).code === "EISDIR") return null;
      if ((error as { code?: string }).code === "ENOENT" && (error as { path?: string }).path === path)
        throw new ProxMcpError("CONFIG_INVALID", `There is no config file ${path}.`);
      throw new ProxMcpError("CONFIG_INVALID", `${path} can't be read: ${saidBy(error, path)}`, { cause: error });
    }
  };
}

/** Node keeps what it has imported: under an address that it has not seen, it reads the file again. */
const importAgain = async (path: string): Promise<unknown> => {
  const { createRequire } = await import("node:module");
  delete createRequire(path).cache[await realpath(path)]; // of a CommonJS file it keeps the text as well
  return ((await import(`${pathToFileURL(path).href}?${randomUUID()}`)) as { default: unknown }).default;
};
const AGAIN = Object.fromEntries([".ts", ".mts", ".js", ".mjs"].map((ending) => [ending, importAgain]));

/** What was said against a file. Parsers quote the text around a fault, and that may be a password: only the place is kept. */
function saidBy(error: unknown, path: string): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message, stack = "" } = error;
  const said = message.replace(/^(JSON|YAML) Error in .*:\n/, "");
  if (name !== "SyntaxError" && name !== "YAMLException") return said;
  const line = stack.startsWith(`${path}:`) ? ` (line ${Number.parseInt(stack.slice(path.length + 1), 10)})` : "";
  const [first = ""] = said.split("\n");
  return `${first
    .replace(/".*"/, "...")
    .replace(/'[^']{4,}'/g, "...")
    .replace(/!<.*>/, "...")}${line}`;
}

/** Checks a config object; the error lists every fault with its path, what was found and what is allowed. */
export function checkConfig(config: unknown, origin = "the config"): CheckedConfig {
  const result = ConfigSchema.safeParse(config);
  if (result.success) return result.data;
  const faults = result.error.issues.flatMap((issue) => describeIssue(issue, config, { show: !isOption(issue.path), schema: ConfigSchema }));
  throw configInvalid(origin, faults);
}

/** Values of a connection's own options may be secrets and are never shown. */
const isOption = (path: readonly PropertyKey[]): boolean =>
  path[0] === "connections" && !(path.length > 2 && ["provider", "match", "tags", "tools"].includes(String(path[2])));
