import { z } from "zod";
import type { CallContext } from "../call/context.js";
import type { Tool } from "../derive/tools.js";
import { ProxMcpError } from "../errors.js";
import { type CoreTool, coreTool } from "./tool.js";

const MAX_FOUND = 20;

export interface SearchToolOptions {
  /** The tools that this caller may call. */
  readonly tools: (context: CallContext) => readonly Tool[];
  readonly find: (name: string, context: CallContext) => Tool | undefined;
  readonly call: (name: string, args: Readonly<Record<string, unknown>>, context: CallContext) => Promise<Readonly<Record<string, unknown>>>;
  /** Nothing that writes is allowed at all. */
  readonly readOnly: boolean;
}

/** Three tools in front of all others, for models that should not carry every schema. Policy and confirmation lie underneath. */
export function searchTools({ tools, find, call, readOnly }: SearchToolOptions): readonly CoreTool[] {
  const known = (name: string, context: CallContext): Tool => {
    const tool = find(name, context);
    if (tool) return tool;
    throw new ProxMcpError(
      "TOOL_UNKNOWN",
      `There is no tool ${JSON.stringify(name)}. Near: ${
        rank(tools(context), name)
          .slice(0, 5)
          .map((near) => near.name)
          .join(", ") || "none"
      }.`,
    );
  };
  return [
    coreTool({
      name: "tool_find",
      title: "Find tools",
      description:
        "Find tools by words (what to do, with what, on which platform). Empty query: all names. Then read tool_describe, then use tool_call.",
      safety: "read",
      everyday: false,
      input: { query: z.string().default("").describe("As in: restart container") },
      output: z.object({ items: z.array(z.object({ name: z.string(), description: z.string().optional(), safety: z.string() })), total: z.int() }),
      run: async ({ query }, context) => {
        const all = tools(context);
        const found =
          query.trim() === ""
            ? all.map(({ name, safety }) => ({ name, safety }))
            : rank(all, query)
                .slice(0, MAX_FOUND)
                .map(({ name, description, safety }) => ({ name, description, safety }));
        return { items: found, total: found.length };
      },
    }),
    coreTool({
      name: "tool_describe",
      title: "Describe a tool",
      description: "Show a tool's description, safety and the JSON Schema of its arguments.",
      safety: "read",
      everyday: false,
      input: { name: z.string() },
      output: z.object({
        name: z.string(),
        title: z.string(),
        description: z.string(),
        safety: z.string(),
        inputSchema: z.record(z.string(), z.unknown()),
      }),
      run: async ({ name }, context) => {
        const tool = known(name, context);
        return { name: tool.name, title: tool.title, description: tool.description, safety: tool.safety, inputSchema: tool.inputSchema };
      },
    }),
    coreTool({
      name: "tool_call",
      title: "Call a tool",
      description: "Call a tool by name with its arguments, as tool_describe shows them.",
      safety: readOnly ? "read" : "destructive",
      everyday: false,
      audited: false,
      input: { name: z.string(), arguments: z.record(z.string(), z.unknown()).default({}) },
      output: z.looseObject({}),
      run: async (input, context) => await call(known(input.name, context).name, input.arguments, context),
    }),
  ];
}

/** Tools that have the words of a query in their name, title, aliases or description, best first. */
export function rank(tools: readonly Tool[], query: string): readonly Tool[] {
  const words = query
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean)
    .slice(0, 20);
  const scored = tools.map((tool) => {
    const kind = tool.operation?.kind;
    const name = `${tool.name} ${kind?.says?.join(" ") ?? ""}`.toLowerCase();
    const text = `${tool.title} ${tool.description} ${tool.aliases.join(" ")}`.toLowerCase();
    const score = words.reduce((sum, word) => {
      const stem = word.length > 3 ? word.replace(/s$/, "") : word;
      return sum + (name.includes(stem) ? 3 : text.includes(stem) ? 1 : 0);
    }, 0);
    return { tool, score };
  });
  return scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || (a.tool.name < b.tool.name ? -1 : 1))
    .map(({ tool }) => tool);
}
