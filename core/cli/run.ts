import { Command, CommanderError } from "commander";
import { isProxMcpError, type ProxMcpError } from "../errors.js";
import { VERSION } from "../version.js";
import type { InitOptions } from "./init.js";
import type { NewOptions } from "./new.js";
import type { QueryOptions } from "./query.js";
import type { ToolsOptions } from "./tools.js";

/** What a command is given: the global options. */
export interface GlobalOptions {
  readonly config?: string;
  /** Whose rules hold, of those under `roles`. */
  readonly role?: readonly string[];
}

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** Wrong usage or configuration is told apart from a call that failed. */
export const exitCodeOf = (error: ProxMcpError): number =>
  error.code.startsWith("PLUGIN_") || ["CONFIG_INVALID", "INVALID_INPUT", "TOOL_UNKNOWN"].includes(error.code) ? EXIT.usage : EXIT.failed;

const CONFIG = ["-c, --config <file>", "config file; default: the nearest proxmcp.config.*, then the user's"] as const;
/** An option that can be repeated. */
const several = (name: string, before: readonly string[] = []): readonly string[] => [...before, name];
const ROLE = ["--role <name>", "act under this role of the config; can be repeated", several] as const;

/** Runs the command line; answers the exit code. Each command's module is loaded only when it runs. */
export async function run(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const program = new Command("proxmcp")
    .description("Manage Proxmox VE, LXD/Incus and Docker through MCP.")
    .version(VERSION, "-v, --version")
    .option(...CONFIG)
    .exitOverride()
    // What follows a command belongs to it: `call` passes on words that would be options of ours, as the -c of `sh -c`.
    .enablePositionalOptions()
    .showHelpAfterError("(proxmcp --help shows all commands)")
    .addHelpText("after", "\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration.");
  program
    .command("init")
    .description("look around, ask, and write a config and a client's entry")
    .option("-y, --yes", "take what is found, and ask nothing")
    .option("--file <file>", "where the config shall be; its ending says which language: .yaml, .json or .ts")
    .option("--client <name>", "claude-desktop, claude-code, cursor, vscode or print; can be repeated", several)
    .option("--name <name>", "what the client calls the server; default: proxmcp")
    .option("--force", "replace a config file or an entry that is there already")
    .action(async (options: InitOptions) => {
      code = await (await import("./init.js")).init(options);
    });
  program
    .command("serve")
    .description("serve MCP over stdin and stdout; logs are JSON lines on stderr")
    .option("--check", "test every connection at the start; what is down is a warning in the log")
    .option("--watch", "apply changes of the config file while serving")
    .option(...ROLE)
    .option(...CONFIG)
    .action(async (_options: unknown, command: Command) => {
      code = await (await import("./serve.js")).serve(command.optsWithGlobals());
    });
  program
    .command("demo")
    .description("start sandboxes of all platforms and show an MCP session on them")
    .option("--serve", "keep the sandboxes running and serve MCP on them over stdin and stdout")
    .action(async (options: { serve?: boolean }) => {
      code = await (await import("./demo.js")).demo(options);
    });
  program
    .command("tools")
    .description("list the tools, as the configuration derives and allows them")
    .option("--surface <name>", "default, all or search; default: as configured")
    .option("--tokens", "with what each costs a model: bytes of name, description and input schema, by four")
    .option("--why <tool>", "which rule lists or hides this tool, and where it may be called")
    .option("--json", "as JSON, with schemas")
    .option(...ROLE)
    .option(...CONFIG)
    .action(async (options: ToolsOptions, command: Command) => {
      code = await (await import("./tools.js")).tools(command.optsWithGlobals(), options);
    });
  program
    .command("call")
    .description("call a tool: proxmcp call docker_container_list --where.status running")
    .argument("<tool>", "name of the tool; `proxmcp tools --surface all` lists them")
    .argument("[arguments...]", "the tool's arguments as --name value; lists by repeating or as JSON, objects as JSON or --name.part value")
    .option("--json", "print the result as JSON")
    .option("-y, --yes", "confirm without asking")
    .option(...ROLE)
    .option(...CONFIG)
    .addHelpText("after", "\n--config stands before the tool; --json, --yes and --help (the tool's own arguments) may also follow it.")
    .passThroughOptions()
    .action(async (tool: string, words: string[], options: { json?: boolean; yes?: boolean }, command: Command) => {
      code = await (await import("./call.js")).call(command.optsWithGlobals(), tool, words, options);
    });
  program
    .command("query")
    .description("ask in words: proxmcp query running containers with over 1gb memory")
    .argument("[words...]", "the question; none prints what can be asked for, as JSON")
    .option("--json", "print the whole answer as JSON")
    .option("--explain", "print how it is understood, and ask nobody")
    .option("--limit <rows>", "rows of a page; default: 50")
    .option("--cursor <cursor>", "go on from an earlier page")
    .option(...ROLE)
    .option(...CONFIG)
    // Its help tells what can be asked for, which only the loaded configuration knows: more than commander prints by itself.
    .helpOption(false)
    .option("-h, --help", "this, and what can be asked for here")
    .action(async (words: string[], options: QueryOptions & { help?: boolean }, command: Command) => {
      const { query, queryHelp } = await import("./query.js");
      code = options.help ? await queryHelp(command.optsWithGlobals(), command) : await query(command.optsWithGlobals(), words, options);
    });
  program
    .command("suggest")
    .description('rank where a workload could run: proxmcp suggest "a small postgres with 2gb"')
    .argument("<sentence...>", "what is to run, in words")
    .option("--json", "print the plan as JSON, with the exact create calls")
    .option(...ROLE)
    .option(...CONFIG)
    .action(async (words: string[], options: { json?: boolean }, command: Command) => {
      code = await (await import("./suggest.js")).suggest(command.optsWithGlobals(), words, options);
    });
  const config = program.command("config").description("check the configuration, or print what holds and where it comes from");
  config
    .command("check")
    .description("read all that the config refers to and tell every fault; connects to nothing")
    .option(...CONFIG)
    .action(async (_options: unknown, command: Command) => {
      code = await (await import("./config.js")).configCheck(command.optsWithGlobals());
    });
  config
    .command("print")
    .description("print every setting with where it comes from; secrets are masked")
    .option("--json", "as JSON")
    .option(...CONFIG)
    .action(async (options: { json?: boolean }, command: Command) => {
      code = await (await import("./config.js")).configPrint(command.optsWithGlobals(), options);
    });
  config
    .command("schema")
    .description("print the JSON Schema of the config, with the options of the plugins that it names")
    .option(...CONFIG)
    .action(async (_options: unknown, command: Command) => {
      code = await (await import("./config.js")).configSchema(command.optsWithGlobals());
    });
  program
    .command("new")
    .description("begin something: a package for a provider of your own")
    .command("provider")
    .description("write a package with one kind, a sandbox and tests that pass: proxmcp new provider acme")
    .argument("<name>", "lower-case letters and digits; every tool's name begins with it")
    .option("--title <title>", "the platform as people write it; default: the name with a capital")
    .option("--folder <folder>", "where to; default: proxmcp-provider-<name>")
    .action(async (name: string, options: NewOptions) => {
      code = await (await import("./new.js")).newProvider(name, options);
    });
  const plugins = program.command("plugins").description("pin the plugins to what they are now, and show what has changed since");
  plugins
    .command("lock")
    .description("write proxmcp.lock.json beside the config: accept each plugin's version, files and tools as they are now")
    .option(...CONFIG)
    .action(async (_options: unknown, command: Command) => {
      code = await (await import("./plugins.js")).pluginsLock(command.optsWithGlobals());
    });
  plugins
    .command("list")
    .description("list the plugins: where each comes from, what its tools may do, whether it is pinned")
    .option("--json", "as JSON")
    .option(...CONFIG)
    .action(async (options: { json?: boolean }, command: Command) => {
      code = await (await import("./plugins.js")).pluginsList(command.optsWithGlobals(), options);
    });
  plugins
    .command("diff")
    .description("show what differs from proxmcp.lock.json: tools, descriptions, safety; exits with 1 if anything does")
    .option("--json", "as JSON")
    .option(...CONFIG)
    .action(async (options: { json?: boolean }, command: Command) => {
      code = await (await import("./plugins.js")).pluginsDiff(command.optsWithGlobals(), options);
    });
  plugins
    .command("surface", { hidden: true })
    .argument("<plugin>")
    .argument("<folder>")
    .action(async (plugin: string, folder: string) => {
      code = await (await import("./plugins.js")).pluginsSurface(plugin, folder);
    });
  const secrets = program.command("secrets").description('keep secrets in an encrypted file; a connection names one as { store: "name" }');
  secrets
    .command("set")
    .description("store a secret, read from stdin or asked for")
    .argument("<name>")
    .action(async (name: string) => {
      code = await (await import("./secrets.js")).setSecret(name);
    });
  secrets
    .command("list")
    .description("list the names; values are never shown")
    .action(async () => {
      code = await (await import("./secrets.js")).listSecrets();
    });
  secrets
    .command("rm")
    .description("remove a secret")
    .argument("<name>")
    .action(async (name: string) => {
      code = await (await import("./secrets.js")).removeSecret(name);
    });
  program
    .command("setup")
    .description("make a machine ready and connect to it: proxmcp setup lxd admin@192.168.1.20")
    .argument("<provider>", "whose machine it is to become; without more, what can be given is printed")
    .argument("[arguments...]", "the machine, then arguments as --name value; see `proxmcp setup <provider> --help`")
    .option("--json", "print the result as JSON")
    .option("-y, --yes", "agree to what it would ask")
    .option(...CONFIG)
    .passThroughOptions()
    .action(async (provider: string, words: string[], options: { json?: boolean; yes?: boolean }, command: Command) => {
      code = await (await import("./setup.js")).setup(command.optsWithGlobals(), provider, words, options);
    });
  program
    .command("doctor")
    .description("check configuration, connections, permissions and versions")
    .option(...CONFIG)
    .action(async (_options: unknown, command: Command) => {
      code = await (await import("./doctor.js")).doctor(command.optsWithGlobals());
    });

  try {
    await program.parseAsync([...argv]);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!isProxMcpError(error)) throw error;
    (await import("./print.js")).printError(error);
    return exitCodeOf(error);
  }
}
