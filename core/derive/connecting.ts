import { z } from "zod";
import type { ConnectingAction } from "../declare/connecting.js";
import type { Provider } from "../declare/provider.js";
import { jsonOf } from "./json.js";
import { lazily, type Tool } from "./tools.js";
import { capital, spaced } from "./words.js";

/** What `proxmcp setup` and the reference know such a tool by. */
export const connectingName = ({ name, connection }: Pick<Provider, "name" | "connection">, verb: string): string =>
  `${name}_${connection.noun}_${verb}`;

/** The arguments of an action on connections: its own and, where it changes something, a token for what it asks on its way. */
export const connectingInput = ({ input, safety }: ConnectingAction) =>
  z.strictObject({ ...input, ...(safety === "read" ? {} : { confirm: z.string().optional().describe("Token from a refusal") }) });

export type ConnectingTool = Tool & { readonly connecting: ConnectingAction };

/** The tools of a provider's actions on connections as such: they need no connection. Never on the default surface. */
export function deriveConnectingTools(provider: Provider): readonly ConnectingTool[] {
  return Object.entries(provider.connection.actions ?? {}).map(([verb, action]) => {
    const { about, safety, aliases = [], timeout, output } = action;
    const tool = {
      name: connectingName(provider, verb),
      title: `${capital(spaced(verb))} ${provider.title} ${spaced(provider.connection.noun)}`,
      description: /[.!?]$/.test(about) ? about : `${about}.`,
      ...{ safety, worst: safety, idempotent: safety === "read", openWorld: true, everyday: false, aliases, of: provider, connecting: action },
      ...(timeout ? { timeout } : {}),
    };
    return lazily(tool, {
      inputSchema: () => jsonOf(connectingInput(action), "input"),
      outputSchema: () => jsonOf(z.object({ result: output, notes: z.array(z.string()).optional() }), "output"),
    });
  });
}
