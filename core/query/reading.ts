import type { Claim } from "./claim.js";
import { grammar, type Lexeme } from "./lex.js";
import type { KindView, Lexicon, Meaning } from "./lexicon.js";
import type { GrammarWord, SuperlativeField } from "./words.js";

export type NounMeaning = Extract<Meaning, { is: "noun" }>;
export type FieldMeaning = Extract<Meaning, { is: "field" }>;

/** The parts of a query that can be joined, in their order. */
export type Part =
  | { readonly type: "claim"; readonly claim: Claim }
  | { readonly type: "noun"; readonly text: string; readonly meanings: readonly NounMeaning[] }
  | { readonly type: "provider"; readonly provider: string }
  | { readonly type: "and" | "or" | "comma" | "not" | "except" | "open" | "close" };

/** What to order by: a field that was named, or one that is found by what it means. */
export type OrderBy = { readonly fields: readonly FieldMeaning[]; readonly text: string } | { readonly means: SuperlativeField };

export interface Order {
  readonly by: OrderBy;
  readonly direction: "asc" | "desc";
  /** By use where a field of that name measures it: "top 5 by memory used". */
  readonly used: boolean;
  /** By what is left. */
  readonly free?: boolean;
}

export type AggregateOp = "count" | "sum" | "avg" | "min" | "max";

/** A word with two meanings: the one that was taken, and the others. */
export interface Ambiguity {
  readonly word: string;
  readonly taken: string;
  readonly others: readonly string[];
}

/** A query while it is being read: where we are, and what was understood so far. */
export class Reading {
  readonly lexicon: Lexicon;
  readonly lexemes: readonly Lexeme[];
  /** Milliseconds since 1970. */
  readonly now: number;
  at = 0;
  readonly parts: Part[] = [];
  readonly orders: Order[] = [];
  limit: number | undefined;
  /** "top" and "bottom" say which end of an order that is named later. */
  direction: "asc" | "desc" | undefined;
  aggregate: { op: AggregateOp; fields: readonly FieldMeaning[]; text: string; used: boolean; free?: boolean } | undefined;
  group: { fields: readonly FieldMeaning[]; text: string; by?: "provider" | "connection" } | undefined;
  fields: FieldMeaning[][] = [];
  /** Sources that were named; each set narrows the one before. */
  readonly connections: (readonly string[])[] = [];
  readonly excludedConnections: string[] = [];
  readonly places: string[] = [];
  readonly ambiguities: Ambiguity[] = [];
  readonly ignored: string[] = [];
  /** Words that say something, so that a query of mere filler is known as one. */
  understood = 0;

  constructor(lexicon: Lexicon, lexemes: readonly Lexeme[], now: number) {
    this.lexicon = lexicon;
    this.lexemes = lexemes;
    this.now = now;
  }

  peek(ahead = 0): Lexeme | undefined {
    return this.lexemes[this.at + ahead];
  }

  /** The grammar word of this sort at a position, if it can be one. */
  is<Is extends GrammarWord["is"]>(is: Is, ahead = 0): Extract<GrammarWord, { is: Is }> | undefined {
    return grammar(this.peek(ahead), is);
  }

  /** How many positions ahead the next word is that is not of these sorts. */
  past(ahead: number, ...sorts: readonly GrammarWord["is"][]): number {
    let at = ahead;
    while (sorts.some((sort) => this.is(sort, at))) at += 1;
    return at;
  }

  take(count: number): void {
    this.at += count;
    this.understood += 1;
  }

  claim(claim: Claim): void {
    this.parts.push({ type: "claim", claim });
  }

  kind(id: string): KindView | undefined {
    return this.lexicon.kinds.get(id);
  }
}

/** A rule looks at where the reading is. If it understands, it takes the words and answers true. */
export type Rule = (reading: Reading) => boolean;
