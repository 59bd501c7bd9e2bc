import type { Caller } from "../call/context.js";
import type { JsonSchema } from "./json.js";
import type { Surface } from "./surface.js";
import type { Tool } from "./tools.js";

/** A tool as the model APIs take it, by the API's name. */
export interface ToolDefinitions {
  /** Messages API: an entry of `tools`. */
  readonly anthropic: { name: string; description: string; input_schema: { type: "object" } & JsonSchema };
  /** Responses API: an entry of `tools`. Not `strict`, which knows no optional arguments. */
  readonly openai: { type: "function"; name: string; description: string; parameters: JsonSchema; strict: false };
  /** Chat Completions API, and the many that speak it. */
  readonly "openai-chat": { type: "function"; function: { name: string; description: string; parameters: JsonSchema } };
}

export interface DefinitionOptions<Format extends keyof ToolDefinitions = keyof ToolDefinitions> {
  readonly format: Format;
  readonly surface?: Surface;
  readonly caller?: Caller;
}

const FORMATS: { readonly [format in keyof ToolDefinitions]: (tool: Tool) => ToolDefinitions[format] } = {
  anthropic: ({ name, description, inputSchema }) => ({ name, description, input_schema: { ...inputSchema, type: "object" } }),
  openai: ({ name, description, inputSchema }) => ({ type: "function", name, description, parameters: inputSchema, strict: false }),
  "openai-chat": ({ name, description, inputSchema }) => ({ type: "function", function: { name, description, parameters: inputSchema } }),
};

/** A tool's definition for a model API. */
export const definitionOf = <Format extends keyof ToolDefinitions>(tool: Tool, format: Format): ToolDefinitions[Format] => FORMATS[format](tool);
