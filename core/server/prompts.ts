import { type CompleteResult, type Prompt, ProtocolError, ProtocolErrorCode, type Server } from "@modelcontextprotocol/server";
import type { ProxMcp } from "../app.js";
import type { Caller } from "../call/context.js";
import type { AppSource } from "../live.js";
import { has } from "./answer.js";

/**
 * The tool that answers questions, as a prompt: MCP completes arguments of prompts but not of tools, so here a person can type a question
 * and see while typing what can be asked for.
 */
const ASK: Prompt = {
  name: "inventory_query",
  title: "Ask about what is running",
  description: "Ask in words over all connected platforms.",
  arguments: [{ name: "query", description: "As in: running containers with more than 1 GB memory", required: true }],
};

export function servePrompts(server: Server, source: AppSource, callerOf: (app: ProxMcp) => Caller): void {
  const mayAsk = (): boolean => has(source.current, ASK.name, callerOf(source.current));
  const known = (name: string): void => {
    if (name !== ASK.name || !mayAsk()) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no prompt ${JSON.stringify(name)}.`);
  };
  server.setRequestHandler("prompts/list", () => ({ prompts: mayAsk() ? [ASK] : [] }));
  server.setRequestHandler("prompts/get", ({ params }) => {
    known(params.name);
    const query = params.arguments?.["query"] ?? "";
    const text = `Call inventory_query with the query ${JSON.stringify(query)}. Answer from its rows, and say what it ignored and which sources did not answer.`;
    return { description: ASK.description, messages: [{ role: "user", content: { type: "text", text } }] };
  });
  server.setRequestHandler("completion/complete", ({ params }): CompleteResult => {
    if (params.ref.type !== "ref/prompt") throw new ProtocolError(ProtocolErrorCode.InvalidParams, "Only arguments of prompts can be completed.");
    known(params.ref.name);
    const values = params.argument.name === "query" ? source.current.completeQuery(params.argument.value) : [];
    return { completion: { values: [...values], total: values.length, hasMore: false } };
  });
}
