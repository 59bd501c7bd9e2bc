import { LOCAL } from "../access.js";
import type { ProxMcp } from "../app.js";
import { createProxMcp, type Setup } from "../create.js";
import { loadConfig } from "../config/load.js";
import { mapOwnPackage } from "../config/resolve.js";
import type { GlobalOptions } from "./run.js";

/**
 * The app that the command line works on: from `--config`, the nearest config file, the environment or local sockets. `again`: read a config
 * that is code once more.
 */
export async function openApp({ config: path, role }: GlobalOptions, overrides: Partial<Setup> = {}, again = false): Promise<ProxMcp> {
  mapOwnPackage();
  const { config, folder, file, env } = await loadConfig({ file: path, again });
  const caller = role ? { caller: { ...LOCAL, roles: role } } : {};
  return await createProxMcp({ ...config, folder, env, ...(file ? { file } : {}), ...caller, ...overrides });
}
