import type { Where } from "../declare/action.js";
import { asList, isRecord } from "../derive/filter.js";
import type { KindView } from "./lexicon.js";

/** One thing that a query says about what it wants. What that means as a filter is up to each kind. */
export interface Claim {
  /** In words, for the interpretation: `status is running`. */
  readonly says: string;
  /** What it is about, so that "running or paused" is known to be about one thing. */
  readonly about: string;
  /** An item has only one value of it: "running and paused containers" can only mean either. */
  readonly exclusive: boolean;
  /** The filter for a kind, or undefined when the kind can't be asked that. */
  on(kind: KindView): Where | undefined;
}

export type Node = { readonly claim: Claim } | { readonly and: readonly Node[] } | { readonly or: readonly Node[] } | { readonly not: Node };

/** The tree as a filter for one kind. Undefined, with the claim that failed, when the kind can't be asked this. */
export function filterFor(node: Node, kind: KindView, meaningless: ReadonlySet<Node> = NONE): { where: Where } | { lacks: string } {
  if ("claim" in node) {
    const where = node.claim.on(kind);
    return where ? { where } : { lacks: node.claim.says };
  }
  if ("not" in node) {
    const inner = filterFor(node.not, kind, meaningless);
    // What a kind does not have at all, none of its items has. What no kind has, was not meant so.
    if ("lacks" in inner && meaningless.has(node)) return inner;
    if ("lacks" in inner || isEmpty(inner.where)) return { where: {} };
    const nested = inner.where["not"];
    return { where: isRecord(nested) && Object.keys(inner.where).length === 1 ? nested : { not: inner.where } };
  }
  if ("and" in node) {
    const parts: Where[] = [];
    for (const one of node.and) {
      const inner = filterFor(one, kind, meaningless);
      if ("lacks" in inner) return inner;
      parts.push(inner.where);
    }
    return { where: allOf(parts) };
  }
  const parts = node.or.map((one) => filterFor(one, kind, meaningless));
  const possible = parts.flatMap((part) => ("where" in part ? [part.where] : []));
  const [lacking] = parts.flatMap((part) => ("lacks" in part ? [part.lacks] : []));
  return possible.length > 0 ? { where: anyOf(possible) } : { lacks: lacking ?? "" };
}

const NONE: ReadonlySet<Node> = new Set();

/** The negations in a tree that none of these kinds can be asked about. */
export function meaninglessIn(node: Node | undefined, kinds: readonly KindView[]): readonly Node[] {
  if (node === undefined || "claim" in node) return [];
  if (!("not" in node)) return ("and" in node ? node.and : node.or).flatMap((one) => meaninglessIn(one, kinds));
  const asked = kinds.some((kind) => "where" in filterFor(node.not, kind));
  return [...(asked ? [] : [node]), ...meaninglessIn(node.not, kinds)];
}

/** All filters in one object where their names differ, nested where they meet. */
export function allOf(parts: readonly Where[]): Where {
  const merged: Record<string, unknown> = {};
  const clashing: Where[] = [];
  for (const part of parts.filter((one) => !isEmpty(one))) {
    if (Object.keys(part).some((name) => Object.hasOwn(merged, name))) clashing.push(part);
    else Object.assign(merged, part);
  }
  if (clashing.length === 0) return merged;
  return { and: [merged, ...clashing] };
}

/** Alternatives about the same field with plain values become one list of values. */
export function anyOf(parts: readonly Where[]): Where {
  if (parts.some(isEmpty)) return {};
  const [first] = parts;
  if (parts.length === 1 && first) return first;
  const names = new Set(parts.flatMap((part) => Object.keys(part)));
  const [name] = names;
  const plain = (value: unknown): boolean => asList(value).every((one) => typeof one === "string");
  if (names.size === 1 && name !== undefined && !["and", "or", "not"].includes(name) && parts.every((part) => plain(part[name])))
    return { [name]: [...new Set(parts.flatMap((part) => asList(part[name])))] };
  const shared = factored(parts);
  if (shared) return shared;
  return { or: parts.flatMap((part) => (Object.keys(part).length === 1 && Array.isArray(part["or"]) ? (part["or"] as Where[]) : [part])) };
}

/** Alternatives that differ in one field's plain values only are one filter with all of these values. */
function factored(parts: readonly Where[]): Where | undefined {
  const [first, ...others] = parts;
  if (!first) return undefined;
  const names = Object.keys(first);
  if (names.length < 2 || others.some((part) => Object.keys(part).length !== names.length || names.some((name) => !Object.hasOwn(part, name))))
    return undefined;
  const differing = names.filter((name) => parts.some((part) => JSON.stringify(part[name]) !== JSON.stringify(first[name])));
  const [name] = differing;
  if (differing.length !== 1 || name === undefined || !parts.every((part) => asList(part[name]).every((value) => typeof value === "string")))
    return undefined;
  return { ...first, [name]: [...new Set(parts.flatMap((part) => asList(part[name])))].toSorted() };
}

const isEmpty = (where: Where): boolean => Object.keys(where).length === 0;

/** The tree in words. */
export function sayNode(node: Node, inner = false): string {
  if ("claim" in node) return node.claim.says;
  if ("not" in node) return `not ${"claim" in node.not ? node.not.claim.says : `(${sayNode(node.not)})`}`;
  const [parts, joint] = "and" in node ? [node.and, " and "] : [node.or, " or "];
  const text = parts.map((part) => sayNode(part, true)).join(joint);
  return inner && parts.length > 1 ? `(${text})` : text;
}

export const conjunction = (nodes: readonly Node[]): Node => (nodes.length === 1 && nodes[0] ? nodes[0] : { and: nodes });
