import type { Kind } from "../declare/kind.js";
import type { ConnectionEntry } from "../connections.js";
import type { Operation } from "../derive/tools.js";
import { ownersIn } from "../derive/owners.js";
import { plural } from "../derive/words.js";
import { isProxMcpError, ProxMcpError } from "../errors.js";
import type { ParsedInput } from "./input.js";

export interface Choice {
  readonly entries: readonly ConnectionEntry[];
  /** Why these: for the log. */
  readonly why: string;
  readonly notes: readonly string[];
}

/** Asks one connection whether it holds an item of a kind. Undefined: it may not be asked, and is no choice. */
export type LookUp = (entry: ConnectionEntry, kind: string, key: string, at: Readonly<Record<string, unknown>>) => Promise<boolean | undefined>;

/**
 * Which connection a call goes to. The same for every provider, in this order: the one that was named; the one whose pattern claims the
 * resource's name; the one that holds it, found by asking; the default. A list without a name goes to all. A write is never guessed.
 */
export async function chooseConnections(
  operation: Operation,
  parsed: ParsedInput,
  entries: readonly ConnectionEntry[],
  fallback: string | undefined,
  lookUp: LookUp,
): Promise<Choice> {
  const { provider, kind, verb, on } = operation;
  const noun = provider.connection.noun;
  const names = entries.map((entry) => entry.name).join(", ");
  const one = (entry: ConnectionEntry, why: string, notes: readonly string[] = []): Choice => ({ entries: [entry], why, notes });
  const first = entries[0];
  if (!first) throw new ProxMcpError("NO_CONNECTION", `No ${provider.title} ${noun} is configured.`);
  if (parsed.connection !== undefined) {
    const named = entries.find((entry) => entry.name === parsed.connection);
    if (!named)
      throw new ProxMcpError("CONNECTION_UNKNOWN", `There is no ${noun} ${JSON.stringify(parsed.connection)}. There is: ${names}.`, {
        data: { known: entries.map((entry) => entry.name) },
      });
    return one(named, "named in the call");
  }
  if (entries.length === 1) return one(first, `the only ${noun}`);

  const owner = ownerOf(operation, parsed);
  if (verb === "list" && !owner) return { entries, why: "a list goes to all", notes: [] };
  const subject = owner ?? (on === "item" ? { kind: kind.name, key: parsed.key ?? "", at: parsed.at } : undefined);
  const created = [kind.key, ...(kind.alsoBy ?? [])].map((field) => parsed.input[field]).find((value) => typeof value === "string");
  const name = subject?.key ?? created;
  const claiming = name === undefined ? [] : entries.filter((entry) => entry.claims(name));
  if (claiming.length === 1 && claiming[0]) return one(claiming[0], `its pattern matches ${JSON.stringify(name)}`);
  if (subject) return await lookUpOver(claiming.length > 0 ? claiming : entries, subject, operation, lookUp);
  if (claiming.length > 1)
    throw new ProxMcpError(
      "CONNECTION_AMBIGUOUS",
      `The patterns of several ${plural(noun)} match ${JSON.stringify(name)}: ${claiming.map((entry) => entry.name).join(", ")}.`,
      {
        next: `Pass \`${noun}\`.`,
        data: { candidates: claiming.map((entry) => entry.name) },
      },
    );
  const preferred = entries.find((entry) => entry.name === fallback);
  if (preferred) return one(preferred, "the default");
  throw new ProxMcpError("CONNECTION_NEEDED", `Which ${noun} is meant has to be said. There is: ${names}.`, {
    next: `Pass \`${noun}\`, or set defaults.${provider.name} in the config.`,
    data: { known: entries.map((entry) => entry.name) },
  });
}

interface Subject {
  readonly kind: string;
  readonly key: string;
  readonly at: Readonly<Record<string, unknown>>;
}

/** A snapshot lies where its instance lies: a `within` parameter that is named like a kind decides. Not so a `scope`: several connections have a project of that name. */
function ownerOf({ provider, kind }: Operation, parsed: ParsedInput): Subject | undefined {
  for (const name of ownersIn(kind)) {
    const key = parsed.at[name];
    const owner = provider.kinds.find((other) => other.name === name);
    if (owner && (owner.get ?? owner.list) && ownersIn(owner).length === 0 && typeof key === "string")
      return { kind: name, key, at: sharedAt(owner, parsed.at) };
  }
  return undefined;
}

/** What the parameters say of the owner too: a snapshot's instance is in the project that was named. */
const sharedAt = ({ within }: Kind, at: ParsedInput["at"]): ParsedInput["at"] =>
  Object.fromEntries(Object.keys(within ?? {}).flatMap((name) => (name in at ? [[name, at[name]]] : [])));

async function lookUpOver(entries: readonly ConnectionEntry[], subject: Subject, operation: Operation, lookUp: LookUp): Promise<Choice> {
  const { provider, action } = operation;
  const noun = provider.connection.noun;
  const answers = await Promise.all(
    entries.map(async (entry) => {
      try {
        return { entry, holds: await lookUp(entry, subject.kind, subject.key, subject.at) };
      } catch (error) {
        if (isProxMcpError(error) && ["NAME_AMBIGUOUS", "CANCELLED"].includes(error.code)) throw error;
        return { entry, error: error as Error };
      }
    }),
  );
  const holding = answers.filter((answer) => answer.holds).map((answer) => answer.entry);
  const silent = answers.filter((answer) => answer.error);
  const unasked = silent.map(({ entry, error }) => `${entry.name} could not be asked (${error?.message})`).join("; ");
  const what = `${subject.kind.replaceAll("_", " ")} ${JSON.stringify(subject.key)}`;
  const data = { candidates: holding.map((entry) => entry.name), unasked: silent.map(({ entry }) => entry.name) };
  const next = `Pass \`${noun}\`.`;
  const [holder] = holding;
  if (holding.length > 1)
    throw new ProxMcpError("CONNECTION_AMBIGUOUS", `Several ${plural(noun)} have a ${what}: ${data.candidates.join(", ")}.`, { next, data });
  if (!holder) {
    if (silent.length > 0) throw new ProxMcpError("CONNECTION_UNCERTAIN", `No ${noun} that answered has a ${what}; ${unasked}.`, { next, data });
    const asked = answers.filter((answer) => answer.holds === false).map(({ entry }) => entry.name);
    throw new ProxMcpError("NOT_FOUND", `No ${noun} has a ${what}. Asked: ${asked.join(", ")}.`);
  }
  if (silent.length === 0) return { entries: [holder], why: "found there", notes: [] };
  if (action && action.safety !== "read")
    throw new ProxMcpError("CONNECTION_UNCERTAIN", `${holder.name} has a ${what}, but ${unasked}.`, {
      next: `Pass \`${noun}: ${JSON.stringify(holder.name)}\` if that one is meant.`,
      data,
    });
  return { entries: [holder], why: "found there", notes: [`Taken from ${holder.name}; ${unasked}.`] };
}
