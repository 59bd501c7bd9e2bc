import { createInterface } from "node:readline/promises";
import type { JsonSchema } from "../derive/json.js";
import type { Tool } from "../derive/tools.js";
import { isProxMcpError, ProxMcpError } from "../errors.js";
import { openApp } from "./open.js";
import { err, out, printResult } from "./print.js";
import { EXIT, type GlobalOptions } from "./run.js";

/** `proxmcp call <tool> --name value ...` */
export async function call(
  globals: GlobalOptions,
  name: string,
  words: readonly string[],
  options: { json?: boolean; yes?: boolean },
): Promise<number> {
  const app = await openApp(globals);
  try {
    const tool = app.tool(name);
    if (words.includes("--help") || words.includes("-h")) {
      out(usageOf(tool));
      return EXIT.ok;
    }
    const { default: yoctoSpinner } = await import("yocto-spinner");
    const spinner = process.stderr.isTTY ? yoctoSpinner({ text: tool.title, stream: process.stderr }).start() : undefined;
    const interrupt = new AbortController();
    process.once("SIGINT", () => interrupt.abort());
    try {
      const value = await app.call(name, argumentsFrom(tool, words), {
        signal: interrupt.signal,
        progress: ({ message }) => {
          if (spinner && message) spinner.text = `${tool.title}: ${message}`;
        },
        confirm: options.yes ? true : asker(() => void spinner?.stop()),
      });
      spinner?.stop();
      if (options.json) out(JSON.stringify(value));
      else printResult(value);
      const result = value["result"] as { exit_code?: number } | undefined;
      return result?.exit_code ? EXIT.failed : EXIT.ok;
    } catch (error) {
      spinner?.stop();
      if (!options.json || !isProxMcpError(error)) throw error;
      out(JSON.stringify({ error: error.report() }));
      return EXIT.failed;
    }
  } finally {
    await app.close();
  }
}

/** Asks at the terminal. Where there is none, nobody can say yes. */
function asker(before: () => void): ((question: string) => Promise<boolean>) | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    return async (question) => {
      err(`${question} Not confirmed: pass --yes.`);
      return false;
    };
  }
  return async (question) => {
    before();
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await terminal.question(`${question} [y/N] `);
    terminal.close();
    return /^y(es)?$/i.test(answer.trim());
  };
}

/** Words like `--name web --where.status running --force` as a tool's arguments, typed by its input schema. */
export function argumentsFrom(tool: Pick<Tool, "name" | "inputSchema">, words: readonly string[]): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    const [, path, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (!path) throw new ProxMcpError("INVALID_INPUT", `${JSON.stringify(word)}: arguments are given as --name value. ${usageOf(tool)}`);
    const steps = path.split(".");
    const schema = steps.reduce<JsonSchema | undefined>(
      (inner, step) => inner?.properties?.[step] ?? (typeof inner?.additionalProperties === "object" ? inner.additionalProperties : undefined),
      tool.inputSchema,
    );
    if (!schema) throw new ProxMcpError("INVALID_INPUT", `--${path}: no such argument. ${usageOf(tool)}`);
    const next = words[at + 1];
    const lone = inline === undefined && (next === undefined || next.startsWith("--"));
    if (lone && schema.type !== "boolean") throw new ProxMcpError("INVALID_INPUT", `--${path}: a value is missing. ${usageOf(tool)}`);
    if (inline === undefined && !lone) at += 1;
    place(args, steps, lone ? true : valueOf(inline ?? next ?? "", schema), schema);
  }
  return args;
}

function valueOf(text: string, schema: JsonSchema): unknown {
  if (schema.type === "string" || schema.enum) return text;
  if (schema.type === "array" && !text.trim().startsWith("[")) return [valueOf(text, schema.items ?? {})];
  try {
    return JSON.parse(text);
  } catch {
    return text; // the tool's own check says what is allowed
  }
}

/** A list that is given several times grows. */
function place(args: Record<string, unknown>, steps: readonly string[], value: unknown, schema: JsonSchema): void {
  const last = steps.at(-1) ?? "";
  const holder = steps.slice(0, -1).reduce<Record<string, unknown>>((inner, step) => (inner[step] ??= {}) as Record<string, unknown>, args);
  const old = Object.hasOwn(holder, last) ? holder[last] : undefined;
  holder[last] = schema.type === "array" && Array.isArray(old) && Array.isArray(value) ? [...old, ...(value as unknown[])] : value;
}

function usageOf({ name, inputSchema }: Pick<Tool, "name" | "inputSchema">): string {
  const parts = Object.entries(inputSchema.properties ?? {}).map(([argument, schema]) => {
    const required = inputSchema.required?.includes(argument);
    const text = `--${argument}${schema.type === "boolean" ? "" : ` <${schema.enum ? schema.enum.join("|") : String(schema.type ?? "value")}>`}`;
    return required ? text : `[${text}]`;
  });
  return `Usage: proxmcp call ${name} ${parts.join(" ")}`;
}
