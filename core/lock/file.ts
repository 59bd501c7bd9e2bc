import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ProxMcpError } from "../errors.js";
import { VERSION } from "../version.js";
import type { ToolSurface } from "./surface.js";

export const LOCK_FILE = "proxmcp.lock.json";

const Class = z.enum(["read", "write", "destructive"]);
const Tool = z.object({
  safety: Class,
  worst: Class.optional(),
  description: z.string(),
  aliases: z.array(z.string()),
  arguments: z.record(z.string(), z.string()),
  answer: z.string(),
  hints: z.string(),
});
const Plugin = z.object({
  /** As it stands in the config. Of an object: its provider's name. */
  plugin: z.string(),
  package: z.string().optional(),
  version: z.string().optional(),
  /** Absent for an object, and for a checkout of this package. */
  integrity: z.string().optional(),
  surface: z.object({ hash: z.string(), provider: z.string(), tools: z.record(z.string(), Tool) }),
});
const Lock = z.object({ lockfileVersion: z.literal(1), proxmcp: z.string(), plugins: z.record(z.string(), Plugin) });

export interface PinnedPlugin extends Readonly<Omit<z.output<typeof Plugin>, "surface">> {
  readonly surface: ToolSurface;
}

export interface LockContent {
  readonly lockfileVersion: 1;
  /** The version of this package that wrote it. */
  readonly proxmcp: string;
  /** By the name of their provider. */
  readonly plugins: Readonly<Record<string, PinnedPlugin>>;
}

/** The lock file of a folder. Undefined where there is none; one that can't be read is an error, never none. */
export async function readLock(folder: string): Promise<LockContent | undefined> {
  const file = join(folder, LOCK_FILE);
  const wrong = (why: string, cause?: unknown): ProxMcpError =>
    new ProxMcpError("CONFIG_INVALID", `${file}: ${why}`, { next: "Put the former file back, or write it anew with `proxmcp plugins lock`.", cause });
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw wrong(`can't be read: ${message}`, error);
  }
  const result = Lock.safeParse(content);
  if (result.success) return result.data;
  throw wrong(result.error.issues.map(({ path, message }) => `${path.join(".") || "the whole"}: ${message}`).join("; "));
}

/** Replaces the file as a whole: a server that starts meanwhile reads the old one or the new one. */
export async function writeLock(folder: string, plugins: Readonly<Record<string, PinnedPlugin>>): Promise<string> {
  const file = join(folder, LOCK_FILE);
  await writeFile(`${file}.new`, textOf({ lockfileVersion: 1, proxmcp: VERSION, plugins }));
  await rename(`${file}.new`, file);
  return file;
}

/** A tool on a line, so that the history of the file can be read. */
function textOf(lock: LockContent): string {
  const lines: string[] = [];
  const text = JSON.stringify(
    lock,
    (name, value: unknown) => {
      if (name !== "tools") return value;
      return Object.fromEntries(Object.entries(value as object).map(([tool, pinned]) => [tool, `@${lines.push(JSON.stringify(pinned)) - 1}@`]));
    },
    2,
  );
  return `${text.replaceAll(/"@(\d+)@"/g, (_, at: string) => lines[Number(at)] ?? "")}\n`;
}
