import { type Claim, conjunction, type Node } from "./claim.js";
import type { NounMeaning, Part } from "./reading.js";

/** One noun with what was said of it alone. Without any noun there is one segment that is about everything. */
export interface Segment {
  readonly nouns: readonly NounMeaning[];
  readonly providers: readonly string[];
  /** What was said of it. */
  readonly node: Node | undefined;
  /** What was said of all nouns together; it goes for those that can be asked it. */
  readonly shared: readonly Node[];
}

/**
 * Joins the parts of a query. Rules, as in docs/queries.md: `not` binds to what follows it, `or` to its neighbours, `and` is everywhere
 * else; `except` covers all that follows. What stands before the first of several nouns or behind the last goes for all of them, unless the
 * others have their own.
 */
export function combine(parts: readonly Part[]): readonly Segment[] {
  const spans = splitAtNouns(parts);
  if (spans.length <= 1) {
    const [only] = spans;
    const all = only ? [...only.before, ...only.after] : parts;
    return [{ nouns: only?.nouns ?? [], providers: providersOf(all), node: nodeOf(all), shared: [] }];
  }
  const firstOwn = spans.slice(1).some((span) => hasClaims(span.before));
  const lastOwn = spans.slice(0, -1).some((span) => hasClaims(span.after));
  const [leading, trailing] = [firstOwn ? [] : (spans[0]?.before ?? []), lastOwn ? [] : (spans.at(-1)?.after ?? [])];
  const shared = [nodeOf(leading), nodeOf(trailing)].filter((node) => node !== undefined);
  return spans.map((span, at) => {
    const own = [...(at > 0 || firstOwn ? span.before : []), ...(at < spans.length - 1 || lastOwn ? span.after : [])];
    const providers = providersOf(own).length > 0 ? providersOf(own) : providersOf([...leading, ...trailing]);
    return { nouns: span.nouns, providers, node: nodeOf(own), shared };
  });
}

interface Span {
  readonly before: Part[];
  nouns: readonly NounMeaning[];
  readonly after: Part[];
}

/** Parts around each noun. A joint between two nouns, with claims only on its right, ends the first one's part. */
function splitAtNouns(parts: readonly Part[]): readonly Span[] {
  const spans: Span[] = [];
  let pending: Part[] = [];
  for (const part of parts) {
    if (part.type !== "noun") {
      pending.push(part);
      continue;
    }
    const last = spans.at(-1);
    if (!last) spans.push({ before: pending, nouns: part.meanings, after: [] });
    else if (pending.length === 0) last.nouns = nearest(last.nouns, part.meanings);
    else {
      const joint = pending.findLastIndex((one) => one.type === "and" || one.type === "or" || one.type === "comma");
      // Without a joint both nouns name the same things: "containers that are instances".
      if (joint < 0) {
        last.after.push(...pending);
        last.nouns = nearest(last.nouns, part.meanings);
      } else {
        last.after.push(...pending.slice(0, joint));
        spans.push({ before: pending.slice(joint + 1), nouns: part.meanings, after: [] });
      }
    }
    pending = [];
  }
  if (spans.length === 0) return [];
  spans.at(-1)?.after.push(...pending);
  return spans;
}

/** Two nouns in a row mean what both can mean, if anything: "lxd container instances". */
function nearest(a: readonly NounMeaning[], b: readonly NounMeaning[]): readonly NounMeaning[] {
  const both = a.filter((one) => b.some((other) => other.kind === one.kind));
  return both.length > 0 ? both : b;
}

const hasClaims = (parts: readonly Part[]): boolean => parts.some((part) => part.type === "claim" || part.type === "provider");
const providersOf = (parts: readonly Part[]): string[] => [...new Set(parts.flatMap((part) => (part.type === "provider" ? [part.provider] : [])))];

type Joint = "none" | "and" | "or" | "comma";

