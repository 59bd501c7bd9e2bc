import { createInterface } from "node:readline/promises";
import type { ProxMcp } from "../app.js";
import type { JsonSchema } from "../derive/json.js";
import type { Tool } from "../derive/tools.js";
import { isProxMcpError, ProxMcpError } from "../errors.js";
import { pc } from "./colours.js";
import { openApp } from "./open.js";
import { err, out, printResult } from "./print.js";
import { EXIT, exitCodeOf, type GlobalOptions } from "./run.js";

/** Options of the command itself that may also stand among the tool's arguments, unless the tool has an argument of that name. */
const FLAGS: Readonly<Record<string, "json" | "yes" | "help">> = { "--json": "json", "--yes": "yes", "-y": "yes", "--help": "help", "-h": "help" };

interface Arguments {
  readonly args: Record<string, unknown>;
  readonly flags: ReadonlySet<string>;
}

/** `proxmcp call <tool> --name value ...` */
export async function call(
  globals: GlobalOptions,
  name: string,
  words: readonly string[],
  options: { json?: boolean; yes?: boolean },
): Promise<number> {
  try {
    return await callTool(globals, name, words, options);
  } catch (error) {
    if (!isProxMcpError(error) || !(options.json || words.includes("--json"))) throw error;
    out(JSON.stringify({ error: error.report() }));
    return exitCodeOf(error);
  }
}

async function callTool(globals: GlobalOptions, name: string, words: readonly string[], options: { json?: boolean; yes?: boolean }): Promise<number> {
  return await callOn(await openApp(globals), name, words, options);
}

/** Calls a tool of an app, and closes the app. `steps`: what it says on its way stands on lines of its own. */
export async function callOn(
  app: ProxMcp,
  name: string,
  words: readonly string[],
  options: { json?: boolean; yes?: boolean; steps?: boolean },
): Promise<number> {
  const interrupt = new AbortController();
  const leave = (): void => interrupt.abort();
  try {
    const tool = app.tool(name);
    const { args, flags } = argumentsFrom(tool, words);
    if (flags.has("help")) {
      out(usageOf(tool));
      return EXIT.ok;
    }
    const { default: yoctoSpinner } = await import("yocto-spinner");
    const spinner = process.stderr.isTTY && !options.steps ? yoctoSpinner({ text: tool.title, stream: process.stderr }).start() : undefined;
    process.once("SIGINT", leave);
    try {
      const value = await app.call(name, args, {
        signal: interrupt.signal,
        progress: ({ message }) => {
          if (options.steps && message) err(pc.dim(message));
          else if (spinner && message) spinner.text = `${tool.title}: ${message}`;
        },
        confirm: options.yes || flags.has("yes") ? true : asker(() => void spinner?.stop(), interrupt.signal),
      });
      spinner?.stop();
      if (options.json || flags.has("json")) out(JSON.stringify(value));
      else printResult(value);
      const result = value["result"] as { exit_code?: number } | undefined;
      return result?.exit_code ? EXIT.failed : EXIT.ok;
    } finally {
      spinner?.stop();
    }
  } finally {
    process.off("SIGINT", leave);
    await app.close();
  }
}

/** Asks at the terminal. Where there is none, nobody can say yes. */
function asker(before: () => void, signal: AbortSignal): ((question: string) => Promise<boolean>) | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    return async (question) => {
      err(`${question} Not confirmed: pass --yes.`);
      return false;
    };
  }
  return async (question) => {
    before();
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal })).trim());
    } finally {
      terminal.close();
    }
  };
}

/** Words like `--name web --where.status running --force` as a tool's arguments, typed by its input schema. */
export function argumentsFrom(tool: Pick<Tool, "name" | "inputSchema">, words: readonly string[]): Arguments {
  const args: Record<string, unknown> = {};
  const flags = new Set<string>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (word === "--") continue; // what some wrappers put before the words they pass on
    const [, path, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const target = path === undefined ? undefined : targetOf(tool.inputSchema, path);
    const flag = Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
    if (flag && !target) {
      flags.add(flag);
      continue;
    }
    if (!path) throw new ProxMcpError("INVALID_INPUT", `${JSON.stringify(word)}: arguments are given as --name value. ${usageOf(tool)}`);
    if (!target) throw new ProxMcpError("INVALID_INPUT", `--${path}: no such argument. ${usageOf(tool)}`);
    const { steps, schema } = target;
    const next = words[at + 1];
    const ends = next === undefined || next.startsWith("--");
    const lone = inline === undefined && (schema.type === "boolean" ? ends || !["true", "false"].includes(next) : ends);
    if (lone && schema.type !== "boolean")
      throw new ProxMcpError(
        "INVALID_INPUT",
        `--${path}: a value is missing; one that begins with -- is given as --${path}=${next ?? "--value"}. ${usageOf(tool)}`,
      );
    if (inline === undefined && !lone) at += 1;
    place(args, steps, lone ? true : valueOf(inline ?? next ?? "", schema), path);
  }
  return { args, flags };
}

