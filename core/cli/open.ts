import type { ProxMcp } from "../app.js";
import { createProxMcp, type Setup } from "../create.js";
import { loadConfig } from "../config/load.js";
import { mapOwnPackage } from "../config/resolve.js";
import type { GlobalOptions } from "./run.js";

/** The app that the command line works on: from `--config`, the nearest config file, the environment or local sockets. */
export async function openApp({ config: path }: GlobalOptions, overrides: Partial<Setup> = {}): Promise<ProxMcp> {
  mapOwnPackage();
  const { config, folder, file, env } = await loadConfig({ file: path });
  return await createProxMcp({ ...config, folder, env, ...(file ? { file } : {}), ...overrides });
}
