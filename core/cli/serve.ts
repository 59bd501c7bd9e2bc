import { join } from "node:path";
import type { ProxMcp } from "../app.js";
import type { Setup } from "../create.js";
import { ProxMcpError } from "../errors.js";
import { LiveApp } from "../live.js";
import { takeUp, type Watching, watchConfig } from "../watch.js";
import { openApp } from "./open.js";
import { EXIT, type GlobalOptions } from "./run.js";

/** Serves until the client goes or a signal comes. */
export async function serve(options: GlobalOptions & { readonly check?: boolean; readonly watch?: boolean }): Promise<number> {
  const broken: ProxMcpError[] = [];
  const taken: Promise<unknown>[] = [];
  let live: LiveApp | undefined;
  const open = async (file: string | undefined, after: ProxMcp | undefined, more: Partial<Setup> = {}): Promise<ProxMcp> =>
    await openApp({ ...options, ...(file ? { config: file } : {}) }, { after, onConfigChange, ...more }, after !== undefined);
  // What can't be loaded is left out at the start, and stays out when a call has added a connection. A person's change that breaks a plugin is not taken up.
  const lenient: Partial<Setup> = { onPluginError: (error) => void broken.push(error) };
  // Where the file is watched, that sees it.
  function onConfigChange(file: string): void {
    if (live && !options.watch)
      taken.push(takeUp(live, { file, open: async (after) => await open(file, after, lenient) }).then(({ former }) => former));
  }
  const app = await open(options.config, undefined, lenient);
  live = new LiveApp(app);
  for (const error of broken)
    app.logger.error("a plugin was left out; what else is configured is served", { reason: error.message, next: error.report().next });
  const { serveOverStdio } = await import("../server/stdio.js");
  if (app.connections.length === 0)
    app.logger.warn(
      "nothing is configured and no local LXD, Incus or Docker socket answers; add connections to proxmcp.config.ts, or try `proxmcp demo`",
    );
  else app.logger.debug("serving", { connections: app.connections, tools: app.tools().length, surface: app.surface });
  // Beside the work: a client does not wait for what may be down.
  if (options.check || app.checksAtStart) void app.check();
  const watching = options.watch ? await watched(live, options, open) : undefined;
  const serving = serveOverStdio(live);
  await Promise.race([serving.ended, stopSignal()]);
  await serving.close();
  await watching?.close();
  await Promise.all(taken);
  await live.current.close();
  return EXIT.ok;
}

/** Keeps an app on the config as it is at each moment. */
async function watched(live: LiveApp, options: GlobalOptions, open: (file: string, after: ProxMcp) => Promise<ProxMcp>): Promise<Watching> {
  const [{ loadConfig }, { LOCK_FILE }] = await Promise.all([import("../config/load.js"), import("../lock/file.js")]);
  const { file, folder } = await loadConfig({ file: options.config });
  if (file !== undefined) return await watchConfig(live, { file, also: [join(folder, LOCK_FILE)], open: async (after) => await open(file, after) });
  await live.current.close();
  throw new ProxMcpError("CONFIG_INVALID", "There is no config file to watch.", { next: "Write one (`proxmcp init`), or leave --watch out." });
}

/** Resolves at SIGINT or SIGTERM. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
}
