import { loadConfig } from "../config/load.js";
import { type LoadedPlugin, loadPlugin, originOf } from "../config/plugins.js";
import { mapOwnPackage } from "../config/resolve.js";
import { DEFAULTS } from "../config/schema.js";
import { ProxMcpError, toProxMcpError } from "../errors.js";
import { differenceOf } from "../lock/difference.js";
import { LOCK_FILE, type PinnedPlugin, readLock, writeLock } from "../lock/file.js";
import { Lock, pinOf } from "../lock/held.js";
import { toolSurface } from "../lock/surface.js";
import { pc } from "./colours.js";
import { err, out, printError, tame } from "./print.js";
import { EXIT, exitCodeOf, type GlobalOptions } from "./run.js";

/** The plugins of the config, loaded as a server would load them, or why they would be refused. */
async function look({ config: path }: GlobalOptions, lock: boolean) {
  mapOwnPackage();
  const { config, folder } = await loadConfig({ file: path });
  const held = lock ? await Lock.beside(folder) : undefined;
  const found = await Promise.all(
    (config.plugins ?? DEFAULTS.plugins).map(async (plugin) => {
      const origin = originOf(plugin);
      try {
        return { origin, loaded: await loadPlugin(plugin, folder, held) };
      } catch (error) {
        return { origin, error: toProxMcpError(error) };
      }
    }),
  );
  return { folder, held, found };
}

/** `proxmcp plugins lock`: accepts the plugins as they are now. Nothing is written while one of them can't be loaded. */
export async function pluginsLock(globals: GlobalOptions): Promise<number> {
  const { folder, found } = await look(globals, false);
  const loaded: LoadedPlugin[] = [];
  for (const { loaded: one, error } of found) {
    if (error) throw error;
    const other = loaded.find(({ provider }) => provider.name === one.provider.name);
    if (other) throw new ProxMcpError("PLUGIN_INVALID", `Two plugins are called ${one.provider.name}: ${other.origin} and ${one.origin}.`);
    loaded.push(one);
  }
  // A file that can't be read is replaced: that is what its error says to do.
  const before = await readLock(folder).catch((error: unknown) => void printError(toProxMcpError(error)));
  const pins = await Promise.all(loaded.map(async (one): Promise<[string, PinnedPlugin]> => [one.provider.name, await pinOf(one)]));
  for (const [name, pin] of pins) printAccepted(name, before?.plugins[name], pin);
  for (const name of Object.keys(before?.plugins ?? {}))
    if (!pins.some(([one]) => one === name)) out(`${pc.red("-")} ${pc.bold(name)} is no longer pinned`);
  const file = await writeLock(folder, Object.fromEntries(pins.sort(([a], [b]) => (a < b ? -1 : 1))));
  out(`${pc.green("ok")}  ${file} pins ${pins.length} plugins`);
  return EXIT.ok;
}

function printAccepted(name: string, before: PinnedPlugin | undefined, { version = "", integrity, surface }: PinnedPlugin): void {
  const head = `${pc.bold(name)} ${version}`.trimEnd();
  if (!before) return out(`${pc.green("+")} ${head}, ${Object.keys(surface.tools).length} tools`);
  const difference = differenceOf(before.surface, surface);
  const files =
    before.integrity === integrity
      ? []
      : [(before.version ?? "") === version ? "other files" : `version ${before.version ?? "unknown"} -> ${version || "unknown"}`];
  if (difference.length + files.length === 0) return out(`  ${head} is unchanged`);
  out(`${pc.yellow("~")} ${head}`);
  for (const line of [...files, ...difference]) out(`    ${tame(line)}`);
}

/** `proxmcp plugins list`: what would be loaded, from where, and whether it is as it was pinned. 1 where one would be refused. */
export async function pluginsList(globals: GlobalOptions, { json }: { readonly json?: boolean }): Promise<number> {
  const { held, found } = await look(globals, true);
  const rows = await Promise.all(
    found.map(async ({ origin, loaded, error }) => {
      if (!loaded)
        return { plugin: origin, state: error.code === "PLUGIN_CHANGED" ? (held?.pinnedAs(origin) ? "changed" : "not pinned") : error.code, error };
      const { provider, source } = loaded;
      const tools = Object.values((await toolSurface(provider)).tools);
      const count = (safety: string): number => tools.filter((tool) => (tool.worst ?? tool.safety) === safety).length;
      return {
        ...{ plugin: origin, name: provider.name, version: source?.version ?? provider.version, package: source?.name, folder: source?.folder },
        tools: { read: count("read"), write: count("write"), destructive: count("destructive") },
        state: held ? "pinned" : "no lock file",
      };
    }),
  );
  if (json)
    out(
      JSON.stringify(
        rows.map(({ error, ...row }: (typeof rows)[number] & { error?: ProxMcpError }) => (error ? { ...row, error: error.report() } : row)),
        null,
        2,
      ),
    );
  else
    for (const row of rows) {
      const mark = row.state === "pinned" ? pc.green : "error" in row ? pc.red : pc.dim;
      const tools =
        "tools" in row ? `${row.tools.read} read, ${row.tools.write} write, ${row.tools.destructive} destructive` : row.error.message.split("\n")[0];
      const version = "version" in row && row.version ? ` ${row.version}` : "";
      out(`${mark(row.state.padEnd(12))}  ${pc.bold(row.plugin)}${version}  ${tools}`);
    }
  if (!json && !held) err(`There is no ${LOCK_FILE} beside the config: every plugin is taken as it is. \`proxmcp plugins lock\` writes one.`);
  return rows.some((row) => "error" in row) ? EXIT.failed : EXIT.ok;
}

/** `proxmcp plugins diff`: what would be refused, with every line of the difference. 0 where there is none. */
export async function pluginsDiff(globals: GlobalOptions, { json }: { readonly json?: boolean }): Promise<number> {
  const { held, found } = await look(globals, true);
  if (!held) throw new ProxMcpError("CONFIG_INVALID", `There is no ${LOCK_FILE} to compare with.`, { next: "Write one: `proxmcp plugins lock`." });
  const failed = found.flatMap(({ error }) => error ?? []);
  const changed = failed.filter(({ code }) => code === "PLUGIN_CHANGED");
  if (json)
    out(
      JSON.stringify(
        changed.map((error) => error.details.data),
        null,
        2,
      ),
    );
  else
    for (const { message, details } of changed) {
      const difference = (details.data?.["difference"] as readonly string[] | null) ?? [];
      // The message has the first lines of it; here all of them are wanted.
      out([...message.split("\n").slice(0, difference.length > 0 ? 1 : undefined), ...difference.map((line) => `  ${line}`)].map(tame).join("\n"));
    }
  for (const error of failed) if (error.code !== "PLUGIN_CHANGED") printError(error);
  if (!json && failed.length === 0) out(`${pc.green("ok")}  every plugin is as ${LOCK_FILE} pins it`);
  return failed.length === 0 ? EXIT.ok : changed.length > 0 ? EXIT.failed : exitCodeOf(failed[0] as ProxMcpError);
}

/** For `core/lock/apart.ts` alone: prints what a plugin declares, in a process that may do nothing else. */
export async function pluginsSurface(plugin: string, folder: string): Promise<number> {
  mapOwnPackage();
  const { provider } = await loadPlugin(plugin, folder);
  out(`\n${JSON.stringify(await toolSurface(provider))}`);
  return EXIT.ok;
}
