import { z } from "zod";
import { archOf, OS_NAMES } from "./words.js";

const texts = z.array(z.string().min(1)).max(50);

/**
 * What a workload requires. One schema for the tools, `app.route` and the command line. Sizes are bytes; what is absent does not matter
 * to the caller. How each field is used: docs/routing.md.
 */
export const REQUIREMENT = {
  sentence: z.string().max(2000).optional().describe("In words: a small postgres with 2gb on arm. Fields override it"),
  name: z.string().min(1).max(100).optional(),
  workload: z.string().min(1).max(60).optional().describe("web_server, database, microservice, development, ci_runner, desktop, application..."),
  isolation: z.string().min(1).max(60).optional().describe("vm, system-container, app-container, container, any"),
  software: z.string().min(1).max(100).optional().describe("postgres:16"),
  os: z.string().min(1).max(100).optional(),
  image: z.string().min(1).max(300).optional(),
  arch: z.string().min(1).max(40).optional(),
  cpu: z.number().positive().max(10_000).optional(),
  memory: z.int().positive().optional().describe("Bytes"),
  disk: z.int().positive().optional(),
  gpu: z.boolean().optional(),
  pci: z.boolean().optional(),
  network: z.enum(["simple", "complex"]).optional(),
  nesting: z.boolean().optional(),
  privileged: z.boolean().optional(),
  persistent: z.boolean().optional(),
  lifetime: z.enum(["short", "long"]).optional(),
  features: texts.optional().describe("Declared features needed"),
  count: z.int().min(1).max(100).optional(),
  tags: z.record(z.string(), z.string()).optional().describe("Of the connection"),
  region: z.string().min(1).max(100).optional(),
  tier: z.string().min(1).max(100).optional(),
  affinity: texts.optional().describe("Names or tags to be beside"),
  anti_affinity: texts.optional().describe('To be apart from; "self": from each other'),
  connections: z.strictObject({ allow: texts.optional(), deny: texts.optional() }).optional(),
} as const;

export const Requirement = z.strictObject(REQUIREMENT);

/** A requirement as it is given: fields, a sentence, or both. */
export type Requirement = z.input<typeof Requirement>;

/** What rules look at beside the fields themselves, all told from them. */
export interface Facts {
  /** `windows` or `linux`; absent when no system was named. */
  readonly os_family?: "windows" | "linux" | undefined;
  /** Whether the image brings an application (`nginx:1.27`) or a system (`images:debian/12`). */
  readonly image_kind?: "application" | "system" | undefined;
}

/** A requirement with its words in one form: names of architectures and systems, region and tier among the tags. */
export type Wanted = Omit<Requirement, "sentence" | "region" | "tier"> & Facts & { readonly tags: Readonly<Record<string, string>> };

export function wantedOf(requirement: Requirement): Wanted {
  const { sentence: _, region, tier, tags, arch, isolation, workload, os, ...rest } = requirement;
  const type = workload === undefined ? undefined : underscored(workload);
  const system = os ?? (type === "windows" || type === "linux" ? type : undefined);
  const named = (system ?? rest.image)?.toLowerCase();
  const windows = named !== undefined && /\bwin(dows)?(?!e)/.test(named);
  return present({
    ...rest,
    workload: type,
    isolation: isolation === undefined || isolation === "any" ? undefined : hyphenated(isolation),
    arch: arch === undefined ? undefined : archOf(arch),
    os: system,
    os_family: windows ? ("windows" as const) : system === undefined ? undefined : ("linux" as const),
    image_kind: rest.image === undefined ? undefined : imageKind(rest.image),
    tags: { ...tags, ...(region === undefined ? {} : { region }), ...(tier === undefined ? {} : { tier }) },
  }) as Wanted;
}

/** An image that names an operating system brings a system; any other brings an application. */
export function imageKind(image: string): "application" | "system" {
  const words = image.toLowerCase().split(/[^a-z]+/);
  return words.some((word) => OS_NAMES.has(word)) ? "system" : "application";
}

const underscored = (text: string): string =>
  text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, "_");
const hyphenated = (text: string): string =>
  text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_]+/g, "-");

/** Without the fields that are undefined. */
export const present = <Value extends object>(value: Value): Value =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as Value;
