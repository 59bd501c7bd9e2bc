import {
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  inputResponse,
  type Tool as McpTool,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { ProxMcp } from "../app.js";
import type { Progress } from "../declare/action.js";
import type { Tool } from "../derive/tools.js";
import { type ErrorReport, isProxMcpError, toProxMcpError } from "../errors.js";
import { VERSION } from "../version.js";
import { servePrompts } from "./prompts.js";

/** Under this name the answer to a confirmation comes back. */
const CONFIRM = "confirm";

/** How a tool stands in `tools/list`. */
export const listed = (tool: Tool): McpTool => ({
  name: tool.name,
  title: tool.title,
  description: tool.description,
  inputSchema: tool.inputSchema as McpTool["inputSchema"],
  outputSchema: tool.outputSchema,
  annotations: {
    title: tool.title,
    readOnlyHint: tool.safety === "read",
    destructiveHint: tool.worst === "destructive",
    idempotentHint: tool.idempotent,
    openWorldHint: tool.openWorld,
  },
});

/**
 * An MCP server over an app: one for each client. The low-level `Server` of the SDK, because its high-level one converts every schema anew
 * at each `tools/list`; here the list is made once. Serves both protocol eras (docs/decisions/0001-mcp-sdk.md).
 */
export function createMcpServer(app: ProxMcp): Server {
  const server = new Server(
    { name: "proxmcp", title: "ProxMCP", version: VERSION },
    { capabilities: { tools: {}, prompts: {}, completions: {} }, instructions: instructionsFor(app) },
  );
  let tools: McpTool[] | undefined;
  server.setRequestHandler("tools/list", () => ({ tools: (tools ??= app.tools().map(listed)) }));
  server.setRequestHandler(
    "tools/call",
    async (request, ctx) => await callTool(app, server, request.params.name, request.params.arguments ?? {}, ctx),
  );
  servePrompts(server, app);
  return server;
}

async function callTool(app: ProxMcp, server: Server, name: string, args: Record<string, unknown>, ctx: ServerContext) {
  const answer = inputResponse(ctx.mcpReq.inputResponses, CONFIRM);
  const token = answer.kind === "elicit" ? ctx.mcpReq.requestState<string>() : undefined;
  if (answer.kind === "elicit" && !(answer.action === "accept" && answer.content?.[CONFIRM] === true)) return failed(DECLINED);
  const report = reporter(ctx);
  let over = false;
  try {
    const value = await app.call(name, args, {
      signal: ctx.mcpReq.signal,
      // A plugin that goes on after its deadline must not be heard once the answer is out.
      progress: (step) => {
        if (!over) report(step);
      },
      ...(token === undefined ? {} : { confirmToken: token }),
    });
    return { content: [{ type: "text" as const, text: JSON.stringify(value) }], structuredContent: value };
  } catch (error) {
    const failure = toProxMcpError(error);
    // A tool that is not there is a mistake of the client's; one that fails is an answer, even if it looked for another tool.
    if ((failure.code === "TOOL_UNKNOWN" || failure.code === "TOOL_DENIED") && !isListed(app, name))
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, failure.message);
    const asked = failure.details.data?.["confirm"];
    if (failure.code === "CONFIRMATION_REQUIRED" && typeof asked === "string" && app.elicits && canElicit(server, ctx))
      return question(failure.message, asked);
    return failed(failure.report());
  } finally {
    over = true;
  }
}

/** Asks through the client. The token rides along as request state and proves, when the answer comes, what it is the answer to. */
function question(message: string, token: string) {
  return inputRequired({
    requestState: token,
    inputRequests: {
      [CONFIRM]: inputRequired.elicit({
        message,
        requestedSchema: {
          type: "object",
          properties: { [CONFIRM]: { type: "boolean", title: "Yes, do it", description: message } },
          required: [CONFIRM],
        },
      }),
    },
  });
}

const DECLINED: ErrorReport = {
  code: "DECLINED",
  message: "The user did not confirm. Nothing was done.",
  next: 'Do not try again unless the user asks for it. If no question was shown, the client only claims to support elicitation: set tools.confirmBy to "token".',
};

// No structuredContent: some clients hold it to the output schema even when it reports an error.
const failed = (error: ErrorReport) => ({ content: [{ type: "text" as const, text: JSON.stringify({ error }) }], isError: true });

function isListed(app: ProxMcp, name: string): boolean {
  try {
    app.tool(name);
    return true;
  } catch (error) {
    return !isProxMcpError(error);
  }
}

/** Whether the client can ask a question. One that names only `url` can but open links; one that names nothing means forms. */
function canElicit(server: Server, ctx: ServerContext): boolean {
  const perRequest = (ctx.mcpReq.envelope as Record<string, unknown> | undefined)?.[CLIENT_CAPABILITIES_META_KEY] as
    | { elicitation?: { form?: unknown; url?: unknown } }
    | undefined;
  const elicitation = (perRequest ?? server.getClientCapabilities())?.elicitation;
  return Boolean(elicitation && (elicitation.form || !elicitation.url));
}

/** Progress goes to the client only if it asked for it. A later report never goes back. */
function reporter(ctx: ServerContext): (progress: Progress) => void {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => {};
  let last = Number.NEGATIVE_INFINITY;
  return ({ progress, total, message }) => {
    if (progress <= last) return;
    last = progress;
    ctx.mcpReq
      .notify({
        method: "notifications/progress",
        params: { progressToken, progress, ...(total === undefined ? {} : { total }), ...(message ? { message } : {}) },
      })
      .catch(() => {}); // the client went away; the call itself will notice
  };
}

function instructionsFor(app: ProxMcp): string {
  if (app.connections.length === 0)
    return "No platform is connected: nothing is configured and no local LXD, Incus or Docker answers. Tell the user to add connections to proxmcp.config.ts, or to try `proxmcp demo`.";
  const byProvider = app.providers
    .map((provider) => ({ provider, names: app.connections.filter((one) => one.provider === provider.name).map((one) => one.name) }))
    .filter(({ names }) => names.length > 0)
    .map(({ provider, names }) => `${provider.title} (${names.join(", ")})`);
  return [
    `Manages ${byProvider.join("; ")}.`,
    "Sizes are bytes, times seconds, shares 0 to 1. Lists are paged: go on with `cursor`. `errors` beside rows name sources that did not answer.",
    "Ask the user before calling again with a confirmation token.",
  ].join(" ");
}
