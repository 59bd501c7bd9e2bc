import { pc } from "./colours.js";
import { type Surface, tokensOf } from "../derive/surface.js";
import { listed } from "../server/answer.js";
import { ProxMcpError } from "../errors.js";
import type { Explanation } from "../why.js";
import { openApp } from "./open.js";
import { err, out } from "./print.js";
import { EXIT, type GlobalOptions } from "./run.js";

const SURFACES = ["default", "all", "search"];

export interface ToolsOptions {
  readonly surface?: string;
  readonly tokens?: boolean;
  readonly why?: string;
  readonly json?: boolean;
}

export async function tools(globals: GlobalOptions, { surface, tokens, why, json }: ToolsOptions): Promise<number> {
  if (surface !== undefined && !SURFACES.includes(surface))
    throw new ProxMcpError("INVALID_INPUT", `--surface: found ${surface}; allowed: ${SURFACES.join(", ")}`);
  const config = surface === "search" ? await searchApp(globals) : await openApp(globals);
  try {
    if (why !== undefined) {
      const explanation = config.why(why);
      if (json) out(JSON.stringify(explanation, null, 2));
      else printWhy(explanation);
      return EXIT.ok;
    }
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

function printWhy({ tool, safety, aliases, listed: isListed, callable, why, connections }: Explanation): void {
  out(`${pc.bold(tool)} (${safety})${aliases.length > 0 ? `, also called ${aliases.join(", ")}` : ""}`);
  out(`${isListed ? pc.green("listed") : callable ? pc.yellow("not listed, but can be called") : pc.red("not allowed")}: ${why}`);
  const width = Math.max(0, ...connections.map(({ connection }) => connection.length));
  for (const { connection, allowed, why: rule, confirm } of connections) {
    const mark = allowed ? pc.green("allowed") : pc.red("denied ");
    out(`  ${connection.padEnd(width)}  ${mark}  ${rule}${confirm ? `; confirmed, because of ${confirm}` : ""}`);
  }
}

/** The search tools exist only on their own surface. */
async function searchApp(globals: GlobalOptions) {
  const { loadConfig } = await import("../config/load.js");
  const { config } = await loadConfig({ file: globals.config });
  return await openApp(globals, { tools: { ...config.tools, surface: "search" } });
}