/** The boolean tree of parts without nouns; undefined when there is no claim among them. */
export function nodeOf(parts: readonly Part[]): Node | undefined {
  const clusters: { joint: Joint; nodes: Node[] }[] = [];
  let joint = "and" as Joint;
  let negate = false;
  const push = (node: Node): void => {
    const last = clusters.at(-1);
    const wrapped = negate ? { not: node } : node;
    negate = false;
    if (joint === "none" && last) last.nodes.push(wrapped);
    else clusters.push({ joint, nodes: [wrapped] });
    joint = "none";
  };
  for (let at = 0; at < parts.length; at += 1) {
    const part = parts[at] as Part;
    if (part.type === "claim") push({ claim: part.claim });
    else if (part.type === "not") negate = !negate;
    else if (part.type === "open") {
      const close = closing(parts, at);
      const inner = nodeOf(parts.slice(at + 1, close));
      if (inner) push(inner);
      at = close;
    } else if (part.type === "except") {
      const excepted = exceptedOf(parts.slice(at + 1));
      if (excepted) clusters.push({ joint: "and", nodes: [{ not: excepted }] });
      break;
    } else if (part.type === "and" || part.type === "or" || part.type === "comma") {
      // "running, paused or stopped": the comma is what the last joint is.
      joint = joint === "none" || part.type === "or" ? part.type : joint;
    }
  }
  return join(resolveCommas(clusters));
}

/** Behind `except`, `and` and `or` mean the same: none of these. */
function exceptedOf(parts: readonly Part[]): Node | undefined {
  return nodeOf(parts.map((part) => (part.type === "and" || part.type === "comma" ? { type: "or" as const } : part)));
}

function closing(parts: readonly Part[], open: number): number {
  let depth = 0;
  for (let at = open; at < parts.length; at += 1) {
    if (parts[at]?.type === "open") depth += 1;
    if (parts[at]?.type === "close") depth -= 1;
    if (depth === 0) return at;
  }
  return parts.length;
}

function resolveCommas(clusters: readonly { joint: Joint; nodes: Node[] }[]): { joint: Joint; nodes: Node[] }[] {
  return clusters.map((cluster, at) => {
    if (cluster.joint !== "comma") return cluster;
    const next = clusters.slice(at + 1).find((one) => one.joint !== "comma");
    return { ...cluster, joint: next?.joint === "or" ? "or" : "and" };
  });
}

function join(clusters: readonly { joint: Joint; nodes: Node[] }[]): Node | undefined {
  const all: Node[] = [];
  let previous: Node[] = [];
  for (const { joint, nodes } of clusters) {
    const [first, ...rest] = nodes;
    const last = all.at(-1);
    if (!first) continue;
    const same = exclusiveAbout(last) !== undefined && exclusiveAbout(last) === exclusiveAbout(first);
    if (joint === "or" && last && previous.length > 1 && previous.length === nodes.length && abouts(previous) === abouts(nodes)) {
      // "running ubuntu or stopped debian": both sides say the same things, so they are alternatives as a whole.
      all.splice(all.length - previous.length, previous.length, { or: [conjunction(previous), conjunction(nodes)] });
    } else if (last && (joint === "or" || same)) {
      all.splice(-1, 1, { or: [...("or" in last ? last.or : [last]), first] }, ...rest);
    } else all.push(first, ...rest);
    previous = nodes;
  }
  const merged = mergeExclusive(all);
  return merged.length === 0 ? undefined : conjunction(merged);
}

/** Two states of one thing without any joint are alternatives as well: nothing can be in both. */
function mergeExclusive(nodes: readonly Node[]): readonly Node[] {
  const merged: Node[] = [];
  for (const node of nodes) {
    const about = exclusiveAbout(node);
    const last = merged.at(-1);
    if (about !== undefined && last && exclusiveAbout(last) === about && "claim" in node)
      merged.splice(-1, 1, { or: [...("or" in last ? last.or : [last]), node] });
    else merged.push(node);
  }
  return merged;
}

const claimOf = (node: Node | undefined): Claim | undefined =>
  node && "claim" in node ? node.claim : node && "or" in node && node.or[0] && "claim" in node.or[0] ? node.or[0].claim : undefined;
const exclusiveAbout = (node: Node | undefined): string | undefined => {
  const claim = claimOf(node);
  return claim?.exclusive ? claim.about : undefined;
};
const abouts = (nodes: readonly Node[]): string =>
  nodes
    .map((node) => claimOf(node)?.about ?? "?")
    .toSorted()
    .join();
