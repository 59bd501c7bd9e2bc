import { z } from "zod";
import type { Wanted } from "./requirement.js";

const GiB = 1024 ** 3;

const Condition = z.union([
  z.string(),
  z.boolean(),
  z.array(z.string()).min(1),
  z.strictObject({ above: z.number().optional(), below: z.number().optional() }),
]);

/** Fields of a requirement, and the two facts that are told from them. */
const CONDITIONS: readonly string[] = [
  ...["workload", "isolation", "software", "os", "os_family", "image", "image_kind", "arch", "cpu", "memory", "disk", "gpu", "pci", "network"],
  ...["nesting", "privileged", "persistent", "lifetime", "count", "name"],
];

const When = z.record(z.string(), Condition).refine((when) => Object.keys(when).every((name) => CONDITIONS.includes(name)), {
  error: `allowed: ${CONDITIONS.join(", ")}`,
});

/** One rule, as data. It speaks of workload types and features, never of providers. */
export const RuleSchema = z.strictObject({
  /** Why, as a sentence for the person who reads the score. */
  why: z.string().min(1),
  /** Alternatives; within one all conditions have to hold. Without any it always applies. */
  when: z.array(When).optional(),
  /** Workload types, best first. Of the rules that apply, the first that prefers anything decides. */
  prefer: z.array(z.string().min(1)).optional(),
  /** Features without which a host is out. All rules that apply count. */
  needs: z.array(z.string().min(1)).optional(),
  /** Features that are good to have. Those of the deciding rule count. */
  wants: z.array(z.string().min(1)).optional(),
});

export type Rule = z.output<typeof RuleSchema>;
export type NamedRule = Rule & { readonly name: string };

const LIGHT = ["system-container", "app-container", "vm"];

/** The defaults, in order. The table with words: docs/routing.md. */
export const RULES: readonly NamedRule[] = [
  {
    name: "windows",
    why: "Windows needs a whole machine",
    when: [{ os_family: "windows" }, { workload: "windows" }],
    prefer: ["vm"],
    needs: ["windows"],
  },
  { name: "gpu_passthrough", why: "a passed-through GPU needs a whole machine", when: [{ gpu: true }], prefer: ["vm"], needs: ["gpu"] },
  { name: "pci_passthrough", why: "a passed-through device needs a whole machine", when: [{ pci: true }], prefer: ["vm"], needs: ["pci"] },
  {
    name: "complex_networking",
    why: "complex networking needs interfaces of its own",
    when: [{ network: "complex" }, { workload: ["complex_networking", "router"] }],
    prefer: ["vm"],
    needs: ["complex-networking"],
  },
  { name: "whole_machine", why: "it expects a machine of its own", when: [{ workload: ["desktop", "kubernetes_node"] }], prefer: ["vm"] },
  { name: "nested_containers", why: "containers run inside it", when: [{ nesting: true }], needs: ["nesting"] },
  {
    name: "application_image",
    why: "an application image runs as it is in an application container",
    when: [{ image_kind: "application" }, { workload: "application" }],
    prefer: ["app-container", "system-container", "vm"],
  },
  {
    name: "light_linux",
    why: "a light Linux workload shares the kernel of its host",
    when: [{ workload: ["web_server", "database", "microservice", "development"] }],
    prefer: LIGHT,
    wants: ["snapshots"],
  },
  {
    name: "heavy",
    why: "more than 8 GiB or 4 cores are better off in a machine of their own",
    when: [{ memory: { above: 8 * GiB } }, { cpu: { above: 4 } }],
    prefer: ["vm", "system-container", "app-container"],
  },
  { name: "otherwise", why: "what is light and says nothing else shares the kernel of its host", prefer: LIGHT },
];

/**
 * Features that come with a workload type, whoever hosts it. A whole machine runs containers; what it shares with nobody needs no leave.
 */
export const IMPLIED: Readonly<Record<string, readonly string[]>> = {
  vm: ["nesting", "linux"],
  "system-container": ["linux"],
  "app-container": ["linux"],
};

