import { Command, CommanderError } from "commander";
import { isProxMcpError } from "../errors.js";
import { VERSION } from "../version.js";

/** What a command is given: the global options. */
export interface GlobalOptions {
  readonly config?: string;
}

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** Runs the command line; answers the exit code. Each command's module is loaded only when it runs. */
export async function run(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const program = new Command("proxmcp")
    .description("Manage Proxmox VE, LXD/Incus and Docker through MCP.")
    .version(VERSION, "-v, --version")
    .option("-c, --config <file>", "config file; default: the nearest proxmcp.config.*, then the user's")
    .exitOverride()
    .showHelpAfterError("(proxmcp --help shows all commands)")
    .addHelpText("after", "\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration.");
  const globals = (): GlobalOptions => program.opts<GlobalOptions>();

  program
    .command("serve")
    .description("serve MCP over stdin and stdout; logs are JSON lines on stderr")
    .action(async () => {
      code = await (await import("./serve.js")).serve(globals());
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
    .option("--json", "as JSON, with schemas")
    .action(async (options: { surface?: string; tokens?: boolean; json?: boolean }) => {
      code = await (await import("./tools.js")).tools(globals(), options);
    });
  program
    .command("call")
    .description("call a tool: proxmcp call docker_container_list --where.status running")
    .argument("<tool>", "name of the tool; `proxmcp tools --surface all` lists them")
    .argument("[arguments...]", "the tool's arguments as --name value; lists by repeating or as JSON, objects as JSON or --name.part value")
    .option("--json", "print the result as JSON")
    .option("-y, --yes", "confirm without asking")
    .allowUnknownOption()
    .helpOption(false)
    .action(async (tool: string, _rest: string[], _options: unknown, command: Command) => {
      code = await (await import("./call.js")).call(globals(), tool, command.args.slice(1), command.opts());
    });
  program
    .command("doctor")
    .description("check configuration, connections, permissions and versions")
    .action(async () => {
      code = await (await import("./doctor.js")).doctor(globals());
    });

  try {
    await program.parseAsync([...argv]);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!isProxMcpError(error)) throw error;
    (await import("./print.js")).printError(error);
    return ["CONFIG_INVALID", "PLUGIN_INVALID", "PLUGIN_NOT_FOUND", "INVALID_INPUT", "TOOL_UNKNOWN"].includes(error.code) ? EXIT.usage : EXIT.failed;
  }
}
