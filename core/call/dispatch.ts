import type { ConnectionEntry, Connections } from "../connections.js";
import { type Operation, type Tool, toolName } from "../derive/tools.js";
import { spaced } from "../derive/words.js";
import { ProxMcpError, toProxMcpError } from "../errors.js";
import type { Limits } from "../config/schema.js";
import type { Signer } from "../services/signer.js";
import type { Logger } from "../declare/tokens.js";
import { type Choice, chooseConnections } from "./choose.js";
import type { Confirmations } from "./confirm.js";
import type { CallContext } from "./context.js";
import { withDeadline } from "./deadline.js";
import { type ParsedInput, parseInput } from "./input.js";
import { gather } from "./gather.js";
import { type Invoker, isNotFound, type Item, type SourceError } from "./invoke.js";
import { pageOf } from "./page.js";
import type { Policy, ToolRef } from "./policy.js";

export interface DispatchOptions {
  readonly invoker: Invoker;
  readonly policy: Policy;
  readonly confirmations: Confirmations;
  readonly signer: Signer;
  readonly logger: Logger;
  readonly limits: Limits;
  readonly connections: Connections;
}

export type OperationTool = Tool & { readonly operation: Operation };

export interface Outcome {
  readonly value: Readonly<Record<string, unknown>>;
  readonly connections: readonly string[];
}

/**
 * The path of one call to a tool that was derived from a plugin: check the arguments, choose the connection, ask the policy about it,
 * have it confirmed, run it under its deadline, read back what it wrote. Whoever calls has asked the policy about the tool itself.
 */
export class Dispatcher {
  readonly #options: DispatchOptions;

  constructor(options: DispatchOptions) {
    this.#options = options;
  }

  async dispatch(tool: OperationTool, args: Readonly<Record<string, unknown>>, context: CallContext): Promise<Outcome> {
    const { limits, logger } = this.#options;
    const parsed = parseInput(tool, args);
    const seconds = tool.timeout ?? (tool.safety === "read" ? limits.readTimeout : limits.writeTimeout);
    const { entries, why } = await this.#choose(tool, parsed, context);
    logger.debug("connection chosen", { call: context.call, tool: tool.name, connections: entries.map((entry) => entry.name), why });
    // The user may take their time: waiting for the answer does not count against the deadline.
    await this.#confirm(tool, args, parsed, entries, context);
    const value = await this.#run(tool, parsed, entries, seconds, context);
    return { value, connections: entries.map((entry) => entry.name) };
  }

