import { innerSchema } from "../declare/facet.js";

/** What an object, list or record schema is made of; zod 3 and zod 4 name these alike. */
interface Nested {
  readonly shape?: Readonly<Record<string, object>>;
  readonly element?: object;
  readonly valueType?: object;
}

/** The schema that has fields or elements, through whatever is optional or defaulted. */
function nested(schema: object): Nested {
  for (let at: object | undefined = schema; at; at = innerSchema(at)) if ("shape" in at || "element" in at || "valueType" in at) return at as Nested;
  return {};
}

/** The schemas directly inside: of each field, or of every element. */
export function partsOf(schema: object): readonly object[] {
  const { shape, element, valueType } = nested(schema);
  return shape ? Object.values(shape) : [element ?? valueType].filter((part) => part !== undefined);
}

/** The schema of one field or element. */
export function partOf(schema: object, name: string): object | undefined {
  const { shape } = nested(schema);
  return shape ? shape[name] : partsOf(schema)[0];
}

/** The names of an object's fields. */
export const namesOf = (schema: object): readonly string[] => Object.keys(nested(schema).shape ?? {});
