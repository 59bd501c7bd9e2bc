import type { Access } from "../access.js";
import type { Confirmations } from "../call/confirm.js";
import type { CallContext } from "../call/context.js";
import type { CheckedConfig } from "../config/schema.js";
import type { Connections } from "../connections.js";
import { creators } from "../derive/routes.js";
import { surfaceOf } from "../derive/surface.js";
import type { Tool } from "../derive/tools.js";
import type { Clock, Logger } from "../declare/tokens.js";
import type { QueryEngine } from "../query/engine.js";
import type { Router } from "../route/router.js";
import { connectionTools } from "./connections.js";
import { type OverviewOptions, overviewTool } from "./overview.js";
import { queryTool } from "./query.js";
import { searchTools } from "./search.js";
import type { CoreTool } from "./tool.js";
import { workloadTools } from "./workload.js";

type Value = Readonly<Record<string, unknown>>;

export interface CoreToolOptions {
  readonly config: CheckedConfig;
  readonly access: Access;
  readonly connections: Connections;
  readonly confirmations: Confirmations;
  readonly queries: QueryEngine;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Both know all tools, these among them: asked for when a tool runs. */
  readonly router: (through: string) => Router;
  readonly looking: () => OverviewOptions;
  /** The tools that a caller may call. */
  readonly allowed: (context: CallContext) => readonly Tool[];
  /** A tool by its name or an alias, whoever asks. */
  readonly find: (name: string) => Tool | undefined;
  /** Calls a tool by the whole path of a call: policy, confirmation, audit. */
  readonly call: (name: string, args: Value, context: CallContext) => Promise<Value>;
}

/** The tools that come from no plugin: over all platforms at once, about connections, and to find the others. */
export function coreTools(options: CoreToolOptions): readonly CoreTool[] {
  const { config, access, connections, confirmations, queries, router, looking, allowed, find, call, logger, clock } = options;
  return [
    overviewTool(looking),
    ...workloadTools({
      router,
      tool: find,
      call,
      confirmations,
      confirms: connections.all.some(({ provider }) => creators(provider).some((tool) => access.confirms(tool, provider.name))),
    }),
    queryTool(queries),
    ...connectionTools({ connections, access, match: (name) => config.connections?.[name]?.match ?? [], logger, clock }),
    ...searchTools({
      tools: (context) => surfaceOf(allowed(context), "all"),
      find: (name, context) => {
        const tool = find(name);
        return tool && access.exists(tool) && access.refusal(tool, context.caller) === undefined ? tool : undefined;
      },
      call,
      readOnly: config.tools?.readOnly ?? false,
    }).filter((tool) => access.exists(tool)),
  ];
}
