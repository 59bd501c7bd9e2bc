import { ConfigSchema, ConnectionRules, DEFAULTS } from "../config/schema.js";
import type { Provider } from "../declare/provider.js";
import { type JsonSchema, jsonOf } from "./json.js";

/** The JSON Schema of a config file, for editors: what the core takes, and for each provider the options of its connections. */
export function deriveConfigSchema(providers: readonly Provider[]): JsonSchema {
  // A plugin may be an object, which stands in code only and has no JSON.
  const { connections, ...others } = jsonOf(ConfigSchema.omit({ plugins: true }), "input").properties ?? {};
  const names = providers.map((provider) => provider.name);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "ProxMCP configuration",
    type: "object",
    properties: {
      ...others,
      plugins: { description: `${ConfigSchema.shape.plugins.description}`, type: "array", items: { type: "string" }, default: [...DEFAULTS.plugins] },
      connections: {
        ...(connections?.description ? { description: connections.description } : {}),
        type: "object",
        additionalProperties: {
          type: "object",
          properties: { ...core(), provider: { description: "Which plugin it belongs to", anyOf: [{ enum: names }, { type: "string" }] } },
          required: ["provider"],
          allOf: providers.map((provider) => ({
            if: { properties: { provider: { const: provider.name } }, required: ["provider"] },
            // oxlint-disable-next-line unicorn/no-thenable -- the word of JSON Schema
            then: connectionOf(provider),
          })),
        },
      },
    },
    additionalProperties: false,
    $defs: { reference: REFERENCE },
  };
}

const core = (): Record<string, JsonSchema> => jsonOf(ConnectionRules, "input").properties ?? {};

/** Every option may stand in the environment or in a file instead. */
const REFERENCE: JsonSchema = {
  description: "Taken from the environment, from a file, or from the store of secrets",
  oneOf: [
    { type: "object", properties: { env: { type: "string" } }, required: ["env"], additionalProperties: false },
    { type: "object", properties: { store: { type: "string" } }, required: ["store"], additionalProperties: false },
    { type: "object", properties: { file: { type: "string" } }, required: ["file"], additionalProperties: false },
  ],
};

/** JSON Schema knows no flags, so a pattern that disregards case would refuse what is right. The check of the config knows them all. */
function withoutPatterns(schema: JsonSchema): JsonSchema {
  const { pattern: _, ...rest } = schema;
  if (rest.properties) rest.properties = Object.fromEntries(Object.entries(rest.properties).map(([name, inner]) => [name, withoutPatterns(inner)]));
  if (rest.items) rest.items = withoutPatterns(rest.items);
  if (rest.anyOf) rest.anyOf = rest.anyOf.map(withoutPatterns);
  return rest;
}

function connectionOf({ name, title, connection }: Provider): JsonSchema {
  const options = jsonOf(connection.schema, "input");
  const own = Object.entries(options.properties ?? {}).map(([option, schema]) => {
    const { description, ...rest } = withoutPatterns(schema);
    return [option, { ...(description ? { description } : {}), anyOf: [rest, { $ref: "#/$defs/reference" }] }] as const;
  });
  return {
    title,
    properties: { ...core(), provider: { const: name }, ...Object.fromEntries(own) },
    ...(options.required?.length ? { required: options.required } : {}),
    additionalProperties: false,
  };
}
