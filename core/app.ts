import { randomUUID } from "node:crypto";
import type { DependencyContainer } from "tsyringe";
import { Confirmations } from "./call/confirm.js";
import type { CallContext, Caller } from "./call/context.js";
import { audited, type CallValue } from "./call/audited.js";
import { Dispatcher, type OperationTool } from "./call/dispatch.js";
import { Invoker } from "./call/invoke.js";
import { POLICY, type Policy } from "./call/policy.js";
import { type ConfiguredConnection, inventory } from "./config/inventory.js";
import { checkConfig } from "./config/load.js";
import { loadPlugin } from "./config/plugins.js";
import { type CheckedConfig, type Config, DEFAULTS } from "./config/schema.js";
import { Secrets } from "./config/secrets.js";
import { ConnectionEntry } from "./connections.js";
import { Services } from "./container.js";
import type { Progress } from "./declare/action.js";
import type { Provider } from "./declare/provider.js";
import { CLOCK, LOGGER, type Logger, PEERS, type Peers, STATE } from "./declare/tokens.js";
import { creators, deriveRoutes, type Route } from "./derive/routes.js";
import { SEARCH_TOOLS, type Surface, surfaceOf } from "./derive/surface.js";
import { deriveTools, type Tool } from "./derive/tools.js";
import { deriveVocabulary, type Vocabulary } from "./derive/vocabulary.js";
import { ProxMcpError } from "./errors.js";
import { QueryEngine } from "./query/engine.js";
import type { QueryHelp } from "./query/help.js";
import type { Interpretation } from "./query/interpret.js";
import type { QueryAnswer } from "./query/run.js";
import { registerServices } from "./services/register.js";
import { AUDIT, CACHE, SIGNER } from "./services/tokens.js";
import { Router, type RoutePlan } from "./route/router.js";
import { routingOf } from "./route/rules.js";
import type { Requirement } from "./route/requirement.js";
import { connectionTools, testConnection, type TestedConnection } from "./tools/connections.js";
import { overviewOf, overviewTool, type Overview } from "./tools/overview.js";
import { type QueryArgs, queryTool } from "./tools/query.js";
import { searchTools } from "./tools/search.js";
import type { CoreTool } from "./tools/tool.js";
import { workloadTools } from "./tools/workload.js";

/** What `createProxMcp` takes beside the config itself. */
export interface Setup extends Config {
  /** Replaces services: `(container) => container.register(CLOCK, { useValue: fixedClock })`. */
  readonly services?: (container: DependencyContainer) => void;
  /** Folder that relative paths and plugin names are resolved from. Default: the current one. */
  readonly folder?: string;
  /** Named in errors as the place the config came from. */
  readonly file?: string;
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

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

const LOCAL: Caller = { id: "local" };

/** One ProxMCP: plugins, connections, tools. Several can live in one process; nothing is shared between them. */
export class ProxMcp {
  readonly #config: CheckedConfig;
  readonly #services: Services;
  readonly #secrets: Secrets;
  readonly #policy: Policy;
  readonly #logger: Logger;
  readonly #entries: readonly ConnectionEntry[];
  readonly #providers: readonly Provider[];
  readonly #invoker: Invoker;
  readonly #confirmations: Confirmations;
  readonly #dispatcher: Dispatcher;
  readonly #queries: QueryEngine;
  readonly #tools: readonly (Tool | CoreTool)[];
  readonly #preferred: ReadonlyMap<string, string>;
  readonly #byName = new Map<string, Tool | CoreTool>();

