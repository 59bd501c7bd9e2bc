import { constants } from "node:fs";
import { access, mkdir, realpath, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, extname, isAbsolute, resolve, sep } from "node:path";
import { type ClientName, CLIENTS, enter, entryFor, type Launch, type Surroundings } from "../config/clients.js";
import { type Draft, type DraftConnection, draftText, withoutSecrets } from "../config/draft.js";
import { describedIn, foundNear } from "../config/inventory.js";
import { checkConfig, loadConfig } from "../config/load.js";
import { loadPlugin } from "../config/plugins.js";
import { mapOwnPackage } from "../config/resolve.js";
import { DEFAULTS } from "../config/schema.js";
import { schemaFor } from "../config/schema-file.js";
import { isReference } from "../config/secrets.js";
import { prepare } from "../create.js";
import { isProxMcpError, ProxMcpError } from "../errors.js";
import type { Questions } from "./init-questions.js";
import { err, out } from "./print.js";
import { EXIT } from "./run.js";

export interface InitOptions {
  /** Take what is found, and ask nothing. */
  readonly yes?: boolean;
  readonly file?: string;
  readonly client?: readonly string[];
  /** Replace a config file, and an entry of ours, that are there already. */
  readonly force?: boolean;
  readonly name?: string;
}

export interface InitSetting extends Surroundings {
  /** Plugins to look with. Default: those that come with the package. */
  readonly plugins?: readonly (string | object)[];
  /** Asks the person. Absent with `--yes`. */
  readonly questions?: Questions | undefined;
  /** The words that start this very program. */
  readonly self: { readonly command: string; readonly args: readonly string[] };
}

const DEFAULT_FILE = "proxmcp.config.yaml";

/** `proxmcp init`: looks around, asks, writes a config and a client's entry. */
export async function init(options: InitOptions): Promise<number> {
  const around = { home: homedir(), cwd: process.cwd(), platform: process.platform, env: process.env, self: await selfCommand() };
  if (options.yes) return await initialize(options, around);
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new ProxMcpError("INVALID_INPUT", "init asks questions, and there is no terminal to ask at.", {
      next: "Pass --yes to take what is found.",
    });
  return await initialize(options, { ...around, questions: (await import("./init-questions.js")).atTerminal() });
}

/** The same, on surroundings that are told. */
export async function initialize(options: InitOptions, setting: InitSetting): Promise<number> {
  mapOwnPackage();
  const { questions, env, cwd } = setting;
  const clients = clientsFrom(options.client);
  const plugins = setting.plugins ?? DEFAULTS.plugins;
  const providers = (await Promise.all(plugins.map((plugin) => loadPlugin(plugin, cwd)))).map((plugin) => plugin.provider);
  const found = [...describedIn({ providers, env }), ...(await foundNear({ providers, env }))];
  const offered = distinct(found.map(({ provider, found: { name, options: own, from } }) => ({ name, provider, options: own, from })));
  const answers = await questions?.answers(offered, providers, { file: options.file ?? DEFAULT_FILE, client: options.client });
  const file = resolve(cwd, answers?.file ?? options.file ?? DEFAULT_FILE);
  const ending = extname(file);
  if (![".yaml", ".yml", ".json", ".ts", ".mts", ".js", ".mjs"].includes(ending))
    throw new ProxMcpError("INVALID_INPUT", `${file}: a config ends in .yaml, .json or .ts.`);
  if ((await exists(file)) && !options.force && !(await questions?.replace(file)))
    throw new ProxMcpError("CONFLICT", `There is a ${file} already; it was left as it is.`, {
      next: "Give another name by --file, or pass --force to replace it.",
    });

  const missing: string[] = [];
  const connections = (answers?.connections ?? offered).map((one): DraftConnection => {
    const kept = withoutSecrets(one, env);
    missing.push(...kept.missing);
    return { ...one, options: kept.options };
  });
  const draft: Draft = { connections, tools: answers?.tools, schema: await schemaFor(file) };
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, draftText(draft, ending));
  out(`Wrote ${file}: ${connections.map(({ name, provider }) => `${name} (${provider.name})`).join(", ") || "no connections yet"}.`);
  const variables = variablesIn(connections);
  const unset = [...new Set([...missing, ...variables.filter((name) => !env[name])])];
  for (const name of unset) err(`Set the variable ${name}, or put its value into a file and write { file: "..." } instead of { env: ${name} }.`);
  if (unset.length === 0) await check(file, env, plugins);

  const launch: Launch = { ...setting.self, args: [...setting.self.args, "serve", "--config", file], variables };
  const name = options.name ?? "proxmcp";
  for (const client of answers?.clients ?? clients) await enterInto(client, name, launch, options, setting);
  out("Next: proxmcp doctor tries every connection; restart the client to have it see the server.");
  return EXIT.ok;
}

