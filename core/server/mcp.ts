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
import type { Caller } from "../call/context.js";
import type { Progress } from "../declare/action.js";
import { type AppSource, sourceOf } from "../live.js";
import { VERSION } from "../version.js";
import { answerCall, canElicit, CONFIRM, confirmationForm, DECLINED, failed, listed, saidYes } from "./answer.js";
import { servePrompts } from "./prompts.js";

export interface McpServerOptions {
  /** Who the client is. Default: the app's own caller. */
  readonly caller?: Caller | undefined;
}

/**
 * An MCP server over an app: one for each client. The low-level `Server` of the SDK, because its high-level one converts every schema anew
 * at each `tools/list`; here the list is made once. Serves both protocol eras (docs/decisions/0001-mcp-sdk.md).
 */
export function createMcpServer(from: ProxMcp | AppSource, { caller }: McpServerOptions = {}): Server {
  const source = sourceOf(from);
  const changes = source !== from ? {} : { listChanged: true };
  const server = new Server(
    { name: "proxmcp", title: "ProxMCP", version: VERSION },
    {
      capabilities: { tools: changes, prompts: {}, completions: {} },
      instructions: instructionsFor(source.current, caller ?? source.current.caller),
    },
  );
  const whoOf = (app: ProxMcp): Caller => caller ?? app.caller;
  let made: { readonly app: ProxMcp; readonly tools: McpTool[] } | undefined;
  server.setRequestHandler("tools/list", () => {
    const app = source.current;
    if (made?.app !== app) made = { app, tools: app.tools(app.surface, whoOf(app)).map((tool) => listed(tool) as McpTool) };
    return { tools: made.tools };
  });
  server.setRequestHandler(
    "tools/call",
    async ({ params }, ctx) =>
      await source.use((app) => callTool(app, params.name, params.arguments ?? {}, ctx, { caller: whoOf(app), clientOf: () => server, unknown })),
  );
  servePrompts(server, source, whoOf);
  const stop = source.onChange(() => void server.sendToolListChanged().catch(() => {})); // nobody there, or nobody who listens
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK has no other way
  server.onclose = stop;
  return server;
}

/** A tool that is not there is a mistake of the client's, in the words of the protocol. */
const unknown = (message: string): never => {
  throw new ProtocolError(ProtocolErrorCode.InvalidParams, message);
};

interface CallDoor {
  readonly caller: Caller;
  /** The server whose client calls. */
  readonly clientOf: () => Pick<Server, "getClientCapabilities">;
  /** Refuses a tool that the caller does not have. Without it that is an answer like any other. */
  readonly unknown?: ((message: string) => never) | undefined;
}

/** Answers one `tools/call` of today's SDK. */
export async function callTool(
  app: ProxMcp,
  name: string,
  args: Record<string, unknown>,
  ctx: ServerContext,
  { caller, clientOf, unknown }: CallDoor,
) {
  const answer = inputResponse(ctx.mcpReq.inputResponses, CONFIRM);
  const token = answer.kind === "elicit" ? ctx.mcpReq.requestState<string>() : undefined;
  if (answer.kind === "elicit" && !saidYes(answer)) return failed(DECLINED);
  return await answerCall(app, name, args, {
    caller,
    signal: ctx.mcpReq.signal,
    confirmToken: token,
    progress: reporter(ctx),
    ask: canElicit(capabilitiesOf(clientOf(), ctx)?.elicitation) ? question : undefined,
    unknown,
  });
}

/** Asks through the client. The token rides along as request state and proves, when the answer comes, what it is the answer to. */
const question = (message: string, token: string) =>
  inputRequired({ requestState: token, inputRequests: { [CONFIRM]: inputRequired.elicit(confirmationForm(message)) } });

type Capabilities = { readonly elicitation?: { readonly form?: unknown; readonly url?: unknown } | undefined } | undefined;

/** What the client said of itself: in this request, or when it connected. */
const capabilitiesOf = (server: Pick<Server, "getClientCapabilities">, ctx: ServerContext): Capabilities =>
  ((ctx.mcpReq.envelope as Record<string, unknown> | undefined)?.[CLIENT_CAPABILITIES_META_KEY] as Capabilities) ?? server.getClientCapabilities();

/** Progress goes to the client only if it asked for it. */
function reporter(ctx: ServerContext): ((progress: Progress) => void) | undefined {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return undefined;
  return ({ progress, total, message }) => {
    ctx.mcpReq
      .notify({
        method: "notifications/progress",
        params: { progressToken, progress, ...(total === undefined ? {} : { total }), ...(message ? { message } : {}) },
      })
      .catch(() => {}); // the client went away; the call itself will notice
  };
}

function instructionsFor(app: ProxMcp, caller: Caller): string {
  const known = app.connectionsFor(caller);
  if (app.connections.length === 0)
    return "No platform is connected: nothing is configured and no local LXD, Incus or Docker answers. Tell the user to add connections to proxmcp.config.ts, or to try `proxmcp demo`.";
  if (known.length === 0) return "No platform is open to this user: their role, or the rules, leave nothing.";
  const byProvider = app.providers
    .map((provider) => ({ provider, names: known.filter((one) => one.provider === provider.name).map((one) => one.name) }))
    .filter(({ names }) => names.length > 0)
    .map(({ provider, names }) => `${provider.title} (${names.join(", ")})`);
  return [
    `Manages ${byProvider.join("; ")}.`,
    "Sizes are bytes, times seconds, shares 0 to 1. Lists are paged: go on with `cursor`. `errors` beside rows name sources that did not answer.",
    "Ask the user before calling again with a confirmation token.",
  ].join(" ");
}
