import { pc } from "./colours.js";
import type { ErrorReport, ProxMcpError } from "../errors.js";

const MAX_COLUMNS = 8;
const MAX_WIDTH = 40;

/** Text from a platform without what would steer the terminal: anybody can give a container a name with escape sequences in it. */
// oxlint-disable-next-line no-control-regex -- they are what is taken out
export const tame = (text: string): string => text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");

export const out = (text: string): void => void process.stdout.write(`${text}\n`);
export const err = (text: string): void => void process.stderr.write(`${text}\n`);

export function printError(error: ProxMcpError): void {
  printReport(error.report());
}

export function printReport({ code, message, next, connection, tried }: ErrorReport): void {
  err(`${pc.red(code)}${connection ? ` on ${connection}` : ""}: ${tame(message)}`);
  if (tried?.length) err(pc.dim(`  tried: ${tame(tried.join(", "))}`));
  err(pc.dim(`  next:  ${tame(next)}`));
}

/** A tool's result for a person: lists as a table, one item as lines, everything else as JSON. */
export function printResult(value: Readonly<Record<string, unknown>>): void {
  const { items, total, cursor, item, result, errors, notes, ...rest } = value;
  if (Array.isArray(items)) {
    printTable(items as Record<string, unknown>[]);
    out(pc.dim(`${items.length} of ${String(total)}${cursor ? `; go on with --cursor ${String(cursor)}` : ""}`));
  } else if (isRecord(result) && typeof result["stdout"] === "string") {
    process.stdout.write(result["stdout"]);
    process.stderr.write(String(result["stderr"] ?? ""));
    if (result["exit_code"] !== undefined && result["exit_code"] !== 0) err(pc.dim(`exit code ${String(result["exit_code"])}`));
  } else {
    for (const [name, inner] of Object.entries(isRecord(item) ? { ...rest, ...item } : isRecord(result) ? { ...rest, ...result } : rest))
      out(`${pc.bold(name.padEnd(14))} ${cell(inner, name)}`);
  }
  for (const note of (notes as string[] | undefined) ?? []) err(pc.yellow(tame(note)));
  for (const error of (errors as ErrorReport[] | undefined) ?? []) printReport(error);
}

function printTable(rows: readonly Record<string, unknown>[]): void {
  const plain = (value: unknown): boolean => value === null || typeof value !== "object";
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => rows.every((row) => plain(row[name]))).slice(0, MAX_COLUMNS);
  if (columns.length === 0) return;
  const cells = rows.map((row) => columns.map((name) => cell(row[name], name).replaceAll(/\s/g, " ").slice(0, MAX_WIDTH)));
  const widths = columns.map((name, at) => Math.max(name.length, ...cells.map((line) => line[at]?.length ?? 0)));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd();
  out(pc.bold(line(columns)));
  for (const row of cells) out(line(row));
}

/** Machines get bytes; a person at a terminal gets units. The fields are those that have the same name in every plugin. */
function cell(value: unknown, name: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number" && /^(memory|disk)(_used)?$|^size$/.test(name)) return bytes(value);
  if (typeof value === "number" && name === "cpu_usage") return `${(value * 100).toFixed(1)} %`;
  return tame(typeof value === "object" ? JSON.stringify(value) : String(value));
}

function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(units.length - 1, count > 0 ? Math.floor(Math.log2(count) / 10) : 0);
  return `${Number((count / 1024 ** step).toFixed(1))} ${units[step]}`;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
