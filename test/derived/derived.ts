import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deriveReference } from "../../core/derive/reference.js";
import { deriveConfigSchema } from "../../core/derive/config-schema.js";
import { jsonOf } from "../../core/derive/json.js";
import { listed } from "../../core/server/answer.js";
import { coveragePage } from "../plugins/proxmox-coverage.js";
import { moduleReference } from "./typedoc/reference.js";
import { shippedApp } from "./estate.js";

/** What is derived from the declarations and kept in the repository: a folder of files, each by name. */
export interface Derived {
  readonly folder: string;
  readonly files: ReadonlyMap<string, string>;
}

const root = new URL("../..", import.meta.url).pathname;

/** One golden file for each tool, as a client sees it. */
export async function snapshots(): Promise<Derived> {
  const app = await shippedApp();
  const search = await shippedApp({ surface: "search" });
  const tools = [...app.tools("all"), ...search.tools("search")];
  const files = new Map(tools.map((tool) => [`${tool.name}.json`, `${JSON.stringify({ ...listed(tool), aliases: tool.aliases }, null, 2)}\n`]));
  await Promise.all([app.close(), search.close()]);
  return { folder: join(root, "test/snapshots"), files };
}

/** One reference page for each provider, and one for each module that the author of a provider imports. */
export async function reference(): Promise<Derived> {
  const app = await shippedApp();
  const tools = app.tools("all");
  const files = new Map(
    app.providers.map((provider) => [
      `${provider.name}.md`,
      deriveReference(
        provider,
        tools.filter((tool) => (tool.operation?.provider ?? tool.of) === provider),
        jsonOf(provider.connection.schema, "input"),
      ),
    ]),
  );
  await app.close();
  files.set("proxmox-api.md", await coveragePage());
  files.set("declaration.md", await moduleReference("core/plugin.ts", "proxmcp/plugin"));
  files.set("testing.md", await moduleReference("core/testing.ts", "proxmcp/testing"));
  return { folder: join(root, "docs/reference"), files };
}

/** The JSON Schema of a config file, published with the package for editors. */
export async function configSchema(): Promise<{ readonly file: string; readonly text: string }> {
  const app = await shippedApp();
  const text = `${JSON.stringify(deriveConfigSchema(app.providers), null, 2)}\n`;
  await app.close();
  return { file: join(root, "config.schema.json"), text };
}

/** What differs between the repository and what would be derived now: missing, stale and left-over files. */
export function differences({ folder, files }: Derived): readonly string[] {
  const present = new Set(existing(folder));
  return [
    ...[...files].filter(([name]) => !present.has(name)).map(([name]) => `${name} is missing`),
    ...[...files]
      .filter(([name, text]) => present.has(name) && readFileSync(join(folder, name), "utf8") !== text)
      .map(([name]) => `${name} is stale`),
    ...[...present].filter((name) => !files.has(name)).map((name) => `${name} belongs to nothing`),
  ];
}

export function write({ folder, files }: Derived): void {
  mkdirSync(folder, { recursive: true });
  for (const name of existing(folder)) if (!files.has(name)) rmSync(join(folder, name));
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
}

function existing(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
