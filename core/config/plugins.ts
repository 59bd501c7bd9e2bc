import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { checkProvider, schemasOf } from "../declare/check.js";
import type { Provider } from "../declare/provider.js";
import { prepareJson } from "../derive/json.js";
import { ProxMcpError } from "../errors.js";
import { importFrom } from "./resolve.js";
import { DEFAULTS } from "./schema.js";

export interface LoadedPlugin {
  readonly provider: Provider;
  /** Where it came from, as it stands in the config. */
  readonly origin: string;
}

/** Loads one plugin by package name, path or as an object, and refuses a faulty declaration with all its faults. */
export async function loadPlugin(plugin: string | object, folder: string): Promise<LoadedPlugin> {
  const origin = typeof plugin === "string" ? plugin : `the object ${JSON.stringify((plugin as Provider).name ?? "without a name")}`;
  const candidate = typeof plugin === "string" ? await importPlugin(plugin, folder) : plugin;
  await prepareJson(schemasOf(candidate as Provider));
  const faults = checkProvider(candidate);
  if (faults.length > 0)
    throw new ProxMcpError(
      "PLUGIN_INVALID",
      [`The plugin ${origin} has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:`, ...faults].join("\n  "),
      { data: { plugin: origin, faults } },
    );
  return { provider: candidate as Provider, origin };
}

async function importPlugin(name: string, folder: string): Promise<unknown> {
  const shipped = (DEFAULTS.plugins as readonly string[]).includes(name);
  const isPath = name.startsWith(".") || isAbsolute(name) || name.startsWith("file:");
  try {
    const module: Record<string, unknown> = shipped
      ? await import(`proxmcp/plugins/${name}`)
      : isPath
        ? await import(name.startsWith("file:") ? name : pathToFileURL(resolve(folder, name)).href)
        : await importFrom(name, folder);
    // A CommonJS plugin's `exports.default` arrives one level deeper.
    const exported = module["default"] as Record<string, unknown> | undefined;
    return exported && !("kinds" in exported) && "default" in exported ? exported["default"] : exported;
  } catch (error) {
    const code = (error as { code?: string }).code;
    const missing = code === "ERR_MODULE_NOT_FOUND" && String((error as Error).message).includes(name);
    throw new ProxMcpError(
      missing ? "PLUGIN_NOT_FOUND" : "PLUGIN_INVALID",
      missing
        ? `The plugin ${name} was not found from ${folder}.`
        : `The plugin ${name} failed to load: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}
