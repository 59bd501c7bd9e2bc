import { randomUUID } from "node:crypto";
import type { CallValue } from "./call/audited.js";
import type { CallContext, Caller } from "./call/context.js";
import { POLICY } from "./call/policy.js";
import type { Services } from "./container.js";
import type { Progress } from "./declare/action.js";
import type { Provider } from "./declare/provider.js";
import { CLOCK, LOGGER, type Logger, STATE } from "./declare/tokens.js";
import { type DefinitionOptions, definitionOf, type ToolDefinitions } from "./derive/definitions.js";
import { deriveRoutes, type Route } from "./derive/routes.js";
import { SEARCH_TOOLS, type Surface, surfaceOf } from "./derive/surface.js";
import type { Tool } from "./derive/tools.js";
import { deriveVocabulary, type Vocabulary } from "./derive/vocabulary.js";
import { ProxMcpError } from "./errors.js";
import type { QueryHelp } from "./query/help.js";
import type { Interpretation } from "./query/interpret.js";
import type { QueryAnswer } from "./query/run.js";
import type { Requirement } from "./route/requirement.js";
import type { RoutePlan } from "./route/router.js";
import type { AttachableServer, AttachOptions } from "./server/attach.js";
import type { HandlerOptions, RequestHandler } from "./server/http.js";
import type { Serving } from "./server/stdio.js";
import { SIGNER } from "./services/tokens.js";
import { testConnection, type TestedConnection } from "./tools/connections.js";
import { type Overview, overviewOf } from "./tools/overview.js";
import type { QueryArgs } from "./tools/query.js";
import { rank } from "./tools/search.js";
import type { ArgsOf, ResultOfCall, ToolName } from "./typed.js";
import { explain, type Explanation } from "./why.js";
import { Engine, type Parts } from "./engine.js";

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly caller?: Caller | undefined;
  readonly progress?: ((progress: Progress) => void) | undefined;
  /** Asks the user about a call that has to be confirmed; `true` says yes to this one. Without it such a call is refused with a token. */
  readonly confirm?: true | ((question: string) => Promise<boolean>) | undefined;
  /** The token of an earlier refusal. */
  readonly confirmToken?: string | undefined;
}

export type { CallValue };

/** One ProxMCP: plugins, connections, tools. Several can live in one process; nothing is shared between them. */
// oxlint-disable-next-line typescript/no-explicit-any -- an app of any plugins is what most functions take
export class ProxMcp<Tools = any> {
  readonly #parts: Parts;
  readonly #logger: Logger;
  readonly #engine: Engine;

