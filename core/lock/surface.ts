import { createHash } from "node:crypto";
import { z } from "zod";
import { canonical } from "../call/confirm.js";
import { schemasOf } from "../declare/check.js";
import type { Safety } from "../declare/action.js";
import type { Provider } from "../declare/provider.js";
import { jsonOf, prepareJson } from "../derive/json.js";
import { deriveTools, type Tool, toolName } from "../derive/tools.js";

/** What a model is told of one tool: in words what a person reads to judge it, as hashes the rest. */
export interface PinnedTool {
  readonly safety: Safety;
  /** Some arguments make it destructive. */
  readonly worst?: Safety | undefined;
  readonly description: string;
  readonly aliases: readonly string[];
  /** By name: a hash of its schema, words included. */
  readonly arguments: Readonly<Record<string, string>>;
  /** A hash of the schema of what it answers. */
  readonly answer: string;
  /** A hash of title, hints, and what its confirmation says. */
  readonly hints: string;
}

export interface ToolSurface {
  /** Of all of it. */
  readonly hash: string;
  /** A hash of what the provider says of itself, and of the options that it asks for. */
  readonly provider: string;
  readonly tools: Readonly<Record<string, PinnedTool>>;
}

/** Enough to tell schemas apart that somebody wrote; the hash of the whole holds against one who tries. */
const SHORT = 16;
const hashOf = (value: unknown): string => createHash("sha256").update(canonical(value)).digest("hex");
const shortOf = (value: unknown): string => hashOf(value).slice(0, SHORT);

/** The tools as a plugin declares them, whatever the config makes of them: with no connection and no rule. Connects to nothing. */
export async function toolSurface(provider: Provider): Promise<ToolSurface> {
  await prepareJson(schemasOf(provider));
  const tools = [...deriveTools(provider, { connections: [], confirms: () => false }), ...connecting(provider)];
  const { name, title, about, hosts, connection } = provider;
  const declared = { name, title, about, hosts, noun: connection.noun, options: jsonOf(connection.schema, "input") };
  const whole = tools.map(({ operation: _, ...tool }: Told & Pick<Tool, "operation">) => tool);
  return {
    hash: `sha256-${hashOf([declared, whole])}`,
    provider: shortOf(declared),
    tools: Object.fromEntries(tools.map((tool) => [tool.name, pinned(tool)])),
  };
}

type Told = Omit<Tool, "operation" | "of">;

/** The actions on connections as such, which are there without any. */
const connecting = (provider: Provider): readonly Told[] =>
  Object.entries(provider.connection.actions ?? {}).map(([verb, { about, safety, aliases = [], timeout, input, output }]) => ({
    name: toolName(provider.name, provider.connection.noun, verb),
    ...{ title: verb, description: about, safety, worst: safety, aliases, idempotent: false, openWorld: true, everyday: false },
    ...(timeout ? { timeout } : {}),
    inputSchema: jsonOf(z.object(input), "input"),
    outputSchema: jsonOf(output, "output"),
  }));

function pinned(tool: Told): PinnedTool {
  const { safety, worst, description, aliases, title, idempotent, openWorld, everyday, loses, timeout } = tool;
  const { properties = {}, required = [] } = tool.inputSchema;
  return {
    safety,
    ...(worst === safety ? {} : { worst }),
    description,
    aliases,
    arguments: Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, shortOf([schema, required.includes(name)])])),
    answer: shortOf(tool.outputSchema),
    hints: shortOf({ title, idempotent, openWorld, everyday, loses, timeout }),
  };
}
