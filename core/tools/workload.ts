import { z } from "zod";
import type { Confirmations } from "../call/confirm.js";
import type { CallContext } from "../call/context.js";
import type { Tool } from "../derive/tools.js";
import { type ErrorReport, isProxMcpError, ProxMcpError, toProxMcpError } from "../errors.js";
import { type Copy, placeKey, type RoutePlan, type Router } from "../route/router.js";
import { REQUIREMENT } from "../route/requirement.js";
import { type CoreTool, coreTool } from "./tool.js";

type CallValue = Readonly<Record<string, unknown>>;

export interface WorkloadToolOptions {
  /** Made when it is first needed: it knows all tools, these among them. */
  readonly router: (through: string) => Router;
  readonly tool: (name: string) => Tool | undefined;
  /** Calls another tool by the whole path of a call: policy, confirmation, audit. */
  readonly call: (name: string, args: CallValue, context: CallContext) => Promise<CallValue>;
  readonly confirmations: Confirmations;
  /** Some create action has to be confirmed, so `workload_create` takes a token. */
  readonly confirms: boolean;
}

/** More than this is no suggestion. */
const MAX_SUGGESTED = 10;
/** Something may be there although the call failed. */
const UNCERTAIN: readonly string[] = ["TIMEOUT", "CANCELLED", "UNREACHABLE"];
/** Nothing can be there: it was refused before anything was made, or what is there is somebody else's. */
const UNTOUCHED: readonly string[] = [
  ...["INVALID_INPUT", "ALREADY_EXISTS", "TOOL_DENIED", "TOOL_UNKNOWN", "CONFIRMATION_REQUIRED", "CONFIRMATION_INVALID", "DECLINED"],
  ...["CONNECTION_UNKNOWN", "CONNECTION_NEEDED", "CONFLICT", "AUTH_FAILED", "FORBIDDEN", "UNSUPPORTED"],
];

const Reason = z.object({ what: z.string(), points: z.number(), why: z.string() });
const Create = z.object({ tool: z.string(), args: z.record(z.string(), z.unknown()), confirm: z.boolean().optional() });
const Placement = z.object({
  ...{ provider: z.string(), connection: z.string(), place: z.string(), isolation: z.string(), score: z.number() },
  ...{ reasons: z.array(Reason), create: Create, notes: z.array(z.string()).optional() },
});
const Excluded = z.object({
  ...{ provider: z.string(), connection: z.string(), place: z.string().optional(), isolation: z.string().optional(), why: z.string() },
});
const Understood = {
  excluded: z.array(Excluded),
  ignored: z.array(z.string()),
  requirement: z.looseObject({}),
  notes: z.array(z.string()).optional(),
};
const Made = z.object({
  ...{ name: z.string(), provider: z.string(), connection: z.string(), place: z.string(), tool: z.string() },
  item: z.looseObject({}).optional(),
});
const Failed = z.looseObject({ name: z.string(), code: z.string(), message: z.string(), next: z.string() });

export function workloadTools(options: WorkloadToolOptions): readonly CoreTool[] {
  return [
    coreTool({
      name: "workload_suggest",
      title: "Suggest where a workload should run",
      description: "Rank where a new workload could run, with reasons, exclusions and the exact create call for each.",
      safety: "read",
      aliases: ["suggest_platform"],
      input: REQUIREMENT,
      output: z.object({ placements: z.array(Placement), copies: z.array(Placement.extend({ name: z.string() })).optional(), ...Understood }),
      run: async (requirement, context) => suggestion(await options.router("workload_suggest").route(requirement, context)),
    }),
    coreTool({
      name: "workload_create",
      title: "Create a workload where it fits best",
      description: "Place and create a workload. Takes what workload_suggest takes; dry_run: only the plan.",
      safety: "write",
      input: {
        sentence: REQUIREMENT.sentence,
        requirement: z.record(z.string(), z.unknown()).optional().describe("Fields of workload_suggest"),
        dry_run: z.boolean().optional(),
        ...(options.confirms ? { confirm: z.string().optional().describe("Token from a refusal") } : {}),
      },
      output: z.object({
        created: z.array(Made),
        errors: z.array(Failed).optional(),
        plan: z.array(Placement.extend({ name: z.string() })),
        ...Understood,
      }),
      run: async ({ sentence, requirement, dry_run: dry, ...rest }, context) => {
        const given = { ...requirement, ...(sentence === undefined ? {} : { sentence }) };
        const plan = await options.router("workload_create").route(given, context);
        if (dry) return { created: [], ...planned(plan) };
        const token = context.confirmToken ?? (rest as { confirm?: string }).confirm;
        return await new Creation(options, plan, context).run(token);
      },
    }),
  ];
}

export const suggestion = ({ placements, copies, excluded, ignored, requirement, notes }: RoutePlan): CallValue => {
  const said = [...notes, ...(placements.length > MAX_SUGGESTED ? [`The best ${MAX_SUGGESTED} of ${placements.length} are shown.`] : [])];
  return {
    placements: placements.slice(0, MAX_SUGGESTED),
    ...((requirement.count ?? 1) > 1 ? { copies } : {}),
    ...{ excluded, ignored, requirement },
    ...(said.length > 0 ? { notes: said } : {}),
  };
};

