import type { Kind } from "../declare/kind.js";

/**
 * The parameters of `within` without which an item can't be named: an instance's, of a snapshot. One that may be left out, such as a project
 * that has a default, is none of them.
 */
export const neededWithin = ({ within }: Pick<Kind, "within">): readonly string[] =>
  Object.entries(within ?? {}).flatMap(([name, schema]) => (schema.safeParse(undefined).success ? [] : [name]));
