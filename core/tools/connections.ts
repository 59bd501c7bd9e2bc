import { z } from "zod";
import type { ConnectionEntry, Connections } from "../connections.js";
import type { Clock, Logger } from "../declare/tokens.js";
import type { ConnectionReport } from "../declare/provider.js";
import { toProxMcpError, type ErrorReport } from "../errors.js";
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
  readonly match: (name: string) => readonly string[];
  readonly logger: Logger;
  readonly clock: Clock;
}

export function connectionTools(options: ConnectionToolOptions): readonly CoreTool[] {
  const { connections, match } = options;
  return [
    coreTool({
      name: "connection_list",
      title: "List connections",
      description: "List the configured connections: which machines can be managed, by which provider, and which is the default.",
      safety: "read",
      input: {},
      output: z.object({ items: z.array(Row), total: z.int() }),
      run: async () => ({
        items: connections.all.map((entry) => ({
          name: entry.name,
          provider: entry.provider.name,
          noun: entry.provider.connection.noun,
          from: entry.from,
          default: connections.fallback(entry.provider.name) === entry.name,
          ...(match(entry.name).length > 0 ? { match: match(entry.name) } : {}),
          ...(Object.keys(entry.connection.tags).length > 0 ? { tags: entry.connection.tags } : {}),
        })),
        total: connections.all.length,
      }),
    }),
    coreTool({
      name: "connection_test",
      title: "Test connections",
      description: "Test whether connections are reachable, authenticated and permitted, and which version answers.",
      safety: "read",
      input: { connection: z.string().optional().describe("Default: all") },
      output: z.object({ items: z.array(Tested), total: z.int() }),
      run: async ({ connection }, context) => {
        const items = await Promise.all(connections.chosen(connection).map((entry) => testConnection(entry, options, context)));
        return { items, total: items.length };
      },
    }),
  ];
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
