import { ProxMcpError } from "../errors.js";
import { combine, type Segment } from "./combine.js";
import { lex, type Lexeme, meaningsOf } from "./lex.js";
import type { Lexicon } from "./lexicon.js";
import { numberRule } from "./numbers.js";
import { connectionRule, nameRule, placeRule } from "./places.js";
import { type NounMeaning, Reading, type Rule } from "./reading.js";
import { aggregateRule, fieldsRule, groupRule, limitRule, orderRule } from "./shape.js";
import { type Correction, correctSpelling, wordsLike } from "./spell.js";
import { presenceRule, usageRule } from "./presence.js";
import { fieldRule, inNameRule, namedRule, trailingFieldRule, valueRule } from "./texts.js";
import { isEvent, timeAhead, timeRule } from "./times.js";
import type { GrammarWord } from "./words.js";

/** Nobody asks that much in one sentence; what is longer is a document or an attack. */
const MAX_LENGTH = 2000;

/** A query as it was understood, before it is known what each kind makes of it. */
export interface Parsed {
  readonly reading: Reading;
  readonly segments: readonly Segment[];
  readonly corrected: readonly Correction[];
}

/** Joints stand between claims; whichever of these a word can be, this is what it is when no rule took it. */
const jointRule: Rule = (reading) => {
  for (const type of ["except", "open", "close", "comma", "and", "or", "not"] as const) {
    if (!reading.is(type)) continue;
    reading.parts.push({ type });
    reading.at += 1;
    return true;
  }
  return false;
};

/** "members of the cluster": a noun behind another one and "of" is where they are, if no field says so. It is told, not asked for. */
const ofNounRule: Rule = (reading) => {
  const before = reading.lexemes[reading.at - 1];
  if (!reading.is("of") || meaningsOf(before, "noun").length === 0 || reading.parts.at(-1)?.type !== "noun") return false;
  const at = reading.past(1, "filler", "of");
  const nouns = meaningsOf(reading.peek(at), "noun");
  if (nouns.length === 0) return false;
  const fields = meaningsOf(before, "field").filter((field) => nouns.some((noun) => noun.kind === field.kind));
  if (fields.length > 0 && reading.parts.length === 1) {
    // "images of containers": what the containers say of their image.
    reading.parts.pop();
    reading.fields.push([...fields]);
    reading.at += at;
    return true;
  }
  reading.ignored.push(reading.peek(at)?.text ?? "");
  reading.at += at + 1;
  return true;
};

const nounRule: Rule = (reading) => {
  const meanings = meaningsOf(reading.peek(), "noun");
  if (meanings.length === 0) return false;
  reading.parts.push({ type: "noun", text: reading.peek()?.lower ?? "", meanings });
  reading.take(1);
  return true;
};

/** `docker images`, `on lxd`, `proxmox nodes`. */
const providerRule: Rule = (reading) => {
  const start = reading.past(0, "place", "filler");
  const found = meaningsOf(reading.peek(start), "provider");
  if (found.length === 0) return false;
  for (const { provider } of found) reading.parts.push({ type: "provider", provider });
  reading.take(start + 1);
  return true;
};

/** In this order: whoever understands first takes the words. The more a rule needs to see, the earlier it stands. */
const RULES: readonly Rule[] = [
  fieldsRule,
  aggregateRule,
  groupRule,
  orderRule,
  limitRule,
  usageRule,
  timeRule,
  namedRule,
  inNameRule,
  numberRule,
  connectionRule,
  trailingFieldRule,
  fieldRule,
  presenceRule,
  providerRule,
  jointRule,
  ofNounRule,
  nounRule,
  valueRule,
  placeRule,
  nameRule,
];

