import type { Tool } from "./tools.js";

export type Surface = "default" | "all" | "search";

/** What a tool costs a model in every session: bytes of name, description and input schema, by four. */
export const tokensOf = (tool: Pick<Tool, "name" | "description" | "inputSchema">): number =>
  Math.ceil((Buffer.byteLength(tool.name) + Buffer.byteLength(tool.description) + Buffer.byteLength(JSON.stringify(tool.inputSchema))) / 4);

/**
 * The tools that are listed, of those that are allowed. What is not listed can still be called by name, if it is allowed.
 * `search` lists only the tools that find, describe and call the others.
 */
export function surfaceOf<T extends Tool>(tools: readonly T[], surface: Surface): readonly T[] {
  const searching = (tool: Tool): boolean => SEARCH_TOOLS.includes(tool.name);
  if (surface === "search") return tools.filter(searching);
  const others = tools.filter((tool) => !searching(tool));
  return surface === "all" ? others : others.filter((tool) => tool.everyday);
}

export const SEARCH_TOOLS: readonly string[] = ["tool_find", "tool_describe", "tool_call"];
