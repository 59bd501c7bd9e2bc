import type { CapacityPlace, HostedWorkload } from "../declare/provider.js";
import { type Asked, type Load, sizeText } from "./capacity.js";
import { IMPLIED, type Ruling, type Weights } from "./rules.js";

/** One part of a score: what was looked at, the points it gave, and why. */
export interface Reason {
  readonly what: keyof Weights;
  readonly points: number;
  readonly why: string;
}

/** What unknown numbers count as: better than a place that is known to be nearly full, worse than one that is known to have room. */
const UNKNOWN = 0.3;

export interface Scored {
  readonly hosted: HostedWorkload;
  readonly place: CapacityPlace;
  readonly asked: Asked;
  readonly load: Load;
  readonly ruling: Ruling;
}

/** Points for one place, split by reason. The same numbers give the same points; they are rounded before they are added up. */
export function scoreOf(scored: Scored, weights: Weights): { readonly score: number; readonly reasons: readonly Reason[] } {
  const parts = [
    ruleShare(scored),
    { what: "fit" as const, share: scored.hosted.fit, why: `declared as a home for ${scored.hosted.workload}: ${scored.hosted.fit}` },
    featureShare(scored),
    headroomShare(scored),
    loadShare(scored),
    spreadShare(scored),
  ];
  const reasons = parts.flatMap((part) =>
    part === undefined || weights[part.what] === 0 ? [] : [{ what: part.what, points: tenths(part.share * weights[part.what]), why: part.why }],
  );
  return { score: tenths(reasons.reduce((sum, reason) => sum + reason.points, 0)), reasons };
}

type Part = { readonly what: keyof Weights; readonly share: number; readonly why: string };

function ruleShare({ hosted, ruling: { by } }: Scored): Part | undefined {
  if (!by?.prefer) return undefined;
  const at = by.prefer.indexOf(hosted.workload);
  const why = `${by.why} (rule ${by.name}: ${by.prefer.join(", then ")})`;
  return { what: "rule", share: at < 0 ? 0 : 1 / 2 ** at, why };
}

function featureShare({ hosted, ruling: { by } }: Scored): Part | undefined {
  const wants = by?.wants ?? [];
  if (wants.length === 0) return undefined;
  const has = wants.filter((feature) => offers(hosted, feature));
  const lacks = wants.filter((feature) => !has.includes(feature));
  const why = [has.length ? `has ${has.join(", ")}` : "", lacks.length ? `lacks ${lacks.join(", ")}` : ""].filter(Boolean).join("; ");
  return { what: "features", share: has.length / wants.length, why };
}

function headroomShare({ place, asked, load }: Scored): Part {
  const left: { readonly share: number; readonly why: string }[] = [];
  for (const what of ["memory", "disk"] as const) {
    const total = place[what];
    const used = place[`${what}_used`];
    if (!total || used === undefined) continue;
    const free = Math.max(0, total - used - load[what] - (asked[what] ?? 0));
    left.push({ share: free / total, why: `${sizeText(free)} of ${sizeText(total)} ${what} left` });
  }
  if (place.cpu && place.cpu_usage !== undefined) {
    const free = Math.max(0, place.cpu * (1 - place.cpu_usage) - load.cpu - (asked.cpu ?? 0));
    left.push({ share: free / place.cpu, why: `${tenths(free)} of ${place.cpu} cores left` });
  }
  const [scarcest] = left.sort((a, b) => a.share - b.share);
  return scarcest ? { what: "headroom", ...scarcest } : { what: "headroom", share: UNKNOWN, why: "what is in use is not known" };
}

function loadShare({ place }: Scored): Part {
  if (place.cpu_usage === undefined) return { what: "load", share: UNKNOWN, why: "its load is not known" };
  const usage = Math.min(1, Math.max(0, place.cpu_usage));
  return { what: "load", share: 1 - usage, why: `${Math.round(usage * 100)} % of its cores are busy` };
}

function spreadShare({ load: { copies } }: Scored): Part | undefined {
  return copies === 0 ? undefined : { what: "spread", share: -copies / (copies + 1), why: `${copies} of these go there already` };
}

/** Whether a hosted workload type has a feature: declared, or implied by what it is. */
export const offers = ({ workload, features = [] }: HostedWorkload, feature: string): boolean =>
  features.some((one) => one.toLowerCase() === feature.toLowerCase()) || (IMPLIED[workload] ?? []).includes(feature.toLowerCase());

const tenths = (number: number): number => Math.round(number * 10) / 10;
