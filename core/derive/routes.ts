import type { Safety } from "../declare/action.js";
import type { HostedWorkload, Provider } from "../declare/provider.js";
import { toolName } from "./tools.js";

/** One way to host a workload: what a provider declares, on the connections it has. */
export interface Route extends HostedWorkload {
  readonly provider: string;
  readonly connections: readonly string[];
}

/** The route table: for each workload type the providers that host it, best fit first. */
export function deriveRoutes(providers: readonly Provider[], connections: (provider: string) => readonly string[]): readonly Route[] {
  return providers
    .flatMap((provider) => provider.hosts.map((hosted): Route => ({ ...hosted, provider: provider.name, connections: connections(provider.name) })))
    .sort((a, b) => (a.workload < b.workload ? -1 : a.workload > b.workload ? 1 : b.fit - a.fit));
}

/** The tools by which a provider creates workloads that are routed to it. */
export const creators = (provider: Provider): readonly { readonly name: string; readonly safety: Safety }[] =>
  provider.kinds.flatMap((kind) =>
    Object.entries(kind.actions ?? {}).flatMap(([verb, action]) =>
      action.workload ? [{ name: toolName(provider.name, kind.name, verb), safety: action.safety }] : [],
    ),
  );
