import { ownersIn } from "../derive/owners.js";
import type { Claim } from "./claim.js";
import { meaningsOf } from "./lex.js";
import type { KindView } from "./lexicon.js";
import type { Reading, Rule } from "./reading.js";
import { isJoint, nameClaim, valuesFrom } from "./values.js";
import { isEvent, timeAhead } from "./times.js";

/** Connections: `on pi-cluster-01`, `in cluster prod`, `on hosts a and b`, `not on prod`, `in region eu`, `in staging`. */
export const connectionRule: Rule = (reading) => {
  let start = 0;
  // "in us" may be a region, though "us" is filler elsewhere.
  const said = (at: number): boolean =>
    meaningsOf(reading.peek(at), "tagValue").length > 0 &&
    (reading.is("place", at - 1) !== undefined || meaningsOf(reading.peek(at + 1), "tagKey").length > 0);
  while (!said(start) && (["place", "filler", "not", "except", "with"] as const).some((sort) => reading.is(sort, start))) start += 1;
  const negated = Array.from({ length: start }, (_, at) => reading.is("not", at) ?? reading.is("except", at)).some(Boolean);
  const place = Array.from({ length: start }, (_, at) => reading.is("place", at)).some(Boolean);
  const noun = meaningsOf(reading.peek(start), "connectionNoun").length > 0 ? 1 : 0;
  const at = start + noun;
  const names = connectionsAt(reading, at);
  // "docker images" on an estate whose connection is called docker: without a preposition the platform is meant.
  if (names.length > 0 && (place || noun > 0 || meaningsOf(reading.peek(at), "provider").length === 0)) {
    let end = at + 1;
    for (;;) {
      const joint = reading.past(end, "and", "or", "comma");
      const more = joint > end ? connectionsAt(reading, joint) : [];
      if (more.length === 0) break;
      names.push(...more);
      end = joint + 1;
    }
    if (negated) reading.excludedConnections.push(...names);
    else reading.connections.push(names);
    reading.places.push(`${negated ? "not " : ""}on ${names.join(" or ")}`);
    reading.take(end);
    return true;
  }
  const leading = meaningsOf(reading.peek(start), "tagKey")[0]?.key;
  const valueAt = leading ? start + 1 : start;
  const trailing = leading ? undefined : meaningsOf(reading.peek(valueAt + 1), "tagKey")[0]?.key;
  const key = leading ?? trailing;
  const value = meaningsOf(reading.peek(valueAt), "tagValue").filter((tag) => key === undefined || tag.key === key);
  // "staging containers": a tag of connections right before a noun.
  const adjective = meaningsOf(reading.peek(start + 1), "noun").length > 0;
  if (value.length === 0 || (!place && key === undefined && !adjective)) return false;
  const holding = reading.lexicon.connections.filter(({ tags }) => value.some((tag) => tags[tag.key] === tag.value)).map(({ name }) => name);
  if (negated) reading.excludedConnections.push(...holding);
  else reading.connections.push(holding);
  reading.places.push(`${negated ? "not " : ""}in ${value[0]?.key} ${value[0]?.value}`);
  reading.take(key ? start + 2 : start + 1);
  return true;
};

const connectionsAt = (reading: Reading, at: number): string[] => meaningsOf(reading.peek(at), "connection").map((meaning) => meaning.name);

/** A word behind a preposition that nobody declared: `on pve2`, `in dev`. It is tried on the fields that name places. */
export const placeRule: Rule = (reading) => {
  if (!reading.is("place")) return false;
  const at = reading.past(1, "filler");
  const value = reading.peek(at);
  if (!value || isJoint(reading, at) || (value.meanings.length > 0 && !value.quoted) || value.number !== undefined) return false;
  const found = valuesFrom(reading, at);
  const { values } = found;
  // "in the shop stack": what it is is said behind its name.
  const named =
    reading.parts.some((part) => part.type === "noun") &&
    meaningsOf(reading.peek(found.end), "noun").length > 0 &&
    !reading.peek(found.end)?.lower.endsWith("s");
  const end = found.end + (named ? 1 : 0);
  const claim = placeClaim(values);
  const fields = [...new Set([...reading.lexicon.kinds.values()].flatMap((kind) => placesOf(kind)))];
  if (fields.length > 1)
    reading.ambiguities.push({
      word: values.join(", "),
      taken: `the first of ${fields.join(", ")} that a kind has`,
      others: fields.slice(1).map((field) => `a ${field}`),
    });
  reading.claim(claim);
  reading.take(end);
  return true;
};

