import { randomUUID } from "node:crypto";
import type { AsyncLocalStorage } from "node:async_hooks";
import { Access } from "./access.js";
import { audited, type CallValue } from "./call/audited.js";
import { Confirmations } from "./call/confirm.js";
import type { CallContext, Caller } from "./call/context.js";
import { Dispatcher, type OperationTool } from "./call/dispatch.js";
import { Invoker } from "./call/invoke.js";
import { POLICY } from "./call/policy.js";
import { type CheckedConfig, DEFAULTS, limitsOf } from "./config/schema.js";
import type { Secrets } from "./config/secrets.js";
import type { Connections } from "./connections.js";
import type { Services } from "./container.js";
import type { Progress } from "./declare/action.js";
import type { Provider } from "./declare/provider.js";
import { CLOCK, LOGGER, type Logger, STATE } from "./declare/tokens.js";
import { type DefinitionOptions, definitionOf, type ToolDefinitions } from "./derive/definitions.js";
import { deriveRoutes, type Route } from "./derive/routes.js";
import { SEARCH_TOOLS, type Surface, surfaceOf } from "./derive/surface.js";
import { deriveTools, type Tool } from "./derive/tools.js";
import { deriveVocabulary, type Vocabulary } from "./derive/vocabulary.js";
import { ProxMcpError } from "./errors.js";
import { peersOf } from "./peers.js";
import { QueryEngine } from "./query/engine.js";
import type { QueryHelp } from "./query/help.js";
import type { Interpretation } from "./query/interpret.js";
import type { QueryAnswer } from "./query/run.js";
import type { Requirement } from "./route/requirement.js";
import { Router, type RoutePlan } from "./route/router.js";
import { routingOf } from "./route/rules.js";
import type { AttachableServer, AttachOptions } from "./server/attach.js";
import type { HandlerOptions, RequestHandler } from "./server/http.js";
import type { Serving } from "./server/stdio.js";
import { AUDIT, CACHE, SIGNER } from "./services/tokens.js";
import { coreTools } from "./tools/all.js";
import { type ConfigPlace, connectingTools } from "./tools/connecting.js";
import { testConnection, type TestedConnection } from "./tools/connections.js";
import { type Overview, type OverviewOptions, overviewOf } from "./tools/overview.js";
import type { QueryArgs } from "./tools/query.js";
import { rank } from "./tools/search.js";
import type { CoreTool } from "./tools/tool.js";
import type { ArgsOf, ResultOfCall, ToolName } from "./typed.js";
import { explain, type Explanation } from "./why.js";

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

/** What an instance is made of. */
export interface Parts {
  readonly config: CheckedConfig;
  readonly services: Services;
  readonly secrets: Secrets;
  readonly providers: readonly Provider[];
  readonly connections: Connections;
  /** Who calls where nobody is named. */
  readonly caller: Caller;
  /** Who is calling, for what runs below a call without being told. */
  readonly calling: AsyncLocalStorage<Caller>;
  /** Where the config is from. */
  readonly place: ConfigPlace;
}

/** One ProxMCP: plugins, connections, tools. Several can live in one process; nothing is shared between them. */
// oxlint-disable-next-line typescript/no-explicit-any -- an app of any plugins is what most functions take
export class ProxMcp<Tools = any> {
  readonly #parts: Parts;
  readonly #logger: Logger;
  readonly #access: Access;
  readonly #invoker: Invoker;
  readonly #dispatcher: Dispatcher;
  readonly #queries: QueryEngine;
  readonly #tools: readonly (Tool | CoreTool)[];
  readonly #byName = new Map<string, Tool | CoreTool>();

