import { type CallArgs, ProxMcpError } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";
import type { Config, WireNetwork } from "../wire.js";

type Args = Pick<CallArgs<LxdClient>, "client" | "signal" | "note">;

/**
 * The network card that joins a network. Where there is no such network, the connection's `fallback_network` takes its place if it has one;
 * otherwise the error names those that there are.
 */
export async function cardOn({ client, signal, note }: Args, wanted: string): Promise<Config> {
  const networks = await client.get<readonly WireNetwork[]>("/1.0/networks", { doing: "list networks", signal, query: { recursion: 1 } });
  const joinable = networks.filter(({ type, managed }) => managed || type === "bridge");
  const find = (name: string | undefined): WireNetwork | undefined => joinable.find((one) => one.name === name);
  const fallback = client.connection.options.fallback_network;
  const found = find(wanted) ?? find(fallback);
  if (!found) throw missing(wanted, fallback, joinable, client.connection.name);
  if (found.name !== wanted) note(`There is no network "${wanted}" on ${client.connection.name}, so it is on "${found.name}", its fallback_network.`);
  // A bridge that the server only sees, and does not manage, is joined by its name as `parent`.
  return { type: "nic", name: "eth0", ...(found.managed ? { network: found.name } : { nictype: "bridged", parent: found.name }) };
}

function missing(wanted: string, fallback: string | undefined, networks: readonly WireNetwork[], host: string): ProxMcpError {
  const names = networks.map(({ name }) => name);
  const also = fallback === undefined ? "" : ` Nor is there its fallback_network "${fallback}".`;
  return new ProxMcpError("NOT_FOUND", `There is no network "${wanted}" on ${host}.${also} Networks: ${names.join(", ") || "none"}.`, {
    tried: ["GET /1.0/networks"],
    data: { argument: "network", candidates: names },
    next:
      names.length > 0
        ? "Use one of these, or leave `network` out for that of the profile. `fallback_network` of the connection takes the place of one that is missing."
        : "Create one first (lxd_network_create), or leave `network` out.",
  });
}
