import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { findPackageJSON } from "node:module";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Where a plugin's code is, found without running any of it. */
export interface PluginSource {
  /** What its files are: those of a whole package, or those beside a file that is in no package of its own. */
  readonly holds: "package" | "file";
  readonly folder: string;
  /** Of the package; absent for a lone file. */
  readonly name?: string;
  readonly version?: string;
  /** The versions of this package that it says it needs. */
  readonly needs?: string;
}

/** How a plugin is named in the config: one that ships with this package, a path, or a package. */
export const isPath = (name: string): boolean => name.startsWith(".") || isAbsolute(name) || name.startsWith("file:");
export const pathOf = (name: string, folder: string): string => (name.startsWith("file:") ? fileURLToPath(name) : resolve(folder, name));

/** The package of this program itself. */
export async function ownPackage(): Promise<PluginSource> {
  const here = fileURLToPath(import.meta.url);
  return (await packageAt(above(here))) ?? { holds: "package", folder: dirname(here) };
}

/** The package or file that a plugin's name leads to from the config's folder. Undefined where nothing is found: the import then says so. */
export async function sourceOf(name: string, folder: string): Promise<PluginSource | undefined> {
  if (!isPath(name)) return await packageAt(installed(name, folder));
  const path = pathOf(name, folder);
  const file = above(path);
  // The package that the config itself belongs to is not the plugin's.
  const own = file !== undefined && !isWithin(resolve(folder), dirname(file));
  return own ? await packageAt(file) : { holds: "file", folder: dirname(path) };
}

async function packageAt(file: string | undefined): Promise<PluginSource | undefined> {
  if (file === undefined) return undefined;
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const { name, version, peerDependencies, dependencies } = parsed(text);
  const needs = peerDependencies?.["proxmcp"] ?? dependencies?.["proxmcp"];
  return { holds: "package", folder: dirname(file), ...(name ? { name } : {}), ...(version ? { version } : {}), ...(needs ? { needs } : {}) };
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** A package.json that is none is the import's to complain about. */
function parsed(text: string): Manifest {
  try {
    return (JSON.parse(text) ?? {}) as Manifest;
  } catch {
    return {};
  }
}

const isWithin = (inner: string, outer: string): boolean => {
  const road = relative(outer, inner);
  return road === "" || !(road.startsWith("..") || isAbsolute(road));
};

function installed(name: string, folder: string): string | undefined {
  try {
    return findPackageJSON(name, pathToFileURL(join(folder, "proxmcp.config.js")));
  } catch {
    return undefined; // there is none
  }
}

/** The nearest package.json above a file. Node's own function answers the file itself where there is none. */
function above(path: string): string | undefined {
  const folder = dirname(path);
  const file = join(folder, "package.json");
  return existsSync(file) ? file : folder === path ? undefined : above(folder);
}
