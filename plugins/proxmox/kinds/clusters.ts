import { facet, forClient, isProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "../client.js";
import { Cluster, statusOf } from "../cluster-status.js";
import { Overview, overviewOf } from "../overview.js";
import { present } from "../resources.js";

const { kind, read, write } = forClient<ProxmoxClient>();

const Row = z.object({
  name: facet(z.string(), "Name of the connection", { says: ["cluster name"] }),
  reachable: facet(z.boolean(), "It answers", { says: ["up", "online", "healthy"] }),
  title: facet(z.string(), "Name that the cluster has itself").optional(),
  version: facet(z.string(), "Release of Proxmox VE", { says: ["pve version", "release"] }).optional(),
  quorate: facet(z.boolean(), "A majority of nodes is there", { says: ["quorum"] }).optional(),
  nodes: facet(z.int(), "Number of nodes").optional(),
  nodes_online: facet(z.int(), "Nodes that are online").optional(),
  address: facet(z.string(), "Address that is asked", { says: ["url", "endpoint"] }),
  latency: facet(z.int(), "Time that an answer takes", { says: ["response time", "ping"], unit: "milliseconds" }).optional(),
  token: facet(z.string(), "API token that is used"),
  permissions: facet(z.int(), "Paths on which the token may do something").optional(),
  region: facet(z.string(), "Region", { says: ["location"] }).optional(),
  tier: facet(z.string(), "Tier: production, staging", { says: ["environment", "stage"] }).optional(),
  default_node: facet(z.string(), "Node used when none is named").optional(),
  default_storage: facet(z.string(), "Storage used when none is named").optional(),
  default_bridge: facet(z.string(), "Bridge used when none is named").optional(),
  problem: facet(z.string(), "What is wrong", { says: ["error"] }).optional(),
});
type Row = z.infer<typeof Row>;

interface Args {
  readonly client: ProxmoxClient;
  readonly signal: AbortSignal;
  readonly clock: { now(): number };
}

/** One cluster's health. That it is down is an answer here, not an error. */
async function healthOf({ client, signal, clock }: Args): Promise<Row> {
  const { node, storage, bridge } = client.options;
  const { region, tier } = client.tags;
  const known = { name: client.name, token: client.token, region, tier, default_node: node, default_storage: storage, default_bridge: bridge };
  const began = clock.now();
  try {
    await client.get("/version", signal);
    const latency = Math.round(clock.now() - began);
    const [status, permissions] = await Promise.all([statusOf({ client, signal }), client.get<object>("/access/permissions", signal)]);
    const online = status.nodes.filter((one) => one.online).length;
    const granted = Object.keys(permissions).length;
    const problem = !status.quorate
      ? "No quorum: reads work, writes do not."
      : online < status.nodes.length
        ? `Offline: ${status.nodes
            .filter((one) => !one.online)
            .map((one) => one.name)
            .join(", ")}.`
        : granted === 0
          ? "The token has no permissions."
          : undefined;
    return present({
      ...known,
      reachable: true,
      title: status.name,
      version: status.version,
      quorate: status.quorate,
      nodes: status.nodes.length,
      nodes_online: online,
      address: client.address,
      latency,
      permissions: granted,
      problem,
    }) as Row;
  } catch (error) {
    if (signal.aborted || !isProxMcpError(error)) throw error;
    return present({ ...known, reachable: false, address: client.address, problem: error.message }) as Row;
  }
}

const LogLine = z.object({
  time: z.string(),
  node: z.string(),
  user: z.string(),
  severity: z.int().describe("0 worst, 7 least"),
  tag: z.string(),
  message: z.string(),
});

export const clusters = kind({
  name: "cluster",
  about: "A configured cluster: whether it answers, its quorum, release, token, defaults and tags",
  says: ["cluster", "datacenter"],
  item: Row,
  key: "name",
  everyday: ["status"],
  // Asked about one that is down, it says so; asked about none, it says so of each.
  aliases: {
    list: ["proxmox-list-all-clusters", "proxmox_list_clusters", "proxmox-list-clusters", "proxmox_cluster_health", "proxmox-cluster-health"],
  },
  list: async (args) => [await healthOf(args)],
  actions: {
    status: read({
      about: "Quorum, nodes, release, guests by state, and what is in use of all nodes together",
      on: "kind",
      output: Cluster,
      aliases: ["proxmox-cluster-status", "proxmox_get_cluster_status"],
      run: statusOf,
    }),
    overview: read({
      about: "Totals of CPU, memory and storage with what is used and free, guests by type and node, health of each node",
      on: "kind",
      aliases: ["proxmox-cluster-overview", "proxmox_get_cluster_overview"],
      output: Overview,
      run: overviewOf,
    }),
    logs: read({
      about: "Read the log of the cluster, newest first",
      on: "kind",
      aliases: ["proxmox-cluster-log", "proxmox_cluster_log", "proxmox_get_cluster_log"],
      input: { limit: z.int().min(1).max(500).describe("Default 50").optional() },
      output: z.object({ lines: z.array(LogLine), truncated: z.boolean() }),
      run: async ({ client, signal, input }) => {
        const limit = input.limit ?? 50;
        type Entry = {
          readonly time: number;
          readonly node: string;
          readonly user: string;
          readonly pri: number;
          readonly tag: string;
          readonly msg: string;
        };
        const rows = await client.get<readonly Entry[]>("/cluster/log", signal, { max: limit });
        const lines = rows.map(({ time, node, user, pri, tag, msg }) => ({
          time: new Date(time * 1000).toISOString(),
          node,
          user,
          severity: pri,
          tag,
          message: msg,
        }));
        return { lines, truncated: lines.length >= limit };
      },
    }),
    version: read({
      about: "Release of Proxmox VE",
      on: "kind",
      aliases: ["proxmox_system_version", "proxmox-version"],
      output: z.object({ version: z.string(), release: z.string() }),
      run: async ({ client, signal }) => {
        const { version, release } = await client.get<{ readonly version: string; readonly release: string }>("/version", signal);
        return { version, release };
      },
    }),
    test: read({
      about: "Test the connection to a cluster: reachable, authenticated, permitted",
      on: "kind",
      aliases: ["proxmox_test_connection", "proxmox-test-connection"],
      output: Row,
      run: healthOf,
    }),
    options: read({
      about: "Options of the whole datacenter",
      on: "kind",
      output: z.object({ options: z.record(z.string(), z.unknown()) }),
      run: async ({ client, signal }) => ({ options: await client.get<Record<string, unknown>>("/cluster/options", signal) }),
    }),
    set_options: write({
      about: "Set options of the whole datacenter",
      on: "kind",
      input: {
        options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).describe("As in Proxmox's API"),
        clear: z.array(z.string()).optional(),
      },
      output: z.object({ changed: z.boolean() }),
      run: async (args) => {
        const { options, clear = [] } = args.input;
        await args.client.write("PUT", "/cluster/options", { ...options, delete: clear.length > 0 ? clear.join(",") : undefined }, args);
        return { changed: true };
      },
    }),
    ha_status: read({
      about: "State of high availability: master, nodes, the guests it looks after",
      on: "kind",
      aliases: ["proxmox-ha-status", "proxmox_ha_status"],
      output: z.object({ entries: z.array(z.object({ id: z.string(), type: z.string(), status: z.string(), node: z.string().optional() })) }),
      run: async ({ client, signal }) => {
        type Entry = { readonly id: string; readonly type: string; readonly status?: string; readonly node?: string };
        const rows = await client.get<readonly Entry[]>("/cluster/ha/status/current", signal);
        return { entries: rows.map(({ id, type, status = "", node }) => ({ id, type, status, ...(node ? { node } : {}) })) };
      },
    }),
  },
});
