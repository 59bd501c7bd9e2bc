import type { CallValue } from "./call/audited.js";
import type { DeclaredAction, DeclaredKind, DeclaredProvider, KindTypes } from "./declare/declared.js";
import type { ErrorReport } from "./errors.js";

/** The arguments and the result of a tool. */
export interface ToolTypes {
  readonly args: object;
  readonly result: object;
}

/** What a plugin brings, as it stands under `plugins`: only an object says what its tools take and answer. */
type ToolsOfPlugin<Plugin> = Plugin extends DeclaredProvider<infer Name, infer Noun, infer Kinds> ? OfKinds<Name, Noun, Kinds> : never;

type OfKinds<Name extends string, Noun extends string, Kinds> = Kinds extends readonly (infer Each)[]
  ? Each extends DeclaredKind<infer Types>
    ? string extends Types["name"]
      ? never // made by a function that takes any name
      : OfKind<`${Name}_${Types["name"]}`, Noun, Types>
    : never
  : never;

type OfKind<Prefix extends string, Noun extends string, Types extends KindTypes> =
  | { readonly tool: `${Prefix}_list`; readonly args: ListArgs<Types> & At<Noun>; readonly result: ListResult<Types, Noun> }
  | { readonly tool: `${Prefix}_get`; readonly args: ItemArgs<Types> & At<Noun>; readonly result: ItemResult<Types> & Told<Noun> }
  | OfActions<Prefix, Noun, Types, Types["actions"]>;

// A record of actions whose verbs are not known by name says nothing about any of them.
type OfActions<Prefix extends string, Noun extends string, Types extends KindTypes, Actions> = string extends keyof Actions
  ? never
  : {
      [verb in keyof Actions & string]: {
        readonly tool: `${Prefix}_${verb}`;
        readonly args: Partial<ItemArgs<Types>> & InputOf<Actions[verb]> & At<Noun> & { readonly confirm?: string };
        readonly result: ResultOf<Types, verb, Actions[verb]> & Told<Noun>;
      };
    }[keyof Actions & string];

type At<Noun extends string> = { readonly [noun in Noun]?: string };
type Told<Noun extends string> = At<Noun> & { readonly notes?: string[] };
type ItemArgs<Types extends KindTypes> = { readonly [key in Types["key"]]: string } & Readonly<Types["within"]>;
type ItemResult<Types extends KindTypes> = { readonly item: Types["item"] };
type ListArgs<Types extends KindTypes> = { readonly [name in keyof Types["within"]]?: Types["within"][name] } & {
  /** Conditions by field; docs/queries.md has what each type of field takes. */
  readonly where?: { readonly [field in keyof Types["item"]]?: unknown };
  readonly limit?: number;
  readonly cursor?: string;
};
type ListResult<Types extends KindTypes, Noun extends string> = {
  readonly items: (Types["item"] & At<Noun>)[];
  readonly total: number;
  readonly cursor?: string;
  readonly errors?: (ErrorReport & { readonly source?: string })[];
  readonly notes?: string[];
};

type InputOf<Action> = Action extends DeclaredAction<infer Input, infer _> ? Readonly<Input> : object;
type ResultOf<Types extends KindTypes, Verb extends string, Action> = Verb extends "delete"
  ? { readonly deleted: boolean }
  : Action extends DeclaredAction<infer _, infer Output>
    ? [Output] extends [undefined]
      ? Partial<ItemResult<Types>> // after a write that could not be read back there is a note instead
      : { readonly result: Output }
    : CallValue;

/** The tools of plugin objects, by name. A plugin that is named by a string brings nothing: what it declares is known when it is loaded. */
export type ToolsOf<Plugins> = Plugins extends readonly (infer Plugin)[]
  ? [ToolsOfPlugin<Plugin>] extends [never]
    ? Unknown
    : { readonly [Operation in ToolsOfPlugin<Plugin> as Operation["tool"]]: Operation }
  : Unknown;

// oxlint-disable-next-line typescript/no-explicit-any -- nothing is known of its tools, so it fits wherever an app is taken
type Unknown = any;

/** True for an app of which nobody said what its plugins are. */
type Untyped<Tools> = 0 extends 1 & Tools ? true : false;
type Open = Readonly<Record<string, unknown>>;

/** Names that are known, offered while typing; any other may be one that a plugin brings. */
export type ToolName<Tools> = Untyped<Tools> extends true ? string : (keyof Tools & string) | (string & Record<never, never>);
export type ArgsOf<Tools, Name> = Untyped<Tools> extends true ? Open : Name extends keyof Tools ? (Tools[Name] & ToolTypes)["args"] : Open;
export type ResultOfCall<Tools, Name> =
  Untyped<Tools> extends true ? CallValue : Name extends keyof Tools ? (Tools[Name] & ToolTypes)["result"] & CallValue : CallValue;
