import type { z } from "zod";
import type { AnySchema } from "./facet.js";
import type { Clock, Logger } from "./tokens.js";
import type { WorkloadMapping } from "./workload.js";

/** What an action may do to the platform. Policy, annotations and confirmation follow from it. */
export type Safety = "read" | "write" | "destructive";

export interface Progress {
  /** How far, in the unit of `total`; it only grows. */
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}

/** What every function of a kind gets. */
export interface CallArgs<Client> {
  readonly client: Client;
  /** Aborted when the caller cancels or the deadline passes. Pass it on to every request. */
  readonly signal: AbortSignal;
  /** Tells the caller how far a long call is. */
  readonly progress: (progress: Progress) => void;
  /** Adds a sentence that the caller should read beside the result. */
  readonly note: (sentence: string) => void;
  /** Names work that goes on after the answer, by the id that the platform's own tools follow it with. Nothing is read back then. */
  readonly task: (id: string) => void;
  readonly log: Logger;
  readonly clock: Clock;
}

/** The value that a filter has for each field. Kinds of condition: see `docs/queries.md`. */
export type Where = Readonly<Record<string, unknown>>;

export interface ListArgs<Client, Within = object> extends CallArgs<Client> {
  /** A hint. Push down what the platform can filter; the core filters again whatever comes back. */
  readonly where: Where;
  readonly at: Readonly<Partial<Within>>;
  /** The `onDemand` fields that this call uses. The others may stay absent. */
  readonly needs: ReadonlySet<string>;
}

export interface ItemArgs<Client, Within = object> extends CallArgs<Client> {
  /** The item's key as the caller gave it: the value of the key field, or of another field in `alsoBy`. */
  readonly key: string;
  /** The values of the kind's `within` fields. */
  readonly at: Readonly<Within>;
}

export interface ActionArgs<Client, Input, Within = object> extends ItemArgs<Client, Within> {
  readonly input: Input;
}

/** What an action without an `output` may return: the key to read back when it isn't the one that was given, and where, when it was moved. */
export type Written = { readonly key?: string; readonly at?: Readonly<Record<string, unknown>> } | void;

/** Finds out what a call would take away. Declared as a method, so that an action of one client is an action of any. */
export type Loses<Client, Input, Within> = { bivariant(args: ActionArgs<Client, Input, Within>): Promise<string> }["bivariant"];

export type ObjectSchema = AnySchema & { readonly shape: object };

export type Shape = Readonly<Record<string, z.ZodType>>;
/** What a schema of either zod answers. */
export type Answered<Schema> = Schema extends z.ZodType ? z.output<Schema> : Schema extends AnySchema<infer Value> ? Value : never;
/** What a schema of either zod takes: what has a default may be left out. */
export type Taken<Schema> = Schema extends z.ZodType
  ? z.input<Schema>
  : Schema extends { readonly _input: infer Value } // zod 3
    ? Value
    : Answered<Schema>;
type In<Input> = Input extends Shape ? z.output<z.ZodObject<Input>> : Input extends AnySchema ? Answered<Input> : object;
/** The arguments as a caller gives them. */
export type Given<Input> = Input extends Shape ? z.input<z.ZodObject<Input>> : Input extends AnySchema ? Taken<Input> : object;
type Out<Output> = Output extends AnySchema ? Taken<Output> : Written;

export interface ActionSpec<Client, Within, Input, Output> {
  /** One sentence: what it does and what to know before calling it. */
  readonly about: string;
  /** The arguments beside the item's key: a shape of zod schemas, or an object schema of any zod. */
  readonly input?: Input;
  /** What it answers. Without one, the core reads the item back and answers that. */
  readonly output?: Output;
  /** Overrides what the verb says. */
  readonly on?: "item" | "kind";
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
  run(args: ActionArgs<Client, In<Input>, Within>): Promise<Out<Output>>;
}

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
