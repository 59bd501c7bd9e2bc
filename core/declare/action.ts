import type { z } from "zod";
import type { AnySchema } from "./facet.js";
import type { Clock, Logger } from "./tokens.js";
import type { WorkloadMapping } from "./workload.js";

/**
 * What an action may do to the platform: `read` changes nothing; `write` changes what can be changed back; `destructive` can lose data or run
 * anything. Rules, the hints that clients see, and confirmations follow from it. When in doubt, `destructive`.
 */
export type Safety = "read" | "write" | "destructive";

/** How far a long call is, for clients that show it. */
export interface Progress {
  /** How far, in the unit of `total`; it only grows. */
  readonly progress: number;
  /** Where it ends, if that is known. */
  readonly total?: number;
  /** What is being done, in a few words. */
  readonly message?: string;
}

/**
 * What every function of a declaration gets. What it throws as a `ProxMcpError` reaches the caller as it is, with the connection's name added;
 * anything else becomes `INTERNAL`.
 */
export interface CallArgs<Client> {
  /** The client of the connection, made by the container when it was first needed. */
  readonly client: Client;
  /** Aborted when the caller cancels or the deadline passes. Pass it on to every request. */
  readonly signal: AbortSignal;
  /** Tells the caller how far a long call is. */
  readonly progress: (progress: Progress) => void;
  /** Adds a sentence that the caller should read beside the result. */
  readonly note: (sentence: string) => void;
  /** Names work that goes on after the answer, by the id that the platform's own tools follow it with. Nothing is read back then. */
  readonly task: (id: string) => void;
  /** Writes log lines to stderr, secrets masked. */
  readonly log: Logger;
  /** Tells the time and sleeps. Use it, not `setTimeout`: it stops when the call is cancelled, and tests can move it. */
  readonly clock: Clock;
}

/**
 * The filter of a list, by field. The shape of a condition follows from the field's type:
 *
 * | field | condition | example |
 * | --- | --- | --- |
 * | text | the text, `*` for any characters, in any case | `{ name: "web*" }` |
 * | enum | the values that are allowed | `{ status: ["running"] }` |
 * | number | bounds, in the field's unit, both included | `{ memory: { min: 1073741824 } }` |
 * | boolean | the value | `{ nesting: true }` |
 * | list of texts | any of these | `{ tags: ["prod", "test"] }` |
 */
export type Where = Readonly<Record<string, unknown>>;

/** What `list` gets. */
export interface ListArgs<Client, Within = object> extends CallArgs<Client> {
  /** A hint. Push down what the platform can filter; the core filters again whatever comes back. */
  readonly where: Where;
  /** The values of the kind's `within` fields, as far as the caller named them: those of `listRequires` always. */
  readonly at: Readonly<Partial<Within>>;
  /** The `onDemand` fields that this call uses. The others may stay absent. */
  readonly needs: ReadonlySet<string>;
}

/** What works on one item gets: `get`, and actions on an item. */
export interface ItemArgs<Client, Within = object> extends CallArgs<Client> {
  /** The item's key as the caller gave it: the value of the key field, or of another field in `alsoBy`. */
  readonly key: string;
  /** The values of the kind's `within` fields: what the item is in. */
  readonly at: Readonly<Within>;
}

/** What `run` of an action gets. Of an action on the kind as a whole, as `create`, there is no `key`. */
export interface ActionArgs<Client, Input, Within = object> extends ItemArgs<Client, Within> {
  /** The arguments, checked against `input` of the action, defaults filled in. */
  readonly input: Input;
}

/**
 * What an action without an `output` may return: the key to read back, when it is not the one that was given, as of a `create` or a `rename`;
 * and the `within` parameters that have changed, when it was moved.
 */
export type Written = { readonly key?: string; readonly at?: Readonly<Record<string, unknown>> } | void;

/**
 * Finds out what a call would take away. Declared as a method, so that an action of one client is an action of any.
 * @hidden
 */
export type Loses<Client, Input, Within> = { bivariant(args: ActionArgs<Client, Input, Within>): Promise<string> }["bivariant"];

/**
 * An object schema of zod 4 or zod 3, from any copy of the library. What JSON has no word for is refused when the plugin is loaded: dates,
 * bigints, maps, sets, transforms of an output.
 */
