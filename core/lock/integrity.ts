import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import pLimit from "p-limit";
import type { PluginSource } from "../config/source.js";
import { LOCK_FILE } from "./file.js";

/** What is code or read by code. A plugin that is a file beside other things is pinned with these. */
const CODE = new Set([".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".json", ".node", ".wasm"]);
const AT_ONCE = 16;

/**
 * A hash over the names and contents of a plugin's files. Packages that it depends on are not among them: those the package manager's own
 * lock file pins. Undefined for a checkout of this package, whose files change with every build.
 */
export async function integrityOf({ holds, folder }: PluginSource): Promise<string | undefined> {
  if (existsSync(join(folder, "core", "version.ts"))) return undefined;
  const files = (await filesIn(folder, "", holds === "package")).sort((a, b) => (a < b ? -1 : 1));
  const limit = pLimit(AT_ONCE);
  const contents = await Promise.all(files.map((file) => limit(async () => `${file}\0${await contentOf(join(folder, file))}\n`)));
  const hash = createHash("sha256");
  for (const line of contents) hash.update(line);
  return `sha256-${hash.digest("base64")}`;
}

/** Paths from the folder, with `/`, on every system alike. */
async function filesIn(folder: string, below: string, all: boolean): Promise<string[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = below ? `${below}/${entry.name}` : entry.name;
      if (entry.isDirectory()) return entry.name === "node_modules" || entry.name.startsWith(".git") ? [] : await filesIn(folder, path, all);
      return all || isCode(entry.name) ? [path] : [];
    }),
  );
  return found.flat();
}

const isCode = (name: string): boolean =>
  CODE.has(extname(name)) &&
  !name.startsWith(".") &&
  !name.startsWith("proxmcp.config.") &&
  name !== LOCK_FILE &&
  !/^package(-lock)?\.json$/.test(name);

/** Of a link to a folder, where it leads: what is there may be anything. */
async function contentOf(path: string): Promise<string> {
  const content = (await stat(path)).isDirectory() ? await readlink(path) : await readFile(path);
  return createHash("sha256").update(content).digest("hex");
}
