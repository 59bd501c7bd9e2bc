import type { ProxMcp } from "../app.js";
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
  // Only at the start is a plugin left out that can't be loaded; a change that breaks one is not taken up.
  const open = async (file = options.config, after?: ProxMcp): Promise<ProxMcp> => {
    const overrides = after ? { after } : { onPluginError: (error: ProxMcpError) => void broken.push(error) };
    return await openApp({ ...options, ...(file ? { config: file } : {}) }, { ...overrides, onConfigChange }, after !== undefined);
  };
  // A call has added a connection. Where the file is watched, that sees it.
  function onConfigChange(file: string): void {
    if (live && !options.watch) taken.push(takeUp(live, { file, open: async (after) => await open(file, after) }).then(({ former }) => former));
  }
  const app = await open();
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
  const { loadConfig } = await import("../config/load.js");
  const { file } = await loadConfig({ file: options.config });
  if (file !== undefined) return await watchConfig(live, { file, open: async (after) => await open(file, after) });
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