  /** Use `createProxMcp`. */
  constructor(
    config: CheckedConfig,
    services: Services,
    secrets: Secrets,
    providers: readonly Provider[],
    configured: readonly ConfiguredConnection[],
  ) {
    this.#config = config;
    this.#services = services;
    this.#secrets = secrets;
    this.#providers = providers;
    this.#preferred = new Map(configured.filter((one) => one.preferred).map((one) => [one.provider.name, one.name]));
    this.#policy = services.get(POLICY);
    this.#logger = services.get(LOGGER);
    const signer = services.get(SIGNER);
    const clock = services.get(CLOCK);
    const { limits = {} } = config;
    this.#entries = providers.flatMap((provider) => {
      const ofPlugin = services.child();
      ofPlugin.value(PEERS, this.#peersOf(provider.name));
      return configured
        .filter((one) => one.provider === provider)
        .map(({ name, options, tags, from, match }) => {
          const connection = { name, provider: provider.name, options, tags };
          return new ConnectionEntry(provider, connection, {
            services: ofPlugin.child(),
            from,
            match,
            concurrency: limits.concurrency ?? DEFAULTS.concurrency,
          });
        });
    });
    this.#invoker = new Invoker(services.get(CACHE), this.#logger, clock);
    this.#confirmations = new Confirmations(signer, services.get(STATE), clock);
    this.#dispatcher = new Dispatcher({
      invoker: this.#invoker,
      policy: this.#policy,
      confirmations: this.#confirmations,
      signer,
      logger: this.#logger,
      limits: {
        readTimeout: limits.readTimeout ?? DEFAULTS.readTimeout,
        writeTimeout: limits.writeTimeout ?? DEFAULTS.writeTimeout,
        outputBytes: limits.outputBytes ?? DEFAULTS.outputBytes,
      },
      entries: (provider) => this.#entriesOf(provider),
      fallback: (provider) => this.#fallback(provider),
    });
    this.#queries = new QueryEngine(
      {
        invoker: this.#invoker,
        signer,
        clock,
        timeout: limits.readTimeout ?? DEFAULTS.readTimeout,
        maxBytes: limits.outputBytes ?? DEFAULTS.outputBytes,
        entries: (caller, provider, tool) => this.#listable(caller, provider, tool),
      },
      () => this.#connected(),
      this.#entries.map(({ name, provider, connection }) => ({ name, provider: provider.name, tags: connection.tags })),
    );
    this.#tools = [...this.#coreTools(), ...providers.flatMap((provider) => this.#toolsOf(provider))];
    for (const tool of this.#tools) {
      for (const name of [tool.name, ...tool.aliases]) {
        const other = this.#byName.get(name);
        if (other) throw new ProxMcpError("PLUGIN_INVALID", `The tool name ${name} means both ${other.name} and ${tool.name}.`);
        this.#byName.set(name, tool);
      }
    }
  }

  /** The connections, in the order of their providers. */
  get connections(): readonly { readonly name: string; readonly provider: string; readonly from: string }[] {
    return this.#entries.map(({ name, provider, from }) => ({ name, provider: provider.name, from }));
  }

  get providers(): readonly Provider[] {
    return this.#providers;
  }

  get surface(): Surface {
    // An allowlist without a surface is the surface.
    return this.#config.tools?.surface ?? (this.#config.tools?.allow ? "all" : DEFAULTS.surface);
  }

  /** The tools that are listed to a caller: on the surface and allowed. */
  tools(surface: Surface = this.surface, caller: Caller = LOCAL): readonly Tool[] {
    return surfaceOf(this.#allowed(caller), surface);
  }

  /** A tool by its name or an alias, if the caller may call it. Throws TOOL_UNKNOWN or TOOL_DENIED. */
  tool(name: string, caller: Caller = LOCAL): Tool {
    const tool = this.#byName.get(name);
    if (!tool || (SEARCH_TOOLS.includes(tool.name) && this.surface !== "search"))
      throw new ProxMcpError("TOOL_UNKNOWN", `There is no tool ${JSON.stringify(name)}.`);
    const why = this.#refusal(tool, caller);
    if (why) throw new ProxMcpError("TOOL_DENIED", `${tool.name} is not allowed: ${why}.`);
    return tool;
  }

  /** Calls a tool. Answers its structured result, or throws a ProxMcpError. */
  async call(name: string, args: Readonly<Record<string, unknown>> = {}, options: CallOptions = {}): Promise<CallValue> {
    const { confirm } = options;
    return await this.#perform(name, args, {
      caller: options.caller ?? LOCAL,
      call: randomUUID(),
      signal: options.signal ?? new AbortController().signal,
      progress: this.#masked(options.progress),
      notes: [],
      confirm: confirm === true ? async () => true : confirm,
      confirmToken: options.confirmToken,
    });
  }

  /** Asks in words, over everything that is connected. Throws when the text means nothing here. */
  async query(text: string, options: Omit<QueryArgs, "query"> & CallOptions = {}): Promise<QueryAnswer> {
    const { connection, limit, cursor, ...call } = options;
    const args = { query: text, ...(connection ? { connection } : {}), ...(limit ? { limit } : {}), ...(cursor ? { cursor } : {}) };
    return (await this.call("inventory_query", args, call)) as unknown as QueryAnswer;
  }

  /** How a query would be understood. Asks no platform. */
  interpret(text: string): Interpretation {
    return this.#queries.interpret(text);
  }

  /** What can be asked for, with examples: from what is loaded. */
  queryHelp(): QueryHelp {
    return this.#queries.help();
  }

  /** The words that queries can use, from the declarations of the providers that have a connection. */
  vocabulary(): Vocabulary {
    return deriveVocabulary(this.#connected());
  }

  /** Which workloads can go where, from the declarations and the connections. */
  routes(): readonly Route[] {
    return deriveRoutes(this.#connected(), (provider) => this.#entriesOf(provider).map((entry) => entry.name));
  }

  /** Where a workload could run, best first, with reasons, exclusions and the create call for each. Takes a sentence, fields, or both. */
  async route(requirement: Requirement | string, options: CallOptions = {}): Promise<RoutePlan> {
    return this.#secrets.mask(await this.#router().route(requirement, contextOf(options)));
  }

  /** What there is and what of it is in use: per provider, connection and node. */
  async overview(options: CallOptions = {}): Promise<Overview> {
    return this.#secrets.mask(await overviewOf(this.#looking(), contextOf(options)));
  }

  /** Tests every connection at once. */
  async test(): Promise<readonly TestedConnection[]> {
    const context = { caller: LOCAL, call: randomUUID(), signal: new AbortController().signal, progress: () => {}, notes: [] };
    const services = { logger: this.#logger, clock: this.#services.get(CLOCK) };
    return this.#secrets.mask(await Promise.all(this.#entries.map((entry) => testConnection(entry, services, context))));
  }

  /** Masks every known secret in a text. */
  mask(text: string): string {
    return this.#secrets.maskText(text);
  }

  get logger(): Logger {
    return this.#logger;
  }

  /** Whether confirmations are asked for by elicitation where a client has it. */
  get elicits(): boolean {
    return this.#config.tools?.confirmBy !== "token";
  }

  /** Closes clients and services, in order. Calls under way fail. */
  async close(): Promise<void> {
    await this.#services.close();
  }

  async #perform(name: string, args: Readonly<Record<string, unknown>>, context: CallContext): Promise<CallValue> {
    const services = { audit: this.#services.get(AUDIT), clock: this.#services.get(CLOCK), secrets: this.#secrets, logger: this.#logger };
    return await audited(name, args, context, services, async (trace) => {
      const tool = this.tool(name, context.caller) as Tool | CoreTool;
      trace.tool = tool;
      if ("run" in tool) return await tool.run(args, context);
      const { value, connections } = await this.#dispatcher.dispatch(tool as OperationTool, args, context);
      trace.connections = connections;
      return value;
    });
  }

  /** What looks at all connections at once needs. */
  #looking() {
    const services = { logger: this.#logger, clock: this.#services.get(CLOCK) };
    return { entries: this.#entries, tools: this.#tools, policy: this.#policy, invoker: this.#invoker, ...services };
  }

  #router(): Router {
    return new Router({ ...this.#looking(), routing: routingOf(this.#config.routing) });
  }

  #masked(report: ((progress: Progress) => void) | undefined): (progress: Progress) => void {
    return (progress) => report?.({ ...progress, ...(progress.message ? { message: this.#secrets.maskText(progress.message) } : {}) });
  }

  #coreTools(): readonly CoreTool[] {
    const services = { logger: this.#logger, clock: this.#services.get(CLOCK) };
    const matches = this.#config.connections ?? {};
    const search = searchTools({
      tools: (context) => surfaceOf(this.#allowed(context.caller), "all"),
      find: (name, context) => {
        try {
          return this.tool(name, context.caller);
        } catch {
          return undefined;
        }
      },
      call: async (name, args, context) => await this.#perform(name, args, context),
      readOnly: this.#config.tools?.readOnly ?? false,
    });
    const find = (name: string): Tool | undefined => this.#byName.get(name);
    return [
      overviewTool(() => this.#looking()),
      ...workloadTools({
        router: () => this.#router(),
        tool: find,
        call: async (name, args, context) => await this.#perform(name, args, context),
        confirmations: this.#confirmations,
        confirms: this.#entries.some((entry) =>
          creators(entry.provider).some((tool) => {
            const decision = this.#policy.decide(LOCAL, tool, entry.name);
            return decision.allowed && decision.confirm;
          }),
        ),
      }),
      queryTool(async (args, context) =>
        args.query.trim() === "" ? { items: [], total: 0, help: this.#queries.help() } : { ...(await this.#queries.run(args, context)) },
      ),
      ...connectionTools({
        entries: this.#entries,
        fallback: (provider) => this.#fallback(provider),
        match: (name) => matches[name]?.match ?? [],
        ...services,
      }),
      ...(this.surface === "search" ? search : []),
    ];
  }

  #toolsOf(provider: Provider): readonly Tool[] {
    const names = this.#entriesOf(provider.name).map((entry) => entry.name);
    if (names.length === 0) return [];
    return deriveTools(provider, {
      connections: names,
      confirms: (tool) =>
        names.some((name) => {
          const decision = this.#policy.decide(LOCAL, tool, name);
          return decision.allowed && decision.confirm;
        }),
    });
  }

  #allowed(caller: Caller): readonly (Tool | CoreTool)[] {
    return this.#tools.filter((tool) => this.#refusal(tool, caller) === undefined);
  }

  /** Why a caller may not call a tool on any connection; undefined if there is one on which it may. */
  #refusal(tool: Tool, caller: Caller): string | undefined {
    const general = this.#policy.decide(caller, tool);
    // What the search tools reach is decided again for each tool behind them, so an allowlist need not name them.
    const reaching = SEARCH_TOOLS.includes(tool.name) && !general.allowed && general.by === "allow";
    if (!general.allowed && !reaching) return general.why;
    if (!tool.operation) return undefined;
    const decisions = this.#entriesOf(tool.operation.provider.name).map((entry) => this.#policy.decide(caller, tool, entry.name));
    const refused = decisions.find((decision) => !decision.allowed);
    return decisions.some((decision) => decision.allowed) || !refused || refused.allowed ? undefined : refused.why;
  }

  /** The connections of a provider on which a caller may use this list tool: a query reaches no more than the tools do. */
  #listable(caller: Caller, provider: string, toolName: string): readonly ConnectionEntry[] {
    const tool = this.#byName.get(toolName);
    if (!tool || !this.#policy.decide(caller, tool).allowed) return [];
    return this.#entriesOf(provider).filter((entry) => this.#policy.decide(caller, tool, entry.name).allowed);
  }

  #entriesOf(provider: string): readonly ConnectionEntry[] {
    return this.#entries.filter((entry) => entry.provider.name === provider);
  }

  /** What a client sees of the others of its provider. The policy is asked about the far side as it was about the near one. */
  #peersOf(provider: string): Peers {
    const entries = (): readonly ConnectionEntry[] => this.#entriesOf(provider);
    return {
      get names() {
        return entries().map((entry) => entry.name);
      },
      client: (name, tool) => {
        const entry = entries().find((one) => one.name === name);
        if (!entry)
          throw new ProxMcpError(
            "CONNECTION_UNKNOWN",
            `There is no ${JSON.stringify(name)}. There is: ${entries()
              .map((one) => one.name)
              .join(", ")}.`,
          );
        const decision = this.#policy.decide(LOCAL, tool, name);
        if (!decision.allowed)
          throw new ProxMcpError("TOOL_DENIED", `${tool.name} is not allowed on ${name}: ${decision.why}.`, { connection: name });
        return entry.client;
      },
    };
  }

  #fallback(provider: string): string | undefined {
    const entries = this.#entriesOf(provider);
    return this.#config.defaults?.[provider] ?? (entries.length === 1 ? entries[0]?.name : this.#preferred.get(provider));
  }

  #connected(): readonly Provider[] {
    return this.#providers.filter((provider) => this.#entriesOf(provider.name).length > 0);
  }
}

const contextOf = (options: CallOptions): CallContext => ({
  caller: options.caller ?? LOCAL,
  call: randomUUID(),
  signal: options.signal ?? new AbortController().signal,
  progress: options.progress ?? (() => {}),
  notes: [],
});

/** Loads plugins, checks the config, resolves secrets and derives the tools. Connects to nothing: that happens with the first call. */
export async function createProxMcp(setup: Setup = {}): Promise<ProxMcp> {
  const { services: replace, folder = process.cwd(), file, env = process.env, ...given } = setup;
  const config = checkConfig(given, file ?? "the config");
  const secrets = new Secrets();
  const plugins = await Promise.all((config.plugins ?? [...DEFAULTS.plugins]).map((plugin) => loadPlugin(plugin, folder)));
  const providers = plugins.map((plugin) => plugin.provider);
  for (const [at, { provider, origin }] of plugins.entries()) {
    const other = plugins.findIndex((one) => one.provider.name === provider.name);
    if (other < at) throw new ProxMcpError("PLUGIN_INVALID", `Two plugins are called ${provider.name}: ${plugins[other]?.origin} and ${origin}.`);
  }
  const configured = await inventory({ config, file, folder, providers, env, secrets });
  const services = new Services();
  registerServices(services, config, secrets, folder);
  replace?.(services.tsyringe);
  return new ProxMcp(config, services, secrets, providers, configured);
}
