import { stdin, stdout } from "node:process";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { AUDIT, type Audit, createProxMcp, type ProxMcp, type Setup } from "proxmcp";

/** Finds containers that have ended, on every Docker host, and offers to delete each. Answers the names of those that are gone. */
export async function tidy(app: ProxMcp, ask: (question: string) => Promise<boolean>): Promise<readonly string[]> {
  const { items, errors = [] } = (await app.call("docker_container_list", { where: { status: ["exited", "dead"] } })) as {
    items: { name: string; host?: string }[];
    errors?: { connection: string; message: string }[];
  };
  for (const { connection, message } of errors) console.error(`${connection} was left out: ${message}`);
  const gone: string[] = [];
  for (const { name, host } of items) {
    try {
      await app.call("docker_container_delete", { name, ...(host ? { host } : {}) }, { confirm: ask });
      gone.push(name);
    } catch (error) {
      if ((error as { code?: string }).code !== "DECLINED") throw error;
    }
  }
  return gone;
}

/** A ProxMCP that hands its audit to `audit` instead of writing log lines. */
export const openApp = (audit: Audit, connections: Setup["connections"] = {}): Promise<ProxMcp> =>
  createProxMcp({
    connections,
    plugins: ["docker"],
    services: (container) => void container.register(AUDIT, { useValue: audit }),
  });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const app = await openApp({ write: ({ tool, outcome, milliseconds }) => console.error(`${tool}: ${outcome}, ${milliseconds} ms`) });
  const gone = await tidy(app, async (question) => {
    const terminal = createInterface({ input: stdin, output: stdout });
    const answer = await terminal.question(`${question} [y/N] `);
    terminal.close();
    return /^y(es)?$/i.test(answer);
  });
  console.log("Deleted:", gone);
  await app.close();
}
