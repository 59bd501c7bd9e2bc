import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { ProxMcpError } from "../errors.js";

type Env = Readonly<Record<string, string | undefined>>;

/** The environment with what a `.env` file in this folder adds. What the environment itself says wins, even if it is empty. */
export async function withDotEnv(folder: string, env: Env): Promise<Env> {
  const path = join(folder, ".env");
  try {
    return { ...parseEnv(await readFile(path, "utf8")), ...Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)) };
  } catch (error) {
    // A folder may have this name (some tools keep one), and most have no such file at all.
    if (["ENOENT", "EISDIR", "ENOTDIR"].includes((error as { code?: string }).code ?? "")) return env;
    throw new ProxMcpError("CONFIG_INVALID", `${path} can't be read: ${(error as Error).message}`, { cause: error });
  }
}