  /** Runs work on one connection under a deadline of its own: one that hangs takes nothing from the others. */
  async #on<Result>(
    entry: ConnectionEntry,
    tool: OperationTool,
    seconds: number,
    context: CallContext,
    work: (context: CallContext) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await withDeadline(seconds, tool.name, context.signal, (signal) => work({ ...context, signal }));
    } catch (error) {
      throw toProxMcpError(error).on(entry.name);
    }
  }

  /** The connections that the call goes to, of those on which the policy allows it. */
  async #choose(tool: OperationTool, parsed: ParsedInput, context: CallContext): Promise<Choice> {
    const { policy, invoker, connections, limits } = this.#options;
    const { provider } = tool.operation;
    const all = connections.of(provider.name);
    const refusals = new Map<string, string>();
    for (const entry of all) {
      const decision = policy.decide(context.caller, asFarAs(tool, parsed), entry.name, parsed.input);
      if (!decision.allowed) refusals.set(entry.name, decision.why);
    }
    const refuse = (name: string): never => {
      throw new ProxMcpError("TOOL_DENIED", `${tool.name} is not allowed on ${name}: ${refusals.get(name)}.`, { connection: name });
    };
    const listing = tool.operation.verb === "list" && parsed.connection === undefined;
    const candidates = listing ? all.filter((entry) => !refusals.has(entry.name)) : all;
    const [refused] = refusals.keys();
    if (candidates.length === 0 && refused) return refuse(refused);
    const choice = await chooseConnections(
      tool.operation,
      parsed,
      candidates,
      connections.fallback(provider.name),
      async (entry, kindName, key, at) => {
        const kind = provider.kinds.find((one) => one.name === kindName);
        if (!kind) return false;
        // Looking for an item is part of a tool that is allowed there, or is allowed as such. Elsewhere nothing may be found out.
        const look = { name: toolName(provider.name, kindName, "get"), safety: "read", aliases: kind.aliases?.get ?? [] } as const;
        if (refusals.has(entry.name) && !policy.decide(context.caller, look, entry.name).allowed) return undefined;
        try {
          await this.#on(entry, tool, limits.readTimeout, { ...context, notes: [] }, (inner) => invoker.get({ kind }, entry, key, at, inner));
          return true;
        } catch (error) {
          if (isNotFound(error)) return false;
          throw error;
        }
      },
    );
    for (const entry of choice.entries) if (refusals.has(entry.name)) refuse(entry.name);
    if (listing) for (const [name, why] of refusals) context.notes.push(`${name} was left out: ${why}.`);
    context.notes.push(...choice.notes);
    return choice;
  }

  async #confirm(
    tool: OperationTool,
    args: Readonly<Record<string, unknown>>,
    parsed: ParsedInput,
    entries: readonly ConnectionEntry[],
    context: CallContext,
  ): Promise<void> {
    const { policy, confirmations } = this.#options;
    const names = entries.map((entry) => entry.name);
    const needed = entries.some((entry) => {
      const decision = policy.decide(context.caller, asFarAs(tool, parsed), entry.name, parsed.input);
      return decision.allowed && decision.confirm;
    });
    if (!needed) return;
    const { confirm: _, ...bare } = args;
    const token = context.confirmToken ?? parsed.confirm;
    const call = { caller: context.caller, tool: tool.name, args: bare, connections: names };
    if (token !== undefined) return await confirmations.redeem(token, call);
    const question = questionOf(tool, parsed, entries, await this.#losses(tool, parsed, entries, context));
    const { confirm } = context;
    if (confirm) {
      if (await withDeadline(undefined, tool.name, context.signal, () => confirm(question))) return;
      throw new ProxMcpError("DECLINED", `${question} The answer was no.`);
    }
    throw new ProxMcpError("CONFIRMATION_REQUIRED", question, { data: { confirm: confirmations.issue(call) } });
  }

  /** What would be lost on each connection; said once where it is the same for all. */
  async #losses(tool: OperationTool, parsed: ParsedInput, entries: readonly ConnectionEntry[], context: CallContext): Promise<string> {
    const { invoker, limits } = this.#options;
    const said = await withDeadline(limits.readTimeout, tool.name, context.signal, (signal) =>
      Promise.all(entries.map(async (entry) => await invoker.losses(tool.operation, entry, parsed, { ...context, signal }))),
    );
    return [...new Set([graver(tool, parsed), ...said])].filter(Boolean).join(" ");
  }

  async #run(
    tool: OperationTool,
    parsed: ParsedInput,
    entries: readonly ConnectionEntry[],
    seconds: number,
    context: CallContext,
  ): Promise<Record<string, unknown>> {
    const { operation } = tool;
    const { provider, kind, verb, action } = operation;
    const { invoker, limits, connections } = this.#options;
    const several = connections.of(provider.name).length > 1;
    if (verb === "list") return await this.#list(tool, parsed, entries, several, seconds, context);
    const [entry] = entries;
    if (!entry) throw new ProxMcpError("INTERNAL", `${tool.name}: no connection was chosen.`);
    const tasks: string[] = [];
    const rest = (): Record<string, unknown> => ({
      ...(tasks.length > 0 ? { task: tasks.at(-1) } : {}),
      ...(several ? { [provider.connection.noun]: entry.name } : {}),
      ...(context.notes.length > 0 ? { notes: context.notes } : {}),
    });
    const read = (key: string, within: number, at = parsed.at): Promise<Item> =>
      this.#on(entry, tool, within, context, (inner) => invoker.get(operation, entry, key, at, inner));
    if (!action) return { item: await read(parsed.key ?? "", seconds), ...rest() };
    const answer = await this.#on(entry, tool, seconds, { ...context, tasks }, (inner) => invoker.act(operation, entry, parsed, inner));
    if (action.output) return { result: answer, ...rest() };
    const key = keyAfter(operation, parsed, answer);
    // What is still being done can't be read back yet.
    if (tasks.length > 0) return verb === "delete" ? { deleted: false, [kind.key]: key, ...rest() } : rest();
    try {
      const moved = (answer as { at?: ParsedInput["at"] } | undefined)?.at;
      const item = await read(key, limits.readTimeout, { ...parsed.at, ...moved });
      return verb === "delete" ? { deleted: false, [kind.key]: key, ...rest() } : { item, ...rest() };
    } catch (error) {
      if (verb === "delete" && isNotFound(error)) return { deleted: true, [kind.key]: key, ...rest() };
      // It was done; that it can't be read back must not look like a failure of the action.
      context.notes.push(
        `The action was carried out, but ${spaced(kind.name)} ${JSON.stringify(key)} could not be read back: ${toProxMcpError(error).message}`,
      );
      return verb === "delete" ? { deleted: true, [kind.key]: key, ...rest() } : rest();
    }
  }

  /** All sources in parallel; one that fails is an error beside the others' rows. */
  async #list(
    tool: OperationTool,
    parsed: ParsedInput,
    entries: readonly ConnectionEntry[],
    several: boolean,
    seconds: number,
    context: CallContext,
  ): Promise<Record<string, unknown>> {
    const { operation } = tool;
    const { provider, kind } = operation;
    const { invoker, signer, limits } = this.#options;
    const noun = provider.connection.noun;
    const { parts, errors } = await gather(
      operation,
      entries,
      { at: parsed.at, where: parsed.where },
      { invoker, what: tool.name, seconds, context },
    );
    const [first] = errors;
    if (parts.length === 0 && first) throw nothingFrom(entries.length, errors, first);
    const rows: Item[] = parts.flatMap(({ entry, items }) => (several ? items.map((item) => ({ ...item, [noun]: entry.name })) : items));
    const { items, total, cursor, cut } = pageOf(rows, {
      limit: parsed.limit,
      cursor: parsed.cursor,
      listing: [provider.name, kind.name, parsed.at, parsed.where, parsed.connection],
      maxBytes: limits.outputBytes,
      identity: (row) => JSON.stringify([row[noun], row[kind.key], ...Object.keys(kind.within ?? {}).map((name) => row[name])]),
      signer,
    });
    if (cut)
      context.notes.push(
        `The page ends after ${items.length} rows, to stay below ${limits.outputBytes} bytes. Go on with the cursor, or filter with where.`,
      );
    return {
      items,
      total,
      ...(cursor ? { cursor } : {}),
      ...(errors.length > 0 ? { errors } : {}),
      ...(context.notes.length > 0 ? { notes: context.notes } : {}),
    };
  }
}

