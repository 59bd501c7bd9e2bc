import type { Kind } from "../declare/kind.js";
import { type Facet, facetOf } from "../declare/facet.js";
import { type JsonSchema, jsonOf } from "./json.js";

export type FieldType = "text" | "time" | "enum" | "number" | "boolean" | "list" | "object";

/** What the core knows of one field of a kind, taken from its schema and its facet. */
export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** The values of an enum. */
  readonly values?: readonly string[];
  readonly facet: Facet;
  readonly optional: boolean;
}

/** Keyed by the schema: kinds may share one, and a kind that is declared anew has another. */
const derived = new WeakMap<object, readonly Field[]>();

/** The fields of a kind, in the order they are declared in. */
export function deriveFields({ item }: Pick<Kind, "item">): readonly Field[] {
  const known = derived.get(item);
  if (known) return known;
  const fields = fieldsOf(item);
  derived.set(item, fields);
  return fields;
}

function fieldsOf(item: Kind["item"]): readonly Field[] {
  const json = jsonOf(item, "output");
  const shape = item.shape as Record<string, object>;
  return Object.entries(json.properties ?? {}).map(([name, property]) => {
    const schema = nonNull(property);
    const values = schema.enum?.map(String);
    return {
      name,
      type: fieldType(schema),
      ...(values ? { values } : {}),
      facet: facetOf(shape[name] ?? {}) ?? { about: property.description ?? name },
      optional: !json.required?.includes(name),
    };
  });
}

function fieldType(schema: JsonSchema): FieldType {
  if (schema.enum) return "enum";
  if (schema.type === "string") return schema["format"] === "date-time" ? "time" : "text";
  if (schema.type === "number" || schema.type === "integer") return "number";
  if (schema.type === "boolean") return "boolean";
  if (schema.type === "array" && (schema.items?.type === "string" || schema.items?.enum)) return "list";
  return "object";
}

/** `.nullable()` makes a union with null, or with zod 3 a list of types; the rest of it is what the field is. */
function nonNull(schema: JsonSchema): JsonSchema {
  if (Array.isArray(schema.type)) {
    const [type = "", ...more] = schema.type.filter((one) => one !== "null");
    const values = schema.enum?.filter((value) => value !== null);
    return more.length > 0 ? schema : { ...schema, type, ...(values ? { enum: values } : {}) };
  }
  const others = schema.anyOf?.filter((one) => one.type !== "null");
  return others?.length === 1 && others[0] ? others[0] : schema;
}
