import { spawn } from "node:child_process";
import { mkdir, mkdtemp, realpath, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CLI = join(ROOT, "dist/cli.js");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder outside this repository, with files and with zod to import; `proxmcp` is not installed there. */
export async function home(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "proxmcp-dist-")));
  await mkdir(join(folder, "node_modules"));
  await symlink(join(ROOT, "node_modules/zod"), join(folder, "node_modules/zod"));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

/** Runs Node as a person would: in that folder, with nothing of this process's environment but what it needs. */
export async function node(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", HOME: cwd, XDG_CONFIG_HOME: join(cwd, "xdg"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const code = await new Promise<number | null>((ended) => child.once("close", ended));
  return { code, stdout, stderr };
}

/** The command line of the built package. */
export const proxmcp = (args: readonly string[], cwd: string, env?: Readonly<Record<string, string>>): Promise<Ended> =>
  node([CLI, ...args], cwd, env);

/** Runs a script against the built package, as an embedder that has it installed. */
export async function embedder(script: string, folder: string, env?: Readonly<Record<string, string>>): Promise<Ended> {
  await symlink(ROOT, join(folder, "node_modules/proxmcp")).catch(() => {});
  await writeFile(join(folder, "script.mjs"), script);
  return await node(["script.mjs"], folder, env);
}

/** The text of a small plugin. `zod`: which module to import it from. */
export const pluginText = ({ name = "mini", zod = "zod", exports = "export default" } = {}): string => `
import { CONNECTION, defineProvider, facet, forClient } from "proxmcp/plugin";
import { z } from "${zod}";
class Client {
  static inject = [CONNECTION];
  constructor(connection) { this.room = connection.options.room; }
}
const { kind } = forClient();
const item = z.object({ name: facet(z.string(), "Name", { says: ["label"] }), room: facet(z.string(), "Room").optional() });
const things = kind({ name: "thing", about: "A thing", item, key: "name", everyday: ["list"], list: async ({ client }) => [{ name: "one", room: client.room }] });
${exports} defineProvider({
  name: "${name}", title: "Mini", about: "A small platform", connection: { noun: "place", schema: z.object({ room: z.string() }) },
  hosts: [], client: Client, test: async () => ({ version: "1" }), kinds: [things],
});
`;
