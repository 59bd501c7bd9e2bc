import { access } from "node:fs/promises";
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
  // Those that ship with this package are checked by its tests; checking them again would be half of the start-up.
  if (isShipped(plugin)) return { provider: candidate as Provider, origin };
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

const isShipped = (plugin: string | object): boolean => (DEFAULTS.plugins as readonly unknown[]).includes(plugin);

async function importPlugin(name: string, folder: string): Promise<unknown> {
  const shipped = isShipped(name);
  const isPath = name.startsWith(".") || isAbsolute(name) || name.startsWith("file:");
  const url = isPath ? (name.startsWith("file:") ? name : pathToFileURL(resolve(folder, name)).href) : undefined;
  const absent = (cause: unknown): ProxMcpError =>
    new ProxMcpError("PLUGIN_NOT_FOUND", `The plugin ${name} was not found from ${folder}.`, { cause });
  if (url)
    await access(new URL(url)).catch((error: unknown) => {
      throw absent(error);
    });
  try {
    const module = (shipped ? await import(`proxmcp/plugins/${name}`) : url ? await import(url) : await importFrom(name, folder)) as Record<
      string,
      unknown
    >;
    // A CommonJS plugin's `exports.default` arrives one level deeper.
    const exported = module["default"];
    const deeper = typeof exported === "object" && exported !== null && !("kinds" in exported) && "default" in exported;
    return deeper ? exported.default : exported;
  } catch (error) {
    const { code, message }: { code?: string; message: string } = error instanceof Error ? error : { message: String(error) };
    // A package that the plugin itself imports may be missing too: that is a fault of the plugin.
    if (code === "ERR_MODULE_NOT_FOUND" && message.startsWith(`Cannot find package '${packageOf(name)}' `)) throw absent(error);
    throw new ProxMcpError("PLUGIN_INVALID", `The plugin ${name} failed to load: ${message}`, { cause: error });
  }
}

/** `@scope/name` of `@scope/name/sub/path`. */
const packageOf = (name: string): string =>
  name
    .split("/")
    .slice(0, name.startsWith("@") ? 2 : 1)
    .join("/");
