import type { Command } from "commander";
import { pc } from "./colours.js";
import type { QueryAnswer } from "../query/run.js";
import { openApp } from "./open.js";
import { err, out, printResult } from "./print.js";
import { EXIT, type GlobalOptions } from "./run.js";

export interface QueryOptions {
  readonly json?: boolean;
  readonly explain?: boolean;
  readonly limit?: string;
  readonly cursor?: string;
}

/** `proxmcp query running containers on pi` */
export async function query(globals: GlobalOptions, words: readonly string[], options: QueryOptions): Promise<number> {
  const app = await openApp(globals);
  try {
    const text = words.join(" ").trim();
    if (text === "" || options.explain) {
      out(JSON.stringify(text === "" ? app.queryHelp() : app.interpret(text), null, 2));
      return EXIT.ok;
    }
    const answer = await app.query(text, {
      ...(options.limit ? { limit: Number(options.limit) } : {}),
      ...(options.cursor ? { cursor: options.cursor } : {}),
    });
    if (options.json) out(JSON.stringify(answer));
    else print(answer);
    return EXIT.ok;
  } finally {
    await app.close();
  }
}

/** `proxmcp query --help`: the options, then the nouns, fields and examples of this configuration. */
export async function queryHelp(globals: GlobalOptions, command: Command): Promise<number> {
  out(command.helpInformation());
  const app = await openApp(globals);
  try {
    const { nouns, fields, connections, examples } = app.queryHelp();
    if (nouns.length === 0) {
      err("Nothing is connected, so there is nothing to ask about. `proxmcp doctor` says what was looked for.");
      return EXIT.ok;
    }
    out(`${pc.bold("What can be asked for")}\n  ${nouns.join(", ")}\n`);
    out(pc.bold("By what it can be filtered, ordered, counted and grouped"));
    for (const [kind, names] of Object.entries(fields)) out(`  ${kind}: ${names.join(", ")}`);
    out(`\n${pc.bold("Where")}\n  ${connections.join(", ")}`);
    out(`\n${pc.bold("Examples")}`);
    for (const example of examples) out(`  proxmcp query ${example}`);
    out("\nThe rules are in docs/queries.md.");
    return EXIT.ok;
  } finally {
    await app.close();
  }
}

function print({ interpretation, aggregate, items, total, cursor, errors }: QueryAnswer): void {
  err(pc.dim(interpretation.sentence));
  for (const { from, to } of interpretation.corrected) err(pc.yellow(`Read ${JSON.stringify(from)} as ${JSON.stringify(to)}.`));
  for (const { word, taken, others } of interpretation.ambiguous ?? [])
    err(pc.yellow(`Took ${JSON.stringify(word)} as ${taken}; it could be ${others.join(", ") || "something else"}.`));
  for (const { word, near } of interpretation.ignored)
    err(pc.yellow(`Did not understand ${JSON.stringify(word)}${near.length > 0 ? `; near: ${near.join(", ")}` : ""}.`));
  const told = { ...(cursor ? { cursor } : {}), ...(errors ? { errors } : {}) };
  if (aggregate === undefined) return printResult({ items, total, ...told });
  const { value, groups, by, op } = aggregate as { value?: number; groups?: { by: string; value: number }[]; by?: string; op: string };
  if (groups) printResult({ items: groups.map((group) => ({ [by ?? "group"]: group.by, [op]: group.value })), total: groups.length, ...told });
  else {
    out(String(value));
    printResult(told);
  }
}
