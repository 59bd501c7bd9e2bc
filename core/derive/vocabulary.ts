import type { Provider } from "../declare/provider.js";
import { deriveFields, type Field } from "./fields.js";
import { plural, spaced } from "./words.js";

/** A word for a kind: `containers` can mean the kinds of several providers. */
export interface NounEntry {
  readonly provider: string;
  readonly kind: string;
}

/** A word for a field, or for one value of an enum field. */
export interface FieldEntry extends NounEntry {
  readonly field: string;
  readonly value?: string;
}

/** Every word that a query can use, with what it means. Lower case; several meanings are several entries. */
export interface Vocabulary {
  readonly nouns: ReadonlyMap<string, readonly NounEntry[]>;
  readonly fields: ReadonlyMap<string, readonly FieldEntry[]>;
  readonly values: ReadonlyMap<string, readonly FieldEntry[]>;
}

/** The vocabulary of these providers: kinds and what people say for them, singular and plural; fields; values of enums. */
export function deriveVocabulary(providers: readonly Provider[]): Vocabulary {
  const nouns = new Map<string, NounEntry[]>();
  const fields = new Map<string, FieldEntry[]>();
  const values = new Map<string, FieldEntry[]>();
  const add = <Entry extends NounEntry & Partial<FieldEntry>>(to: Map<string, Entry[]>, word: string, entry: Entry): void => {
    const key = spaced(word).toLowerCase();
    const known = to.get(key) ?? [];
    // A word that is said twice (`cpu_usage` and "CPU usage") still has one meaning.
    const said = known.some((one) => (["provider", "kind", "field", "value"] as const).every((part) => one[part] === entry[part]));
    if (!said) to.set(key, [...known, entry]);
  };
  for (const provider of providers) {
    for (const kind of provider.kinds) {
      const entry: NounEntry = { provider: provider.name, kind: kind.name };
      for (const noun of new Set([kind.name, ...(kind.says ?? [])].map((word) => spaced(word).toLowerCase()))) {
        add(nouns, noun, entry);
        add(nouns, plural(noun), entry);
      }
      for (const field of deriveFields(kind)) {
        for (const word of new Set([field.name, ...(field.facet.says ?? [])])) add(fields, word, { ...entry, field: field.name });
        for (const [word, value] of wordsForValues(field)) add(values, word, { ...entry, field: field.name, value });
      }
    }
  }
  return { nouns, fields, values };
}

function wordsForValues(field: Field): readonly (readonly [word: string, value: string])[] {
  return (field.values ?? []).flatMap((value) => [value, ...(field.facet.values?.[value] ?? [])].map((word) => [word, value] as const));
}
