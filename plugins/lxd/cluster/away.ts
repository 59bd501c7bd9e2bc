import type { CallArgs } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";
import type { WireMember } from "../wire.js";

/** Whether the cluster has lost a member. */
export const isAway = ({ status }: WireMember): boolean => status.toLowerCase() === "offline";

/**
 * The members that the cluster has lost; none where the server stands alone. What is asked of one of them in vain takes the server ten seconds,
 * so it is better not asked.
 */
export async function awayMembers({ client, signal }: Pick<CallArgs<LxdClient>, "client" | "signal">): Promise<ReadonlySet<string>> {
  const { environment } = await client.server(signal);
  if (!environment?.server_clustered) return new Set();
  const ask = { doing: "list the members of the cluster", signal, query: { recursion: 1 } };
  const members = await client.get<readonly WireMember[]>("/1.0/cluster/members", ask);
  return new Set(members.filter(isAway).map(({ server_name: name }) => name));
}
