/**
 * Where something new goes when the caller does not say: the connection's defaults, then what has room.
 * @module
 */
import { type CallArgs, ProxMcpError } from "proxmcp/plugin";
import type { ProxmoxClient } from "../client.js";
import { type Resource, resourcesOf } from "../resources.js";

export interface Place {
  readonly node: string;
  readonly storage: string;
}

type Args = Pick<CallArgs<ProxmoxClient>, "client" | "signal" | "note">;

/**
 * A node, and a storage on it that may hold such content.
 *
 * @param content `images` for a VM, `rootdir` for a container, `backup`, `iso`, `vztmpl`
 */
export async function placeFor(
  args: Args,
  wanted: { readonly node?: string | undefined; readonly storage?: string | undefined },
  content: string,
): Promise<Place> {
  const { client, signal, note } = args;
  const rows = await resourcesOf(client, signal);
  const nodes = rows.filter((row) => row.type === "node");
  const storages = rows.filter((row) => row.type === "storage" && row.status !== "unknown");
  const holds = (row: Resource): boolean => (row.content ?? "").split(",").includes(content);

  const named = wanted.node ?? client.options.node;
  const known = named === undefined ? undefined : nodes.find((row) => row.node === named);
  if (wanted.node !== undefined && !known) throw noNode(wanted.node, nodes);
  if (known?.status === "offline")
    throw new ProxMcpError("UNREACHABLE", `Node ${known.node} is offline.`, {
      data: { node: known.node },
      next: "Name another node, or bring it back first.",
    });
  // Where no node is meant, only those that have the storage come into question.
  const storage = wanted.storage ?? client.options.storage;
  const usable = (node: string | undefined): Resource[] => storages.filter((row) => row.node === node && row.status === "available" && holds(row));
  const online = known
    ? [known]
    : nodes.filter((row) => row.status === "online" && usable(row.node).some((row) => !wanted.storage || row.storage === wanted.storage));
  const node = [...online].sort((a, b) => roomOf(b, "mem") - roomOf(a, "mem"))[0]?.node;
  if (node === undefined) {
    if (wanted.storage !== undefined) throw noStorage(wanted.storage, "any node", content, storages.filter(holds));
    throw new ProxMcpError("NO_CAPACITY", `No node is online that has a storage for ${content}.`, {
      next: "Look at the nodes and the storages, and name both.",
    });
  }
  const here = usable(node);
  const chosen =
    storage === undefined ? [...here].sort((a, b) => roomOf(b, "disk") - roomOf(a, "disk"))[0] : here.find((row) => row.storage === storage);
  if (chosen?.storage === undefined) {
    // The default of the connection need not suit every content; what the caller names has to.
    const other = wanted.storage === undefined ? [...here].sort((a, b) => roomOf(b, "disk") - roomOf(a, "disk"))[0] : undefined;
    if (other?.storage === undefined) throw noStorage(storage ?? "", node, content, here);
    return { node, storage: other.storage };
  }
  if (named === undefined && online.length > 1) note(`Placed on node ${node}, which has the most free memory, and on storage ${chosen.storage}.`);
  return { node, storage: chosen.storage };
}

/** The next free VMID of the cluster. Proxmox answers it as text. */
export const nextId = async (client: ProxmoxClient, signal: AbortSignal): Promise<number> =>
  Number(await client.get<string>("/cluster/nextid", signal));

function roomOf(row: Resource, what: "mem" | "disk"): number {
  return what === "mem" ? (row.maxmem ?? 0) - (row.mem ?? 0) : (row.maxdisk ?? 0) - (row.disk ?? 0);
}

const noNode = (name: string, nodes: readonly Resource[]): ProxMcpError =>
  new ProxMcpError("NOT_FOUND", `There is no node ${name} in this cluster. There is: ${nodes.map((row) => row.node).join(", ")}.`, {
    data: { node: name },
  });

function noStorage(name: string, node: string, content: string, others: readonly Resource[]): ProxMcpError {
  const names = [...new Set(others.map((row) => row.storage))].join(", ");
  return new ProxMcpError(
    "NOT_FOUND",
    `There is no storage ${name ? `${name} ` : ""}on ${node} that may hold ${content}.${names ? ` Others: ${names}.` : ""}`,
    {
      next: "Name a storage that may hold it: the list of storages shows their content.",
    },
  );
}
