import type { Action, ActionSpec, Answered, Given, ItemArgs, ListArgs, ObjectSchema, Safety, Shape, Taken } from "./action.js";
import type { DeclaredAction, DeclaredKind } from "./declared.js";
import type { AnySchema } from "./facet.js";
import type { ErrorReport } from "../errors.js";

/** A listing that is not whole: the rows there are, and an error for each part that could not be read. */
export interface Listing<Item> {
  /** The rows that could be read. */
  readonly items: readonly Item[];
  /** `source` names the part: a node, a project, a pool. */
  readonly errors?: readonly (ErrorReport & { readonly source?: string })[];
}

type Row<Item> = Item extends AnySchema ? Taken<Item> : Record<string, unknown>;
type Field<Item> = Item extends { readonly shape: infer Fields } ? Extract<keyof Fields, string> : string;

/**
 * One kind of thing that the platform has, and so tools: `list` with a filter from its fields, `get`, and one for each action. Give `list` wherever the
 * platform can: queries, filters and choosing a connection by an item's name rest on it.
 */
export interface KindSpec<Client, Within, Item> {
  /** Singular, the platform's own word, lower-case words joined by `_`: `vm`, `storage_pool`. The second part of every tool's name. */
  readonly name: string;
  /** One sentence, with its article: "A system container or a virtual machine". */
  readonly about: string;
  /** What people call it, singular. Plurals are derived. */
  readonly says?: readonly string[];
  /** The fields of one item, described with `facet`. */
  readonly item: Item;
  /** The field that identifies an item. Tools take it as a parameter of this name. */
  readonly key: Field<Item>;
  /** Other fields whose value is accepted where the key is: `["id"]` beside `name`. */
  readonly alsoBy?: readonly Field<Item>[];
  /** Parameters that belong to the address of an item besides its key: `{ instance: z.string() }` for a snapshot. */
  readonly within?: { readonly [name in keyof Within]: AnySchema<Within[name]> };
  /**
   * Those of `within` that may be left out and mean the same on every connection: a project, a namespace. They narrow what is looked at, and
   * say nothing about which connection is meant.
   */
  readonly scope?: readonly Extract<keyof Within, string>[];
  /**
   * Those of `within` that `list` cannot do without. Where the one it needs is called like another kind, or like what people call that, questions
   * and lists without it are answered by asking within each item of that kind: `instance` for the snapshots of instances.
   */
  readonly listRequires?: readonly Extract<keyof Within, string>[];
  /** `platform` where the platform's own order means something (newest first). Default: by key, as some platforms answer in a new order each time. */
  readonly order?: "key" | "platform";
  /** Verbs on the default tool surface. The rest is reached with surface `all` or `search`. */
  readonly everyday?: readonly string[];
  /** Names that other systems use for list and get. */
  readonly aliases?: {
    /** Of `list`: `["docker_ps"]`. */
    readonly list?: readonly string[];
    /** Of `get`: `["docker_inspect"]`. */
    readonly get?: readonly string[];
  };
  /** All items, or those that `where` means: the core filters, sorts and pages in any case. Reads only. */
  list?(args: ListArgs<Client, Within>): Promise<readonly Row<Item>[] | Listing<Row<Item>>>;
  /** One item by its key, or by a field of `alsoBy`. Throws `NOT_FOUND`. Without it the core looks through `list`. */
  get?(args: ItemArgs<Client, Within>): Promise<Row<Item>>;
  /** By verb: what else can be done. An action that is absent is a tool that is absent. */
  readonly actions?: Readonly<Record<string, Action<Client>>>;
}

/**
 * A kind with its types forgotten, as the core keeps it.
 * @hidden
 */
export interface Kind<Client = unknown> {
  readonly name: string;
  readonly about: string;
  readonly says?: readonly string[];
  readonly item: ObjectSchema;
  readonly key: string;
  readonly alsoBy?: readonly string[];
  readonly within?: Readonly<Record<string, AnySchema>>;
  readonly scope?: readonly string[];
  readonly listRequires?: readonly string[];
  readonly order?: "key" | "platform";
  readonly everyday?: readonly string[];
  readonly aliases?: { readonly list?: readonly string[]; readonly get?: readonly string[] };
  list?(args: ListArgs<Client, Record<string, unknown>>): Promise<readonly unknown[] | Listing<unknown>>;
  get?(args: ItemArgs<Client, Record<string, unknown>>): Promise<unknown>;
  readonly actions?: Readonly<Record<string, Action<Client>>>;
}

/** The types of actions, without the rest of them. */
type TypesOf<Actions> = {
  readonly [verb in keyof Actions]: Actions[verb] extends DeclaredAction<infer Input, infer Output> ? DeclaredAction<Input, Output> : unknown;
};

/**
 * The declaring functions, typed for one client: a wrong key, an unknown value or an undeclared input is a type error. `Within` is the type of the
 * kind's `within` parameters.
 *
 * - `kind(spec)` declares a kind, a `KindSpec`.
 * - `read(spec)`, `write(spec)`, `destructive(spec)` declare an action, an `ActionSpec`, of this safety.
 *
 * @example
 * const { kind, read, write, destructive } = forClient<LxdClient>();
 *
 * @example
 * const { kind, write } = forClient<LxdClient, { instance: string }>(); // for snapshots, which are in an instance
 */
export function forClient<Client, Within extends object = object>() {
  const action =
    (safety: Safety) =>
    <const Input extends Shape | ObjectSchema | undefined = undefined, Output extends ObjectSchema | undefined = undefined>(
      spec: ActionSpec<Client, Within, Input, Output>,
    ): Action<Client> & DeclaredAction<Given<Input>, Output extends AnySchema ? Answered<Output> : undefined> =>
      ({ ...spec, safety }) as never;
  return {
    kind: <
      Item extends ObjectSchema,
      const Name extends string,
      const Key extends Field<Item>,
      Actions extends Readonly<Record<string, Action<Client>>> = Readonly<Record<string, never>>,
    >(
      spec: KindSpec<Client, Within, Item> & { readonly name: Name; readonly key: Key; readonly actions?: Actions },
    ): Kind<Client> &
      DeclaredKind<{ name: Name; key: Key; item: Answered<Item>; within: { [name in keyof Within]: Within[name] }; actions: TypesOf<Actions> }> =>
      spec as never,
    /** Changes nothing. */
    read: action("read"),
    /** Changes something that can be changed back. */
    write: action("write"),
    /** Can lose data or run anything. Confirmed unless the config says otherwise. */
    destructive: action("destructive"),
  };
}
