import type { ProxMcp, CallValue } from "../app.js";
import { parentOf } from "../call/parents.js";
import { createProxMcp } from "../create.js";
import type { Provider } from "../declare/provider.js";
import type { Sandbox } from "../declare/sandbox.js";
import { type Logger, LOGGER } from "../declare/tokens.js";
import type { Operation, Tool } from "../derive/tools.js";
import { isProxMcpError, type ProxMcpError } from "../errors.js";
import type { Finding, ReviewOptions } from "./review.js";

export type Row = Readonly<Record<string, unknown>>;

/** A list of a kind, within one parent where it needs one. */
export interface Listing {
  readonly tool: Tool;
  readonly operation: Operation;
  /** The parameters that say within what. */
  readonly within: Row;
}

export const CONNECTION = "subject";

/** A platform, a ProxMCP that is connected to it, and what is noted of them. */
export interface Subject {
  readonly provider: Provider;
  readonly options: ReviewOptions;
  readonly app: ProxMcp;
  /** Absent on a real platform. */
  readonly sandbox: Sandbox | undefined;
  /** The options of the connection. */
  readonly connection: Row;
  readonly findings: Finding[];
  readonly untried: Set<string>;
  /** All that was logged. */
  readonly log: string[];
  note(at: string, says: string): void;
  call(tool: string, args?: Row, signal?: AbortSignal): Promise<CallValue>;
  /** The error of a call, or undefined when it went well. */
  refusal(tool: string, args?: Row, signal?: AbortSignal): Promise<unknown>;
  /** Every list that can be asked for. */
  listings(): Promise<readonly Listing[]>;
  rows(listing: Listing, where?: Row): Promise<readonly Row[]>;
  close(): Promise<void>;
}

/** So many parents are looked into where a kind is listed within another. */
const MAX_PARENTS = 3;

export async function open(provider: Provider, options: ReviewOptions, limits: { readonly readTimeout?: number } = {}): Promise<Subject> {
  const sandbox = options.connection ? undefined : await startSandbox(provider, options);
  const connection = options.connection ?? sandbox?.connection ?? {};
  const log: string[] = [];
  const write = (message: string, facts: Record<string, unknown> = {}): void => void log.push(`${message} ${JSON.stringify(facts)}`);
  const logger: Logger = { debug: write, info: write, warn: write, error: write };
  const app: ProxMcp = await createProxMcp({
    plugins: [provider],
    connections: { [CONNECTION]: { provider: provider.name, ...connection } },
    limits,
    services: (container) => void container.register(LOGGER, { useValue: logger }),
  }).catch(async (error: unknown) => {
    await sandbox?.close();
    throw error;
  });
  const findings: Finding[] = [];
  const call: Subject["call"] = async (tool, args = {}, signal) => await app.call(tool, args, { confirm: true, signal });
  return {
    ...{ provider, options, app, sandbox, connection, findings, log, call },
    untried: new Set(),
    note: (at, says) => {
      if (!findings.some((one) => one.at === at && one.says === says)) findings.push({ at, says });
    },
    refusal: async (tool, args, signal) => {
      try {
        await call(tool, args, signal);
        return undefined;
      } catch (error) {
        return error;
      }
    },
    listings: async () => await listingsOf(provider, app, call),
    rows: async ({ tool, within }, where) =>
      (await call(tool.name, { limit: 1000, ...within, ...(where ? { where } : {}) }))["items"] as readonly Row[],
    close: async () => {
      await app.close();
      await sandbox?.close();
    },
  };
}

async function startSandbox(provider: Provider, options: ReviewOptions): Promise<Sandbox> {
  if (!provider.sandbox) throw new Error("It has no sandbox. Declare one, or give testProvider a `connection` to a platform that may be read.");
  return await (await provider.sandbox()).start(options.sandbox);
}

async function listingsOf(provider: Provider, app: ProxMcp, call: Subject["call"]): Promise<readonly Listing[]> {
  const found: Listing[] = [];
  for (const tool of toolsOf(app, "list")) {
    const { operation } = tool;
    if (!operation.kind.listRequires?.length) {
      found.push({ tool, operation, within: {} });
      continue;
    }
    const parent = parentOf(operation.kind, provider);
    const list = parent && toolsOf(app, "list").find((one) => one.operation.kind === parent.kind);
    if (!list) continue;
    const parents = (await call(list.name, { limit: MAX_PARENTS }))["items"] as readonly Row[];
    for (const row of parents) found.push({ tool, operation, within: { [parent.field]: String(row[parent.kind.key]) } });
  }
  return found;
}

/** A provider's own tools, of one verb or all. */
export const toolsOf = (app: ProxMcp, verb?: string): readonly (Tool & { readonly operation: Operation })[] =>
  app
    .tools("all")
    .filter((tool): tool is Tool & { readonly operation: Operation } => tool.operation !== undefined && (!verb || tool.operation.verb === verb));

/** The arguments that address a row: its key, and what it lies within. */
export function addressOf({ kind }: Operation, row: Row, within: Row = {}): Row {
  const around = Object.keys(kind.within ?? {}).flatMap((name) => {
    const value = within[name] ?? row[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { [kind.key]: String(row[kind.key]), ...Object.fromEntries(around) };
}

/** What a row is called in a sentence. */
export const called = ({ kind }: Operation, row: Row): string => JSON.stringify(row[kind.key]) ?? `a ${kind.name} without ${kind.key}`;

export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

export const codeOf = (error: unknown): ProxMcpError["code"] | undefined => (isProxMcpError(error) ? error.code : undefined);
