import { join } from "node:path";
import type { ProxMcp } from "../app.js";
import { ProxMcpError } from "../errors.js";
import { openApp } from "./open.js";
import { EXIT, type GlobalOptions } from "./run.js";

/** Serves until the client goes or a signal comes. */
export async function serve(options: GlobalOptions & { readonly check?: boolean; readonly watch?: boolean }): Promise<number> {
  const broken: ProxMcpError[] = [];
  const app = await openApp(options, { onPluginError: (error) => void broken.push(error) });
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
  if (options.watch) return await serveWatching(app, options);
  const serving = serveOverStdio(app);
  await Promise.race([serving.ended, stopSignal()]);
  await serving.close();
  await app.close();
  return EXIT.ok;
}

/** The same, on the config as it is at each moment. */
async function serveWatching(app: ProxMcp, options: GlobalOptions): Promise<number> {
  const [{ loadConfig }, { LOCK_FILE }, { LiveApp }, { watchConfig }, { serveOverStdio }] = await Promise.all([
    import("../config/load.js"),
    import("../lock/file.js"),
    import("../live.js"),
    import("../watch.js"),
    import("../server/stdio.js"),
  ]);
  const { file, folder } = await loadConfig({ file: options.config });
  if (file === undefined) {
    await app.close();
    throw new ProxMcpError("CONFIG_INVALID", "There is no config file to watch.", { next: "Write one (`proxmcp init`), or leave --watch out." });
  }
  const live = new LiveApp(app);
  const open = async (after: ProxMcp): Promise<ProxMcp> => await openApp({ ...options, config: file }, { after }, true);
  const watching = await watchConfig(live, { file, also: [join(folder, LOCK_FILE)], open });
  const serving = serveOverStdio(live);
  await Promise.race([serving.ended, stopSignal()]);
  await serving.close();
  await watching.close();
  await live.current.close();
  return EXIT.ok;
}

/** Resolves at SIGINT or SIGTERM. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
}