/** Reads a query. The same text always reads the same. Throws INVALID_INPUT when nothing in it means anything. */
export function parseQuery(text: string, lexicon: Lexicon, now: number): Parsed {
  if (text.length > MAX_LENGTH) throw new ProxMcpError("INVALID_INPUT", `query: ${text.length} characters; allowed: at most ${MAX_LENGTH}`);
  const plain = text.normalize("NFKC").replaceAll(/\p{C}/gu, " ").replaceAll(/\s+/g, " ").trim();
  const { text: spelled, corrected } = correctSpelling(plain, lexicon);
  const reading = new Reading(lexicon, lex(spelled, lexicon), now);
  while (reading.at < reading.lexemes.length) {
    const before = reading.at;
    if (RULES.some((rule) => rule(reading))) continue;
    reading.at = before;
    const lexeme = reading.lexemes[before] as Lexeme;
    if (!isSilent(lexeme)) reading.ignored.push(lexeme.text);
    reading.at += 1;
    if (isEvent(lexeme) && lexeme.meanings.length === 0) ignoreTime(reading);
  }
  groupByKind(reading);
  if (reading.understood === 0) throw nothingUnderstood(plain, reading);
  // A correction that came to nothing is none: the word is reported as it was written.
  const useless = corrected.filter(({ to }) => reading.ignored.includes(to));
  for (const { from, to } of useless) reading.ignored.splice(reading.ignored.indexOf(to), 1, from);
  return { reading, segments: combine(reading.parts), corrected: corrected.filter((one) => !useless.includes(one)) };
}

/** Grammar that says something even where no rule could place it. All other grammar only joins what stands around it. */
const SAYS_SOMETHING: readonly GrammarWord["is"][] = [
  ...(["compare", "compareAfter", "between", "without", "except", "not", "free", "used", "named", "limit", "extreme", "aggregate"] as const),
  ...(["howMuch", "age", "old", "ago", "upFor", "group"] as const),
];

/** What need not be reported when no rule took it: filler, joints, marks. A word of the vocabulary that no rule could place has to be told. */
function isSilent({ lower, meanings }: Lexeme): boolean {
  if (/^[\p{P}\p{S}]+$/u.test(lower)) return true;
  if (meanings.some((meaning) => meaning.is === "connectionNoun")) return true;
  const words = meanings.flatMap((meaning) => (meaning.is === "grammar" ? [meaning.word.is] : []));
  return words.some((word) => !SAYS_SOMETHING.includes(word));
}

/** The time of something that nobody knows, as in "rebooted last week", is no other time: it is told with the word. */
function ignoreTime(reading: Reading): void {
  const [start, parts] = [reading.at, reading.parts.length];
  if (!timeAhead(reading, 0) || !timeRule(reading)) return;
  reading.parts.length = parts;
  reading.ignored.push(
    reading.lexemes
      .slice(start, reading.at)
      .map((lexeme) => lexeme.text)
      .join(" "),
  );
}

/** "how much memory is free on each node" is about the nodes. */
function groupByKind({ aggregate, group, parts, lexicon }: Reading): void {
  if (!aggregate || aggregate.fields.length === 0 || !group || parts.some((part) => part.type === "noun")) return;
  const counted = new Set(aggregate.fields.map((entry) => entry.kind));
  const nouns = (lexicon.meanings.get(group.text) ?? []).filter((one): one is NounMeaning => one.is === "noun" && counted.has(one.kind));
  if (nouns.length === 0) return;
  parts.push({ type: "noun", text: group.text, meanings: nouns });
  group.fields = nouns.flatMap(({ kind }) => {
    const field = lexicon.kinds.get(kind)?.nameField;
    return field === undefined ? [] : [{ is: "field" as const, kind, field }];
  });
}

function nothingUnderstood(text: string, { lexicon, ignored }: Reading): ProxMcpError {
  const near = ignored.flatMap((word) => wordsLike(word.toLowerCase(), lexicon));
  const nouns = [...new Set([...lexicon.kinds.values()].map(({ kind }) => kind.name.replaceAll("_", " ")))];
  return new ProxMcpError(
    "INVALID_INPUT",
    `Nothing in ${JSON.stringify(text.slice(0, 80))} says what is wanted.${near.length > 0 ? ` Near: ${near.join(", ")}.` : ""} Things to ask for: ${nouns.join(", ")}.`,
    {
      next: "Name a kind of thing and what it should be like, as in: running containers with more than 1 GB memory.",
    },
  );
}
