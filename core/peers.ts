import type { Caller } from "./call/context.js";
import type { Policy } from "./call/policy.js";
import type { ConnectionEntry } from "./connections.js";
import type { Peers } from "./declare/tokens.js";
import { ProxMcpError } from "./errors.js";

/** What a client sees of the others of its provider. The policy is asked about the far side as it was about the near one, for the same caller. */
export function peersOf(entries: () => readonly ConnectionEntry[], policy: Policy, caller: () => Caller): Peers {
  const names = (): string[] => entries().map((entry) => entry.name);
  return {
    get names() {
      return names();
    },
    client: (name, tool) => {
      const entry = entries().find((one) => one.name === name);
      if (!entry) throw new ProxMcpError("CONNECTION_UNKNOWN", `There is no ${JSON.stringify(name)}. There is: ${names().join(", ")}.`);
      const decision = policy.decide(caller(), tool, name);
      if (!decision.allowed) throw new ProxMcpError("TOOL_DENIED", `${tool.name} is not allowed on ${name}: ${decision.why}.`, { connection: name });
      return entry.client;
    },
  };
}
