import type { Kind } from "../declare/kind.js";

/** The parameters of `within` that say what an item belongs to: an instance, of a snapshot. Those of `scope` are the same everywhere and say nothing of it. */
export const ownersIn = ({ within, scope }: Pick<Kind, "within" | "scope">): readonly string[] =>
  Object.keys(within ?? {}).filter((name) => !scope?.includes(name));
