import { openApp } from "./open.js";
import { EXIT, type GlobalOptions } from "./run.js";

/** Serves until the client goes or a signal comes. */
export async function serve(options: GlobalOptions & { readonly check?: boolean }): Promise<number> {
  const app = await openApp(options);
  const { serveOverStdio } = await import("../server/stdio.js");
  if (app.connections.length === 0)
    app.logger.warn(
      "nothing is configured and no local LXD, Incus or Docker socket answers; add connections to proxmcp.config.ts, or try `proxmcp demo`",
    );
  else app.logger.debug("serving", { connections: app.connections, tools: app.tools().length, surface: app.surface });
  const serving = serveOverStdio(app);
  // Beside the work: a client does not wait for what may be down.
  if (options.check || app.checksAtStart) void app.check();
  await Promise.race([serving.ended, stopSignal()]);
  await serving.close();
  await app.close();
  return EXIT.ok;
}

/** Resolves at SIGINT or SIGTERM. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
}
