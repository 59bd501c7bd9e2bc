import type { CallArgs, Where } from "../declare/action.js";
import type { ObjectSchema } from "../declare/action.js";
import type { Listing } from "../declare/kind.js";
import type { Clock, Logger } from "../declare/tokens.js";
import type { ConnectionEntry } from "../connections.js";
import type { Operation } from "../derive/tools.js";
import { type ErrorReport, isProxMcpError, ProxMcpError } from "../errors.js";
import { canonical } from "./confirm.js";
import type { CallContext } from "./context.js";
import type { ParsedInput } from "./input.js";
import type { Reads } from "./reads.js";

export type Item = Readonly<Record<string, unknown>>;
export type SourceError = ErrorReport & { readonly source?: string };

/** So many of the rows that are refused for the same reason are named. */
const MAX_NAMED = 3;

/** Calls a plugin's functions on one connection: builds their arguments, shares reads, and holds what they answer to its schema. */
export class Invoker {
  readonly #reads: Reads;
  readonly #logger: Logger;
  readonly #clock: Clock;

  constructor(reads: Reads, logger: Logger, clock: Clock) {
    this.#reads = reads;
    this.#logger = logger;
    this.#clock = clock;
  }

  /** All items of a kind that the connection has. A row that its schema refuses becomes an error beside the others. */
  async list(
    { kind }: Pick<Operation, "kind">,
    entry: ConnectionEntry,
    at: ParsedInput["at"],
    where: Where,
    context: CallContext,
    needs: readonly string[] = [],
  ): Promise<{ items: Item[]; errors: SourceError[] }> {
    const question = `${entry.name} ${entry.provider.name} ${kind.name} list ${canonical([at, where, needs])}`;
    const { answer, notes } = await this.#reads.share(question, context.signal, (signal) =>
      entry.run(async () => {
        const notes: string[] = [];
        return { answer: await kind.list?.({ ...this.#args(entry, { ...context, notes }, signal), at, where, needs: new Set(needs) }), notes };
      }, signal),
    );
    context.notes.push(...notes);
    this.#road(entry, context);
    const listing: Listing<unknown> = Array.isArray(answer) ? { items: answer as unknown[] } : (answer as Listing<unknown>);
    const items: Item[] = [];
    const errors: SourceError[] = (listing.errors ?? []).map((error) => ({ ...error, connection: entry.name }));
    const refused = new Map<string, string[]>();
    for (const row of listing.items) {
      const result = kind.item.safeParse(row);
      if (result.success) items.push(result.data as Item);
      else {
        const fault = faultOf(result.error.issues);
        const keys = refused.get(fault) ?? [];
        keys.push(JSON.stringify((row as Item | null | undefined)?.[kind.key]) ?? "without a key");
        refused.set(fault, keys);
      }
    }
    // One error for each fault, not for each row: a field that changed is wrong in all of them.
    for (const [fault, keys] of refused) {
      const more = keys.length > MAX_NAMED ? ` and ${keys.length - MAX_NAMED} more` : "";
      const message = `${kind.name} ${keys.slice(0, MAX_NAMED).join(", ")}${more}: ${fault}`;
      errors.push(new ProxMcpError("INVALID_OUTPUT", message, { connection: entry.name }).report());
    }
    return { items, errors };
  }

  /** One item by its key. Throws NOT_FOUND, or NAME_AMBIGUOUS where a kind is found through its list and two have the name. */
  async get(operation: Pick<Operation, "kind">, entry: ConnectionEntry, key: string, at: ParsedInput["at"], context: CallContext): Promise<Item> {
    const { kind } = operation;
    if (!kind.get) return this.#find(operation, entry, key, at, context);
    const question = `${entry.name} ${entry.provider.name} ${kind.name} get ${canonical([key, at])}`;
    const { answer, notes } = await this.#reads.share(question, context.signal, (signal) =>
      entry.run(async () => {
        const notes: string[] = [];
        return { answer: await kind.get?.({ ...this.#args(entry, { ...context, notes }, signal), key, at }), notes };
      }, signal),
    );
    context.notes.push(...notes);
    this.#road(entry, context);
    return checked(kind.item, answer, `${kind.name} ${JSON.stringify(key)}`, entry) as Item;
  }

  /** What an action would take away, in its own words. Undefined when it doesn't say. */
  async losses({ action }: Operation, entry: ConnectionEntry, parsed: ParsedInput, context: CallContext): Promise<string | undefined> {
    const loses = action?.loses as string | ((args: object) => Promise<string>) | undefined;
    if (typeof loses !== "function") return loses;
    const args = { ...this.#args(entry, { ...context, notes: [] }, context.signal), key: parsed.key, at: parsed.at, input: parsed.input };
    return await entry.run(() => loses(args), context.signal);
  }

  /** Runs an action. Reads of the same connection that are under way are not joined by later ones. */
  async act(operation: Operation, entry: ConnectionEntry, parsed: ParsedInput, context: CallContext): Promise<unknown> {
    const { action, kind, verb } = operation;
    if (!action) throw new ProxMcpError("INTERNAL", `${kind.name} has no ${verb}.`);
    const run = action.run as (args: object) => Promise<unknown>;
    const writes = action.safety !== "read";
    if (writes) this.#reads.changed(entry.name);
    try {
      const answer = await entry.run(
        () => run({ ...this.#args(entry, context, context.signal), key: parsed.key, at: parsed.at, input: parsed.input }),
        context.signal,
      );
      // What writes is read back, and the reading says it.
      if (action.output || context.tasks?.length) this.#road(entry, context);
      return action.output ? checked(action.output, answer, `${kind.name} ${verb}`, entry) : answer;
    } finally {
      if (writes) this.#reads.changed(entry.name);
    }
  }

  async #find(operation: Pick<Operation, "kind">, entry: ConnectionEntry, key: string, at: ParsedInput["at"], context: CallContext): Promise<Item> {
    const { kind } = operation;
    const { items, errors } = await this.list(operation, entry, at, {}, context);
    const holds = (field: string): Item[] => items.filter((item) => String(item[field]).toLowerCase() === key.toLowerCase());
    for (const field of [kind.key, ...(kind.alsoBy ?? [])]) {
      const found = holds(field);
      if (found.length === 1 && found[0]) return found[0];
      if (found.length > 1)
        throw new ProxMcpError(
          "NAME_AMBIGUOUS",
          `Several have the ${field} ${JSON.stringify(key)}: ${found.map((item) => String(item[kind.key])).join(", ")}.`,
          { connection: entry.name },
        );
    }
    // Part of the list is missing: the item may be there.
    if (errors[0])
      throw new ProxMcpError(errors[0].code, `${kind.name} ${JSON.stringify(key)} was not found, and the list is not whole: ${errors[0].message}`, {
        connection: entry.name,
      });
    throw new ProxMcpError("NOT_FOUND", `There is no ${kind.name.replaceAll("_", " ")} ${JSON.stringify(key)}.`, { connection: entry.name });
  }

  /** A client that took another road than usual says so, beside every result. */
  #road(entry: ConnectionEntry, context: CallContext): void {
    const { road } = entry.client as { readonly road?: string | undefined };
    if (road !== undefined) context.notes.push(`${entry.name}: ${road}`);
  }

  #args(entry: ConnectionEntry, context: CallContext, signal: AbortSignal): CallArgs<object> {
    return {
      client: entry.client,
      signal,
      progress: context.progress,
      note: (sentence) => void context.notes.push(sentence),
      task: (id) => void context.tasks?.push(id),
      log: this.#logger,
      clock: this.#clock,
    };
  }
}

function checked(schema: ObjectSchema, answer: unknown, what: string, entry: ConnectionEntry): unknown {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  throw new ProxMcpError("INVALID_OUTPUT", `${what}: ${faultOf(result.error.issues)}`, { connection: entry.name });
}

const faultOf = (issues: readonly { path: readonly PropertyKey[]; message: string }[]): string =>
  issues.map((issue) => `${issue.path.join(".") || "answer"}: ${issue.message}`).join("; ");

/** Whether a connection has the item: for choosing between connections. */
export const isNotFound = (error: unknown): boolean => isProxMcpError(error) && error.code === "NOT_FOUND";
