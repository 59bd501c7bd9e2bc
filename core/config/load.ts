import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { SchemaIssue } from "../declare/facet.js";
import { ProxMcpError } from "../errors.js";
import { type CheckedConfig, ConfigSchema } from "./schema.js";

const ENDINGS = ["ts", "mts", "js", "mjs", "cjs", "json", "yaml", "yml"];
const SEARCH_PLACES = [
  ...ENDINGS.map((ending) => `proxmcp.config.${ending}`),
  ".proxmcprc",
  ...ENDINGS.map((ending) => `.proxmcprc.${ending}`),
  "package.json",
];

export interface LoadedConfig {
  readonly config: CheckedConfig;
  /** The folder that relative paths and plugin names are resolved from. */
  readonly folder: string;
  /** The file it came from; absent when there is none. */
  readonly file?: string;
}

export interface LoadOptions {
  /** Read this file and no other. */
  readonly file?: string | undefined;
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** Finds the config: the given file, else upwards from `cwd`, else in the user's config folder. None at all is fine. */
export async function loadConfig({ file, cwd = process.cwd(), env = process.env }: LoadOptions = {}): Promise<LoadedConfig> {
  const { cosmiconfig } = await import("cosmiconfig");
  // Of a package.json on the way only its `proxmcp` property counts.
  const nearby = cosmiconfig("proxmcp", { searchPlaces: SEARCH_PLACES, packageProp: "proxmcp", searchStrategy: "global", stopDir: "/" });
  const userFolder = join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "proxmcp");
  const byUser = cosmiconfig("proxmcp", { searchPlaces: ENDINGS.map((ending) => `config.${ending}`), searchStrategy: "none" });
  let found: Awaited<ReturnType<typeof nearby.load>>;
  try {
    found = file ? await nearby.load(resolve(cwd, file)) : ((await nearby.search(cwd)) ?? (await byUser.search(userFolder)));
  } catch (error) {
    if (file && (error as { code?: string }).code === "ENOENT")
      throw new ProxMcpError("CONFIG_INVALID", `There is no config file ${resolve(cwd, file)}.`);
    throw new ProxMcpError("CONFIG_INVALID", `The config can't be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  if (!found || found.isEmpty) return { config: {}, folder: cwd };
  return { config: checkConfig(found.config, found.filepath), folder: dirname(found.filepath), file: found.filepath };
}

/** Checks a config object; the error lists every fault with its path, what was found and what is allowed. */
export function checkConfig(config: unknown, origin = "the config"): CheckedConfig {
  const result = ConfigSchema.safeParse(config);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => describeIssue(issue, config, !isOption(issue.path)));
  throw new ProxMcpError(
    "CONFIG_INVALID",
    [`${origin} has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:`, ...faults].join("\n  "),
    { data: { faults } },
  );
}

/** Values of a connection's own options may be secrets and are never shown. */
const isOption = (path: readonly PropertyKey[]): boolean =>
  path[0] === "connections" && path.length > 2 && !["provider", "match", "tags", "tools"].includes(String(path[2]));

/** `connections.prod.tools.confirm: found "maybe"; allowed: ...` */
export function describeIssue(issue: SchemaIssue, root: unknown, showValue: boolean): string {
  const found = issue.path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step], root);
  const shown =
    found === undefined
      ? "nothing"
      : showValue
        ? shorten(JSON.stringify(found) ?? String(found))
        : `a ${Array.isArray(found) ? "list" : typeof found}`;
  return `${issue.path.join(".") || "(top level)"}: found ${shown}; ${issue.message}`;
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);