export type ObjectSchema = AnySchema & { readonly shape: object };

/** Fields by name, each a schema of zod 4: `{ force: z.boolean().default(false).describe("Do not ask the guest") }`. */
export type Shape = Readonly<Record<string, z.ZodType>>;
/**
 * What a schema of either zod answers.
 * @hidden
 */
export type Answered<Schema> = Schema extends z.ZodType ? z.output<Schema> : Schema extends AnySchema<infer Value> ? Value : never;
/**
 * What a schema of either zod takes: what has a default may be left out.
 * @hidden
 */
export type Taken<Schema> = Schema extends z.ZodType
  ? z.input<Schema>
  : Schema extends { readonly _input: infer Value } // zod 3
    ? Value
    : Answered<Schema>;
type In<Input> = Input extends Shape ? z.output<z.ZodObject<Input>> : Input extends AnySchema ? Answered<Input> : object;
/**
 * The arguments as a caller gives them.
 * @hidden
 */
export type Given<Input> = Input extends Shape ? z.input<z.ZodObject<Input>> : Input extends AnySchema ? Taken<Input> : object;
type Out<Output> = Output extends AnySchema ? Taken<Output> : Written;

/**
 * One action on a kind, and so one tool: what `read`, `write` and `destructive` of `forClient` take. Its tool is called
 * `<provider>_<kind>_<verb>`, after the name under which it stands in `actions`. After a write without an `output` the item is read back, and the caller is
 * answered what it is now.
 */
export interface ActionSpec<Client, Within, Input, Output> {
  /** One sentence: what it does and what to know before calling it. */
  readonly about: string;
  /** The arguments beside the item's key: a shape of zod schemas, or an object schema of any zod. */
  readonly input?: Input;
  /** What it answers. Without one, the core reads the item back and answers that. */
  readonly output?: Output;
  /** Whether it works on one item, and its tool takes the item's key, or on the kind as a whole. Default: what the verb says, else `item`. */
  readonly on?: "item" | "kind";
  /** Calling it twice leaves the same state as calling it once. Default: what the verb says, else true of reads alone. */
  readonly idempotent?: boolean;
  /** It reaches beyond the configured machines, as pulling an image does. */
  readonly openWorld?: boolean;
  /** Seconds until the core gives up. Default: `limits.readTimeout` or `limits.writeTimeout`. */
  readonly timeout?: number;
  /** Names that other systems use for this very operation: accepted in calls and allowlists, never listed. */
  readonly aliases?: readonly string[];
  /**
   * What the confirmation says will be lost, as a sentence. A function looks first and says what this very call would take: "3 stopped
   * containers, 120 MB". It only reads; what it throws ends the call before anybody is asked.
   */
  readonly loses?: string | Loses<Client, In<Input>, Within>;
  /**
   * Of a write: why these very arguments can lose data or break out, as a sentence for the confirmation; undefined where they can't. Such a
   * call is treated as destructive, all others as the write it is. Pure: it looks at nothing but the arguments.
   */
  readonly destructiveWhen?: { bivariant(input: In<Input>): string | undefined }["bivariant"];
  /** Of a create action: how a workload that is to be placed somewhere becomes arguments of this action. Without it, nothing is routed here. */
  readonly workload?: WorkloadMapping<Given<Input> & Partial<Within>>;
  /** Does it. Answers what `output` describes; without one, nothing, or the key under which the item is found now. */
  run(args: ActionArgs<Client, In<Input>, Within>): Promise<Out<Output>>;
}

/**
 * An action with its types forgotten, as the core keeps it.
 * @hidden
 */
export interface Action<Client = unknown>
  extends Omit<ActionSpec<Client, never, unknown, unknown>, "run" | "input" | "output" | "loses" | "destructiveWhen" | "workload"> {
  readonly safety: Safety;
  readonly input?: Shape | ObjectSchema;
  readonly output?: ObjectSchema;
  readonly loses?: string | Loses<Client, never, never>;
  readonly destructiveWhen?: (input: never) => string | undefined;
  readonly workload?: WorkloadMapping;
  run(args: ActionArgs<Client, never, never>): Promise<unknown>;
}
