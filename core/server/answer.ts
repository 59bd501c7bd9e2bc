import type { ProxMcp } from "../app.js";
import type { Caller } from "../call/context.js";
import type { Progress } from "../declare/action.js";
import type { Tool } from "../derive/tools.js";
import { type ErrorReport, isProxMcpError, toProxMcpError } from "../errors.js";

/** Under this name the answer to a confirmation comes back. */
export const CONFIRM = "confirm";

/** How a tool stands in `tools/list`. */
export const listed = (tool: Tool) => ({
  name: tool.name,
  title: tool.title,
  description: tool.description,
  inputSchema: tool.inputSchema as { type: "object" } & Tool["inputSchema"],
  outputSchema: tool.outputSchema as { type: "object" } & Tool["outputSchema"],
  annotations: annotationsOf(tool),
});

export const annotationsOf = (tool: Tool) => ({
  title: tool.title,
  readOnlyHint: tool.safety === "read",
  destructiveHint: tool.worst === "destructive",
  idempotentHint: tool.idempotent,
  openWorldHint: tool.openWorld,
});

/** A tool's answer, as every SDK takes it. */
export interface ToolAnswer {
  [part: string]: unknown;
  content: { type: "text"; text: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
}

/** How a call came in and what its client can do: what differs between SDKs and protocol eras. */
export interface Door<Asked> {
  readonly caller: Caller;
  readonly signal: AbortSignal;
  readonly confirmToken?: string | undefined;
  /** Sends progress to the client; absent if it did not ask for any. */
  readonly progress?: ((progress: Progress) => void) | undefined;
  /** Puts a question to the user through the client; absent if the client can't. */
  readonly ask?: ((question: string, token: string) => Promise<Asked> | Asked) | undefined;
  /** Refuses a tool that the caller does not have: a mistake of the client's. Without it that is an answer like any other. */
  readonly unknown?: ((message: string) => never) | undefined;
}

/** Calls a tool for a client, and puts what comes of it into the words of the protocol. */
export async function answerCall<Asked = never>(
  app: ProxMcp,
  name: string,
  args: Readonly<Record<string, unknown>>,
  door: Door<Asked>,
): Promise<ToolAnswer | Asked> {
  const { caller, signal, confirmToken } = door;
  const report = door.progress && forward(door.progress);
  let over = false;
  try {
    const value = await app.call(name, args, {
      caller,
      signal,
      // A plugin that goes on after its deadline must not be heard once the answer is out.
      progress: (step) => {
        if (!over) report?.(step);
      },
      ...(confirmToken === undefined ? {} : { confirmToken }),
    });
    return { content: [{ type: "text" as const, text: JSON.stringify(value) }], structuredContent: value };
  } catch (error) {
    const failure = toProxMcpError(error);
    // A tool that is not there is a mistake of the client's; one that fails is an answer, even if it looked for another tool.
    if ((failure.code === "TOOL_UNKNOWN" || failure.code === "TOOL_DENIED") && !has(app, name, caller)) door.unknown?.(failure.message);
    const token = failure.details.data?.["confirm"];
    if (failure.code === "CONFIRMATION_REQUIRED" && typeof token === "string" && app.elicits && door.ask)
      return await door.ask(failure.message, token);
    return failed(failure.report());
  } finally {
    over = true;
  }
}

/** The form that a client shows for a confirmation. */
export const confirmationForm = (message: string) => ({
  message,
  requestedSchema: {
    type: "object" as const,
    properties: { [CONFIRM]: { type: "boolean" as const, title: "Yes, do it", description: message } },
    required: [CONFIRM],
  },
});

/** Nothing but a clear yes is one. */
export const saidYes = (reply: { readonly action: string; readonly content?: unknown }): boolean =>
  reply.action === "accept" && (reply.content as Record<string, unknown> | undefined)?.[CONFIRM] === true;

export const DECLINED: ErrorReport = {
  code: "DECLINED",
  message: "The user did not confirm. Nothing was done.",
  next: 'Do not try again unless the user asks for it. If no question was shown, the client only claims to support elicitation: set tools.confirmBy to "token".',
};

// No structuredContent: some clients hold it to the output schema even when it reports an error.
export const failed = (error: ErrorReport): ToolAnswer => ({ content: [{ type: "text", text: JSON.stringify({ error }) }], isError: true });

/** Whether a client that declares this can show a form. One that names only `url` can but open links; one that names nothing means forms. */
export const canElicit = (elicitation: { readonly form?: unknown; readonly url?: unknown } | undefined): boolean =>
  Boolean(elicitation && (elicitation.form || !elicitation.url));

/** Whether a caller may call a tool. */
export function has(app: ProxMcp, name: string, caller: Caller): boolean {
  try {
    app.tool(name, caller);
    return true;
  } catch (error) {
    if (isProxMcpError(error)) return false;
    throw error;
  }
}

/** A later report never goes back. */
function forward(send: (progress: Progress) => void): (progress: Progress) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (step) => {
    if (step.progress <= last) return;
    last = step.progress;
    send(step);
  };
}
