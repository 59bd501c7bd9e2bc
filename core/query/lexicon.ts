import { type Parent, parentOf } from "../call/parents.js";
import type { Provider } from "../declare/provider.js";
import { deriveFields, type Field } from "../derive/fields.js";
import { plural, spaced } from "../derive/words.js";
import { QUANTITY_WORDS } from "./quantity.js";
import { TIME_WORDS } from "./periods.js";
import { GRAMMAR, type GrammarWord, OPPOSITES } from "./words.js";

/** A kind as a query sees it. */
export interface KindView {
  readonly id: string;
  readonly provider: Provider;
  readonly kind: Provider["kinds"][number];
  readonly fields: ReadonlyMap<string, Field>;
  /** What it has to be listed within. */
  readonly parent: Parent | undefined;
  /** The field that names are compared with. */
  readonly nameField: string | undefined;
}

/** A place in the inventory that queries can name. */
export interface NamedConnection {
  readonly name: string;
  readonly provider: string;
  readonly tags: Readonly<Record<string, string>>;
}

export type Meaning =
  | { readonly is: "noun"; readonly kind: string; readonly field?: string; readonly value?: string }
  | { readonly is: "field"; readonly kind: string; readonly field: string }
  | { readonly is: "value"; readonly kind: string; readonly field: string; readonly value: string }
  | { readonly is: "provider"; readonly provider: string }
  | { readonly is: "connection"; readonly name: string }
  | { readonly is: "connectionNoun"; readonly provider: string }
  | { readonly is: "tagKey"; readonly key: string }
  | { readonly is: "tagValue"; readonly key: string; readonly value: string }
  | { readonly is: "grammar"; readonly word: GrammarWord };

/** Every word and phrase that a query can use, with all it can mean. Made once for an app, from its declarations and connections. */
export interface Lexicon {
  readonly kinds: ReadonlyMap<string, KindView>;
  readonly connections: readonly NamedConnection[];
  readonly meanings: ReadonlyMap<string, readonly Meaning[]>;
  /** Words in the longest phrase. */
  readonly longest: number;
  /** Every single word of every phrase. */
  readonly words: ReadonlySet<string>;
  /** Those that a misspelt word can have meant, by their length. Filler and names of connections are none. */
  readonly byLength: ReadonlyMap<number, readonly string[]>;
}

export function buildLexicon(providers: readonly Provider[], connections: readonly NamedConnection[]): Lexicon {
  const kinds = new Map<string, KindView>();
  const meanings = new Map<string, Meaning[]>();
  const seen = new Set<string>();
  const add = (phrase: string, meaning: Meaning): void => {
    const key = spaced(phrase).toLowerCase().trim();
    // "with ram" and "not running" would swallow the grammar that leads up to every other use of the word.
    if (!key || LEADING.test(key)) return;
    const identity = JSON.stringify(meaning);
    for (const spelling of spellings(key)) {
      const once = `${spelling}\n${identity}`;
      if (seen.has(once)) continue;
      seen.add(once);
      const known = meanings.get(spelling);
      if (known) known.push(meaning);
      else meanings.set(spelling, [meaning]);
    }
  };
  for (const [phrase, words] of GRAMMAR) for (const word of words) meanings.set(phrase, [...(meanings.get(phrase) ?? []), { is: "grammar", word }]);
  for (const provider of providers) {
    for (const word of [provider.name, ...provider.title.split(/\s*\/\s*/), provider.title]) add(word, { is: "provider", provider: provider.name });
    addBoth(add, provider.connection.noun, { is: "connectionNoun", provider: provider.name });
    for (const kind of provider.kinds) if (kind.list) addKind(provider, kind, kinds, add);
  }
  for (const { name, tags } of connections) {
    add(name, { is: "connection", name });
    for (const [key, value] of Object.entries(tags)) {
      add(key, { is: "tagKey", key });
      add(value, { is: "tagValue", key, value });
    }
  }
  const words = new Set<string>([...QUANTITY_WORDS, ...TIME_WORDS, ...Object.keys(OPPOSITES), "provider", "platform", "connection"]);
  // "expired" is not a misspelt "expires".
  for (const { fields } of kinds.values())
    for (const field of fields.values()) if (field.type === "time" && field.name.endsWith("es")) words.add(`${field.name.slice(0, -1)}d`);
  const targets = new Set<string>();
  let longest = 1;
  for (const [phrase, found] of meanings) {
    const parts = phrase.split(" ");
    longest = Math.max(longest, parts.length);
    const meant = found.some((meaning) => meaning.is !== "connection" && !(meaning.is === "grammar" && meaning.word.is === "filler"));
    for (const part of parts) {
      words.add(part);
      if (meant && part.length > 3 && /^[a-z]+$/.test(part)) targets.add(part);
    }
  }
  const byLength = new Map<number, string[]>();
  for (const word of targets) byLength.set(word.length, [...(byLength.get(word.length) ?? []), word]);
  return { kinds, connections, meanings, longest, words, byLength };
}

