/**
 * What a declaration says about types, so that a caller of its tools is told their arguments and results while typing. The property is there
 * for the compiler alone; no object has it. See core/typed.ts.
 * @hidden
 */
export interface DeclaredAction<Input, Output> {
  readonly __types: { readonly input: Input; readonly output: Output };
}

/**
 * The same, of what a kind is made of.
 * @hidden
 */
export interface KindTypes {
  readonly name: string;
  readonly key: string;
  readonly item: unknown;
  readonly within: unknown;
  readonly actions: unknown;
}

/**
 * The same, of a kind.
 * @hidden
 */
export interface DeclaredKind<Types extends KindTypes> {
  readonly __types: Types;
}

/**
 * The same, of a provider.
 * @hidden
 */
export interface DeclaredProvider<Name extends string, Noun extends string, Kinds> {
  readonly __types: { readonly name: Name; readonly noun: Noun; readonly kinds: Kinds };
}
