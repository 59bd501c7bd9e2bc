import { z } from "zod";
import type { Access } from "../access.js";
import type { ConnectionEntry, Connections } from "../connections.js";
import type { Clock, Logger } from "../declare/tokens.js";
import type { ConnectionReport } from "../declare/provider.js";
import { ProxMcpError, toProxMcpError, type ErrorReport } from "../errors.js";
import { withDeadline } from "../call/deadline.js";
import type { CallContext } from "../call/context.js";
import { type CoreTool, coreTool } from "./tool.js";

const TEST_SECONDS = 15;

const Row = z.object({
  name: z.string(),
  provider: z.string(),
  noun: z.string(),
  from: z.string(),
  default: z.boolean(),
  match: z.array(z.string()).optional(),
  tags: z.record(z.string(), z.string()).optional(),
});

const Tested = z.object({
  name: z.string(),
  provider: z.string(),
  ok: z.boolean(),
  version: z.string().optional(),
  milliseconds: z.int(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  warnings: z.array(z.string()).optional(),
  error: z.looseObject({ code: z.string(), message: z.string(), next: z.string() }).optional(),
});

export type TestedConnection = { name: string; provider: string; ok: boolean; milliseconds: number; error?: ErrorReport } & Partial<ConnectionReport>;

export interface ConnectionToolOptions {
  readonly connections: Connections;
  readonly access: Access;
  readonly match: (name: string) => readonly string[];
  readonly logger: Logger;
  readonly clock: Clock;
}

export function connectionTools(options: ConnectionToolOptions): readonly CoreTool[] {
  const { connections, access, match } = options;
  const list: CoreTool = coreTool({
    name: "connection_list",
    title: "List connections",
    description: "List the configured connections: which machines can be managed, by which provider, and which is the default.",
    safety: "read",
    input: {},
    output: z.object({ items: z.array(Row), total: z.int() }),
    run: async (_, { caller }) => {
      const entries = connections.all.filter((entry) => !access.barred(entry.name, list, caller));
      const items = entries.map((entry) => ({
        name: entry.name,
        provider: entry.provider.name,
        noun: entry.provider.connection.noun,
        from: entry.from,
        default: connections.fallback(entry.provider.name) === entry.name,
        ...(match(entry.name).length > 0 ? { match: match(entry.name) } : {}),
        ...(Object.keys(entry.connection.tags).length > 0 ? { tags: entry.connection.tags } : {}),
      }));
      return { items, total: items.length };
    },
  });
  const test: CoreTool = coreTool({
    name: "connection_test",
    title: "Test connections",
    description: "Test whether connections are reachable, authenticated and permitted, and which version answers.",
    safety: "read",
    input: { connection: z.string().optional().describe("Default: all") },
    output: z.object({ items: z.array(Tested), total: z.int(), notes: z.array(z.string()).optional() }),
    run: async ({ connection }, context) => {
      const notes: string[] = [];
      const entries = connections.chosen(connection).filter(({ name }) => {
        const why = access.refusalOn(name, test, context.caller);
        if (why && connection !== undefined)
          throw new ProxMcpError("TOOL_DENIED", `connection_test is not allowed on ${name}: ${why}.`, { connection: name });
        if (why) notes.push(`${name} was left out: ${why}.`);
        return !why;
      });
      const items = await Promise.all(entries.map((entry) => testConnection(entry, options, context)));
      return { items, total: items.length, ...(notes.length > 0 ? { notes } : {}) };
    },
  });
  return [list, test];
}

/** Tests one connection. A failure is an answer, not an error: one dead connection says nothing about the others. */
export async function testConnection(
  entry: ConnectionEntry,
  { logger, clock }: Pick<ConnectionToolOptions, "logger" | "clock">,
  context: CallContext,
): Promise<TestedConnection> {
  const began = clock.now();
  const about = { name: entry.name, provider: entry.provider.name };
  try {
    const report = await withDeadline(TEST_SECONDS, `The test of ${entry.name}`, context.signal, (signal) =>
      entry.run(
        () => entry.provider.test({ client: entry.client, signal, progress: () => {}, note: () => {}, task: () => {}, log: logger, clock }),
        signal,
      ),
    );
    return { ...about, ok: true, milliseconds: clock.now() - began, ...report };
  } catch (error) {
    return { ...about, ok: false, milliseconds: clock.now() - began, error: toProxMcpError(error).on(entry.name).report() };
  }
}
