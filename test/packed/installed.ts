import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);
export const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The package as a stranger has it: packed, and installed from the registry into a folder that knows nothing of this repository. */
export interface Installed {
  readonly folder: string;
  readonly tarball: string;
  /** Runs a program of this Node's. */
  node(words: readonly string[], options?: RunOptions): Promise<Ran>;
  npm(words: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Runs lines as a shell does, with the programs that npm has linked in the folder. */
  shell(lines: string, options?: RunOptions): Promise<Ran>;
  /** The command line, as npm has linked it. */
  proxmcp(words: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Starts something that runs until the test is over, in the folder or one within. */
  start(words: readonly string[], options?: RunOptions): ChildProcess;
  /** Sandboxes out of the installed package: how each connection is reached. */
  sandboxes(wanted: readonly (readonly [name: string, provider: string, options?: object])[]): Promise<Record<string, Record<string, unknown>>>;
  close(): Promise<void>;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

export async function installed(packages: readonly string[] = []): Promise<Installed> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "proxmcp-packed-")));
  const folder = join(base, "project");
  const children: ChildProcess[] = [];
  mkdirSync(folder);
  const environment = (env: RunOptions["env"] = {}): NodeJS.ProcessEnv => ({
    // Of this machine only what a program needs to run: no variable of the tests, no home, no PATH into the repository.
    PATH: [dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter),
    HOME: process.env["HOME"],
    NO_COLOR: "1",
    // A distribution's Node trusts what its system trusts, Node's own builds only what they bring: a registry behind a private CA would hang npm.
    NODE_USE_SYSTEM_CA: "1",
    ...Object.fromEntries(
      Object.entries(process.env).filter(([name]) =>
        /^(https?_proxy|no_proxy|npm_config_(registry|cache|userconfig)|NODE_EXTRA_CA_CERTS)$/i.test(name),
      ),
    ),
    ...env,
  });
  const run = async (command: string, words: readonly string[], { cwd = folder, env, input }: RunOptions = {}): Promise<Ran> => {
    const running = execute(command, [...words], { cwd, env: environment(env), maxBuffer: 50_000_000 });
    running.child.stdin?.end(input ?? "");
    try {
      const { stdout, stderr } = await running;
      return { code: 0, out: stdout, err: stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      if (typeof code !== "number") throw error;
      return { code, out: stdout, err: stderr };
    }
  };
  const npm: Installed["npm"] = (words, options) => run("npm", [...words, "--no-fund", "--no-audit", "--loglevel=error"], options);
  // `prepare` has built already; what is packed is what the tests before this one have tested.
  const packed = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", base], { cwd: root });
  if (packed.code !== 0) throw new Error(packed.err);
  const tarball = join(base, readdirSync(base).find((name) => name.endsWith(".tgz")) ?? "");
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }));
  const result = await npm(["install", tarball, ...packages]);
  if (result.code !== 0) throw new Error(result.err);
  const start: Installed["start"] = (words, { cwd = folder, env } = {}) => {
    const child = spawn(process.execPath, [...words], { cwd, env: environment(env), stdio: ["pipe", "pipe", "pipe"] });
    children.push(child);
    return child;
  };
  return {
    folder,
    tarball,
    npm,
    shell: (lines, options) => run("bash", ["-euo", "pipefail", "-c", lines], options),
    node: (words, options) => run(process.execPath, words, options),
    proxmcp: (words, options) => run(join(folder, "node_modules", ".bin", "proxmcp"), words, options),
    start,
    async sandboxes(wanted) {
      cpSync(join(root, "test/packed/embedding/sandboxes.mjs"), join(folder, "sandboxes.mjs"));
      const child = start(["sandboxes.mjs"]);
      child.stdin?.end(JSON.stringify(wanted));
      return JSON.parse(await firstLine(child)) as Record<string, Record<string, unknown>>;
    },
    async close() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill();
        await once(child, "exit");
      }
      await rm(base, { recursive: true, force: true });
    },
  };
}

/** The first line that a program prints; what it says on stderr if it ends before. */
export async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("Its output is not to be had.");
  let said = "";
  child.stderr?.on("data", (chunk) => (said += String(chunk)));
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error(`It ended without a word: ${said}`);
}
