import type { ProxMcp } from "../app.js";
import { isProxMcpError, ProxMcpError } from "../errors.js";
import { connectingName } from "../tools/connecting.js";
import { callOn } from "./call.js";
import { openApp } from "./open.js";
import { out } from "./print.js";
import { exitCodeOf, type GlobalOptions } from "./run.js";

/** `proxmcp setup <provider> <machine>`: the action `setup` that a plugin declares on its connections, its steps told as they are done. */
export async function setup(
  globals: GlobalOptions,
  provider: string,
  words: readonly string[],
  options: { json?: boolean; yes?: boolean },
): Promise<number> {
  const app = await openApp(globals);
  try {
    const name = toolFor(app, provider);
    return await callOn(app, name, named(app, name, words), { ...options, steps: true });
  } catch (error) {
    await app.close();
    if (!isProxMcpError(error) || !(options.json || words.includes("--json"))) throw error;
    out(JSON.stringify({ error: error.report() }));
    return exitCodeOf(error);
  }
}

function toolFor(app: ProxMcp, name: string): string {
  const able = app.providers.filter(({ connection }) => connection.actions?.["setup"]);
  const provider = able.find((one) => one.name === name);
  if (provider) return connectingName(provider, "setup");
  const known = app.providers.some((one) => one.name === name);
  throw new ProxMcpError(
    "INVALID_INPUT",
    `${known ? `${name} sets up no machines` : `There is no provider ${JSON.stringify(name)}`}. Those that do: ${able.map((one) => one.name).join(", ") || "none"}.`,
  );
}

/** The machine may stand first, without a name: it is the first argument that the tool can't do without. */
function named(app: ProxMcp, tool: string, [first, ...rest]: readonly string[]): readonly string[] {
  const [needed] = app.tool(tool).inputSchema.required ?? [];
  if (first === undefined) return ["--help"];
  return needed === undefined || first.startsWith("-") ? [first, ...rest] : [`--${needed}=${first}`, ...rest];
}
