import type { Provider } from "../declare/provider.js";
import type { SandboxOptions } from "../declare/sandbox.js";
import { CHECKS } from "./checks.js";
import { open, type Subject } from "./subject.js";

/** What a review needs to know of a provider. */
export interface ReviewOptions {
  /** How to start the plugin's own sandbox. The default subject is that sandbox as it comes. */
  readonly sandbox?: SandboxOptions;
  /** Options of a connection to a real platform, instead of the sandbox. Nothing is changed there but by the calls in `inputs`. */
  readonly connection?: Readonly<Record<string, unknown>>;
  /**
   * Arguments for actions that can't do without, by the tool's name: `{ pdu_outlet_create: { name: "desk", position: 3 } }`, or several in a
   * list. An item's key is filled in where it is left out.
   */
  readonly inputs?: Readonly<Record<string, Arguments | readonly Arguments[]>>;
  /** `it` or `test` of a test runner: each check becomes a test of its own. Without it they run one after the other, and a failure tells everything. */
  readonly test?: (name: string, run: () => Promise<void>, timeout?: number) => unknown;
}

type Arguments = Readonly<Record<string, unknown>>;

/** What a reviewer would write beside a line. */
export interface Finding {
  /** The tool or the part of the declaration it is about. */
  readonly at: string;
  /** What was seen, why that is wrong, and what to do about it. */
  readonly says: string;
}

/** One promise, held against a platform. */
export interface Check {
  /** What the provider does, as a predicate: "gives each row once, page by page". */
  readonly name: string;
  /** What it can't do without; it is left out where that is missing. */
  readonly needs?: "sandbox";
  /** Looks, and notes on the subject what is not as promised. */
  run(subject: Subject): Promise<void>;
}

/** What `testProvider` found out when it ran by itself. */
export interface Review {
  /** The checks that were made. */
  readonly checks: readonly string[];
  /** Actions that were never carried out, because nobody gave arguments for them. */
  readonly untried: readonly string[];
}

const SECONDS = 120;

/**
 * Holds a provider to what every provider promises: list and get agree, pages are whole, filters leave nothing out, what says that it reads
 * changes nothing, errors have their codes, a cancelled call frees its socket, secrets stay secret, closing leaves nothing open. Each check
 * has a platform and a ProxMCP of its own. Rejects with a review that says what to change.
 *
 * @example await testProvider(plugin);
 * @example describe("pdu", () => void testProvider(plugin, { test: it })); // a test of its own for each check
 */
export function testProvider(provider: Provider, options: ReviewOptions = {}): Promise<Review> {
  const checks = CHECKS.filter(({ needs }) => !needs || !options.connection);
  const { test } = options;
  if (!test) return reviewed(provider, options, checks);
  for (const check of checks)
    test(
      check.name,
      async () => {
        const { findings } = await perform(check, provider, options);
        if (findings.length > 0) throw new Error(reviewText(provider, [{ check, findings }]));
      },
      SECONDS * 1000,
    );
  return Promise.resolve({ checks: checks.map(({ name }) => name), untried: [] });
}

async function reviewed(provider: Provider, options: ReviewOptions, checks: readonly Check[]): Promise<Review> {
  const wrong: { check: Check; findings: readonly Finding[] }[] = [];
  const untried = new Set<string>();
  for (const check of checks) {
    const result = await perform(check, provider, options);
    if (result.findings.length > 0) wrong.push({ check, findings: result.findings });
    for (const name of result.untried) untried.add(name);
  }
  if (wrong.length > 0) throw new Error(reviewText(provider, wrong));
  return { checks: checks.map(({ name }) => name), untried: [...untried] };
}

async function perform(
  check: Check,
  provider: Provider,
  options: ReviewOptions,
): Promise<{ readonly findings: readonly Finding[]; readonly untried: readonly string[] }> {
  let subject: Subject | undefined;
  try {
    subject = await open(provider, options);
    await check.run(subject);
    return { findings: subject.findings, untried: [...subject.untried] };
  } catch (error) {
    return { findings: [...(subject?.findings ?? []), { at: provider.name ?? "the plugin", says: said(error) }], untried: [] };
  } finally {
    await subject?.close();
  }
}

const said = (error: unknown): string =>
  error instanceof Error ? `${"code" in error ? `${String(error.code)}: ` : ""}${error.message}` : String(error);

/** So many findings of one check are told; a fault in a list is often a fault in all of them. */
const MAX_TOLD = 12;

function reviewText({ name }: Provider, wrong: readonly { check: Check; findings: readonly Finding[] }[]): string {
  const count = wrong.reduce((sum, { findings }) => sum + findings.length, 0);
  return [
    `${name} needs ${count === 1 ? "one change" : `${count} changes`}.`,
    ...wrong.map(({ check, findings }) =>
      [
        "",
        `It ${check.name}: no.`,
        ...findings.slice(0, MAX_TOLD).map(({ at, says }) => `  - ${at}: ${says}`),
        ...(findings.length > MAX_TOLD ? [`  and ${findings.length - MAX_TOLD} more like these`] : []),
      ].join("\n"),
    ),
  ].join("\n");
}
