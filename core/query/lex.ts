import type { Lexicon, Meaning } from "./lexicon.js";
import { parseNumber } from "./quantity.js";
import type { GrammarWord } from "./words.js";

/** One word or known phrase of a query, with all it can mean. */
export interface Lexeme {
  /** As it was written. */
  readonly text: string;
  readonly lower: string;
  readonly quoted: boolean;
  readonly meanings: readonly Meaning[];
  readonly number?: number;
  /** A unit that was written onto the number: `1gb`. */
  readonly unit?: string;
}

const TOKEN = /"([^"]*)"|'([^']*)'(?=$|[\s,.;)?!])|“([^”]*)”|(<=|>=|!=|==|[<>=(),;+~≤≥|&])|([^\s"“”(),;<>=!?~≤≥|&]+)|[!?]/gu;
const NUMBER_WITH_UNIT = /^(\d[\d.,]*)([a-z°%]+)$/i;

/** A query as lexemes: quoted text, symbols, numbers with units, the longest known phrases, and words nobody knows. */
export function lex(text: string, lexicon: Lexicon): readonly Lexeme[] {
  const tokens = tokenise(text, (word) => lexicon.meanings.get(word.toLowerCase())?.some((meaning) => meaning.is === "field") ?? false);
  const lexemes: Lexeme[] = [];
  for (let at = 0; at < tokens.length; ) {
    const token = tokens[at] as Token;
    const phrase = token.quoted ? undefined : longestPhrase(tokens, at, lexicon);
    if (phrase) {
      lexemes.push({ text: phrase.text, lower: phrase.lower, quoted: false, meanings: phrase.meanings, ...numberOf(phrase.lower) });
      at += phrase.length;
    } else {
      lexemes.push({
        text: token.text,
        lower: token.text.toLowerCase(),
        quoted: token.quoted,
        meanings: [],
        ...(token.quoted ? {} : numberOf(token.text.toLowerCase())),
      });
      at += 1;
    }
  }
  return lexemes;
}

interface Token {
  readonly text: string;
  readonly quoted: boolean;
}

function tokenise(text: string, isField: (word: string) => boolean): readonly Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(TOKEN)) {
    const quoted = match[1] ?? match[2] ?? match[3];
    if (quoted !== undefined) tokens.push({ text: quoted, quoted: true });
    else if (match[4] !== undefined) tokens.push({ text: match[4], quoted: false });
    else if (match[5] !== undefined) tokens.push(...wordsOf(match[5], isField).map((word) => ({ text: word, quoted: false })));
  }
  return tokens.filter((token) => token.quoted || token.text !== "");
}

/** Strips what ends a sentence, and takes `memory:4` and `8gb+` apart; `nginx:1.27` stays whole. */
function wordsOf(raw: string, isField: (word: string) => boolean): readonly string[] {
  const word = raw.replace(/^[.:']+|[.:']+$/g, "").replace(/['’]s$/, "");
  const plus = /^(\d[\d.,]*[a-z%]*)\+$/i.exec(word);
  if (plus?.[1]) return [plus[1], "+"];
  const [, field, value] = /^([a-z_]+)[:=](\d.*)$/i.exec(word) ?? [];
  return field && value && isField(field) ? [field, "=", value] : [word];
}

function longestPhrase(
  tokens: readonly Token[],
  at: number,
  lexicon: Lexicon,
): { text: string; lower: string; length: number; meanings: readonly Meaning[] } | undefined {
  const words: string[] = [];
  let best: { text: string; lower: string; length: number; meanings: readonly Meaning[] } | undefined;
  for (let length = 1; length <= lexicon.longest && at + length <= tokens.length; length += 1) {
    const token = tokens[at + length - 1] as Token;
    if (token.quoted) break;
    words.push(token.text);
    const lower = words.join(" ").toLowerCase();
    const meanings =
      lexicon.meanings.get(lower) ?? (length === 1 && lower.includes("-") ? lexicon.meanings.get(lower.replaceAll("-", " ")) : undefined);
    // In "and less than 8 GB" the comparison begins with "less": "and less" alone would end one.
    const cut = tokens[at + length]?.text.toLowerCase() === "than" && meanings?.some((one) => one.is === "grammar" && one.word.is === "compareAfter");
    if (meanings && !cut) best = { text: words.join(" "), lower, length, meanings };
  }
  return best;
}

function numberOf(word: string): { number?: number; unit?: string } {
  const number = parseNumber(word);
  if (number !== undefined) return { number };
  const [, digits, unit] = NUMBER_WITH_UNIT.exec(word) ?? [];
  const value = digits === undefined ? undefined : parseNumber(digits);
  return value === undefined || unit === undefined ? {} : { number: value, unit: unit.toLowerCase() };
}

/** The grammar word of one sort that a lexeme can be. */
export function grammar<Is extends GrammarWord["is"]>(lexeme: Lexeme | undefined, is: Is): Extract<GrammarWord, { is: Is }> | undefined {
  for (const meaning of lexeme?.meanings ?? [])
    if (meaning.is === "grammar" && meaning.word.is === is) return meaning.word as Extract<GrammarWord, { is: Is }>;
  return undefined;
}

/** All meanings of one sort that a lexeme has. */
export const meaningsOf = <Is extends Meaning["is"]>(lexeme: Lexeme | undefined, is: Is): readonly Extract<Meaning, { is: Is }>[] =>
  (lexeme?.meanings ?? []).filter((meaning): meaning is Extract<Meaning, { is: Is }> => meaning.is === is);
