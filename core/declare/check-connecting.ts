import { checkAliases } from "./check-kind.js";
import { collect, isObjectSchema, isPart, isRecord, isSchema, isText } from "./expect.js";
import type { Provider } from "./provider.js";

/** The faults of a provider's actions on connections as such. */
export function checkConnecting(provider: Provider): readonly string[] {
  const { faults, expect } = collect();
  const actions: unknown = provider.connection?.actions;
  if (actions === undefined) return [];
  if (!isRecord(actions)) return ["connection.actions: has to name actions by their verbs"];
  for (const [verb, action] of Object.entries(actions)) {
    const at = `connection.actions.${verb}:`;
    if (!isRecord(action)) {
      faults.push(`${at} has to be an action`);
      continue;
    }
    const { about, safety, input, output, run, timeout } = action;
    const name = `${provider.name}_${provider.connection.noun}_${verb}`;
    expect(isPart(verb), `${at} a verb has to be lower-case words joined by _`);
    expect(name.length <= 60, `${at} tool name ${name}: at most 60 characters`);
    expect(isText(about), `${at} about: missing`);
    expect(["read", "write", "destructive"].includes(String(safety)), `${at} declare it with read, write or destructive of forConnections`);
    expect(isRecord(input) && Object.values(input).every(isSchema), `${at} input: has to be a shape of zod schemas`);
    expect(!isRecord(input) || !("confirm" in input), `${at} input: "confirm" is taken by the core; choose another`);
    expect(isObjectSchema(output), `${at} output: has to be a zod object`);
    expect(typeof run === "function", `${at} run: missing`);
    expect(timeout === undefined || (typeof timeout === "number" && timeout > 0), `${at} timeout: has to be seconds, more than 0`);
    faults.push(...checkAliases(action["aliases"] as readonly string[] | undefined).map((fault) => `${at} ${fault}`));
  }
  return faults;
}
