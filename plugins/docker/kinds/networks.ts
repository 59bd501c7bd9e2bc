import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "../client.js";

const { kind } = forClient<DockerClient>();

const Network = z.object({
  name: facet(z.string(), "Name"),
  id: facet(z.string(), "First 12 digits of the id", { says: ["network id"] }),
  driver: facet(z.string(), "Driver: bridge, overlay, host, ...", { says: ["type"] }),
  scope: facet(z.string(), "local, or swarm", { says: ["reach"] }),
  subnets: facet(z.array(z.string()), "Address ranges", { says: ["subnet", "range", "cidr"] }),
  internal: facet(z.boolean(), "Cut off from the outside", { says: ["isolated"] }),
  created: facet(z.iso.datetime({ offset: true }), "When it was made", { says: ["age"] }).optional(),
  tags: facet(z.array(z.string()), "Labels, key=value", { says: ["labels", "label"] }),
});

interface NetworkFacts {
  readonly Id: string;
  readonly Name: string;
  readonly Driver: string;
  readonly Scope: string;
  readonly Internal?: boolean;
  readonly Created?: string;
  readonly IPAM?: { readonly Config?: readonly { readonly Subnet?: string }[] | null } | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

export const networks = kind({
  name: "network",
  about: "A network that containers are joined to",
  says: ["network", "docker network"],
  item: Network,
  key: "name",
  alsoBy: ["id"],
  aliases: { list: ["docker_networks", "docker_list_networks", "docker_network_ls"] },
  list: async ({ client, signal }) => {
    const found = await client.json<NetworkFacts[]>({ what: "list networks", path: "/networks", signal });
    return found.map((network) => {
      const created = Date.parse(network.Created ?? "");
      return {
        name: network.Name,
        id: network.Id.slice(0, 12),
        driver: network.Driver,
        scope: network.Scope,
        subnets: (network.IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []),
        internal: network.Internal === true,
        ...(created > 0 ? { created: new Date(created).toISOString() } : {}), // a network of the swarm has the date of year 1
        tags: Object.entries(network.Labels ?? {}).map(([key, value]) => `${key}=${value}`),
      };
    });
  },
});
