import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pc } from "./colours.js";
import { loadPlugin } from "../config/plugins.js";
import { type Config, DEFAULTS } from "../config/schema.js";
import type { Sandbox, TourStep } from "../declare/sandbox.js";
import { err, out, printResult } from "./print.js";
import { EXIT } from "./run.js";
import { stopSignal } from "./serve.js";

interface Estate {
  readonly config: Config;
  readonly tour: readonly TourStep[];
  close(): Promise<void>;
}

/** Starts every plugin's sandboxes and either shows a session on them or serves them. */
export async function demo({ serve }: { serve?: boolean }): Promise<number> {
  const estate = await startEstate();
  try {
    return serve ? await serveEstate(estate) : await showTour(estate);
  } finally {
    await estate.close();
  }
}

/** One connection for each sandbox that a plugin's demo asks for. */
async function startEstate(): Promise<Estate> {
  const sandboxes: Sandbox[] = [];
  const connections: NonNullable<Config["connections"]> = {};
  const tour: TourStep[] = [];
  const plugins = await Promise.all(DEFAULTS.plugins.map((name) => loadPlugin(name, process.cwd())));
  for (const { provider } of plugins) {
    const module = await provider.sandbox?.();
    if (!module?.demo) continue;
    for (const [name, options] of Object.entries(module.demo.connections)) {
      const sandbox = await module.start(options);
      sandboxes.push(sandbox);
      connections[name] = { provider: provider.name, ...sandbox.connection };
    }
    tour.push(...module.demo.tour);
  }
  return { config: { connections }, tour, close: async () => void (await Promise.all(sandboxes.map((sandbox) => sandbox.close()))) };
}

async function serveEstate({ config }: Estate): Promise<number> {
  const { createProxMcp } = await import("../create.js");
  const { serveOverStdio } = await import("../server/stdio.js");
  const app = await createProxMcp({ ...config, lock: false });
  const serving = serveOverStdio(app);
  err(`The demo's sandboxes run until this process ends: ${app.connections.map(({ name, provider }) => `${name} (${provider})`).join(", ")}.`);
  err(
    `MCP is served on stdin and stdout. Entry for a client: ${JSON.stringify({ command: process.execPath, args: [fileURLToPath(new URL(import.meta.url)), "demo", "--serve"] })}`,
  );
  // A terminal is no client: with nobody on stdin the sandboxes run on until they are stopped.
  await (process.stdin.isTTY ? stopSignal() : Promise.race([serving.ended, stopSignal()]));
  await serving.close();
  await app.close();
  return EXIT.ok;
}

/** Spawns `proxmcp serve` on a config for the estate and walks through it as an MCP client over stdio. */
async function showTour({ config, tour }: Estate): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "proxmcp-demo-"));
  const file = join(folder, "proxmcp.config.json");
  await writeFile(file, JSON.stringify({ ...config, log: { level: "warn" } }), { mode: 0o600 });
  const [{ Client }, { StdioClientTransport }] = await Promise.all([
    import("@modelcontextprotocol/client"),
    import("@modelcontextprotocol/client/stdio"),
  ]);
  const client = new Client({ name: "proxmcp-demo", version: "1.0.0" }, { capabilities: { elicitation: {} } });
  client.setRequestHandler("elicitation/create", (request) => {
    out(`${pc.yellow("?")} ${"message" in request.params ? request.params.message : ""} ${pc.dim("(the demo says yes)")}`);
    return { action: "accept", content: { confirm: true } };
  });
  let failed = 0;
  try {
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args: [process.argv[1] ?? "", "serve", "--config", file], stderr: "inherit" }),
    );
    const { tools } = await client.listTools();
    out(
      pc.bold(
        `${tools.length} tools on ${Object.keys(config.connections ?? {}).length} connections: ${Object.keys(config.connections ?? {}).join(", ")}`,
      ),
    );
    for (const { say, tool, args } of tour) {
      out(`\n${pc.cyan(">")} ${pc.bold(say)}\n${pc.dim(`  ${tool} ${JSON.stringify(args)}`)}`);
      const result = await client.callTool({ name: tool, arguments: args });
      if (result.isError) {
        failed += 1;
        out(pc.red(JSON.stringify(result.content)));
      } else printResult(result.structuredContent as Record<string, unknown>);
    }
  } finally {
    await client.close();
    await rm(folder, { recursive: true, force: true });
  }
  out(failed === 0 ? `\n${pc.green("Done.")} Connect your own machines next: see README.md.` : `\n${pc.red(`${failed} calls failed.`)}`);
  return failed === 0 ? EXIT.ok : EXIT.failed;
}