/** Why these arguments make the call destructive, if they do. */
const graver = ({ operation: { action } }: OperationTool, { input }: ParsedInput): string | undefined =>
  (action?.destructiveWhen as ((input: unknown) => string | undefined) | undefined)?.(input);

/** The tool as the policy has to see it with these arguments. */
const asFarAs = (tool: OperationTool, parsed: ParsedInput): ToolRef =>
  graver(tool, parsed) === undefined ? tool : { name: tool.name, aliases: tool.aliases, safety: "destructive" };

/** No source answered. Of one source that is its own error; of several, all of theirs. */
export function nothingFrom(sources: number, errors: readonly SourceError[], first: SourceError): ProxMcpError {
  const { connection, tried, next, data } = first;
  if (sources === 1)
    return new ProxMcpError(first.code, first.message, {
      ...(connection ? { connection } : {}),
      ...(tried ? { tried } : {}),
      ...(data ? { data } : {}),
      next,
    });
  return new ProxMcpError(first.code, `None could be listed. ${errors.map((error) => `${error.connection}: ${error.message}`).join(" ")}`, {
    next,
    data: { errors },
  });
}

/** The key to read back by: the action's own word, the caller's, or the name that was asked for. */
function keyAfter({ kind, on }: Operation, parsed: ParsedInput, answer: unknown): string {
  const said = (answer as { key?: unknown } | undefined)?.key;
  if (said !== undefined) return String(said);
  return on === "item" ? (parsed.key ?? "") : String(parsed.input[kind.key] ?? "");
}

function questionOf(tool: OperationTool, parsed: ParsedInput, entries: readonly ConnectionEntry[], losses: string): string {
  const { kind, provider } = tool.operation;
  const key = parsed.key ?? parsed.input[kind.key];
  const within = Object.values(parsed.at).map((value) => ` of ${String(value)}`);
  const subject = key === undefined ? "" : ` ${JSON.stringify(key)}${within.join("")}`;
  const where = `${provider.connection.noun} ${entries.map((entry) => entry.name).join(", ")}`;
  return `${tool.title}${subject} on ${where}?${losses ? ` ${losses}` : ""}`;
}

/** The outcome of a call in one word, for the audit. */
export function outcomeOf(value: unknown): "ok" | "partial" {
  return (value as { errors?: unknown[] } | undefined)?.errors?.length ? "partial" : "ok";
}
