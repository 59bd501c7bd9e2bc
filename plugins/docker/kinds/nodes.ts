import { facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "../client.js";
import { swarmItem, swarmList, swarmUpdate } from "../swarm.js";
import { dateOf, known, tagsOf } from "../words.js";

const { kind, write } = forClient<DockerClient>();

const AVAILABILITY = ["active", "pause", "drain"] as const;
const ROLES = ["manager", "worker"] as const;

const Node = z.object({
  name: facet(z.string(), "Host name"),
  id: facet(z.string(), "Id"),
  status: facet(z.enum(["unknown", "down", "ready", "disconnected"]), "State now", {
    says: ["state"],
    values: { ready: ["up", "online"], down: ["offline"] },
  }),
  role: facet(z.enum(ROLES), "Manager or worker"),
  leader: facet(z.boolean(), "Leads the managers").optional(),
  availability: facet(z.enum(AVAILABILITY), "Whether it is given tasks", { values: { drain: ["drained"], pause: ["paused"] } }),
  ip: facet(z.string(), "Address", { says: ["address"] }).optional(),
  cpu: facet(z.number(), "Cores", { says: ["cores"], unit: "cores" }).optional(),
  memory: facet(z.int(), "Memory", { says: ["ram"], unit: "bytes" }).optional(),
  os: facet(z.string(), "Operating system").optional(),
  arch: facet(z.string(), "Architecture").optional(),
  version: facet(z.string(), "Version of its engine").optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it joined").optional(),
  tags: facet(z.array(z.string()), "Labels, key=value", { says: ["labels", "label"] }),
});

interface NodeFacts {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly CreatedAt?: string;
  readonly Spec: { readonly Role?: string; readonly Availability?: string; readonly Labels?: Readonly<Record<string, string>> | null };
  readonly Description?: {
    readonly Hostname?: string;
    readonly Platform?: { readonly Architecture?: string; readonly OS?: string };
    readonly Resources?: { readonly NanoCPUs?: number; readonly MemoryBytes?: number };
    readonly Engine?: { readonly EngineVersion?: string };
  };
  readonly Status?: { readonly State?: string; readonly Addr?: string };
  readonly ManagerStatus?: { readonly Leader?: boolean } | null;
}

export const nodeName = ({ ID, Description }: NodeFacts): string => Description?.Hostname || ID;

const fromFacts = (found: NodeFacts): z.input<typeof Node> =>
  known({
    name: nodeName(found),
    id: found.ID,
    status: (found.Status?.State ?? "unknown") as z.input<typeof Node>["status"],
    role: found.Spec.Role as (typeof ROLES)[number],
    leader: found.ManagerStatus ? found.ManagerStatus.Leader === true : undefined,
    availability: found.Spec.Availability as (typeof AVAILABILITY)[number],
    ip: found.Status?.Addr || undefined,
    cpu: found.Description?.Resources?.NanoCPUs ? found.Description.Resources.NanoCPUs / 1e9 : undefined,
    memory: found.Description?.Resources?.MemoryBytes,
    os: found.Description?.Platform?.OS,
    arch: found.Description?.Platform?.Architecture,
    version: found.Description?.Engine?.EngineVersion,
    created: dateOf(found.CreatedAt),
    tags: tagsOf(found.Spec.Labels),
  });

/** GET /nodes finds a node by its host name, GET /nodes/{id} only by its id. */
async function find(args: { client: DockerClient; key: string; signal: AbortSignal }): Promise<NodeFacts> {
  const named = await swarmList<NodeFacts>({ ...args, note: () => {} }, "nodes", "/nodes", { filters: JSON.stringify({ name: [args.key] }) });
  const exact = named.filter((node) => nodeName(node) === args.key);
  if (exact.length > 1)
    throw new ProxMcpError("NAME_AMBIGUOUS", `Several nodes are called "${args.key}": ${exact.map(({ ID }) => ID).join(", ")}. Use the id.`);
  return exact[0] ?? (await swarmItem<NodeFacts>(args, "node", args.key));
}

export const nodes = kind({
  name: "node",
  about: "A machine in the swarm that the engine manages",
  says: ["swarm node"],
  item: Node,
  key: "name",
  alsoBy: ["id"],
  aliases: { list: ["docker_node_ls", "docker_swarm_nodes"], get: ["docker_node_inspect"] },

  list: async (args) => (await swarmList<NodeFacts>(args, "nodes", "/nodes")).map(fromFacts),
  get: async (args) => fromFacts(await find(args)),

  actions: {
    update: write({
      about: "Change whether a node is given tasks, its role or its labels; draining moves its tasks elsewhere",
      input: {
        availability: z.enum(AVAILABILITY).optional().describe("Whether it is given tasks"),
        role: z.enum(ROLES).optional().describe("Manager or worker"),
        labels: z.record(z.string().min(1), z.string()).optional().describe("All its labels"),
      },
      run: async (args) => {
        const { availability, role, labels } = args.input;
        const found = await find(args);
        await swarmUpdate(args, "node", found, {
          ...found.Spec,
          ...(availability ? { Availability: availability } : {}),
          ...(role ? { Role: role } : {}),
          ...(labels ? { Labels: labels } : {}),
        });
      },
    }),
  },
});
