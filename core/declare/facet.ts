/** Anything with the parse interface of zod; zod 3 and zod 4 schemas both fit, from any copy of the library. */
export interface AnySchema<Out = unknown> {
  /** Answers what it read, or every fault; throws nothing. */
  safeParse(value: unknown): { success: true; data: Out } | { success: false; error: { issues: readonly SchemaIssue[] } };
}

/**
 * One fault that a schema found.
 * @hidden
 */
export interface SchemaIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string | undefined;
}

/** Units the query parser can convert. Any other text is a unit of the plugin's own: it is shown and matched by its name. */
export type Unit = "bytes" | "seconds" | "cores" | "ratio" | "celsius" | (string & {});

/** What the core knows about one field beyond its type. Query words, filters and documentation are all derived from it. */
export interface FacetOptions<Value extends string = string> {
  /** Other words people use for this field: `["ram"]` for memory. */
  readonly says?: readonly string[];
  /** What a number counts. Sizes are bytes, times are seconds, shares are a ratio from 0 to 1. */
  readonly unit?: Unit;
  /** For enums: other words for each value, `{ running: ["up"] }`. For text: values that people say without naming the field, `{ ubuntu: [] }`. */
  readonly values?: { readonly [value in Value]?: readonly string[] };
  /** Never shown: masked in results, logs, errors and the audit. */
  readonly secret?: boolean;
  /** Only `get` knows it, at the cost of a call for each item. Lists that filter or sort by it ask for it then, and only then. */
  readonly detail?: boolean;
  /** What costs `list` a call more: it fills this in only when `needs` names it, because a filter, an order or a choice of fields uses it. */
  readonly onDemand?: boolean;
  /** It names a place that items are in or on: a node, a pool, a project. "on pve2" and "in dev" are tried on such fields. */
  readonly place?: boolean;
  /** The values of this enum are nouns of their own: with `type: container`, "containers" means the items whose type is that. */
  readonly nouns?: boolean;
}

/**
 * All of it, with the sentence that describes the field.
 * @hidden
 */
export interface Facet extends FacetOptions {
  readonly about: string;
}

// Keyed by the schema object, not stored in it: `.optional()` and friends drop what is attached (hence `innerSchema`).
const facets = new WeakMap<object, Facet>();

type EnumValue<Schema> = Schema extends { readonly enum: infer Entries } ? Extract<Entries[keyof Entries], string> : string;

/**
 * Describes a field. Returns a schema of the same type, so it stands wherever the schema would; `.optional()` and the like come after it.
 *
 * @param schema the field's type, of zod 4 or zod 3
 * @param about what the field is, in a few words; models read it
 * @param options what else people and queries need to know
 *
 * @example
 * memory: facet(z.int(), "Memory limit", { says: ["ram"], unit: "bytes" }).optional()
 *
 * @example
 * status: facet(z.enum(["running", "exited"]), "State now", { values: { running: SAID.running, exited: [...SAID.stopped, "finished"] } })
 */
export function facet<Schema extends object>(schema: Schema, about: string, options: FacetOptions<EnumValue<Schema>> = {}): Schema {
  const described = (schema as { describe(text: string): Schema }).describe(about);
  facets.set(described, { ...options, about });
  return described;
}

/**
 * A field of a connection that holds a secret: masked in results, errors, logs and the audit. In the config it may be given as text, `{ env: "NAME" }`,
 * `{ file: "path" }` or `{ store: "name" }`. An item can't have one.
 *
 * @example
 * token: secret(z.string(), "API token")
 */
export function secret<Schema extends object>(schema: Schema, about: string): Schema {
  return facet(schema, about, { secret: true });
}

/**
 * The schema inside `.optional()`, `.nullable()`, `.default()` and the like, or undefined. Reads zod 4 and zod 3.
 * @hidden
 */
export function innerSchema(schema: object): object | undefined {
  const four = (schema as { _zod?: { def?: { innerType?: object; in?: object } } })._zod?.def;
  const three = (schema as { _def?: { innerType?: object; schema?: object } })._def;
  return four?.innerType ?? four?.in ?? three?.innerType ?? three?.schema;
}

/**
 * The facet of a field, found through any wrapping.
 * @hidden
 */
export function facetOf(schema: object): Facet | undefined {
  for (let at: object | undefined = schema; at; at = innerSchema(at)) {
    const found = facets.get(at);
    if (found) return found;
  }
  return undefined;
}
