import { createProxMcp, type ProxMcp, type SandboxOptions } from "proxmcp";
import { onTestFinished } from "vitest";
import containarium from "../src/index.ts";
import { type ContainariumSandbox, start } from "../src/sandbox/index.ts";
import type { Grant } from "../src/sandbox/jwt.ts";

/** An app with this provider on a sandbox, until the test is over. */
export async function started({
  grant,
  ...options
}: SandboxOptions & { readonly grant?: Grant } = {}): Promise<{ readonly app: ProxMcp; readonly sandbox: ContainariumSandbox }> {
  const sandbox = await start({ taskTime: 1, ...options });
  const app = await createProxMcp({
    plugins: [containarium],
    connections: { dev: { provider: "containarium", ...sandbox.connection, ...(grant ? { token: sandbox.token(grant) } : {}) } },
    log: { level: "silent" },
  });
  onTestFinished(async () => {
    await app.close();
    await sandbox.close();
  });
  return { app, sandbox };
}

/** The last request that the sandbox got for a path: method, path, query and body. */
export function sent({ requests }: ContainariumSandbox, method: string): { readonly path: string; readonly query: object; readonly body: unknown } {
  const last = requests.findLast((one) => one.method === method);
  if (!last) throw new Error(`No ${method} was sent.`);
  return { path: last.path, query: Object.fromEntries(last.query), body: last.body.length > 0 ? last.json() : undefined };
}
