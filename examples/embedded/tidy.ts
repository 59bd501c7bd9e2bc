import { stdin, stdout } from "node:process";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { AUDIT, type Audit, createProxMcp, isProxMcpError, type Setup } from "proxmcp";
import docker from "proxmcp/plugins/docker";

/** A ProxMCP that hands its audit to `audit` instead of writing log lines. */
export const openApp = (audit: Audit, connections: Setup["connections"] = {}) =>
  createProxMcp({
    connections,
    plugins: [docker], // the object, not its name: so the calls below have types
    services: (container) => void container.register(AUDIT, { useValue: audit }),
  });

/** Finds containers that have ended, on every Docker host, and offers to delete each. Answers the names of those that are gone. */
export async function tidy(app: Awaited<ReturnType<typeof openApp>>, ask: (question: string) => Promise<boolean>): Promise<readonly string[]> {
  const { items, errors = [] } = await app.call("docker_container_list", { where: { status: ["exited", "dead"] } });
  for (const { connection, message } of errors) console.error(`${connection} was left out: ${message}`);
  const gone: string[] = [];
  for (const { name, host } of items) {
    try {
      const { deleted } = await app.call("docker_container_delete", { name, ...(host ? { host } : {}) }, { confirm: ask });
      if (deleted) gone.push(name);
    } catch (error) {
      if (!isProxMcpError(error) || error.code !== "DECLINED") throw error;
    }
  }
  return gone;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const app = await openApp({ write: ({ tool, outcome, milliseconds }) => console.error(`${tool}: ${outcome}, ${milliseconds} ms`) });
  const terminal = createInterface({ input: stdin, output: stdout });
  const answers = terminal[Symbol.asyncIterator]();
  const gone = await tidy(app, async (question) => {
    stdout.write(`${question} [y/N] `);
    return /^y(es)?$/i.test(String((await answers.next()).value ?? ""));
  });
  terminal.close();
  console.log("Deleted:", gone);
  await app.close();
}