/** Writes a client's entry, or prints it where that is asked for. */
async function enterInto(client: ClientName | "print", name: string, launch: Launch, { force }: InitOptions, setting: InitSetting): Promise<void> {
  if (client === "print") {
    out("The entry for a client:");
    out(JSON.stringify({ mcpServers: { [name]: entryFor(CLIENTS["claude-code"], launch) } }, null, 2));
    return;
  }
  const known = CLIENTS[client];
  const file = known.file(setting);
  const entry = entryFor(known, launch);
  const outcome = await enter(known, file, name, entry, async () => Boolean(force) || Boolean(await setting.questions?.replaceEntry(file, name)));
  out(
    {
      written: `Wrote the entry ${name} for ${known.title}: ${file}.`,
      unchanged: `${known.title} has the entry ${name} already: ${file}.`,
      kept: `${known.title} has another entry ${name}, which was left as it is: ${file}. Pass --name for one beside it, or --force.`,
    }[outcome],
  );
  if (!("variable" in known) && launch.variables.length > 0)
    err(`${known.title} passes no variables on: put ${launch.variables.join(", ")} under "env" of its entry, or use { file: "..." } in the config.`);
}

/** What a fresh file is worth: read as the server will read it. */
async function check(file: string, env: InitSetting["env"], plugins: readonly (string | object)[]): Promise<void> {
  try {
    const loaded = await loadConfig({ file, env });
    await prepare({ ...checkConfig({ ...loaded.config, plugins: [...plugins] }), folder: loaded.folder, file, env: loaded.env });
  } catch (error) {
    if (!isProxMcpError(error)) throw error;
    err(error.message);
  }
}

function clientsFrom(names: readonly string[] = ["print"]): readonly (ClientName | "print")[] {
  const allowed = [...Object.keys(CLIENTS), "print"];
  for (const name of names)
    if (!allowed.includes(name)) throw new ProxMcpError("INVALID_INPUT", `--client: found ${name}; allowed: ${allowed.join(", ")}`);
  return names as readonly (ClientName | "print")[];
}

/** Two sources may describe connections of one name; both are offered. */
function distinct(connections: readonly DraftConnection[]): readonly DraftConnection[] {
  const taken = new Set<string>();
  return connections.map((one) => {
    let { name } = one;
    for (let at = 2; taken.has(name); at += 1) name = `${one.name}-${at}`;
    taken.add(name);
    return { ...one, name };
  });
}

const variablesIn = (connections: readonly DraftConnection[]): readonly string[] => [
  ...new Set(
    connections.flatMap(({ options }) => Object.values(options).flatMap((value) => (isReference(value) && "env" in value ? [value.env] : []))),
  ),
];

const exists = (file: string): Promise<boolean> =>
  access(file, constants.F_OK).then(
    () => true,
    () => false,
  );

/** How a client starts this program: by npx where npx started it, as its cache comes and goes; otherwise by this very file and this very Node. */
async function selfCommand(): Promise<InitSetting["self"]> {
  const file = await realpath(process.argv[1] ?? "");
  if (file.split(sep).includes("_npx")) return { command: "npx", args: ["-y", "proxmcp"] };
  return { command: process.execPath, args: [isAbsolute(file) ? file : resolve(file)] };
}