  /** Use `createProxMcp`. */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.#logger = parts.services.get(LOGGER);
    this.#engine = new Engine(parts);
  }

  /** The connections, in the order of their providers. */
  get connections(): readonly { readonly name: string; readonly provider: string; readonly from: string }[] {
    return this.#parts.connections.all.map(({ name, provider, from }) => ({ name, provider: provider.name, from }));
  }

  /** Those of the connections that a caller is to know of. */
  connectionsFor(caller: Caller): ProxMcp["connections"] {
    return this.connections.filter(({ name }) => !this.#engine.access.barred(name, this.#engine.known("connection_list"), caller));
  }

  /** Who calls where nobody is named. */
  get caller(): Caller {
    return this.#parts.caller;
  }

  get providers(): readonly Provider[] {
    return this.#parts.providers;
  }

  get surface(): Surface {
    return this.#engine.surface;
  }

  /** The tools that are listed to a caller: on the surface and allowed. */
  tools(surface: Surface = this.surface, caller: Caller = this.caller): readonly Tool[] {
    return surfaceOf(this.#engine.allowed(caller), surface);
  }

  /** A tool by its name or an alias, if the caller may call it. Throws TOOL_UNKNOWN or TOOL_DENIED. */
  tool(name: string, caller: Caller = this.caller): Tool {
    return this.#engine.callable(name, caller);
  }

  /** Which rule lists or hides a tool, and where it may be called. Throws TOOL_UNKNOWN. */
  why(name: string, { caller = this.caller, surface = this.surface }: { readonly caller?: Caller; readonly surface?: Surface } = {}): Explanation {
    const tool = this.#engine.find(name);
    if (!tool) {
      const near = rank(this.#engine.tools, name).slice(0, 5);
      const hint = SEARCH_TOOLS.includes(name)
        ? 'It is there where tools.surface is "search".'
        : `Near: ${near.map((one) => one.name).join(", ") || "none"}.`;
      throw new ProxMcpError("TOOL_UNKNOWN", `There is no tool ${JSON.stringify(name)}. ${hint}`);
    }
    const { services, connections } = this.#parts;
    return explain(tool, { access: this.#engine.access, policy: services.get(POLICY), connections, surface, caller });
  }

  /** Calls a tool. Answers its structured result, or throws a ProxMcpError. */
  async call<Name extends ToolName<Tools>>(name: Name, args?: ArgsOf<Tools, Name>, options: CallOptions = {}): Promise<ResultOfCall<Tools, Name>> {
    const { confirm } = options;
    const value = await this.#engine.perform(name, (args ?? {}) as CallValue, {
      ...this.#context(options),
      confirm: confirm === true ? async () => true : confirm,
      confirmToken: options.confirmToken,
    });
    return value as ResultOfCall<Tools, Name>;
  }

  /** Asks in words, over everything that is connected. Throws when the text means nothing here. */
  async query(text: string, options: Omit<QueryArgs, "query"> & CallOptions = {}): Promise<QueryAnswer> {
    const { connection, limit, cursor, ...call } = options;
    const args = { query: text, ...(connection ? { connection } : {}), ...(limit ? { limit } : {}), ...(cursor ? { cursor } : {}) };
    return (await (this as ProxMcp).call("inventory_query", args, call)) as unknown as QueryAnswer;
  }

  /** How a query would be understood. Asks no platform. */
  interpret(text: string): Interpretation {
    return this.#engine.queries.interpret(text);
  }

  /** What can be asked for, with examples: from what is loaded. */
  queryHelp(): QueryHelp {
    return this.#engine.queries.help();
  }

  /** How a question that someone has begun could go on: whole questions, the likely ones first. */
  completeQuery(text: string): readonly string[] {
    return this.#engine.queries.complete(text);
  }

  /** The words that queries can use, from the declarations of the providers that have a connection. */
  vocabulary(): Vocabulary {
    return deriveVocabulary(this.#engine.connected());
  }

  /** Which workloads can go where, from the declarations and the connections. */
  routes(): readonly Route[] {
    return deriveRoutes(this.#engine.connected(), (provider) => this.#parts.connections.names(provider));
  }

  /** Where a workload could run, best first, with reasons, exclusions and the create call for each. Takes a sentence, fields, or both. */
  async route(requirement: Requirement | string, options: CallOptions = {}): Promise<RoutePlan> {
    const context = this.#context(options);
    this.#engine.access.check(this.#engine.known("workload_suggest"), context.caller);
    return this.#parts.secrets.mask(await this.#engine.router("workload_suggest").route(requirement, context));
  }

  /** What there is and what of it is in use: per provider, connection and node. */
  async overview(options: CallOptions = {}): Promise<Overview> {
    const context = this.#context(options);
    this.#engine.access.check(this.#engine.known("inventory_overview"), context.caller);
    return this.#parts.secrets.mask(await overviewOf(this.#engine.looking(), context));
  }

  /** Tests every connection at once. For who runs the server: it asks no rules. */
  async test(): Promise<readonly TestedConnection[]> {
    const context = this.#context({});
    const services = { logger: this.#logger, clock: this.#parts.services.get(CLOCK) };
    return this.#parts.secrets.mask(await Promise.all(this.#parts.connections.all.map((entry) => testConnection(entry, services, context))));
  }

  /** Whether connections are tested when a server starts. */
  get checksAtStart(): boolean {
    return this.#parts.config.checkAtStart ?? false;
  }

  /** Tests every connection and logs what it finds. Never throws: one that is down stays configured, and is asked again when it is needed. */
  async check(): Promise<void> {
    for (const { name, provider, ok, version, warnings = [], error } of await this.test()) {
      const about = { connection: name, provider };
      if (ok) this.#logger.info("connection answers", { ...about, version });
      else {
        const facts = { ...about, code: error?.code, reason: error?.message, next: error?.next };
        this.#logger.warn("connection does not answer; the others are served, and it is asked again when it is needed", facts);
      }
      for (const warning of warnings) this.#logger.warn(warning, about);
    }
  }

  /** Masks every known secret in a text. */
  mask(text: string): string {
    return this.#parts.secrets.maskText(text);
  }

  get logger(): Logger {
    return this.#logger;
  }

  /** Whether confirmations are asked for by elicitation where a client has it. */
  get elicits(): boolean {
    return this.#parts.config.tools?.confirmBy !== "token";
  }

  /** Serves MCP over this process's stdin and stdout, until the client goes or `close` is called. */
  async serve(): Promise<Serving> {
    return (await import("./server/stdio.js")).serveOverStdio(this);
  }

  /** MCP over HTTP, as a handler for a server that somebody else runs: `Request` to `Response`, or Node's `(req, res)`. */
  async handler(options?: HandlerOptions): Promise<RequestHandler> {
    return (await import("./server/http.js")).createRequestHandler(this, options);
  }

  /** Gives an MCP server of either SDK the tools of this app, beside its own. Answers their names. */
  async attach(server: AttachableServer, options?: AttachOptions): Promise<readonly string[]> {
    return (await import("./server/attach.js")).attach(this, server, options);
  }

  /** The listed tools as a model API takes them. What the model calls then goes to `call`. */
  toolDefinitions<Format extends keyof ToolDefinitions>(options: DefinitionOptions<Format>): ToolDefinitions[Format][] {
    const { format, surface = this.surface, caller = this.caller } = options;
    return this.tools(surface, caller).map((tool) => definitionOf(tool, format));
  }

  /** Gives another app what must not be lost when it takes the place of this one. */
  handOver(services: Services): void {
    services.value(SIGNER, this.#parts.services.get(SIGNER));
    services.value(STATE, this.#parts.services.get(STATE));
  }

  /** Closes clients and services, in order. Calls under way fail. */
  async close(): Promise<void> {
    await this.#parts.services.close();
  }

  #context({ caller = this.caller, signal = new AbortController().signal, progress }: CallOptions): CallContext {
    return { caller, call: randomUUID(), signal, progress: this.#masked(progress), notes: [] };
  }

  #masked(report: ((progress: Progress) => void) | undefined): (progress: Progress) => void {
    return (progress) => report?.({ ...progress, ...(progress.message ? { message: this.#parts.secrets.maskText(progress.message) } : {}) });
  }
}