/** What an item belongs to is a place too: a snapshot is in its instance. */
const placesOf = ({ kind, fields }: KindView): string[] => {
  const owners = ownersIn(kind).filter((name) => fields.has(name));
  const places = [...fields.values()].filter((field) => field.facet.place).map((field) => field.name);
  // A scope is the last that "in" speaks of: a container is on its node before it is in its project.
  const others = Object.keys(kind.within ?? {}).filter((name) => fields.has(name));
  return [...new Set([...owners, ...places, ...others])];
};

function placeClaim(values: readonly string[]): Claim {
  const named = nameClaim(values, "contains");
  return {
    says: `in or on ${values.map((value) => JSON.stringify(value)).join(" or ")}`,
    about: "place",
    exclusive: true,
    on: (kind) => {
      const [place] = placesOf(kind);
      if (place === undefined) return named.on(kind);
      return { [place]: values.length === 1 ? values[0] : values };
    },
  };
}

/** `container web01`, `vm 100`, `web containers`, `web*`, `"db 1"`, `10.0.0.7`. */
export const nameRule: Rule = (reading) => {
  const lexeme = reading.peek();
  if (!lexeme) return false;
  const before = reading.lexemes[reading.at - 1];
  const afterNoun = meaningsOf(before, "noun").length > 0;
  if (lexeme.number !== undefined && lexeme.unit === undefined && !lexeme.quoted) return afterNoun && idRule(reading);
  if (lexeme.meanings.length > 0 && !lexeme.quoted) return false;
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(lexeme.lower)) {
    reading.claim({
      says: `ip is ${lexeme.lower}`,
      about: "ip",
      exclusive: true,
      on: (kind) => (kind.fields.has("ip") ? { ip: lexeme.lower } : undefined),
    });
    reading.take(1);
    return true;
  }
  const beforeNoun = meaningsOf(reading.peek(1), "noun").length > 0;
  // "restarted in the last hour": what happened is no name, even if nobody knows what it was.
  if (!lexeme.quoted && !beforeNoun && isEvent(lexeme) && (timeAhead(reading, 1) || meaningsOf(reading.peek(1), "field").length > 0)) return false;
  // A word with a digit, a hyphen, a dot or a star looks like a name wherever it stands.
  const looksLikeName = lexeme.quoted || /[*]|[a-z].*[\d_.:/-]|\d.*[a-z]/.test(lexeme.lower);
  // "how much memory is bob using"
  const uses = reading.aggregate !== undefined && ["use", "uses", "using"].includes(reading.peek(1)?.lower ?? "");
  if (!afterNoun && !beforeNoun && !looksLikeName && !uses) return false;
  const adjective = beforeNoun && !afterNoun && !looksLikeName;
  const { values, end } = valuesFrom(reading, 0);
  if (adjective) {
    const others = [
      ...new Set(
        [...reading.lexicon.kinds.values()].flatMap((kind) =>
          [...kind.fields.values()].filter((field) => field.type === "list" || field.facet.place).map((field) => field.name),
        ),
      ),
    ];
    reading.ambiguities.push({
      word: lexeme.text,
      taken: "a part of the name, or a tag",
      others: others
        .filter((field) => field !== "tags")
        .slice(0, 6)
        .map((field) => `a value of ${field}`),
    });
  }
  reading.claim(adjective ? adjectiveClaim(values) : nameClaim(values, "equal"));
  reading.take(end);
  return true;
};

/** "prod vms" are those that have it in their name or as a tag; both are how people mark machines. */
function adjectiveClaim(values: readonly string[]): Claim {
  const named = nameClaim(values, "contains");
  return {
    ...named,
    says: `name contains or a tag is ${values.map((value) => JSON.stringify(value)).join(" or ")}`,
    on: (kind) => {
      const byName = named.on(kind);
      if (kind.fields.get("tags")?.type !== "list") return byName;
      const byTag = { tags: values.flatMap((value) => [value, `*=${value}`]) };
      return byName ? { or: [byName, byTag] } : byTag;
    },
  };
}

/** `vm 100`: a number behind a noun is the key or an id. */
function idRule(reading: Reading): boolean {
  const id = reading.peek()?.number;
  reading.claim({
    says: `id is ${id}`,
    about: "id",
    exclusive: true,
    on: (kind) => {
      for (const name of [kind.kind.key, "id"]) {
        const field = kind.fields.get(name);
        if (field?.type === "number") return { [name]: id };
        if (field?.type === "text" && name !== kind.nameField) return { [name]: String(id) };
      }
      return kind.nameField ? { [kind.nameField]: String(id) } : undefined;
    },
  });
  reading.take(1);
  return true;
}
