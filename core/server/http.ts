import type { IncomingMessage, ServerResponse } from "node:http";
import { createMcpHandler, localhostAllowedHostnames, originValidationResponse, validateHostHeader } from "@modelcontextprotocol/server";
import { toNodeHandler } from "@modelcontextprotocol/node";
import type { ProxMcp } from "../app.js";
import type { Caller } from "../call/context.js";
import { ProxMcpError } from "../errors.js";
import { type AppSource, sourceOf } from "../live.js";
import { createMcpServer } from "./mcp.js";

export interface HandlerOptions {
  /**
   * Who sends a request, by its headers, or by what a middleware has put on `incoming`. Undefined, or an error thrown: answered with 401.
   * Confirmation tokens and roles belong to who this says. Default: the app's own caller for all, where only this machine's names are `hosts`.
   */
  readonly caller?: ((request: Request, incoming?: IncomingMessage) => Caller | undefined | Promise<Caller | undefined>) | undefined;
  /** Host names under which the handler may be asked, without ports. Anything else is refused, as a rebound DNS name would be. Default: this machine's own. */
  readonly hosts?: readonly string[] | undefined;
  /** Host names of web pages that may ask. Requests that come from no web page need none. Default: `hosts`. */
  readonly origins?: readonly string[] | undefined;
  /** Bytes of a request's body. Default: 4 MiB. */
  readonly maxBody?: number | undefined;
}

/** MCP over HTTP, for a server that somebody else runs. It looks at no path: mount it where it shall be. */
export interface RequestHandler {
  /** For Hono, Deno, Bun, and whatever else speaks in `Request` and `Response`. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** For `node:http`, Express and Fastify. `body`: what a body parser has made of the body already. */
  readonly node: (request: IncomingMessage, response: ServerResponse, body?: unknown) => Promise<void>;
  /** Ends what is under way. The app stays open. */
  readonly close: () => Promise<void>;
}

/** Serves both protocol eras, without sessions: each request stands for itself, so any replica can answer it. */
export function createRequestHandler(from: ProxMcp | AppSource, options: HandlerOptions = {}): RequestHandler {
  const source = sourceOf(from);
  const local = localhostAllowedHostnames();
  const { hosts = local, origins = hosts, caller, maxBody } = options;
  if (!caller && hosts.some((host) => !local.includes(host)))
    throw new ProxMcpError("CONFIG_INVALID", `The request handler answers for ${hosts.join(", ")}, but nothing says who is calling.`, {
      next: "Give it `caller`, which tells a request's caller or refuses it.",
    });
  const callers = new WeakMap<object, Caller>();
  const handler = createMcpHandler(({ authInfo }) => createMcpServer(from, { caller: authInfo && callers.get(authInfo) }), {
    onerror: (error) => source.current.logger.warn("protocol error", { error: error.message }),
    ...(maxBody === undefined ? {} : { maxRequestBodySize: maxBody }),
  });
  const stop = source.onChange(() => handler.notify.toolsChanged());

  const answer = async (request: Request, parsedBody?: unknown, incoming?: IncomingMessage): Promise<Response> => {
    // Where there is no header, whoever made the request made its address from it.
    const host = validateHostHeader(request.headers.get("host") ?? new URL(request.url).host, [...hosts]);
    if (!host.ok) return refusal(403, host.message);
    const foreign = originValidationResponse(request, [...origins]);
    if (foreign) return foreign;
    const who = caller ? await identified(() => caller(request, incoming), source.current) : source.current.caller;
    if (!who) return refusal(401, "Who is calling is not known.");
    // The SDK hands this on to whoever makes the server, and looks at nothing in it.
    const authInfo = { token: "", clientId: who.id, scopes: [] };
    callers.set(authInfo, who);
    return await handler.fetch(request, { authInfo, ...(parsedBody === undefined ? {} : { parsedBody }) });
  };
  return {
    fetch: (request) => answer(request),
    node: async (request, response, body) => {
      const once = toNodeHandler(
        { fetch: (asked, given) => answer(asked, given?.parsedBody, request) },
        maxBody === undefined ? {} : { maxRequestBodySize: maxBody },
      );
      await once(request as never, response as never, body);
    },
    close: async () => {
      stop();
      await handler.close();
    },
  };
}

async function identified(ask: () => Caller | undefined | Promise<Caller | undefined>, app: ProxMcp): Promise<Caller | undefined> {
  try {
    return await ask();
  } catch (error) {
    app.logger.warn("a request was refused", { error: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

const refusal = (status: number, message: string): Response =>
  Response.json({ jsonrpc: "2.0", id: null, error: { code: -32_000, message } }, { status });
