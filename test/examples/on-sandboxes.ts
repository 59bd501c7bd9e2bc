import { createProxMcp, type Config, type ProxMcp, type Setup } from "proxmcp";
import type { Sandbox, SandboxOptions } from "proxmcp/plugin";

/** Settings of a connection that belong to the core; the others say how the machine is reached. */
const CORE = ["provider", "match", "tags", "tools"];

/** The app of a config whose machines are all replaced by sandboxes. The rest of the config is as it stands. */
export async function onSandboxes(
  config: Config,
  { options = {}, ...setup }: Partial<Setup> & { options?: Record<string, SandboxOptions> } = {},
): Promise<{ app: ProxMcp; sandboxes: Record<string, Sandbox>; close(): Promise<void> }> {
  const sandboxes: Record<string, Sandbox> = {};
  const connections: NonNullable<Config["connections"]> = {};
  for (const [name, entry] of Object.entries(config.connections ?? {})) {
    const { default: provider } = await import(`../../plugins/${entry.provider}/index.ts`);
    const sandbox: Sandbox = await (await provider.sandbox()).start(options[name]);
    sandboxes[name] = sandbox;
    connections[name] = {
      ...(Object.fromEntries(Object.entries(entry).filter(([key]) => CORE.includes(key))) as typeof entry),
      ...sandbox.connection,
    };
  }
  const app = await createProxMcp({ ...config, log: { level: "silent" }, ...setup, connections });
  const close = async (): Promise<void> => {
    await app.close();
    await Promise.all(Object.values(sandboxes).map((sandbox) => sandbox.close()));
  };
  return { app, sandboxes, close };
}
