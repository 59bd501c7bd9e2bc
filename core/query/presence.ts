import type { Where } from "../declare/action.js";
import type { Field } from "../derive/fields.js";
import type { Claim } from "./claim.js";
import { grammar, meaningsOf } from "./lex.js";
import type { KindView } from "./lexicon.js";
import type { FieldMeaning, Reading, Rule } from "./reading.js";
import { isJoint } from "./values.js";

/** `unused images`, `volumes that are not in use`, `images not used by any container`: by what a kind says of its use. */
export const usageRule: Rule = (reading) => {
  // "volumes nobody uses", "images that no container uses"
  const user = reading.past(0, "filler");
  const nothing = byNothing(reading, user);
  if (nothing > 0 && /^uses?$/.test(reading.peek(user + nothing)?.lower ?? "")) {
    reading.claim({ says: "not in use", about: "usage", exclusive: true, on: (kind) => useOn(kind, false) });
    reading.take(user + nothing + 1);
    return true;
  }
  const start = reading.past(0, "filler", "be");
  const not = reading.is("not", start) ? 1 : 0;
  const at = start + not;
  const word = reading.peek(at)?.lower ?? "";
  const end = reading.past(at + 1, "filler");
  const noun = (ahead: number): boolean => meaningsOf(reading.peek(ahead), "noun").length > 0;
  const nobody = ["used by", "in use by"].includes(word) ? byNothing(reading, at + 1) : 0;
  if (nobody > 0) {
    reading.claim({ says: "not in use", about: "usage", exclusive: true, on: (kind) => useOn(kind, false) });
    reading.take(at + 1 + nobody);
    return true;
  }
  const byWhat = ["used by", "in use by"].includes(word) && noun(end);
  const before = reading.lexemes[reading.at - 1];
  if (meaningsOf(before, "field").length > 0 && reading.parts.at(-1)?.type !== "noun") return false; // "total disk used by images"
  const behind = start > 0 || not > 0 || meaningsOf(before, "noun").length > 0 || grammar(before, "be") !== undefined;
  const ends = reading.peek(at + 1) === undefined || isJoint(reading, at + 1);
  const alone = ["unused", "in use", "used"].includes(word) && (noun(at + 1) || (behind && ends));
  if (!byWhat && !alone) return false;
  const used = (word !== "unused") !== not > 0;
  const what = byWhat ? ` by a ${reading.peek(end)?.lower}` : "";
  reading.claim({
    says: `${used ? "in use" : "not in use"}${what}`,
    about: "usage",
    exclusive: true,
    on: (kind) => useOn(kind, used),
  });
  reading.take(byWhat ? end + 1 : at + 1);
  return true;
};

/** "nothing", "no container": how many lexemes say so. */
function byNothing(reading: Reading, at: number): number {
  const word = reading.peek(at)?.lower ?? "";
  if (["nothing", "nobody", "none", "no one"].includes(word)) return 1;
  return word === "no" && meaningsOf(reading.peek(at + 1), "noun").length > 0 ? 2 : 0;
}

function useOn(kind: KindView, used: boolean): Where | undefined {
  const field = USAGE.map((name) => kind.fields.get(name)).find((one) => one !== undefined);
  return field?.type === "boolean" ? { [field.name]: used } : presenceOf(field, used);
}

/** These names are the same in every plugin: whether something is in use, or by what. */
const USAGE = ["in_use", "used_by"];

/** `without snapshots`, `with a snapshot`, `untagged`, `no tags`. */
export const presenceRule: Rule = (reading) => {
  const lexeme = reading.peek();
  const tail = lexeme && !lexeme.quoted && lexeme.lower.startsWith("un") ? lexeme.lower.slice(2) : "";
  const un = (reading.lexicon.meanings.get(tail) ?? []).filter((meaning): meaning is FieldMeaning => meaning.is === "field");
  if (un.length > 0 && meaningsOf(lexeme, "value").length === 0) {
    const absent = presenceClaim(un, tail, false);
    // Some kinds have a word of their own for it: an image is `untagged`.
    const flags = meaningsOf(lexeme, "field");
    const flagged = (kind: KindView): Where | undefined => {
      const flag = flags.find((one) => one.kind === kind.id && kind.fields.get(one.field)?.type === "boolean");
      return flag && { [flag.field]: true };
    };
    reading.claim({ ...absent, on: (kind) => flagged(kind) ?? absent.on(kind) });
    reading.take(1);
    return true;
  }
  const without = reading.is("without");
  const how = without ?? reading.is("with");
  if (!how) return false;
  const at = reading.past(1, "filler");
  const no = reading.is("without", at) ?? reading.is("not", at);
  const start = no ? reading.past(at + 1, "filler") : at;
  const entries = meaningsOf(reading.peek(start), "field");
  const word = reading.peek(start)?.lower ?? "";
  if (entries.length === 0 && meaningsOf(reading.peek(start), "noun").length > 0 && reading.parts.some((part) => part.type === "noun")) {
    // "vms without backups": things that no field of a kind counts. Saying so beats listing the backups.
    reading.claim({ says: `${without || no ? "has no" : "has"} ${word}`, about: `presence:${word}`, exclusive: false, on: () => undefined });
    reading.take(start + 1);
    return true;
  }
  if (entries.length === 0) return false;
  reading.claim(presenceClaim(entries, word, !(without || no)));
  reading.take(start + 1);
  return true;
};

function presenceClaim(entries: readonly FieldMeaning[], word: string, present: boolean): Claim {
  return {
    says: `${present ? "has" : "has no"} ${word}`,
    about: `presence:${word}`,
    exclusive: false,
    on: (kind) => {
      const entry = entries.find((candidate) => candidate.kind === kind.id);
      return presenceOf(entry && kind.fields.get(entry.field), present);
    },
  };
}

function presenceOf(field: Field | undefined, present: boolean): Where | undefined {
  switch (field?.type) {
    case "number":
      return { [field.name]: present ? { min: 1 } : { max: 0 } };
    case "boolean":
      return present ? { [field.name]: true } : { not: { [field.name]: true } };
    case "list":
    case "text":
    case "time":
      return { [field.name]: { empty: !present } };
    default:
      return undefined;
  }
}
