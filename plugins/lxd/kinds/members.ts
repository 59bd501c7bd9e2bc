import { facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { evacuate, losesIn, modes, restore } from "../cluster/evacuation.js";
import { defined } from "../instance/fields.js";
import type { WireMember } from "../wire.js";

const { kind, write, destructive } = forClient<LxdClient>();

const Member = z.object({
  name: facet(z.string(), "Name of the server in the cluster", { says: ["node"] }),
  status: facet(z.enum(["online", "offline", "evacuated", "blocked", "unknown"]), "State now", {
    says: ["state"],
    values: { online: ["up", "healthy"], offline: ["down", "unreachable"], evacuated: ["drained", "in maintenance"] },
  }),
  message: facet(z.string(), "What the cluster says of it").optional(),
  address: facet(z.string(), "Where its API is", { says: ["url"] }),
  arch: facet(z.string(), "Processor architecture", { says: ["architecture"] }),
  roles: facet(z.array(z.string()), "Its roles, such as database", { says: ["role"] }),
  groups: facet(z.array(z.string()), "Cluster groups it is in", { says: ["group"] }),
  failure_domain: facet(z.string(), "What would fail together with it").optional(),
});
type Status = z.input<typeof Member>["status"];

const STATUS: readonly string[] = ["online", "offline", "evacuated", "blocked"];

/** Seconds. A member may have many instances, and each is moved with its disk. */
const LONG = 6 * 3600;

const memberOf = (wire: WireMember) => {
  const status = wire.status.toLowerCase();
  return defined({
    name: wire.server_name,
    status: (STATUS.includes(status) ? status : "unknown") as Status,
    message: wire.message || undefined,
    address: wire.url,
    arch: wire.architecture,
    roles: [...(wire.roles ?? [])],
    groups: [...(wire.groups ?? [])],
    failure_domain: wire.failure_domain || undefined,
  });
};

export const members = kind({
  name: "member",
  about: "A server of the cluster; a server that stands alone has none",
  says: ["cluster member", "member", "node"],
  item: Member,
  key: "name",
  aliases: { list: ["lxd_list_cluster_members", "lxd_list_members"], get: ["lxd_get_cluster_member"] },

  async list({ client, signal }) {
    const { environment } = await client.server(signal);
    if (!environment?.server_clustered) return [];
    const ask = { doing: "list the members of the cluster", signal, query: { recursion: 1 } };
    return (await client.get<readonly WireMember[]>("/1.0/cluster/members", ask)).map(memberOf);
  },

  async get({ client, key, signal }) {
    const { environment } = await client.server(signal);
    if (!environment?.server_clustered) {
      throw new ProxMcpError("NOT_FOUND", `There is no member "${key}": ${client.connection.name} stands alone.`);
    }
    const ask = { doing: `read member "${key}" of the cluster`, signal };
    return memberOf(await client.get<WireMember>(`/1.0/cluster/members/${encodeURIComponent(key)}`, ask));
  },

  actions: {
    evacuate: destructive({
      about: "Empty a member for maintenance: its instances go to the others, and no new ones come to it",
      loses: losesIn,
      idempotent: true,
      input: { mode: z.enum(modes).optional().describe("For all of them; default: as each instance says in cluster.evacuate") },
      timeout: LONG,
      aliases: ["lxd_evacuate_member", "lxd_cluster_evacuate"],
      run: evacuate,
    }),

    restore: write({
      about: "Take an evacuated member back into service; the instances that were on it come back, restarted",
      idempotent: true,
      timeout: LONG,
      aliases: ["lxd_restore_member", "lxd_cluster_restore"],
      run: restore,
    }),
  },
});
