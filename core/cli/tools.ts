import { pc } from "./colours.js";
import { type Surface, tokensOf } from "../derive/surface.js";
import { listed } from "../server/answer.js";
import { ProxMcpError } from "../errors.js";
import { openApp } from "./open.js";
import { err, out } from "./print.js";
import { EXIT, type GlobalOptions } from "./run.js";

const SURFACES = ["default", "all", "search"];

export async function tools(
  globals: GlobalOptions,
  { surface, tokens, json }: { surface?: string; tokens?: boolean; json?: boolean },
): Promise<number> {
  if (surface !== undefined && !SURFACES.includes(surface))
    throw new ProxMcpError("INVALID_INPUT", `--surface: found ${surface}; allowed: ${SURFACES.join(", ")}`);
  const config = surface === "search" ? await searchApp(globals) : await openApp(globals);
  try {
    const found = config.tools((surface as Surface | undefined) ?? config.surface);
    if (json) {
      out(JSON.stringify(found.map(listed), null, 2));
      return EXIT.ok;
    }
    const width = Math.max(0, ...found.map((tool) => tool.name.length));
    for (const tool of found)
      out(`${tool.name.padEnd(width)}  ${tool.safety.padEnd(11)}${tokens ? String(tokensOf(tool)).padStart(5) : ""}  ${pc.dim(tool.description)}`);
    const total = tokens ? `, ${found.reduce((sum, tool) => sum + tokensOf(tool), 0)} tokens` : "";
    out(pc.bold(`${found.length} tools${total}`));
    if (config.connections.length === 0) err("No platform is connected: configure one, or try `proxmcp demo`.");
    return EXIT.ok;
  } finally {
    await config.close();
  }
}

/** The search tools exist only on their own surface. */
async function searchApp(globals: GlobalOptions) {
  const { loadConfig } = await import("../config/load.js");
  const { config } = await loadConfig({ file: globals.config });
  return await openApp(globals, { tools: { ...config.tools, surface: "search" } });
}