  /** Use `createProxMcp`. */
  constructor(parts: Parts) {
    const { config, services, connections } = parts;
    this.#parts = parts;
    this.#logger = services.get(LOGGER);
    const policy = services.get(POLICY);
    const signer = services.get(SIGNER);
    const clock = services.get(CLOCK);
    const limits = limitsOf(config);
    const confirmations = new Confirmations(signer, services.get(STATE), clock);
    this.#access = new Access(policy, connections, this.surface, parts.caller);
    this.#invoker = new Invoker(services.get(CACHE), this.#logger, clock);
    const calling = { invoker: this.#invoker, signer, logger: this.#logger };
    this.#dispatcher = new Dispatcher({ ...calling, policy, confirmations, limits, connections });
    this.#queries = new QueryEngine(
      {
        ...{ ...calling, clock, timeout: limits.readTimeout, maxBytes: limits.outputBytes },
        entries: (caller, provider, name) => {
          const tool = this.#byName.get(name);
          const entries = tool ? this.#access.entries(tool, provider, caller) : [];
          return entries.filter((entry) => !this.#access.barred(entry.name, this.#known("inventory_query"), caller));
        },
      },
      () => this.#connected(),
      connections,
    );
    this.#tools = [
      ...coreTools({
        ...{ config, access: this.#access, connections, confirmations, queries: this.#queries, logger: this.#logger, clock },
        router: (through) => this.#router(through),
        looking: () => this.#looking(),
        allowed: (context) => this.#allowed(context.caller),
        find: (name) => this.#byName.get(name),
        call: async (name, args, context) => await this.#perform(name, args, context),
      }),
      ...parts.providers.flatMap((provider) =>
        connectingTools(provider, {
          ...{ services, secrets: parts.secrets, confirmations, connections, limits, place: parts.place },
          peers: (name) =>
            peersOf(
              () => connections.of(name),
              policy,
              () => parts.calling.getStore() ?? parts.caller,
            ),
        }),
      ),
      ...this.#connected().flatMap((provider) =>
        deriveTools(provider, {
          connections: connections.names(provider.name),
          confirms: (tool) => this.#access.confirms(tool, provider.name),
        }),
      ),
    ];
    // That none of these means two tools was made sure of when the plugins were loaded.
    for (const tool of this.#tools) for (const name of [tool.name, ...tool.aliases]) this.#byName.set(name, tool);
  }

  /** The connections, in the order of their providers. */
  get connections(): readonly { readonly name: string; readonly provider: string; readonly from: string }[] {
    return this.#parts.connections.all.map(({ name, provider, from }) => ({ name, provider: provider.name, from }));
  }

  /** Those of the connections that a caller is to know of. */
  connectionsFor(caller: Caller): ProxMcp["connections"] {
    return this.connections.filter(({ name }) => !this.#access.barred(name, this.#known("connection_list"), caller));
  }

  /** Who calls where nobody is named. */
  get caller(): Caller {
    return this.#parts.caller;
  }

  get providers(): readonly Provider[] {
    return this.#parts.providers;
  }

  get surface(): Surface {
    // An allowlist without a surface is the surface.
    return this.#parts.config.tools?.surface ?? (this.#parts.config.tools?.allow ? "all" : DEFAULTS.surface);
  }

  /** The tools that are listed to a caller: on the surface and allowed. */
  tools(surface: Surface = this.surface, caller: Caller = this.caller): readonly Tool[] {
    return surfaceOf(this.#allowed(caller), surface);
  }

  /** A tool by its name or an alias, if the caller may call it. Throws TOOL_UNKNOWN or TOOL_DENIED. */
  tool(name: string, caller: Caller = this.caller): Tool {
    const tool = this.#byName.get(name);
    if (!tool || !this.#access.exists(tool)) throw new ProxMcpError("TOOL_UNKNOWN", `There is no tool ${JSON.stringify(name)}.`);
    this.#access.check(tool, caller);
    return tool;
  }

  /** Which rule lists or hides a tool, and where it may be called. Throws TOOL_UNKNOWN. */
  why(name: string, { caller = this.caller, surface = this.surface }: { readonly caller?: Caller; readonly surface?: Surface } = {}): Explanation {
    const tool = this.#byName.get(name);
    if (!tool) {
      const near = rank(this.#tools, name).slice(0, 5);
      const hint = SEARCH_TOOLS.includes(name)
        ? 'It is there where tools.surface is "search".'
        : `Near: ${near.map((one) => one.name).join(", ") || "none"}.`;
      throw new ProxMcpError("TOOL_UNKNOWN", `There is no tool ${JSON.stringify(name)}. ${hint}`);
    }
    const { services, connections } = this.#parts;
    return explain(tool, { access: this.#access, policy: services.get(POLICY), connections, surface, caller });
  }

  /** Calls a tool. Answers its structured result, or throws a ProxMcpError. */
  async call<Name extends ToolName<Tools>>(name: Name, args?: ArgsOf<Tools, Name>, options: CallOptions = {}): Promise<ResultOfCall<Tools, Name>> {
    const { confirm } = options;
    const value = await this.#perform(name, (args ?? {}) as CallValue, {
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
    return this.#queries.interpret(text);
  }

  /** What can be asked for, with examples: from what is loaded. */
  queryHelp(): QueryHelp {
    return this.#queries.help();
  }

  /** How a question that someone has begun could go on: whole questions, the likely ones first. */
  completeQuery(text: string): readonly string[] {
    return this.#queries.complete(text);
  }

  /** The words that queries can use, from the declarations of the providers that have a connection. */
  vocabulary(): Vocabulary {
    return deriveVocabulary(this.#connected());
  }

  /** Which workloads can go where, from the declarations and the connections. */
  routes(): readonly Route[] {
    return deriveRoutes(this.#connected(), (provider) => this.#parts.connections.names(provider));
  }

  /** Where a workload could run, best first, with reasons, exclusions and the create call for each. Takes a sentence, fields, or both. */
  async route(requirement: Requirement | string, options: CallOptions = {}): Promise<RoutePlan> {
    const context = this.#context(options);
    this.#access.check(this.#known("workload_suggest"), context.caller);
    return this.#parts.secrets.mask(await this.#router("workload_suggest").route(requirement, context));
  }

  /** What there is and what of it is in use: per provider, connection and node. */
  async overview(options: CallOptions = {}): Promise<Overview> {
    const context = this.#context(options);
    this.#access.check(this.#known("inventory_overview"), context.caller);
    return this.#parts.secrets.mask(await overviewOf(this.#looking(), context));
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

  async #perform(name: string, args: Readonly<Record<string, unknown>>, context: CallContext): Promise<CallValue> {
    const services = {
      audit: this.#parts.services.get(AUDIT),
      clock: this.#parts.services.get(CLOCK),
      secrets: this.#parts.secrets,
      logger: this.#logger,
    };
    return await audited(name, args, context, services, async (trace) => {
      const tool = this.tool(name, context.caller) as Tool | CoreTool;
      trace.tool = tool;
      return await this.#parts.calling.run(context.caller, async () => {
        if ("run" in tool) return await tool.run(args, context);
        const { value, connections } = await this.#dispatcher.dispatch(tool as OperationTool, args, context);
        trace.connections = connections;
        return value;
      });
    });
  }

  /** What looks at all connections at once needs. */
  #looking(): OverviewOptions {
    const { services, connections } = this.#parts;
    const looking = { logger: this.#logger, clock: services.get(CLOCK), invoker: this.#invoker };
    return { connections, tools: this.#tools, policy: services.get(POLICY), ...looking };
  }

  #router(through: string): Router {
    const { name, aliases } = this.#known(through);
    // Asking where something could run only reads, whichever tool asks.
    const asking = { name, aliases, safety: "read" } as const;
    return new Router({ ...this.#looking(), routing: routingOf(this.#parts.config.routing), through: asking });
  }

  /** One of the core's own tools. */
  #known(name: string): Tool {
    const tool = this.#byName.get(name);
    if (!tool) throw new ProxMcpError("INTERNAL", `There is no tool ${name}.`);
    return tool;
  }

  #context({ caller = this.caller, signal = new AbortController().signal, progress }: CallOptions): CallContext {
    return { caller, call: randomUUID(), signal, progress: this.#masked(progress), notes: [] };
  }

  #masked(report: ((progress: Progress) => void) | undefined): (progress: Progress) => void {
    return (progress) => report?.({ ...progress, ...(progress.message ? { message: this.#parts.secrets.maskText(progress.message) } : {}) });
  }

  #allowed(caller: Caller): readonly (Tool | CoreTool)[] {
    return this.#tools.filter((tool) => this.#access.refusal(tool, caller) === undefined);
  }

  #connected(): readonly Provider[] {
    return this.#parts.providers.filter((provider) => this.#parts.connections.of(provider.name).length > 0);
  }
}
