import type { Caller } from "./call/context.js";
import { barredFrom, type Policy, type ToolRef } from "./call/policy.js";
import type { ConnectionEntry, Connections } from "./connections.js";
import { ProxMcpError } from "./errors.js";
import { SEARCH_TOOLS, type Surface } from "./derive/surface.js";
import type { Tool } from "./derive/tools.js";

/** The caller where none is named: the process itself. */
export const LOCAL: Caller = { id: "local" };

/** What callers may do: the policy, asked about tools that run on some of the connections. */
export class Access {
  readonly #policy: Policy;
  readonly #connections: Connections;
  readonly #surface: Surface;
  readonly #caller: Caller;

  /** `caller`: who calls where nobody is named. */
  constructor(policy: Policy, connections: Connections, surface: Surface, caller: Caller) {
    this.#policy = policy;
    this.#connections = connections;
    this.#surface = surface;
    this.#caller = caller;
  }

  /** Why a caller may not call a tool on any connection; undefined if there is one on which it may. */
  refusal(tool: Tool, caller: Caller): string | undefined {
    const general = this.#policy.decide(caller, tool);
    // What the search tools reach is decided again for each tool behind them, so an allowlist need not name them.
    const reaching = SEARCH_TOOLS.includes(tool.name) && !general.allowed && general.by === "allow";
    if (!general.allowed && !reaching) return general.why;
    if (!tool.operation) return undefined;
    const decisions = this.#connections.of(tool.operation.provider.name).map((entry) => this.#policy.decide(caller, tool, entry.name));
    const refused = decisions.find((decision) => !decision.allowed);
    return decisions.some((decision) => decision.allowed) || !refused || refused.allowed ? undefined : refused.why;
  }

  /** Whether a tool may be called here. The search tools exist only where they are the surface. Throws TOOL_DENIED. */
  check(tool: Tool, caller: Caller): void {
    const why = this.refusal(tool, caller);
    if (why) throw new ProxMcpError("TOOL_DENIED", `${tool.name} is not allowed: ${why}.`);
  }

  exists(tool: Tool): boolean {
    return this.#surface === "search" || !SEARCH_TOOLS.includes(tool.name);
  }

  /** The connections of a tool's provider on which a caller may call it. */
  entries(tool: ToolRef, provider: string, caller: Caller): readonly ConnectionEntry[] {
    if (!this.#policy.decide(caller, tool).allowed) return [];
    return this.#connections.of(provider).filter((entry) => this.#policy.decide(caller, tool, entry.name).allowed);
  }

  /** Why a tool of the core may not do its own work on a connection; undefined if it may. */
  refusalOn(connection: string, tool: ToolRef, caller: Caller): string | undefined {
    const decision = this.#policy.decide(caller, tool, connection);
    return decision.allowed ? undefined : decision.why;
  }

  /** Whether a tool of the core has to leave a connection out altogether. */
  barred(connection: string, tool: ToolRef, caller: Caller): boolean {
    return barredFrom(connection, tool, caller, this.#policy) !== undefined;
  }

  /** Whether a tool has to be confirmed by somebody on some connection of its provider. */
  confirms(tool: ToolRef, provider: string): boolean {
    const callers = [this.#caller, ...(this.#policy.roles ?? []).map((role) => ({ id: this.#caller.id, roles: [role] }))];
    return this.#connections.of(provider).some((entry) =>
      callers.some((caller) => {
        const decision = this.#policy.decide(caller, tool, entry.name);
        return decision.allowed && decision.confirm;
      }),
    );
  }
}
