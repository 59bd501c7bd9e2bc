import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { defined } from "../instance/fields.js";
import type { WireNetwork } from "../wire.js";

const { kind } = forClient<LxdClient>();

const Network = z.object({
  name: facet(z.string(), "Name of the network or interface", { says: ["interface"] }),
  type: facet(z.string(), "bridge, ovn, physical, macvlan, sriov, loopback and so on"),
  managed: facet(z.boolean(), "Whether this server made and runs it"),
  status: facet(z.string(), "Created, pending, errored", { says: ["state"] }).optional(),
  ipv4: facet(z.string(), "Its own IPv4 address and subnet", { says: ["ip", "subnet"] }).optional(),
  ipv6: facet(z.string(), "Its own IPv6 address and subnet").optional(),
  nat: facet(z.boolean(), "Whether it hides its instances behind the host", { says: ["masquerading"] }).optional(),
  used_by: facet(z.int(), "How many instances and profiles use it", { says: ["users"] }),
  description: facet(z.string(), "Its owner's words").optional(),
});

/** `none` says that the network has no address, `auto` that the server has yet to choose one. */
const address = (value: string | undefined): string | undefined => (value && value !== "none" && value !== "auto" ? value : undefined);

export const networks = kind({
  name: "network",
  about: "A network that instances can join, or an interface of the host",
  says: ["network", "bridge"],
  item: Network,
  key: "name",
  aliases: { list: ["lxd_list_networks", "get_lxd_networks"] },

  async list({ client, signal }) {
    const found = await client.get<readonly WireNetwork[]>("/1.0/networks", { doing: "list networks", signal, query: { recursion: 1 } });
    return found.map((wire) =>
      defined({
        name: wire.name,
        type: wire.type,
        managed: wire.managed,
        status: wire.status?.toLowerCase() || undefined,
        ipv4: address(wire.config["ipv4.address"]),
        ipv6: address(wire.config["ipv6.address"]),
        nat: wire.config["ipv4.nat"] === undefined ? undefined : wire.config["ipv4.nat"] === "true",
        used_by: wire.used_by?.length ?? 0,
        project: wire.project,
        description: wire.description || undefined,
      }),
    );
  },
});
