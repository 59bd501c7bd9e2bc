import { createRequire, registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const FROM = "proxmcp-from:";
let hooked = false;

/**
 * Makes `proxmcp` and `proxmcp/*` mean this running copy wherever they are imported: a config in the home folder can't find a package that
 * was installed globally, and a plugin with a copy of its own would bring a second one of everything.
 */
export function mapOwnPackage(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === "proxmcp" || specifier.startsWith("proxmcp/")) {
        // A `require` resolves from the module that called it, whatever parent it is told here. The answer is not asked for again.
        if (!context.conditions.includes("require") || context.parentURL === import.meta.url)
          return next(specifier, { ...context, parentURL: import.meta.url });
        return { url: pathToFileURL(createRequire(import.meta.url).resolve(specifier)).href, shortCircuit: true };
      }
      if (!specifier.startsWith(FROM)) return next(specifier, context);
      const { name, folder } = JSON.parse(decodeURIComponent(specifier.slice(FROM.length))) as { name: string; folder: string };
      return next(name, { ...context, parentURL: pathToFileURL(join(folder, "proxmcp.config.js")).href });
    },
  });
}

/** Imports a package as a file in this folder would: through the exports of its package.json, ESM or CommonJS. */
export async function importFrom(name: string, folder: string): Promise<Record<string, unknown>> {
  mapOwnPackage();
  return (await import(`${FROM}${encodeURIComponent(JSON.stringify({ name, folder }))}`)) as Record<string, unknown>;
}
