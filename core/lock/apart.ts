import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ownPackage, type PluginSource } from "../config/source.js";
import type { ToolSurface } from "./surface.js";

const SECONDS = 20;

/**
 * The tools that a plugin declares, found out without trusting it: in a process of its own that may read this package, the plugin's and those
 * they depend on, has no environment, and may neither write nor start anything. Node 24 can't keep it from the network, but there is nothing
 * that it could send there. Undefined where that does not work.
 */
export async function surfaceApart(origin: string, folder: string, source: PluginSource): Promise<ToolSurface | undefined> {
  const own = await realpath((await ownPackage()).folder);
  const program = join(own, "dist", "cli.js");
  if (!existsSync(program)) return undefined;
  const plugin = await realpath(source.folder);
  const readable = [...new Set([own, ...dependencies(own), plugin, source.folder, ...dependencies(plugin), ...dependencies(folder)])];
  const rights = ["--permission", ...readable.map((one) => `--allow-fs-read=${one}`)];
  const words = [...rights, "--no-warnings", program, "plugins", "surface", origin, folder];
  return await new Promise((resolve) => {
    const child = execFile(process.execPath, words, { cwd: plugin, env: {}, timeout: SECONDS * 1000, maxBuffer: 50_000_000 }, (error, stdout) => {
      resolve(error ? undefined : parsed(stdout));
    });
    child.stdin?.end();
  });
}

/** The `node_modules` folders in which a module of this folder finds packages, and the manifests on the way. */
function dependencies(folder: string): readonly string[] {
  const parent = dirname(folder);
  return [join(folder, "node_modules"), join(folder, "package.json"), ...(parent === folder ? [] : dependencies(parent))];
}

/** A plugin may print whatever it likes while it is loaded; ours is the last line. */
function parsed(stdout: string): ToolSurface | undefined {
  try {
    return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as ToolSurface;
  } catch {
    return undefined;
  }
}
