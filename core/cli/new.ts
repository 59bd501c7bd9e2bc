import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { DEFAULTS } from "../config/schema.js";
import { capital } from "../derive/words.js";
import { ProxMcpError } from "../errors.js";
import { VERSION } from "../version.js";
import { pc } from "./colours.js";
import { out } from "./print.js";
import { EXIT } from "./run.js";

export interface NewOptions {
  /** The platform as people write it. Default: the name with a capital. */
  readonly title?: string;
  /** Where the package shall be. Default: proxmcp-provider-<name>. */
  readonly folder?: string;
}

/** What the template is called, and everything in it after it. */
const TEMPLATE = "acme";
/** Under other names in the package: npm leaves out every .gitignore, and a package.json within a package counts as a fault of it. */
const RENAMED: Readonly<Record<string, string>> = { gitignore: ".gitignore", "manifest.json": "package.json" };
/** What a provider is written and checked with, in the versions that this one is. */
const TOOLS = ["@types/node", "typescript", "vitest", "zod"];

/** `proxmcp new provider <name>`: writes a package with one kind, a sandbox and tests, out of `examples/template`. */
export async function newProvider(name: string, options: NewOptions): Promise<number> {
  if (!/^[a-z][a-z0-9]*$/.test(name))
    throw new ProxMcpError("INVALID_INPUT", `${JSON.stringify(name)} can't be a provider's name: it begins every tool's.`, {
      next: "Use lower-case letters and digits, such as acme2.",
    });
  if ((DEFAULTS.plugins as readonly string[]).includes(name))
    throw new ProxMcpError("ALREADY_EXISTS", `${name} comes with ProxMCP, and two providers can't have one name.`);
  const title = options.title ?? capital(name);
  const folder = resolve(options.folder ?? `proxmcp-provider-${name}`);
  if ((await readdir(folder).catch(() => [])).length > 0)
    throw new ProxMcpError("ALREADY_EXISTS", `${folder} is not empty; nothing was written.`, { next: "Choose another folder with --folder." });
  const own = createRequire(import.meta.url).resolve("proxmcp/package.json");
  const template = join(dirname(own), "examples", "template");
  for (const entry of await readdir(template, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const from = join(entry.parentPath, entry.name);
    const path = relative(template, from);
    const to = join(folder, renamed(RENAMED[path] ?? path, name, title));
    await mkdir(dirname(to), { recursive: true });
    const text = renamed(await readFile(from, "utf8"), name, title);
    await writeFile(to, path === "manifest.json" ? await manifest(text, own) : text);
  }
  out(`Wrote ${folder}: ${title}, with one kind, a sandbox and tests.`);
  out(`\n  ${pc.bold(`cd ${relative(process.cwd(), folder) || "."}`)}\n  ${pc.bold("npm install")}\n  ${pc.bold("npm test")}\n`);
  out("Then make src/machines.ts and src/sandbox.ts what the platform really has and says; docs/write-a-provider.md goes through it.");
  return EXIT.ok;
}

/** The template's words as those of the new one: its name, its title, its environment variables, its classes. */
function renamed(text: string, name: string, title: string): string {
  return text
    .replaceAll(/Acme(?=Client|Connection)/g, capital(name))
    .replaceAll("Acme", title.replaceAll(/["\\`$]/g, ""))
    .replaceAll("ACME", name.toUpperCase())
    .replaceAll(TEMPLATE, name);
}

async function manifest(text: string, own: string): Promise<string> {
  const { dependencies, devDependencies } = JSON.parse(await readFile(own, "utf8")) as Record<string, Record<string, string> | undefined>;
  const known = { ...dependencies, ...devDependencies };
  const tools = Object.fromEntries(TOOLS.flatMap((tool) => (known[tool] ? [[tool, known[tool]]] : [])));
  const wanted = JSON.parse(text) as { peerDependencies: Record<string, string> };
  const peers = { ...wanted.peerDependencies, proxmcp: `>=${VERSION}` };
  const all = { ...wanted, peerDependencies: peers, devDependencies: { proxmcp: `^${VERSION}`, ...tools } };
  return `${JSON.stringify(all, undefined, 2)}\n`;
}
