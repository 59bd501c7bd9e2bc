import { fileURLToPath } from "node:url";
import { type CallValue, createProxMcp, isProxMcpError, type ProxMcp, type ToolDefinitions } from "proxmcp";

/** What a model asks for, and what it is told: the parts of the Messages API that matter here. */
export interface ToolUse {
  readonly type: "tool_use";
  readonly id: string;
  readonly name: string;
  readonly input: Record<string, unknown>;
}
type Said = ToolUse | { readonly type: "text"; readonly text: string };
type Message = { readonly role: "user" | "assistant"; readonly content: string | readonly object[] };

/** The model: `client.messages.create` of Anthropic's SDK fits behind this. */
export type Model = (request: { messages: readonly Message[]; tools: readonly ToolDefinitions["anthropic"][] }) => Promise<readonly Said[]>;

/** Lets a model answer a question with the tools of an app. Nothing is confirmed here, so nothing that has to be confirmed is done. */
export async function answer(question: string, app: ProxMcp, model: Model): Promise<string> {
  const tools = app.toolDefinitions({ format: "anthropic" });
  const messages: Message[] = [{ role: "user", content: question }];
  for (let turn = 0; turn < 10; turn += 1) {
    const said = await model({ messages, tools });
    const uses = said.filter((one) => one.type === "tool_use");
    if (uses.length === 0) return said.map((one) => (one.type === "text" ? one.text : "")).join("");
    const results = await Promise.all(uses.map(async (use) => ({ type: "tool_result", tool_use_id: use.id, ...(await carryOut(app, use)) })));
    messages.push({ role: "assistant", content: said }, { role: "user", content: results });
  }
  throw new Error("The model did not come to an end.");
}

/** An error is an answer too: its report says what the model can do next. */
async function carryOut(app: ProxMcp, { name, input }: ToolUse): Promise<{ content: string; is_error?: true }> {
  try {
    const value: CallValue = await app.call(name, input);
    return { content: JSON.stringify(value) };
  } catch (error) {
    if (!isProxMcpError(error)) throw error;
    return { content: JSON.stringify(error.report()), is_error: true };
  }
}

/** Stands in for a model, so that this runs without a key: it asks for the inventory once and tells what it got. */
const parrot: Model = async ({ messages, tools }) => {
  const last = messages.at(-1)?.content;
  if (typeof last === "string") {
    console.error(`The model has ${tools.length} tools.`);
    return [{ type: "tool_use", id: "1", name: "inventory_query", input: { query: last } }];
  }
  return [{ type: "text", text: (last?.[0] as { content: string } | undefined)?.content ?? "" }];
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const app = await createProxMcp({ tools: { readOnly: true } });
  console.log(await answer("running containers", app, parrot));
  await app.close();
}
