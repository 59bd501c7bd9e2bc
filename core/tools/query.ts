import { z } from "zod";
import type { QueryEngine } from "../query/engine.js";
import { type CoreTool, coreTool } from "./tool.js";

export interface QueryArgs {
  readonly query: string;
  readonly connection?: string | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

const Answer = z.object({
  items: z.array(z.looseObject({ provider: z.string(), connection: z.string(), kind: z.string() })),
  total: z.int(),
  cursor: z.string().optional(),
  aggregate: z.looseObject({ op: z.string() }).optional(),
  interpretation: z.looseObject({ sentence: z.string() }).optional(),
  help: z.looseObject({ examples: z.array(z.string()) }).optional(),
  errors: z.array(z.looseObject({ code: z.string(), message: z.string(), next: z.string() })).optional(),
});

/** Questions in words over everything that is connected. */
export function queryTool(queries: QueryEngine): CoreTool {
  return coreTool({
    name: "inventory_query",
    title: "Query the inventory",
    description:
      "Ask in words over all platforms: `running containers with over 1gb memory on pve2`, `top 5 vms by cpu`, `count vms by node`. The answer says how it was understood, with filters for the list tools. Empty query: help.",
    safety: "read",
    input: {
      query: z.string(),
      connection: z.string().optional(),
      limit: z.int().min(1).max(1000).optional(),
      cursor: z.string().optional(),
    },
    output: Answer,
    run: async (args, context) =>
      args.query.trim() === "" ? { items: [], total: 0, help: queries.help() } : { ...(await queries.run(args, context)) },
  });
}
