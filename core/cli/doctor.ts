import { pc } from "./colours.js";
import { createProxMcp } from "../create.js";
import { loadConfig } from "../config/load.js";
import { mapOwnPackage } from "../config/resolve.js";
import { isProxMcpError, type ProxMcpError } from "../errors.js";
import { out } from "./print.js";
import { EXIT, type GlobalOptions } from "./run.js";

const line = (mark: "ok" | "warn" | "FAIL", what: string, text: string): void => {
  const colour = { ok: pc.green, warn: pc.yellow, FAIL: pc.red }[mark];
  out(`${colour(mark.padEnd(4))}  ${what}  ${text}`);
};

/** One line for everything that could be wrong; 0 if nothing is. */
export async function doctor({ config: path }: GlobalOptions): Promise<number> {
  line("ok", "node", process.versions.node);
  mapOwnPackage();
  try {
    const { config, folder, file, env } = await loadConfig({ file: path });
    const broken: ProxMcpError[] = [];
    const onPluginError = (error: ProxMcpError): void => void broken.push(error);
    const app = await createProxMcp({ ...config, folder, env, ...(file ? { file } : {}), onPluginError });
    try {
      const origins = [...new Set(app.connections.map((connection) => connection.from))].join(", ");
      for (const error of broken) line("FAIL", "plugin", error.message);
      line("ok", "config", file ?? (origins || "none"));
      line("ok", "tools", `${app.tools().length} on surface ${app.surface}, ${app.tools("all").length} allowed in all`);
      if (app.connections.length === 0) {
        line("FAIL", "connections", "none: nothing is configured and no local LXD, Incus or Docker socket answers. `proxmcp demo` runs without any.");
        return EXIT.failed;
      }
      const results = await app.test();
      for (const { name, provider, ok, version, milliseconds, facts, warnings, error } of results) {
        const details = Object.entries(facts ?? {}).map(([fact, value]) => `${fact} ${String(value)}`);
        if (ok) line("ok", name, [`${provider}: ${version}`, ...details, `${milliseconds} ms`].join(", "));
        else line("FAIL", name, `${provider}: ${error?.code}: ${error?.message} ${error?.next}`);
        for (const warning of warnings ?? []) line("warn", name, warning);
      }
      return broken.length === 0 && results.every((result) => result.ok) ? EXIT.ok : EXIT.failed;
    } finally {
      await app.close();
    }
  } catch (error) {
    if (!isProxMcpError(error)) throw error;
    line("FAIL", "config", error.message);
    return EXIT.usage;
  }
}