/** "memory usage" is read as memory and its use, so that it means the same for a kind that says it and for one that does not. */
const USE = / (?:usage|used|use|free)$/;
const LEADING = /^(?:with|without|in|on|of|by|for|from|to|not|no|has|have|is|are) /;

type Add = (phrase: string, meaning: Meaning) => void;

function addBoth(add: Add, noun: string, meaning: Meaning): void {
  add(noun, meaning);
  // What ends in one s is a plural already, but for "alias", "bus" and the like.
  if (!/[^s]s$/.test(noun) || /[aiu]s$/.test(noun)) add(plural(spaced(noun)), meaning);
}

function addKind(provider: Provider, kind: KindView["kind"], kinds: Map<string, KindView>, add: Add): void {
  const id = `${provider.name}_${kind.name}`;
  const fields = new Map(deriveFields(kind).map((field) => [field.name, field]));
  const text = (name: string | undefined): boolean => name !== undefined && fields.get(name)?.type === "text";
  const nameField = text("name") ? "name" : [kind.key, ...(kind.alsoBy ?? [])].find(text);
  kinds.set(id, { id, provider, kind, fields, parent: parentOf(kind, provider), nameField });
  for (const noun of [kind.name, ...(kind.says ?? [])]) addBoth(add, noun, { is: "noun", kind: id });
  // A kind's name is singular, even if it ends as a plural does: an alias, aliases.
  add(plural(spaced(kind.name)), { is: "noun", kind: id });
  for (const field of fields.values()) {
    if (field.facet.secret || field.type === "object") continue;
    const singular = (field.type === "list" || field.type === "number") && /[^s]s$/.test(field.name) ? [field.name.slice(0, -1)] : [];
    // A word that the grammar is made of ("by", "used", "called") can't be a field's as well.
    for (const word of [field.name, ...singular, ...(field.facet.says ?? [])].filter((one) => !GRAMMAR.has(one) && !USE.test(spaced(one))))
      addBoth(add, word, { is: "field", kind: id, field: field.name });
    // "disk space" is what people say where a field says "disk".
    if (field.facet.unit === "bytes")
      for (const word of [field.name, ...(field.facet.says ?? [])]) add(`${word} space`, { is: "field", kind: id, field: field.name });
    if (field.type === "time") for (const word of verbForms(field.name)) add(word, { is: "field", kind: id, field: field.name });
    for (const value of new Set([...(field.values ?? []), ...Object.keys(field.facet.values ?? {})])) {
      const meaning: Meaning = { is: "value", kind: id, field: field.name, value };
      for (const word of [value, ...(field.facet.values?.[value] ?? [])]) {
        add(word, meaning);
        add(word.replaceAll("-", " "), meaning);
        if (field.facet.nouns) addBoth(add, word.replaceAll("-", " "), { is: "noun", kind: id, field: field.name, value });
      }
    }
  }
}

/** What will happen, in its other forms: "expires" is also "expire" and "expiring". */
const verbForms = (name: string): readonly string[] => {
  const stem = /^([a-z]+)s$/.exec(name)?.[1];
  return stem ? [stem, `${stem.replace(/e$/, "")}ing`] : [];
};

/** A word as Americans and Britons write it. */
function spellings(word: string): ReadonlySet<string> {
  const all = new Set([word]);
  for (const [british, american] of [
    ["our", "or"],
    ["ise", "ize"],
    ["isation", "ization"],
    ["tre", "ter"],
    ["lled", "led"],
    ["lling", "ling"],
    ["ogue", "og"],
  ] as const) {
    // Only at the end of a word: "hour" stays "hour".
    if (word.length > british.length + 2 && word.endsWith(british)) all.add(word.slice(0, -british.length) + american);
    if (word.length > american.length + 2 && word.endsWith(american)) all.add(word.slice(0, -american.length) + british);
  }
  return all;
}
