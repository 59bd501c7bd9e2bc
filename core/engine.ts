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
import type { Provider } from "./declare/provider.js";
import { CLOCK, LOGGER, type Logger, STATE } from "./declare/tokens.js";
import type { Surface } from "./derive/surface.js";
import { deriveTools, type Tool } from "./derive/tools.js";
import { ProxMcpError } from "./errors.js";
import { peersOf } from "./peers.js";
import { QueryEngine } from "./query/engine.js";
import { Router } from "./route/router.js";
import { routingOf } from "./route/rules.js";
import { AUDIT, CACHE, SIGNER } from "./services/tokens.js";
import { coreTools } from "./tools/all.js";
import { type ConfigPlace, connectingTools } from "./tools/connecting.js";
import type { OverviewOptions } from "./tools/overview.js";
import type { CoreTool } from "./tools/tool.js";

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

/** What carries calls out: the tools by their names, who may use them, and the services behind them. */
export class Engine {
  readonly #parts: Parts;
  readonly #logger: Logger;
  readonly #invoker: Invoker;
  readonly #dispatcher: Dispatcher;
  readonly #byName = new Map<string, Tool | CoreTool>();
  readonly access: Access;
  readonly queries: QueryEngine;
  readonly tools: readonly (Tool | CoreTool)[];

  constructor(parts: Parts) {
    const { config, services, connections } = parts;
    this.#parts = parts;
    this.#logger = services.get(LOGGER);
    const policy = services.get(POLICY);
    const signer = services.get(SIGNER);
    const clock = services.get(CLOCK);
    const limits = limitsOf(config);
    const confirmations = new Confirmations(signer, services.get(STATE), clock);
    this.access = new Access(policy, connections, this.surface, parts.caller);
    this.#invoker = new Invoker(services.get(CACHE), this.#logger, clock);
    const calling = { invoker: this.#invoker, signer, logger: this.#logger };
    this.#dispatcher = new Dispatcher({ ...calling, policy, confirmations, limits, connections });
    this.queries = new QueryEngine(
      {
        ...{ ...calling, clock, timeout: limits.readTimeout, maxBytes: limits.outputBytes },
        entries: (caller, provider, name) => {
          const tool = this.#byName.get(name);
          const entries = tool ? this.access.entries(tool, provider, caller) : [];
          return entries.filter((entry) => !this.access.barred(entry.name, this.known("inventory_query"), caller));
        },
      },
      () => this.connected(),
      connections,
    );
    this.tools = [
      ...coreTools({
        ...{ config, access: this.access, connections, confirmations, queries: this.queries, logger: this.#logger, clock },
        router: (through) => this.router(through),
        looking: () => this.looking(),
        allowed: (context) => this.allowed(context.caller),
        find: (name) => this.#byName.get(name),
        call: async (name, args, context) => await this.perform(name, args, context),
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
      ...this.connected().flatMap((provider) =>
        deriveTools(provider, {
          connections: connections.names(provider.name),
          confirms: (tool) => this.access.confirms(tool, provider.name),
        }),
      ),
    ];
    // That none of these means two tools was made sure of when the plugins were loaded.
    for (const tool of this.tools) for (const name of [tool.name, ...tool.aliases]) this.#byName.set(name, tool);
  }

  get surface(): Surface {
    // An allowlist without a surface is the surface.
    return this.#parts.config.tools?.surface ?? (this.#parts.config.tools?.allow ? "all" : DEFAULTS.surface);
  }

  /** A tool by its name or an alias, whether or not anybody may call it. */
  find(name: string): Tool | CoreTool | undefined {
    return this.#byName.get(name);
  }

  /** One that the caller may call. Throws TOOL_UNKNOWN or TOOL_DENIED. */
  callable(name: string, caller: Caller): Tool | CoreTool {
    const tool = this.#byName.get(name);
    if (!tool || !this.access.exists(tool)) throw new ProxMcpError("TOOL_UNKNOWN", `There is no tool ${JSON.stringify(name)}.`);
    this.access.check(tool, caller);
    return tool;
  }

  /** Carries a call out, audited and masked. */
  async perform(name: string, args: Readonly<Record<string, unknown>>, context: CallContext): Promise<CallValue> {
    const services = {
      audit: this.#parts.services.get(AUDIT),
      clock: this.#parts.services.get(CLOCK),
      secrets: this.#parts.secrets,
      logger: this.#logger,
    };
    return await audited(name, args, context, services, async (trace) => {
      const tool = this.callable(name, context.caller);
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
  looking(): OverviewOptions {
    const { services, connections } = this.#parts;
    const looking = { logger: this.#logger, clock: services.get(CLOCK), invoker: this.#invoker };
    return { connections, tools: this.tools, policy: services.get(POLICY), ...looking };
  }

  /** Where workloads could run, asked through this tool. */
  router(through: string): Router {
    const { name, aliases } = this.known(through);
    // Asking where something could run only reads, whichever tool asks.
    const asking = { name, aliases, safety: "read" } as const;
    return new Router({ ...this.looking(), routing: routingOf(this.#parts.config.routing), through: asking });
  }

  /** One of the core's own tools. */
  known(name: string): Tool {
    const tool = this.#byName.get(name);
    if (!tool) throw new ProxMcpError("INTERNAL", `There is no tool ${name}.`);
    return tool;
  }

  /** The tools that a caller may call somewhere. */
  allowed(caller: Caller): readonly (Tool | CoreTool)[] {
    return this.tools.filter((tool) => this.access.refusal(tool, caller) === undefined);
  }

  /** The providers that have a connection. */
  connected(): readonly Provider[] {
    return this.#parts.providers.filter((provider) => this.#parts.connections.of(provider.name).length > 0);
  }
}
