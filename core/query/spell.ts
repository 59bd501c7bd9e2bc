import type { Lexicon } from "./lexicon.js";

export interface Correction {
  readonly from: string;
  readonly to: string;
}

/** Words behind these are names, whatever they look like. */
const NAMING = /\b(?:called|named|name|with|containing|contains|contain|matching|matches|match|like|including|tagged|tag|image)\s+$/i;

/** So are those that a thing is of, or that use something, if nothing follows that they could describe: "backups of alice" are not alive. */
const OWNING = /\b(?:of|for|by|does|do|is|are)\s+$/i;
const USING = /^\s+us(?:es?|ing)\b/i;
const ENDING = /^\s*(?:$|[?.!,;)])/;

/** Shorter words are one letter away from too many others: "shop" is no misspelt "stop". */
const SHORTEST = 5;

/** Puts right a letter in words that nobody knows. Names, quoted text and short words are left alone. */
export function correctSpelling(text: string, lexicon: Lexicon): { text: string; corrected: readonly Correction[] } {
  const corrected: Correction[] = [];
  const quoted = /"[^"]*"|“[^”]*”|'[^']*'(?=$|[\s,.;)?!])/g;
  const spans = [...text.matchAll(quoted)].map((match) => [match.index, match.index + match[0].length] as const);
  const fixed = text.replace(/[^\s"“”(),;<>=!?~≤≥|&+]+/gu, (word: string, offset: number) => {
    const lower = word.toLowerCase().replace(/[.:]+$/, "");
    if (lower.length < SHORTEST || !/^[a-z]+$/.test(lower) || lexicon.words.has(lower)) return word;
    if (spans.some(([from, to]) => offset >= from && offset < to) || NAMING.test(text.slice(Math.max(0, offset - 14), offset))) return word;
    const near = nearWord(lower, lexicon);
    if (near === undefined || (isValue(near, lexicon) && standsForName(text, offset, offset + word.length))) return word;
    corrected.push({ from: word, to: near });
    return near;
  });
  return { text: fixed, corrected };
}

const isValue = (word: string, { meanings }: Lexicon): boolean => meanings.get(word)?.every((meaning) => meaning.is === "value") ?? false;

function standsForName(text: string, from: number, to: number): boolean {
  const [before, after] = [text.slice(Math.max(0, from - 6), from), text.slice(to)];
  if (!OWNING.test(before)) return false;
  // "which vm is runing?" asks for a value.
  return USING.test(after) || (ENDING.test(after) && !/\b(?:is|are)\s+$/i.test(before));
}

/** A known word that is one letter away: changed, left out, added, or two swapped. The same first letter wins, then the alphabet. */
export function nearWord(word: string, lexicon: Lexicon): string | undefined {
  let best: string | undefined;
  const rank = (candidate: string): string => `${candidate.startsWith(word.charAt(0)) ? 0 : 1}${candidate}`;
  for (const length of [word.length, word.length - 1, word.length + 1]) {
    for (const known of lexicon.byLength.get(length) ?? [])
      if (isOneEdit(word, known) && (best === undefined || rank(known) < rank(best))) best = known;
  }
  return best;
}

/** Known words that are close to an unknown one or begin like it, for a message. */
export function wordsLike(word: string, lexicon: Lexicon): readonly string[] {
  const near = nearWord(word, lexicon);
  const start = word.slice(0, 3);
  const found = start.length < 3 ? [] : [...lexicon.byLength.values()].flat().filter((known) => known !== near && known.startsWith(start));
  return [...(near ? [near] : []), ...found.toSorted()].slice(0, 3);
}

function isOneEdit(a: string, b: string): boolean {
  if (a === b) return false;
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [left, right] = [a.length - start - end, b.length - start - end];
  if (left <= 1 && right <= 1) return true;
  return left === 2 && right === 2 && a[start] === b[start + 1] && a[start + 1] === b[start];
}
