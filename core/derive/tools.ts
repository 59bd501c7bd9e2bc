import type { Action, Safety } from "../declare/action.js";
import type { Kind } from "../declare/kind.js";
import type { Provider } from "../declare/provider.js";
import { VERBS } from "../declare/verbs.js";
import { deriveFields, type Field } from "./fields.js";
import { deriveFilter } from "./filter.js";
import { type JsonSchema, jsonOf, objectOf } from "./json.js";
import { capital, plural, spaced } from "./words.js";

/** One operation of one kind, as a plugin declares it. */
export interface Operation {
  readonly provider: Provider;
  readonly kind: Kind;
  readonly fields: readonly Field[];
  readonly verb: string;
  /** Absent for list and get. */
  readonly action?: Action;
  readonly on: "item" | "kind";
}

/** A tool as MCP, the CLI and an embedder see it. The schemas are made when they are first read. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly safety: Safety;
  readonly idempotent: boolean;
  readonly openWorld: boolean;
  /** On the default surface. */
  readonly everyday: boolean;
  readonly aliases: readonly string[];
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  /** The worst that a call of it can be, for hints to clients. Above `safety` where some arguments make it destructive. */
  readonly worst: Safety;
  /** What its confirmation says will be lost, where that is the same for every call. */
  readonly loses?: string;
  /** Seconds, when the default of its safety is wrong for it. */
  readonly timeout?: number;
  /** Absent for the core's own tools. */
  readonly operation?: Operation;
  /** The provider whose connections as such it is about. */
  readonly of?: Provider;
}

export interface ToolOptions {
  /** The provider's connections. The parameter that names one exists only when there are several. */
  readonly connections: readonly string[];
  /** Whether calls of this safety have to be confirmed, so that the tool takes a confirmation token. */
  confirms(tool: { readonly name: string; readonly safety: Safety; readonly aliases: readonly string[] }): boolean;
}

/** More names than this are not worth their tokens in every tool's schema; `connection_list` has them. */
const MAX_ENUM = 12;

/** The tools of a provider: for each kind list, get, and one for each action. */
export function deriveTools(provider: Provider, options: ToolOptions): readonly Tool[] {
  return provider.kinds.flatMap((kind) => operationsOf(provider, kind).map((operation) => deriveTool(operation, options)));
}

function operationsOf(provider: Provider, kind: Kind): Operation[] {
  const operation = (verb: string, action?: Action): Operation => ({
    provider,
    kind,
    // Not before it is needed: of a large surface most kinds are never looked at.
    get fields() {
      return deriveFields(kind);
    },
    verb,
    on: action?.on ?? (verb === "list" ? "kind" : (VERBS[verb]?.on ?? "item")),
    ...(action ? { action } : {}),
  });
  return [
    ...(kind.list ? [operation("list")] : []),
    ...(kind.get || kind.list ? [operation("get")] : []),
    ...Object.entries(kind.actions ?? {}).map(([verb, action]) => operation(verb, action)),
  ];
}

function deriveTool(operation: Operation, options: ToolOptions): Tool {
  const { provider, kind, verb, action } = operation;
  const safety = action?.safety ?? "read";
  const name = toolName(provider.name, kind.name, verb);
  const aliases = verb === "list" || verb === "get" ? kind.aliases?.[verb] : action?.aliases;
  const worst = action?.destructiveWhen ? "destructive" : safety;
  const tool = {
    name,
    title: `${capital(spaced(verb))} ${provider.title} ${verb === "list" ? plural(spaced(kind.name)) : spaced(kind.name)}`,
    description: describe(operation),
    safety,
    worst,
    idempotent: action?.idempotent ?? VERBS[verb]?.idempotent ?? safety === "read",
    openWorld: action?.openWorld ?? false,
    everyday: kind.everyday?.includes(verb) ?? false,
    aliases: aliases ?? [],
    operation,
    ...(typeof action?.loses === "string" ? { loses: action.loses } : {}),
    ...(action?.timeout ? { timeout: action.timeout } : {}),
  };
  return lazily(tool, {
    inputSchema: () => inputSchema(operation, options, options.confirms({ name, safety: worst, aliases: aliases ?? [] })),
    outputSchema: () => outputSchema(operation, options),
  });
}

export const toolName = (provider: string, kind: string, verb: string): string => `${provider}_${kind}_${verb}`;

