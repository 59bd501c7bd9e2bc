import { pc } from "./colours.js";
import type { QueryAnswer } from "../query/run.js";
import { openApp } from "./open.js";
import { err, out, printResult } from "./print.js";
import { EXIT, type GlobalOptions } from "./run.js";

/** `proxmcp query running containers on pi` */
export async function query(
  globals: GlobalOptions,
  words: readonly string[],
  options: { json?: boolean; explain?: boolean; limit?: string; cursor?: string },
): Promise<number> {
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
