import { pc } from "./colours.js";
import type { Copy, Placement, RoutePlan } from "../route/router.js";
import { openApp } from "./open.js";
import { err, out } from "./print.js";
import { EXIT, type GlobalOptions } from "./run.js";

/** `proxmcp suggest "a small postgres with 2gb"`: the ranking with its reasons. Exits with 1 when there is no place. */
export async function suggest(globals: GlobalOptions, words: readonly string[], { json }: { json?: boolean }): Promise<number> {
  const app = await openApp(globals);
  try {
    const plan = await app.route(words.join(" "));
    if (json) out(JSON.stringify(plan, null, 2));
    else printPlan(plan);
    return plan.copies.length > 0 ? EXIT.ok : EXIT.failed;
  } finally {
    await app.close();
  }
}

function printPlan({ placements, copies, excluded, ignored, requirement, notes }: RoutePlan): void {
  const understood = Object.entries(requirement).map(
    ([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`,
  );
  out(`${pc.bold("Understood:")} ${understood.join(", ") || "nothing in particular"}`);
  if (ignored.length > 0) err(pc.yellow(`Not understood: ${ignored.join(", ")}`));
  for (const [at, placement] of placements.entries()) printPlacement(at + 1, placement);
  if ((requirement.count ?? 1) > 1) for (const copy of copies) out(`${pc.bold(copy.name)} -> ${whereText(copy)}`);
  if (placements.length === 0) out(pc.red("No place can take this."));
  for (const { connection, place, isolation, why } of excluded)
    out(pc.dim(`x  ${connection}${place && place !== connection ? ` (${place})` : ""}${isolation ? `, ${isolation}` : ""}: ${why}`));
  for (const note of notes) err(pc.yellow(note));
}

function printPlacement(rank: number, placement: Placement): void {
  const { isolation, score, reasons, create, notes = [] } = placement;
  out(`\n${pc.bold(`${rank}. ${whereText(placement)}`)} as ${isolation}  ${pc.green(String(score))}`);
  for (const { what, points, why } of reasons) out(`   ${String(points).padStart(6)}  ${what.padEnd(9)} ${pc.dim(why)}`);
  out(`   ${create.tool} ${JSON.stringify(create.args)}${create.confirm ? pc.yellow(" (to be confirmed)") : ""}`);
  for (const note of notes) out(pc.yellow(`   ${note}`));
}

const whereText = ({ provider, connection, place }: Placement | Copy): string =>
  `${connection}${place === connection ? "" : ` (${place})`}, ${provider}`;
