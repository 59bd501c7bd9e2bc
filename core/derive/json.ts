import { z } from "zod";
import type { ObjectSchema, Shape } from "../declare/action.js";

/** JSON Schema, draft 2020-12, as far as this project reads and writes it. */
export interface JsonSchema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  [key: string]: unknown;
}

type Direction = "input" | "output";

const isZod4 = (schema: object): boolean => "_zod" in schema;

let convertZod3: ((schema: object, io: Direction) => JsonSchema) | undefined;

/** What JSON has no word for. The converter of zod 3 would pass these off as text or numbers; that of zod 4 throws by itself. */
const NO_JSON = ["ZodDate", "ZodBigInt", "ZodMap", "ZodSet", "ZodSymbol", "ZodFunction", "ZodPromise", "ZodNaN", "ZodUndefined", "ZodVoid"];

/** Loads the converter for zod 3 schemas, if there is one among these. Call it before `jsonOf` meets them. */
export async function prepareJson(schemas: Iterable<object>): Promise<void> {
  if (convertZod3 || [...schemas].every(isZod4)) return;
  const converter = await import("zod-to-json-schema");
  convertZod3 = (schema, io) =>
    converter.zodToJsonSchema(schema as never, {
      $refStrategy: "none",
      target: "jsonSchema2019-09",
      override: (def) => {
        const { typeName = "", effect } = def as { typeName?: string; effect?: { type: string } };
        const transforms = typeName === "ZodEffects" && effect?.type === "transform" && io === "output";
        if (transforms || NO_JSON.includes(typeName))
          throw new Error(`${transforms ? "Transforms" : typeName.slice(3)} cannot be represented in JSON Schema`);
        return converter.ignoreOverride;
      },
    }) as JsonSchema;
}

/** Converting costs far more than anything else at start-up, and most tools of a kind share its item. Keyed by the schema itself. */
const converted: Readonly<Record<Direction, WeakMap<object, JsonSchema>>> = { input: new WeakMap(), output: new WeakMap() };

/** The JSON Schema of a zod schema of either generation; not to be changed. Throws for what JSON can't represent (dates, bigints, transforms). */
export function jsonOf(schema: object, io: Direction): Readonly<JsonSchema> {
  const known = converted[io].get(schema);
  if (known) return known;
  const made = convert(schema, io);
  converted[io].set(schema, made);
  return made;
}

function convert(schema: object, io: Direction): JsonSchema {
  if (isZod4(schema)) return tidy(z.toJSONSchema(schema as z.ZodType, { io, reused: "inline" }) as JsonSchema);
  if (!convertZod3) throw new Error("a schema is neither zod 4 nor a zod 3 schema that was prepared");
  return tidy(convertZod3(schema, io));
}

/** An action's input as an object schema: shapes are of our zod, whole schemas of whatever zod the plugin has. */
export function objectOf(input: Shape | ObjectSchema | undefined): ObjectSchema {
  const known = input && objects.get(input);
  if (known) return known;
  const made = makeObject(input);
  if (input) objects.set(input, made);
  return made;
}

const objects = new WeakMap<object, ObjectSchema>();

const makeObject = (input: Shape | ObjectSchema | undefined): ObjectSchema =>
  input === undefined
    ? z.object({})
    : "safeParse" in input && typeof input.safeParse === "function"
      ? (input as ObjectSchema)
      : z.object(input as Shape);

/** Drops what says nothing: `$schema` (a draft-07 one makes some clients refuse a tool) and the bounds of safe integers. */
function tidy(schema: JsonSchema): JsonSchema {
  const { $schema: _, ...rest } = schema;
  if (rest.maximum === Number.MAX_SAFE_INTEGER) delete rest.maximum;
  if (rest.minimum === Number.MIN_SAFE_INTEGER) delete rest.minimum;
  // Guards against nonsense, which the check of the arguments names when it happens: not worth their tokens in every tool.
  for (const guard of ["minLength", "maxLength", "maxItems"]) if (guard !== "minLength" || rest[guard] === 1) delete rest[guard];
  if (rest["format"] === "date-time") delete rest["pattern"]; // the format says it in less
  if (rest.properties) rest.properties = Object.fromEntries(Object.entries(rest.properties).map(([name, inner]) => [name, tidy(inner)]));
  if (Array.isArray(rest.items)) {
    rest["prefixItems"] = (rest.items as JsonSchema[]).map(tidy); // a tuple, as older drafts write it
    delete rest.items;
  } else if (rest.items) rest.items = tidy(rest.items);
  if (typeof rest.additionalProperties === "object") rest.additionalProperties = tidy(rest.additionalProperties);
  if (rest["propertyNames"]) delete rest["propertyNames"];
  for (const union of ["anyOf", "oneOf", "allOf"] as const) if (rest[union]) rest[union] = rest[union].map(tidy);
  return rest;
}
