import { effectiveSettings } from "../config/effective.js";
import { loadConfig } from "../config/load.js";
import { mapOwnPackage } from "../config/resolve.js";
import { createProxMcp, prepare } from "../create.js";
import { deriveConfigSchema } from "../derive/config-schema.js";
import { schemasOf } from "../declare/check.js";
import { prepareJson } from "../derive/json.js";
import { pc } from "./colours.js";
import { err, out } from "./print.js";
import { EXIT, type GlobalOptions } from "./run.js";

async function load({ config: path }: GlobalOptions) {
  mapOwnPackage();
  const { config, folder, file, env } = await loadConfig({ file: path });
  return { setup: { ...config, folder, env, ...(file ? { file } : {}) }, file };
}

/** `proxmcp config check`: reads everything that the config refers to, and connects to nothing. Its faults are told all at once. */
export async function configCheck(globals: GlobalOptions): Promise<number> {
  const { setup, file } = await load(globals);
  const app = await createProxMcp(setup);
  try {
    const { connections } = app;
    const origins = file ?? ([...new Set(connections.map(({ from }) => from))].join(", ") || "no config file");
    out(`${pc.green("ok")}  ${origins}`);
    out(`    ${connections.length} connections: ${connections.map(({ name, provider }) => `${name} (${provider})`).join(", ") || "none"}`);
    out(`    ${app.tools().length} tools on surface ${app.surface}, ${app.tools("all").length} allowed in all`);
    if (connections.length === 0) err("No platform is connected: configure one, or try `proxmcp demo`.");
    else out(pc.dim("    Nothing was connected to; `proxmcp doctor` does that."));
    return EXIT.ok;
  } finally {
    await app.close();
  }
}

/** `proxmcp config print`: every setting that holds, its secrets masked, and where it comes from. */
export async function configPrint(globals: GlobalOptions, { json }: { readonly json?: boolean }): Promise<number> {
  const { setup, file } = await load(globals);
  const settings = effectiveSettings(await prepare(setup), file);
  if (json) {
    out(JSON.stringify(settings, null, 2));
    return EXIT.ok;
  }
  const lines = settings.map(({ path, value, from }) => [path, typeof value === "string" ? value : JSON.stringify(value), from] as const);
  const widths = [0, 1].map((at) => Math.min(60, Math.max(0, ...lines.map((line) => line[at]?.length ?? 0))));
  for (const [path, value, from] of lines) out(`${path.padEnd(widths[0] ?? 0)}  ${value.padEnd(widths[1] ?? 0)}  ${pc.dim(from)}`);
  return EXIT.ok;
}

/** `proxmcp config schema`: the JSON Schema of a config with these plugins, for editors. */
export async function configSchema(globals: GlobalOptions): Promise<number> {
  const { providers } = await prepare({ ...(await load(globals)).setup, connections: undefined, env: {} });
  for (const provider of providers) await prepareJson(schemasOf(provider));
  out(JSON.stringify(deriveConfigSchema(providers), null, 2));
  return EXIT.ok;
}
