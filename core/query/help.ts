import { plural, spaced } from "../derive/words.js";
import type { KindView, Lexicon } from "./lexicon.js";

/** What can be asked for: made from what is loaded. */
export interface QueryHelp {
  readonly nouns: readonly string[];
  /** For each kind what it can be filtered, ordered and counted by. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  readonly connections: readonly string[];
  readonly examples: readonly string[];
}

export function queryHelp(lexicon: Lexicon): QueryHelp {
  const views = [...lexicon.kinds.values()];
  return {
    nouns: [...new Set(views.map((view) => plural(spaced(view.kind.name))))].toSorted(),
    fields: Object.fromEntries(
      views.map((view) => [
        view.id,
        [...view.fields.values()]
          .filter((field) => field.type !== "object" && !field.facet.secret)
          .map((field) => (field.values ? `${field.name} (${field.values.join(", ")})` : field.name)),
      ]),
    ),
    connections: lexicon.connections.map(({ name }) => name),
    examples: examplesFor(views),
  };
}

/** Sentences that work on what is loaded, from the kind of each provider that has the most to ask about. */
function examplesFor(views: readonly KindView[]): readonly string[] {
  const examples: string[] = [];
  const rich = views.filter((one) => one.fields.has("status")).toSorted((a, b) => b.fields.size - a.fields.size);
  for (const view of rich.filter((one, at) => rich.findIndex(({ provider }) => provider === one.provider) === at).slice(0, 3)) {
    const nouns = plural(spaced(view.kind.name));
    const state = view.fields.get("status")?.values?.[0];
    if (state) examples.push(`${state} ${nouns}`);
    if (view.fields.has("memory")) examples.push(`${nouns} with more than 1 GB memory`, `top 5 ${nouns} by memory`);
    if (view.fields.has("node")) examples.push(`count ${nouns} by node`);
    if ([...view.fields.values()].some((field) => field.type === "time")) examples.push(`${nouns} created last week`);
  }
  const [first] = views;
  if (examples.length === 0 && first) examples.push(`all ${plural(spaced(first.kind.name))}`, `how many ${plural(spaced(first.kind.name))}`);
  return examples;
}
