import type { Field } from "../derive/fields.js";
import { plural, spaced } from "../derive/words.js";
import { isProxMcpError } from "../errors.js";
import { queryHelp } from "./help.js";
import { planQuery } from "./interpret.js";
import type { KindView, Lexicon } from "./lexicon.js";

/** As many as MCP lets a server offer. */
const MAX_OFFERED = 100;
/** Nobody types more, and each offer is read whole. */
const MAX_TYPED = 200;

/**
 * How a question that someone has begun could go on: whole questions, the likely ones first. Without a noun it goes on with nouns and
 * states, after one with what can be asked about that kind. Made from what is loaded, as all else that queries know.
 */
export function completeQuery(text: string, lexicon: Lexicon, now: number): readonly string[] {
  if (text.length > MAX_TYPED) return [];
  const typed = text.trimStart().toLowerCase();
  const cut = typed.lastIndexOf(" ") + 1;
  const before = typed.slice(0, cut);
  const { nouns, examples } = queryHelp(lexicon);
  const kinds = kindsIn(before, lexicon);
  const views = kinds.length > 0 ? kinds : [...lexicon.kinds.values()];
  const following = kinds.length > 0 ? [...states(views), ...askable(views), ...places(views, lexicon)] : [...nouns, ...states(views)];
  const whole = examples.filter((example) => example.toLowerCase().startsWith(typed));
  const begun = following.flatMap((phrase) => continued(phrase.toLowerCase(), before, typed.slice(cut)) ?? []);
  const within = begun.filter((one) => one.within);
  const goingOn = (within.length > 0 ? within : begun).map((one) => one.question);
  const strange = misread(before, lexicon, now) ?? 0;
  return [...new Set([...whole, ...goingOn])]
    .filter((one) => one !== typed && (misread(one, lexicon, now) ?? Number.POSITIVE_INFINITY) <= strange)
    .slice(0, MAX_OFFERED);
}

/** How many words of a question were not taken as they stand; undefined when it can't be asked at all. */
function misread(question: string, lexicon: Lexicon, now: number): number | undefined {
  try {
    const { ignored, corrected } = planQuery(question, lexicon, now).interpretation;
    return ignored.length + corrected.length;
  } catch (error) {
    if (isProxMcpError(error)) return undefined;
    throw error;
  }
}

/**
 * A phrase put behind what stands before the word that is being typed. "so" and "ca" both begin "sorted by capacity"; behind "sorted by"
 * only the rest of it is put, and then nothing else is likely.
 */
function continued(phrase: string, before: string, begun: string): { readonly question: string; readonly within: boolean } | undefined {
  const words = phrase.split(" ");
  const from = (at: number): string => words.slice(at).join(" ");
  const matching = [...words.keys()].filter((at) => from(at).startsWith(begun)).toReversed();
  const within = matching.find((at) => at > 0 && before.endsWith(` ${words.slice(0, at).join(" ")} `));
  if (within !== undefined) return { question: before + from(within), within: true };
  return matching.length > 0 ? { question: before + phrase, within: false } : undefined;
}

/** The kinds whose nouns stand in a text. */
function kindsIn(text: string, { meanings, kinds, longest }: Lexicon): readonly KindView[] {
  const words = text.trim().split(/\s+/);
  const found = new Set<string>();
  for (let at = 0; at < words.length; at++)
    for (let length = longest; length > 0; length--) {
      const nouns = (meanings.get(words.slice(at, at + length).join(" ")) ?? []).filter((meaning) => meaning.is === "noun");
      if (nouns.length === 0) continue;
      for (const noun of nouns) found.add(noun.kind);
      at += length - 1;
      break;
    }
  return [...found].flatMap((id) => kinds.get(id) ?? []);
}

const shown = (views: readonly KindView[]): readonly Field[] =>
  views.flatMap((view) => [...view.fields.values()]).filter((field) => field.type !== "object" && !field.facet.secret);

const states = (views: readonly KindView[]): readonly string[] =>
  shown(views)
    .filter((field) => field.type === "enum")
    .flatMap((field) => field.values ?? [])
    .map((value) => value.replaceAll("-", " "));

const askable = (views: readonly KindView[]): readonly string[] =>
  shown(views).flatMap((field) => {
    const name = spaced(field.name);
    if (field.type === "number") return [`sorted by ${name}`];
    if (field.type === "list") return [`without ${/s$/.test(name) ? name : plural(name)}`];
    return field.type === "enum" || field.facet.place ? [`grouped by ${name}`] : [];
  });

const places = (views: readonly KindView[], { connections }: Lexicon): readonly string[] =>
  connections.filter((one) => views.some(({ provider }) => provider.name === one.provider)).map(({ name }) => `on ${name}`);
