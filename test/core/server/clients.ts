// oxlint-disable unicorn/prefer-add-event-listener -- clients and transports of the SDKs have no other way
import { onTestFinished } from "vitest";
import { Client, InMemoryTransport, type Progress } from "@modelcontextprotocol/client";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { Client as OlderClient } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport as OlderTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import type { ProxMcp } from "proxmcp";
import { createMcpServer } from "../../../core/server/mcp.js";

/** The clients in the field: today's SDK in either protocol era, and the SDK before it. */
export const CLIENTS = ["2025-11-25", "2026-07-28", "older SDK"] as const;
export type ClientKind = (typeof CLIENTS)[number];

export interface Answer {
  readonly isError?: boolean | undefined;
  readonly content: readonly { readonly type: string; readonly text: string }[];
  readonly structuredContent?: Readonly<Record<string, unknown>> | undefined;
}

export interface Asked {
  readonly message: string;
  readonly requestedSchema: Record<string, unknown>;
}

export interface Reply {
  readonly action: "accept" | "decline" | "cancel";
  readonly content?: Record<string, string | number | boolean | string[]>;
}

export interface Connected {
  list(): Promise<readonly Record<string, unknown>[]>;
  call(name: string, args?: Record<string, unknown>, options?: { signal?: AbortSignal; onprogress?: (progress: Progress) => void }): Promise<Answer>;
  readonly instructions: string | undefined;
  readonly version: string | undefined;
  /** What the client's own SDK complains of: messages that it did not expect, above all. */
  readonly complaints: readonly Error[];
  close(): Promise<void>;
}

/**
 * Connects a client to an app as over stdio, but within this process. With `elicit` it declares elicitation and answers so; both SDKs hold
 * every structured result to the tool's output schema once the tools are listed.
 */
export async function connect(
  kind: ClientKind,
  app: ProxMcp,
  { elicit, capability = {} }: { elicit?: (asked: Asked) => Reply | Promise<Reply>; capability?: { form?: object; url?: object } } = {},
): Promise<Connected> {
  const about = { name: "test", version: "1" };
  const options = elicit ? { capabilities: { elicitation: capability as Record<string, Record<string, never>> } } : {};
  const complaints: Error[] = [];
  const [clientSide, serverSide] = kind === "older SDK" ? OlderTransport.createLinkedPair() : InMemoryTransport.createLinkedPair();
  const handle = serveStdio(() => createMcpServer(app), { transport: serverSide });
  let client: Client | OlderClient;
  if (kind === "older SDK") {
    client = new OlderClient(about, options);
    if (elicit) client.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({ ...(await elicit(params as unknown as Asked)) }));
    client.onerror = (error) => void complaints.push(error);
    await client.connect(clientSide);
  } else {
    client = new Client(about, { ...options, ...(kind === "2025-11-25" ? {} : { versionNegotiation: { mode: { pin: kind } } }) });
    if (elicit) client.setRequestHandler("elicitation/create", async ({ params }) => ({ ...(await elicit(params as unknown as Asked)) }));
    client.onerror = (error) => void complaints.push(error);
    await client.connect(clientSide);
  }
  const close = async (): Promise<void> => {
    await client.close();
    await handle.close();
  };
  onTestFinished(close);
  return {
    list: async () => (await client.listTools()).tools,
    call: async (name, args = {}, callOptions = {}) =>
      (client instanceof Client
        ? await client.callTool({ name, arguments: args }, callOptions)
        : await client.callTool({ name, arguments: args }, undefined, callOptions)) as unknown as Answer,
    instructions: client.getInstructions(),
    version: client.getServerVersion()?.version,
    complaints,
    close,
  };
}
