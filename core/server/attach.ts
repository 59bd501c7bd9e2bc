import { z } from "zod";
import type { ServerContext } from "@modelcontextprotocol/server";
import type { ProxMcp } from "../app.js";
import type { Caller } from "../call/context.js";
import type { Surface } from "../derive/surface.js";
import type { Tool } from "../derive/tools.js";
import { ProxMcpError } from "../errors.js";
import { annotationsOf, answerCall, canElicit, confirmationForm, DECLINED, failed, listed, saidYes, type ToolAnswer } from "./answer.js";

/**
 * A server of an MCP SDK, told by what it has: `McpServer` or `Server` of `@modelcontextprotocol/server`, or of the older
 * `@modelcontextprotocol/sdk`. Neither is imported for its sake: an embedder of one need not have the other.
 */
export type AttachableServer = HighLevel | LowLevel;

interface LowLevel {
  setRequestHandler(...given: never[]): unknown;
  assertCanSetRequestHandler(method: string): void;
  registerCapabilities(capabilities: never): void;
  getClientCapabilities(): unknown;
}

interface HighLevel {
  registerTool(...given: never[]): unknown;
  readonly server: LowLevel;
}

export interface AttachOptions {
  /** Who calls, by what the SDK hands to a handler (its `authInfo`, above all). Default: the app's own caller. */
  readonly caller?: ((context: unknown) => Caller | Promise<Caller>) | undefined;
  /** Which tools are listed. Default: as configured. */
  readonly surface?: Surface | undefined;
}

type Handler = (args: Record<string, unknown>, context: unknown) => Promise<unknown>;

/** One call, before it is known which SDK it came by. */
interface Call {
  readonly app: ProxMcp;
  readonly name: string;
  readonly args: Record<string, unknown>;
  readonly caller: Caller;
  /** The server whose client calls. */
  readonly low: LowLevel;
  readonly unknown?: ((message: string) => never) | undefined;
}

/** Gives a server the tools of an app, beside those that it has. Answers their names. */
export function attach(app: ProxMcp, server: AttachableServer, { caller = () => app.caller, surface = app.surface }: AttachOptions = {}): string[] {
  const low = "registerTool" in server ? server.server : server;
  const handlerOf =
    (name: string, unknown?: Call["unknown"]): Handler =>
    async (args, context) => {
      const call = { app, name, args, caller: await caller(context), low, unknown };
      return isOlder(context) ? await callOlder(call, context) : await callToday(call, context);
    };
  const tools = app.tools(surface);
  if ("registerTool" in server) for (const tool of tools) register(server, tool, handlerOf(tool.name));
  else serveTools(server, tools, handlerOf);
  return tools.map((tool) => tool.name);
}

function register(server: HighLevel, tool: Tool, handler: Handler): void {
  const registerTool = server.registerTool.bind(server) as unknown as (name: string, config: object, handler: Handler) => void;
  const { name, title, description } = tool;
  const [inputSchema, outputSchema] = [opaque(tool.inputSchema), opaque(tool.outputSchema)];
  registerTool(name, { title, description, inputSchema, outputSchema, annotations: annotationsOf(tool) }, handler);
}

/** A schema that takes any object and is shown as this JSON: what is in it is checked where the call is made. */
function opaque(json: object): z.ZodType {
  const schema = z.looseObject({});
  schema._zod.toJSONSchema = () => structuredClone(json);
  return schema;
}

/** On a low-level server the handlers are ours alone: two cannot answer one list. */
function serveTools(server: LowLevel, tools: readonly Tool[], handlerOf: (name: string, unknown?: Call["unknown"]) => Handler): void {
  for (const method of ["tools/list", "tools/call"])
    try {
      server.assertCanSetRequestHandler(method);
    } catch (error) {
      throw new ProxMcpError("CONFLICT", `The server answers ${method} already.`, {
        cause: error,
        next: "Attach to an McpServer, which can have tools from several places, or list app.tools() and use app.call() in your own handlers.",
      });
    }
  server.registerCapabilities({ tools: {} } as never);
  const names = new Set(tools.map((tool) => tool.name));
  const list = { tools: tools.map(listed) };
  onRequest(server, "tools/list", async () => list);
  onRequest(server, "tools/call", async ({ params }, context) => {
    const { name, arguments: args = {} } = params as { name: string; arguments?: Record<string, unknown> };
    return await handlerOf(name, names.has(name) ? undefined : unknown)(args, context);
  });
}

/** Either SDK makes the protocol's error of an error with its code: -32602 is what a client gets for a tool that is not there. */
const unknown = (message: string): never => {
  throw Object.assign(new Error(message), { code: -32_602 });
};

/** The older SDK wants a schema where today's wants the method's name. */
function onRequest(server: LowLevel, method: string, handler: (request: { params?: unknown }, context: unknown) => Promise<unknown>): void {
  const set = server.setRequestHandler.bind(server) as unknown as (what: unknown, handler: unknown) => void;
  try {
    set(method, handler);
  } catch {
    set(z.object({ method: z.literal(method), params: z.looseObject({}).optional() }), handler);
  }
}

/** What the older SDK hands to a handler. */
interface OlderContext {
  readonly signal: AbortSignal;
  readonly _meta?: { readonly progressToken?: string | number };
  sendNotification(notification: object): Promise<void>;
  sendRequest(request: object, schema: object, options?: object): Promise<{ action: string; content?: unknown }>;
}

const isOlder = (context: unknown): context is OlderContext => !("mcpReq" in (context as object));

async function callToday({ app, name, args, low, ...door }: Call, context: unknown) {
  const { callTool } = await import("./mcp.js");
  return await callTool(app, name, args, context as ServerContext, { ...door, clientOf: () => low as never });
}

/** In the older SDK a question is a request of the server's own, in the middle of the call. */
async function callOlder({ app, name, args, low, ...who }: Call, context: OlderContext): Promise<ToolAnswer> {
  const { signal, _meta: { progressToken } = {} } = context;
  const door = {
    ...who,
    signal,
    progress:
      progressToken === undefined
        ? undefined
        : (step: object) => void context.sendNotification({ method: "notifications/progress", params: { progressToken, ...step } }).catch(() => {}),
  };
  const { elicitation } = (low.getClientCapabilities() ?? {}) as { elicitation?: { form?: unknown; url?: unknown } };
  return await answerCall<ToolAnswer>(app, name, args, {
    ...door,
    ask: canElicit(elicitation)
      ? async (question, token) => {
          const reply = await context.sendRequest(
            { method: "elicitation/create", params: confirmationForm(question) },
            z.looseObject({ action: z.string(), content: z.unknown().optional() }),
            // A person may take their time; the call's own end is the end of the question.
            { signal, timeout: MAX_TIMEOUT },
          );
          return saidYes(reply) ? await answerCall(app, name, args, { ...door, confirmToken: token }) : failed(DECLINED);
        }
      : undefined,
  });
}

/** The longest that a timer can be set to, in milliseconds. */
const MAX_TIMEOUT = 2 ** 31 - 1;
