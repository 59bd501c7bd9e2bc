import { randomUUID } from "node:crypto";
import { chmod, mkdir, readFile, realpath, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ParseError } from "jsonc-parser";
import { ProxMcpError } from "../errors.js";

/** What an MCP client starts. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** Variables that the config refers to. */
  readonly variables: readonly string[];
}

export interface Surroundings {
  readonly home: string;
  readonly cwd: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface McpClient {
  readonly title: string;
  /** Where its entries stand. */
  readonly file: (around: Surroundings) => string;
  /** Under which name its file has its servers. */
  readonly root: "mcpServers" | "servers";
  /** How its file says "the value of this variable". Without it the client passes none on. */
  readonly variable?: (name: string) => string;
  readonly typed?: boolean;
}

const desktopFolder = ({ home, platform, env }: Surroundings): string =>
  platform === "darwin"
    ? join(home, "Library", "Application Support", "Claude")
    : platform === "win32"
      ? join(env["APPDATA"] ?? join(home, "AppData", "Roaming"), "Claude")
      : join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "Claude");

/** MCP clients that keep their servers in a file of JSON. */
export const CLIENTS = {
  "claude-desktop": { title: "Claude Desktop", root: "mcpServers", file: (around) => join(desktopFolder(around), "claude_desktop_config.json") },
  "claude-code": {
    title: "Claude Code, in this folder",
    root: "mcpServers",
    file: ({ cwd }) => join(cwd, ".mcp.json"),
    variable: (name) => `\${${name}}`,
  },
  cursor: { title: "Cursor", root: "mcpServers", file: ({ home }) => join(home, ".cursor", "mcp.json"), variable: (name) => `\${env:${name}}` },
  vscode: {
    title: "VS Code, in this folder",
    root: "servers",
    file: ({ cwd }) => join(cwd, ".vscode", "mcp.json"),
    variable: (name) => `\${env:${name}}`,
    typed: true,
  },
} as const satisfies Record<string, McpClient>;

export type ClientName = keyof typeof CLIENTS;

/** The entry of a server, as a client's file has it. Secrets are never in it: at most their variables' names. */
export function entryFor({ variable, typed }: McpClient, { command, args, variables }: Launch): Record<string, unknown> {
  const env = variable && Object.fromEntries(variables.map((name) => [name, variable(name)]));
  return { ...(typed ? { type: "stdio" } : {}), command, args, ...(env && variables.length > 0 ? { env } : {}) };
}

export type Entered = "written" | "unchanged" | "kept";

/**
 * Puts a server's entry into a client's file. Everything else in the file stays as it is, comments and order too. An entry of this name that
 * differs is replaced only if `replace` says so. A file that is no JSON is left alone. Throws CONFLICT.
 */
export async function enter(
  { root }: McpClient,
  file: string,
  name: string,
  entry: object,
  replace: () => boolean | Promise<boolean>,
): Promise<Entered> {
  const { applyEdits, modify, parse, parseTree, printParseErrorCode } = await import("jsonc-parser");
  const before = await readFile(file, "utf8").catch((error: unknown) => {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  });
  const text = before?.trim() ? before : "{}\n";
  const faults: ParseError[] = [];
  const tree = parseTree(text, faults, { allowTrailingComma: true });
  const [fault] = faults;
  if (fault || tree?.type !== "object")
    throw new ProxMcpError("CONFLICT", `${file} was left as it is: ${fault ? printParseErrorCode(fault.error) : "it holds no object"}.`, {
      next: "Correct the file, or add the entry by hand.",
    });
  const servers = (parse(text, [], { allowTrailingComma: true }) as Record<string, Record<string, unknown> | undefined>)[root];
  if (servers !== undefined && (typeof servers !== "object" || servers === null || Array.isArray(servers)))
    throw new ProxMcpError("CONFLICT", `${file} was left as it is: its ${root} is no object.`, {
      next: "Correct the file, or add the entry by hand.",
    });
  const present = servers?.[name];
  if (JSON.stringify(present) === JSON.stringify(entry)) return "unchanged";
  if (present !== undefined && !(await replace())) return "kept";
  const formattingOptions = {
    insertSpaces: !/^\t/m.test(text),
    tabSize: Number(/^( +)\S/m.exec(text)?.[1]?.length ?? 2),
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  };
  await put(file, applyEdits(text, modify(text, [root, name], entry, { formattingOptions })));
  return "written";
}

/** All of it or nothing: a client must never read half a file. */
async function put(given: string, text: string): Promise<void> {
  // Where it is a link, as those who keep their settings in one place have it, the link stays.
  const file = await realpath(given).catch(() => given);
  await mkdir(dirname(file), { recursive: true });
  const mode = await stat(file).then(
    (found) => found.mode,
    () => undefined,
  );
  const written = `${file}.${randomUUID()}`;
  await writeFile(written, text.endsWith("\n") ? text : `${text}\n`, { mode: 0o600 });
  if (mode !== undefined) await chmod(written, mode);
  await rename(written, file);
}
