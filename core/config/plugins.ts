import { access } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { checkProvider, schemasOf } from "../declare/check.js";
import type { Provider } from "../declare/provider.js";
import { prepareJson } from "../derive/json.js";
import { ProxMcpError } from "../errors.js";
import type { Lock } from "../lock/held.js";
import { checkApi, checkNeeds } from "./compatible.js";
import { importFrom, mapOwnPackage } from "./resolve.js";
import { DEFAULTS } from "./schema.js";
import { isPath, ownPackage, pathOf, type PluginSource, sourceOf } from "./source.js";

/** Milliseconds for a plugin to load. */
const LOADING = 30_000;

export interface LoadedPlugin {
  readonly provider: Provider;
  /** Where it came from, as it stands in the config. */
  readonly origin: string;
  /** Where its code is. Absent for an object. */
  readonly source?: PluginSource;
  /** It comes with this package. */
  readonly shipped: boolean;
}

/** How a plugin is called in messages and in the lock file. */
export const originOf = (plugin: string | object): string =>
  typeof plugin === "string" ? plugin : `the object ${JSON.stringify((plugin as Provider).name ?? "without a name")}`;

/**
 * Loads one plugin by package name, path or as an object, and refuses a faulty declaration with all its faults. With a lock, one that is not as
 * it was pinned is refused too, before its code runs where that can be told from its files.
 */
export async function loadPlugin(plugin: string | object, folder: string, lock?: Lock): Promise<LoadedPlugin> {
  const origin = originOf(plugin);
  const shipped = isShipped(plugin);
  if (typeof plugin === "string" && isPath(plugin))
    await access(pathOf(plugin, folder)).catch((error: unknown) => Promise.reject(absent(plugin, folder, error)));
  const source = shipped ? await ownPackage() : typeof plugin === "string" ? await sourceOf(plugin, folder) : undefined;
  if (source && !shipped) await checkNeeds(origin, source);
  if (lock && typeof plugin === "string") {
    // Without its files it can't be compared, wherever else the import might find it.
    if (!source) throw absent(plugin, folder);
    await lock.admit(origin, source);
  }
  const candidate = typeof plugin === "string" ? await importPlugin(plugin, folder) : plugin;
  const loaded: LoadedPlugin = { provider: candidate as Provider, origin, shipped, ...(source ? { source } : {}) };
  // Those that ship with this package are checked by its tests; checking them again would be half of the start-up.
  if (!shipped) await check(origin, candidate);
  await lock?.hold(loaded);
  return loaded;
}

async function check(origin: string, candidate: unknown): Promise<void> {
  checkApi(origin, candidate);
  await prepareJson(schemasOf(candidate as Provider));
  const faults = checkProvider(candidate);
  if (faults.length > 0)
    throw new ProxMcpError(
      "PLUGIN_INVALID",
      [`The plugin ${origin} has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:`, ...faults].join("\n  "),
      { data: { plugin: origin, faults } },
    );
}

const isShipped = (plugin: string | object): boolean => (DEFAULTS.plugins as readonly unknown[]).includes(plugin);

const absent = (name: string, folder: string, cause?: unknown): ProxMcpError =>
  new ProxMcpError("PLUGIN_NOT_FOUND", `The plugin ${name} was not found from ${folder}.`, { cause });

async function importPlugin(name: string, folder: string): Promise<unknown> {
  const shipped = isShipped(name);
  const url = isPath(name) ? (name.startsWith("file:") ? name : pathToFileURL(pathOf(name, folder)).href) : undefined;
  if (!shipped) mapOwnPackage(); // what it imports of `proxmcp` is this copy
  try {
    const importing = shipped ? import(`proxmcp/plugins/${name}`) : url ? import(url) : importFrom(name, folder);
    const module = (await inTime(importing)) as Record<string, unknown>;
    // A CommonJS plugin's `exports.default` arrives one level deeper.
    const exported = module["default"];
    const deeper = typeof exported === "object" && exported !== null && !("kinds" in exported) && "default" in exported;
    return deeper ? exported.default : exported;
  } catch (error) {
    const { code, message }: { code?: string; message: string } = error instanceof Error ? error : { message: String(error) };
    // A package that the plugin itself imports may be missing too: that is a fault of the plugin.
    if (code === "ERR_MODULE_NOT_FOUND" && message.startsWith(`Cannot find package '${packageOf(name)}' `)) throw absent(name, folder, error);
    throw new ProxMcpError("PLUGIN_INVALID", `The plugin ${name} failed to load: ${message}`, { cause: error });
  }
}

/** A plugin that waits for something as it is loaded must not keep the others waiting for ever. */
async function inTime<Result>(loading: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not finish within ${LOADING / 1000} seconds`)), LOADING);
  });
  return await Promise.race([loading, late]).finally(() => clearTimeout(timer));
}

/** `@scope/name` of `@scope/name/sub/path`. */
const packageOf = (name: string): string =>
  name
    .split("/")
    .slice(0, name.startsWith("@") ? 2 : 1)
    .join("/");