const planned = ({ copies, excluded, ignored, requirement, notes }: RoutePlan): CallValue => ({
  ...{ plan: copies, excluded, ignored, requirement },
  ...(notes.length > 0 ? { notes } : {}),
});

interface Created {
  readonly name: string;
  readonly provider: string;
  readonly connection: string;
  readonly place: string;
  readonly tool: string;
  readonly item?: unknown;
}

/** Carries a plan out: one confirmation for all of it, then one create call after the other. */
class Creation {
  readonly #options: WorkloadToolOptions;
  readonly #plan: RoutePlan;
  readonly #context: CallContext;
  readonly #notes: string[] = [];
  /** Places that refused for want of room, with what they said. */
  readonly #refused = new Map<string, string>();

  constructor(options: WorkloadToolOptions, plan: RoutePlan, context: CallContext) {
    this.#options = options;
    this.#plan = plan;
    this.#context = context;
  }

  async run(token: string | undefined): Promise<CallValue> {
    const { copies, ignored, requirement, notes, excluded } = this.#plan;
    if (ignored.length > 0)
      throw new ProxMcpError("INVALID_INPUT", `Nothing was created, because not all was understood: ${ignored.join(", ")}.`, {
        next: "Leave these words out, or say what they mean in the fields of the requirement.",
        data: { ignored, requirement },
      });
    if (copies.length < (requirement.count ?? 1)) throw noRoom(this.#plan);
    await this.#confirm(token);
    const created: Created[] = [];
    const errors: (ErrorReport & { readonly name: string })[] = [];
    for (const copy of copies) {
      try {
        created.push(await this.#place(copy));
      } catch (error) {
        const failure = toProxMcpError(error);
        if (copies.length === 1) throw failure;
        errors.push({ name: copy.name, ...failure.report() });
        // What is wrong with one is likely wrong with the next; no room here says nothing about the others' places.
        if (failure.code !== "NO_CAPACITY") break;
      }
    }
    if (created.length === 0 && errors[0]) throw new ProxMcpError(errors[0].code, errors[0].message, { ...errors[0], data: { errors } });
    const said = [...notes, ...this.#notes];
    if (created.length < copies.length) said.push(`${created.length} of ${copies.length} were created.`);
    return {
      created,
      ...(errors.length > 0 ? { errors } : {}),
      ...{ plan: copies, excluded, ignored, requirement },
      ...(said.length > 0 ? { notes: said } : {}),
    };
  }

  /** One question for the whole plan, where any of its calls has to be confirmed. */
  async #confirm(token: string | undefined): Promise<void> {
    const { copies, placements } = this.#plan;
    if (![...copies, ...placements].some((one) => one.create.confirm)) return;
    const { confirmations } = this.#options;
    const calls = copies.map((one) => one.create);
    const connections = [...new Set(copies.map((one) => one.connection))];
    const call = { caller: this.#context.caller, tool: "workload_create", args: calls, connections };
    if (token !== undefined) return await confirmations.redeem(token, call);
    const question = questionOf(this.#plan);
    if (!this.#context.confirm) throw new ProxMcpError("CONFIRMATION_REQUIRED", question, { data: { confirm: confirmations.issue(call) } });
    if (!(await this.#context.confirm(question))) throw new ProxMcpError("DECLINED", `${question} The answer was no.`);
  }

  /** Creates one copy: where the plan says, and where the next best place is as long as one after the other has no room. */
  async #place(planned: Copy): Promise<Created> {
    let copy = planned;
    for (;;) {
      const key = placeKey(copy);
      try {
        return await this.#create(copy);
      } catch (error) {
        if (!isProxMcpError(error) || error.code !== "NO_CAPACITY") throw error;
        this.#refused.set(key, `it refused: ${error.message}`);
        const next = await this.#next(copy.name);
        if (!next) throw new ProxMcpError("NO_CAPACITY", `No place has room for ${copy.name}. ${this.#refusals()}`, error.details);
        this.#notes.push(`${copy.name}: ${placeText(copy)} had no room (${error.message}), so it went to ${placeText(next)}.`);
        copy = next;
      }
    }
  }

  /** The best place that is left, by numbers read anew: those of the plan were wrong once already. */
  async #next(name: string): Promise<Copy | undefined> {
    const { count: _, name: __, ...requirement } = this.#plan.requirement;
    const { placements } = await this.#options.router("workload_create").route({ ...requirement, name }, this.#context, this.#refused);
    // What the user was not asked about is not done, even if it has become possible meanwhile.
    const asked = new Set(this.#plan.placements.map(placeKey));
    const best = placements.find((one) => !one.create.confirm || asked.has(placeKey(one)));
    return best ? { ...best, name } : undefined;
  }

  #refusals(): string {
    return [...this.#refused].map(([key, why]) => `${key}: ${why}`).join("; ");
  }

  async #create(copy: Copy): Promise<Created> {
    const { tool, args } = copy.create;
    const { provider, connection, place, name } = copy;
    const before = await this.#look(copy);
    if (before.there) throw new ProxMcpError("ALREADY_EXISTS", `${placeText(copy)} has a ${name} already.`, { connection });
    const context = { ...this.#context, notes: [], confirmToken: undefined, confirm: async () => true };
    try {
      const value = await this.#options.call(tool, args, context);
      this.#notes.push(...((value["notes"] as string[] | undefined) ?? []), ...(copy.notes ?? []));
      return { name, provider, connection, place, tool, ...(value["item"] === undefined ? {} : { item: value["item"] }) };
    } catch (error) {
      throw await this.#cleaned(toProxMcpError(error), copy, before.there === false);
    }
  }

  /** After a failure: what was half made is removed again, or named if that can't be done. `ours`: nothing of this name was there before. */
  async #cleaned(error: ProxMcpError, copy: Copy, ours: boolean): Promise<ProxMcpError> {
    if (UNTOUCHED.includes(error.code)) return error;
    const what = `${copy.name} on ${placeText(copy)}`;
    const add = (words: string, next?: string): ProxMcpError =>
      new ProxMcpError(error.code, `${error.message.replace(/[.\s]*$/, ".")} ${words}`, { ...error.details, ...(next ? { next } : {}) });
    if (UNCERTAIN.includes(error.code) || this.#context.signal.aborted) return add(`${what} may be there or still be made.`, `Look for ${what}.`);
    const { there, address } = await this.#look(copy);
    if (!there) return error;
    const operation = this.#options.tool(copy.create.tool)?.operation;
    const remove = operation && `${operation.provider.name}_${operation.kind.name}_delete`;
    const tool = remove === undefined ? undefined : this.#options.tool(remove);
    if (tool && ours) {
      const force = "force" in (tool.inputSchema.properties ?? {}) ? { force: true } : {};
      const context = { ...this.#context, notes: [], confirmToken: undefined, confirm: async () => true };
      const gone = await this.#options.call(tool.name, { ...address, ...force }, context).then(
        (value) => value["deleted"] === true,
        () => false,
      );
      if (gone) return add(`${what} was half made and has been removed again.`);
    }
    return add(`${what} is half made and could not be removed.`, `Delete ${what} before trying again.`);
  }

  /** Whether there is an item of this name, and how to address it. `there` is undefined where nobody can say. */
  async #look({ create, name, connection }: Copy): Promise<{ readonly there: boolean | undefined; readonly address: CallValue }> {
    const operation = this.#options.tool(create.tool)?.operation;
    const get = operation && this.#options.tool(`${operation.provider.name}_${operation.kind.name}_get`);
    if (!get) return { there: undefined, address: {} };
    const { provider, kind } = operation;
    const byName = kind.key === "name" || kind.alsoBy?.includes("name");
    const key = create.args[kind.key] ?? (byName ? name : undefined);
    if (key === undefined) return { there: undefined, address: {} };
    const within = Object.fromEntries(Object.keys(kind.within ?? {}).flatMap((at) => (at in create.args ? [[at, create.args[at]]] : [])));
    const address = { [kind.key]: String(key), ...within, [provider.connection.noun]: connection };
    try {
      await this.#options.call(get.name, address, { ...this.#context, notes: [], confirmToken: undefined });
      return { there: true, address };
    } catch (error) {
      return { there: isProxMcpError(error) && error.code === "NOT_FOUND" ? false : undefined, address };
    }
  }
}

const placeText = ({ connection, place }: Pick<Copy, "connection" | "place">): string =>
  connection === place ? connection : `${connection} (${place})`;

function noRoom({ copies, excluded, requirement }: RoutePlan): ProxMcpError {
  const why = excluded.map((one) => `${one.connection}${one.place ? ` (${one.place})` : ""}${one.isolation ? `, ${one.isolation}` : ""}: ${one.why}`);
  const count = requirement.count ?? 1;
  const head = count > 1 ? `There is room for ${copies.length} of ${count}; nothing was created.` : "No place can take this; nothing was created.";
  return new ProxMcpError("NO_CAPACITY", [head, ...why].join(" "), { data: { excluded, requirement } });
}

function questionOf({ copies, placements }: RoutePlan): string {
  const calls = copies.map(
    (copy) => `${copy.name} as ${copy.isolation} on ${placeText(copy)} by ${copy.create.tool} ${JSON.stringify(copy.create.args)}`,
  );
  const [chosen] = copies;
  const others = placements.filter((one) => !copies.some((copy) => placeKey(copy) === placeKey(one))).map(placeText);
  const reason = chosen?.reasons[0]?.why;
  return `Create ${calls.join("; ")}?${reason ? ` Why there: ${reason}.` : ""}${others.length > 0 ? ` If there is no room: ${[...new Set(others)].join(", ")}.` : ""}`;
}
