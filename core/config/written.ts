import { realpath, rename, stat, writeFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { isMap, parseDocument } from "yaml";
import { ProxMcpError } from "../errors.js";
import { referencesInline } from "./draft.js";

/** Whether a connection can be put into a file without a person: code can't be changed by a program that does not understand it. */
export const isEditable = (file: string): boolean =>
  [".yaml", ".yml", ".json"].includes(extname(file)) || [".proxmcprc", "package.json"].includes(basename(file));

/** The text of a config with a connection put into it. What else stands there stays as it is, comments too. */
export function withConnection(file: string, text: string, name: string, entry: Readonly<Record<string, unknown>>): string {
  const inPackage = basename(file) === "package.json";
  // A .proxmcprc may be either.
  if (extname(file) === ".json" || (basename(file) === ".proxmcprc" && text.trimStart().startsWith("{"))) {
    const whole = JSON.parse(text) as Record<string, unknown>;
    const config = (inPackage ? whole["proxmcp"] : whole) as { connections?: Record<string, unknown> };
    config.connections = { ...config.connections, [name]: entry };
    const indent = /\n([ \t]+)"/.exec(text)?.[1] ?? "  ";
    return `${JSON.stringify(whole, undefined, indent)}\n`;
  }
  const document = parseDocument(text);
  const [fault] = document.errors;
  if (fault) throw new ProxMcpError("CONFIG_INVALID", `${file} can't be read as YAML: ${fault.code}`);
  const node = document.createNode(entry);
  referencesInline(node);
  if (isMap(document.get("connections"))) {
    const map = document.get("connections") as { flow?: boolean; items: unknown[] };
    // An empty map that was written as {} grows into lines.
    if (map.items.length === 0) map.flow = false;
    document.setIn(["connections", name], node);
  } else document.set("connections", document.createNode({ [name]: node }));
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** Writes a file whole or not at all, through links and with the mode that it had. */
export async function replaceText(file: string, text: string): Promise<void> {
  const target = await realpath(file);
  const { mode } = await stat(target);
  const draft = `${target}.${process.pid}.part`;
  await writeFile(draft, text, { mode: mode & 0o777 });
  await rename(draft, target);
}