export const WEIGHTS = {
  /** The deciding rule prefers this workload type: first all of it, second half, third a quarter. */
  rule: 100,
  /** The fit that the provider declares. */
  fit: 100,
  /** Share of the wanted features. */
  features: 10,
  /** The scarcest of cores, memory and disk that would be left. */
  headroom: 10,
  /** Cores that are idle now. */
  load: 5,
  /** Copies of the same request that are there already. */
  spread: 4,
} as const;

export type Weights = Readonly<Record<keyof typeof WEIGHTS, number>>;

export interface Routing {
  readonly weights: Weights;
  readonly rules: readonly NamedRule[];
  /** Share of memory and disk that a place has to keep. */
  readonly reserve: number;
}

export const RESERVE = 0.05;

/** `routing` of the config. */
export const RoutingConfig = z.strictObject({
  weights: z
    .strictObject(
      Object.fromEntries(Object.keys(WEIGHTS).map((name) => [name, z.number().min(0).max(1000).optional()])) as Record<
        keyof typeof WEIGHTS,
        z.ZodOptional<z.ZodNumber>
      >,
    )
    .optional(),
  /** By name. One of a default's name takes its place, `false` removes it, any other comes before all defaults. */
  rules: z.record(z.string(), z.union([z.literal(false), RuleSchema], { error: "allowed: a rule, or false" })).optional(),
  reserve: z.number().min(0).max(0.9).optional(),
});

/** The defaults with what the config says about them. */
export function routingOf(config: z.output<typeof RoutingConfig> = {}): Routing {
  const own = config.rules ?? {};
  const added = Object.entries(own).flatMap(([name, rule]) => (rule && !RULES.some((one) => one.name === name) ? [{ ...rule, name }] : []));
  const kept = RULES.flatMap((rule) => {
    const other = Object.hasOwn(own, rule.name) ? own[rule.name] : rule;
    return other ? [{ ...other, name: rule.name }] : [];
  });
  const weights = Object.fromEntries(Object.entries(WEIGHTS).map(([name, weight]) => [name, config.weights?.[name as keyof Weights] ?? weight]));
  return { weights: weights as Weights, rules: [...added, ...kept], reserve: config.reserve ?? RESERVE };
}

/** What the rules make of a requirement. */
export interface Ruling {
  /** The rule that decides; absent if none prefers anything. */
  readonly by?: NamedRule;
  /** Features that a host has to have, with the reason. */
  readonly needs: readonly { readonly feature: string; readonly why: string }[];
}

export function ruleOn(wanted: Wanted, rules: readonly NamedRule[]): Ruling {
  const applying = rules.filter((rule) => rule.when === undefined || rule.when.some((when) => holds(when, wanted)));
  const by = applying.find((rule) => rule.prefer?.length);
  const needs = new Map<string, string>();
  for (const feature of wanted.features ?? []) needs.set(feature.toLowerCase(), "it was asked for");
  for (const rule of applying) for (const feature of rule.needs ?? []) if (!needs.has(feature)) needs.set(feature, rule.why);
  return { ...(by ? { by } : {}), needs: [...needs].map(([feature, why]) => ({ feature, why })) };
}

function holds(when: Readonly<Record<string, z.output<typeof Condition>>>, wanted: Wanted): boolean {
  return Object.entries(when).every(([name, condition]) => {
    const value: unknown = Object.hasOwn(wanted, name) ? wanted[name as keyof Wanted] : undefined;
    if (value === undefined) return false;
    if (typeof condition === "object" && !Array.isArray(condition)) {
      const { above = Number.NEGATIVE_INFINITY, below = Number.POSITIVE_INFINITY } = condition;
      return typeof value === "number" && value > above && value < below;
    }
    if (typeof condition === "boolean") return value === condition;
    return [condition].flat().some((one) => one.toLowerCase() === String(value).toLowerCase());
  });
}
