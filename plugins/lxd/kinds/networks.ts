import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { defined, memberName } from "../instance/fields.js";
import { configOf, CreateNetwork, createNetwork, UpdateNetwork } from "../network/create.js";
import type { WireLease } from "../network/wire.js";
import { patchSettings } from "../settings.js";
import { deleteUnused } from "../users.js";
import type { WireNetwork } from "../wire.js";

const { kind, read, write, destructive } = forClient<LxdClient>();

const Network = z.object({
  name: facet(z.string(), "Name of the network or interface", { says: ["interface"] }),
  type: facet(z.string(), "bridge, ovn, physical, macvlan, sriov, loopback and so on"),
  managed: facet(z.boolean(), "Whether this server made and runs it"),
  status: facet(z.string(), "Created, pending, errored", { says: ["state"] }).optional(),
  ipv4: facet(z.string(), "Its own IPv4 address and subnet", { says: ["ip", "subnet"] }).optional(),
  ipv6: facet(z.string(), "Its own IPv6 address and subnet").optional(),
  nat: facet(z.boolean(), "Whether it hides its instances behind the host", { says: ["masquerading"] }).optional(),
  acls: facet(z.array(z.string()), "Access lists that hold on it", { says: ["acl", "firewall"] }).optional(),
  nodes: facet(z.array(z.string()), "Cluster members that have it", { says: ["members"] }).optional(),
  used_by: facet(z.int(), "How many instances and profiles use it", { says: ["users"] }),
  description: facet(z.string(), "Its owner's words").optional(),
});

const pathOf = (name: string): string => `/1.0/networks/${encodeURIComponent(name)}`;

/** `none` says that the network has no address, `auto` that the server has yet to choose one. */
const address = (value: string | undefined): string | undefined => (value && value !== "none" && value !== "auto" ? value : undefined);

function networkOf({ config, locations, ...wire }: WireNetwork) {
  const nodes = (locations ?? []).filter((location) => memberName(location)).sort();
  const acls = config["security.acls"]?.split(",").map((acl) => acl.trim());
  return defined({
    name: wire.name,
    type: wire.type,
    managed: wire.managed,
    status: wire.status?.toLowerCase() || undefined,
    ipv4: address(config["ipv4.address"]),
    ipv6: address(config["ipv6.address"]),
    nat: config["ipv4.nat"] === undefined ? undefined : config["ipv4.nat"] === "true",
    acls,
    nodes: nodes.length ? nodes : undefined,
    used_by: wire.used_by?.length ?? 0,
    description: wire.description || undefined,
    project: wire.project,
  });
}

export const networks = kind({
  name: "network",
  about: "A network that instances can join, or an interface of the host",
  says: ["network", "bridge"],
  item: Network,
  key: "name",
  aliases: { list: ["lxd_list_networks", "get_lxd_networks"], get: ["lxd_get_network"] },

  async list({ client, signal }) {
    const found = await client.get<readonly WireNetwork[]>("/1.0/networks", { doing: "list networks", signal, query: { recursion: 1 } });
    return found.map(networkOf);
  },

  async get({ client, key, signal }) {
    return networkOf(await client.get<WireNetwork>(pathOf(key), { doing: `read network "${key}"`, signal }));
  },

  actions: {
    create: write({
      about: "Create a network, in a cluster on all its members",
      input: CreateNetwork,
      aliases: ["lxd_create_network", "create_lxd_network"],
      async run(args) {
        await createNetwork(args);
        return { key: args.input.name };
      },
    }),

    update: write({
      about: "Change settings of a network",
      input: UpdateNetwork,
      aliases: ["lxd_update_network"],
      async run({ client, key, input, signal, progress }) {
        const { description, node } = input;
        const ask = { doing: `change network "${key}"`, signal, progress, query: { target: node } };
        await patchSettings(client, pathOf(key), { config: configOf(input), description }, ask);
      },
    }),

    rename: write({
      about: "Give a network that nothing uses another name",
      input: { new_name: z.string().min(1).describe("Its new name") },
      async run({ client, key, input: { new_name: name }, signal, progress }) {
        await client.change("POST", pathOf(key), { name }, { doing: `rename network "${key}" to "${name}"`, signal, progress });
        return { key: name };
      },
    }),

    delete: destructive({
      about: "Delete a network that nothing uses",
      loses: "Deletes the network with its forwards.",
      aliases: ["lxd_delete_network", "delete_lxd_network"],
      run: ({ client, key, signal, progress }) => deleteUnused(client, pathOf(key), { doing: `delete network "${key}"`, signal, progress }),
    }),

    leases: read({
      about: "List the addresses that a network has given out",
      aliases: ["lxd_list_network_leases"],
      output: z.object({
        leases: z.array(
          z.object({
            name: facet(z.string(), "Who has it"),
            ip: z.string(),
            mac: z.string().optional(),
            type: facet(z.string(), "dynamic, static, gateway, uplink"),
            node: z.string().optional(),
          }),
        ),
      }),
      async run({ client, key, signal }) {
        const found = await client.get<readonly WireLease[] | null>(`${pathOf(key)}/leases`, {
          doing: `read the leases of network "${key}"`,
          signal,
        });
        const leases = (found ?? []).map(({ hostname, address: ip, hwaddr, type, location }) =>
          defined({ name: hostname, ip, mac: hwaddr || undefined, type, node: memberName(location) }),
        );
        return { leases };
      },
    }),
  },
});