function describe({ provider, kind, verb, action }: Operation): string {
  if (action) return sentence(action.about);
  if (verb === "list") return `List ${provider.title} ${plural(spaced(kind.name))}: ${sentence(lower(kind.about))}`;
  return `Show one ${provider.title} ${spaced(kind.name)} in full.`;
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
// "A container" reads on as "a container"; an acronym keeps its capitals.
const lower = (text: string): string => (/^[A-Z][a-z ]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text);

/** The parameters that name a connection, address an item, page a list; then the action's own. */
function inputSchema(operation: Operation, { connections }: ToolOptions, confirm: boolean): JsonSchema {
  const { provider, kind, verb, action, on } = operation;
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  if (on === "item") {
    properties[kind.key] = keySchema(operation);
    required.push(kind.key);
  }
  for (const [name, schema] of Object.entries(kind.within ?? {})) properties[name] = jsonOf(schema, "input");
  const needed = Object.entries(kind.within ?? {}).flatMap(([name, schema]) => (schema.safeParse(undefined).success ? [] : [name]));
  required.push(...(verb === "list" ? (kind.listRequires ?? []) : needed));
  if (verb === "list") {
    properties["where"] = deriveFilter(operation.fields);
    properties["limit"] = { type: "integer", minimum: 1, maximum: 1000, description: "Default 50" };
    properties["cursor"] = { type: "string" };
  }
  if (action?.input) {
    const own = jsonOf(objectOf(action.input), "input");
    Object.assign(properties, own.properties);
    required.push(...(own.required ?? []));
  }
  if (connections.length > 1) properties[provider.connection.noun] = connectionSchema(operation, connections);
  if (confirm) properties["confirm"] = { type: "string", description: "Token from a refusal" };
  return { type: "object", properties, ...(required.length ? { required: [...new Set(required)] } : {}), additionalProperties: false };
}

function keySchema({ kind, fields }: Operation): JsonSchema {
  const names = [kind.key, ...(kind.alsoBy ?? [])].map((name) => (name === "id" ? "ID" : spaced(name)));
  const field = fields.find((one) => one.name === kind.key);
  return { type: "string", description: names.length > 1 ? capital(names.join(" or ")) : (field?.facet.about ?? capital(spaced(kind.key))) };
}

function connectionSchema({ verb, provider }: Operation, connections: readonly string[]): JsonSchema {
  return {
    type: "string",
    ...(connections.length <= MAX_ENUM ? { enum: [...connections] } : {}),
    ...(verb === "list" ? { description: `Default: every ${provider.connection.noun}` } : {}),
  };
}

/** list: items and total; an action with an output: result; everything else: the item as it is now. */
function outputSchema({ provider, kind, verb, action }: Operation, { connections }: ToolOptions): JsonSchema {
  const noun: Record<string, JsonSchema> = connections.length > 1 ? { [provider.connection.noun]: { type: "string" } } : {};
  const notes: Record<string, JsonSchema> = { notes: { type: "array", items: { type: "string" } } };
  const object = (properties: Record<string, JsonSchema>, required: string[]): JsonSchema => ({ type: "object", properties, required });
  const item = open(jsonOf(kind.item, "output"));
  if (action && action.safety !== "read") notes["task"] = { type: "string" };
  if (verb === "list") {
    const row: JsonSchema = { ...item, properties: { ...item.properties, ...noun } };
    return object(
      {
        items: { type: "array", items: row },
        total: { type: "integer" },
        cursor: { type: "string" },
        errors: { type: "array", items: ERROR_SCHEMA },
        ...notes,
      },
      ["items", "total"],
    );
  }
  if (verb === "delete") return object({ deleted: { type: "boolean" }, [kind.key]: { type: "string" }, ...noun, ...notes }, ["deleted"]);
  if (action?.output) return object({ result: open(jsonOf(action.output, "output")), ...noun, ...notes }, ["result"]);
  // After a write that could not be read back there is a note instead of the item.
  return object({ item, ...noun, ...notes }, action ? [] : ["item"]);
}

/** Later versions may answer more fields; a client that cached this schema must not refuse them. */
function open(schema: JsonSchema): JsonSchema {
  const { additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...(additionalProperties === undefined || additionalProperties === false ? {} : { additionalProperties }),
    ...(rest.properties ? { properties: Object.fromEntries(Object.entries(rest.properties).map(([name, inner]) => [name, open(inner)])) } : {}),
    ...(rest.items ? { items: open(rest.items) } : {}),
  };
}

export const ERROR_SCHEMA: JsonSchema = {
  type: "object",
  properties: {
    code: { type: "string" },
    message: { type: "string" },
    next: { type: "string" },
    connection: { type: "string" },
    source: { type: "string" },
  },
  required: ["code", "message", "next"],
};

/** Adds properties that are computed when they are first read. Most schemas of a large surface never are. */
export function lazily<Base extends object, Values extends Record<string, unknown>>(
  base: Base,
  make: { [name in keyof Values]: () => Values[name] },
): Base & Values {
  for (const name of Object.keys(make)) {
    Object.defineProperty(base, name, {
      enumerable: true,
      configurable: true,
      get() {
        const value = (make[name] as () => unknown)();
        Object.defineProperty(base, name, { value, enumerable: true });
        return value;
      },
    });
  }
  return base as Base & Values;
}
