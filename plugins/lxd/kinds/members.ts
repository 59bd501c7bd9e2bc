import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { defined } from "../instance/fields.js";
import type { WireMember } from "../wire.js";

const { kind } = forClient<LxdClient>();

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

export const members = kind({
  name: "member",
  about: "A server of the cluster; a server that stands alone has none",
  says: ["cluster member", "member", "node"],
  item: Member,
  key: "name",
  aliases: { list: ["lxd_list_cluster_members", "lxd_list_members"] },

  async list({ client, signal }) {
    const { environment } = await client.server(signal);
    if (!environment?.server_clustered) return [];
    const found = await client.get<readonly WireMember[]>("/1.0/cluster/members", {
      doing: "list the members of the cluster",
      signal,
      query: { recursion: 1 },
    });
    return found.map((wire) => {
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
    });
  },
});