/** Where `where.status` or `config.limits.cpu` leads: the names on the way, and the schema of what is there. */
function targetOf(root: JsonSchema, path: string): { steps: readonly string[]; schema: JsonSchema } | undefined {
  const parts = path.split(".");
  const steps: string[] = [];
  let schema = root;
  for (const [at, part] of parts.entries()) {
    if (part === "__proto__") return undefined;
    const { properties, additionalProperties } = schema;
    if (properties && Object.hasOwn(properties, part)) {
      schema = plain(properties[part] ?? {});
      steps.push(part);
    } else if (typeof additionalProperties === "object" && !plain(additionalProperties).properties && !isOpen(plain(additionalProperties))) {
      // The key of a map of plain values may have dots of its own, as configuration keys and labels do.
      return { steps: [...steps, parts.slice(at).join(".")], schema: plain(additionalProperties) };
    } else if (isOpen(schema) || steps[0] === "where") {
      // What a filter may hold beyond its schema, the filter's own check knows.
      schema = typeof additionalProperties === "object" ? plain(additionalProperties) : {};
      steps.push(part);
    } else return undefined;
  }
  return { steps, schema };
}

/** Whether an object may have any names in it. */
const isOpen = ({ type, properties, additionalProperties, enum: values }: JsonSchema): boolean =>
  (type === undefined || type === "object") && !properties && !values && additionalProperties !== false;

/** A schema without the `null` that `.nullable()` adds. */
function plain(schema: JsonSchema): JsonSchema {
  const others = schema.anyOf?.filter((one) => one.type !== "null");
  return others?.length === 1 && others[0] ? others[0] : schema;
}

function valueOf(text: string, schema: JsonSchema): unknown {
  const types = [schema.type, ...(schema.anyOf ?? schema.oneOf ?? []).map((one) => one.type)].flat();
  if (schema.enum) return schema.enum.find((value) => String(value) === text) ?? text;
  if (types.includes("string")) return text;
  if (types.includes("array") && !text.trim().startsWith("[")) return [valueOf(text, plain(schema.items ?? {}))];
  try {
    return JSON.parse(text);
  } catch {
    return text; // the tool's own check says what is allowed
  }
}

/** Puts a value in its place. A list that is given several times grows. */
function place(args: Record<string, unknown>, steps: readonly string[], value: unknown, path: string): void {
  let holder = args;
  for (const step of steps.slice(0, -1)) {
    if (!Object.hasOwn(holder, step)) holder[step] = {};
    const inner = holder[step];
    if (typeof inner !== "object" || inner === null || Array.isArray(inner))
      throw new ProxMcpError("INVALID_INPUT", `--${path}: ${step} was given as ${JSON.stringify(inner)} before; give it as a whole or in parts.`);
    holder = inner as Record<string, unknown>;
  }
  const last = steps.at(-1) ?? "";
  const old = Object.hasOwn(holder, last) ? holder[last] : undefined;
  holder[last] = Array.isArray(old) && Array.isArray(value) ? [...old, ...(value as unknown[])] : value;
}

function usageOf({ name, inputSchema }: Pick<Tool, "name" | "inputSchema">): string {
  const parts = Object.entries(inputSchema.properties ?? {}).map(([argument, schema]) => {
    const required = inputSchema.required?.includes(argument);
    const text = `--${argument}${schema.type === "boolean" ? "" : ` <${schema.enum ? schema.enum.join("|") : String(schema.type ?? "value")}>`}`;
    return required ? text : `[${text}]`;
  });
  return `Usage: proxmcp call ${name} ${parts.join(" ")}`;
}
