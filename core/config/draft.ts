import { Document, type Node, YAMLMap } from "yaml";
import { facetOf } from "../declare/facet.js";
import type { Provider } from "../declare/provider.js";
import { partOf } from "./nested.js";
import { isReference } from "./secrets.js";

/** A connection that is about to be written into a config. */
export interface DraftConnection {
  readonly name: string;
  readonly provider: Provider;
  readonly options: Readonly<Record<string, unknown>>;
  /** Where it was found, for the comment above it. */
  readonly from?: string;
}

export interface Draft {
  readonly connections: readonly DraftConnection[];
  readonly tools?: { readonly readOnly?: boolean; readonly confirm?: string } | undefined;
  /** Where editors find the JSON Schema. */
  readonly schema: string;
}

/** A config file, in the language of its ending, with comments where that has any. */
export function draftText(draft: Draft, ending: string): string {
  const { connections, tools, schema } = draft;
  const config = {
    connections: Object.fromEntries(connections.map(({ name, provider, options }) => [name, { provider: provider.name, ...options }])),
    ...(tools ? { tools } : {}),
  };
  if (ending === ".json") return `${JSON.stringify({ $schema: schema, ...config }, null, 2)}\n`;
  if (ending === ".yaml" || ending === ".yml") return yamlText(draft, config);
  return `import { defineConfig } from "proxmcp";\n\n// ${HEAD.join("\n// ")}\nexport default defineConfig(${JSON.stringify(config, null, 2)});\n`;
}

const HEAD = [
  "Which machines ProxMCP manages, and what may be done on them.",
  "`proxmcp config check` checks this file, `proxmcp config print` shows every setting that holds.",
];

const MORE = [
  "What may be done, on all connections; each can have `tools` of its own. Without any, whatever can lose data is confirmed first.",
  "tools:",
  "  readOnly: true         # nothing but looking",
  '  deny: ["*_delete"]     # never these',
  "  confirm: write         # ask before every change",
  "",
  "Where something new goes when nobody says where:",
  "defaults:",
  "  <provider>: <name of a connection>",
];

function yamlText({ connections, schema, tools }: Draft, config: object): string {
  const document = new Document(config);
  referencesInline(document.contents as Node);
  const all = document.get("connections") as YAMLMap<{ value: string; commentBefore?: string; spaceBefore?: boolean }>;
  for (const [at, { key }] of all.items.entries()) {
    const from = connections[at]?.from;
    if (from) key.commentBefore = ` from ${from}`;
    if (at > 0) key.spaceBefore = true;
  }
  if (connections.length === 0) all.flow = true;
  document.commentBefore = ` yaml-language-server: $schema=${schema}\n${comment(HEAD)}`;
  document.comment = comment(tools ? MORE.slice(MORE.indexOf("") + 1) : MORE);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

/** References read best in one line. */
export function referencesInline(node: unknown): void {
  for (const map of mapsIn(node)) if (isReference(map.toJSON())) map.flow = true;
}

const comment = (lines: readonly string[]): string => lines.map((line) => ` ${line}`.trimEnd()).join("\n");

function mapsIn(node: unknown): readonly YAMLMap[] {
  if (!(node instanceof YAMLMap)) return [];
  return [node, ...node.items.flatMap(({ value }) => mapsIn(value))];
}

/**
 * The options of a connection that the environment described, with each value that is a variable's own kept as a reference to it. A secret
 * that is no variable's own text becomes a reference to a variable that is to be set. Never a secret itself.
 */
export function withoutSecrets(
  { name, provider, options }: DraftConnection,
  env: Readonly<Record<string, string | undefined>>,
): { readonly options: Readonly<Record<string, unknown>>; readonly missing: readonly string[] } {
  const missing: string[] = [];
  const kept = Object.entries(options).map(([option, value]): [string, unknown] => {
    const schema = partOf(provider.connection.schema, option);
    if (!schema || !facetOf(schema)?.secret || typeof value !== "string") return [option, value];
    const variable = Object.keys(env).find((one) => env[one]?.trim() === value);
    if (variable === undefined) missing.push(variableFor(name, option));
    return [option, { env: variable ?? variableFor(name, option) }];
  });
  return { options: Object.fromEntries(kept), missing };
}

/** `PVE_TOKEN` for the token of pve. */
export const variableFor = (connection: string, option: string): string => `${connection}_${option}`.toUpperCase().replaceAll(/[^A-Z0-9]+/g, "_");
