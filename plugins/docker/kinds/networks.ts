import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "../client.js";
import { untilFilter } from "../container-lifecycle.js";
import { countText, dateOf, known, namesText, shortId, tagsOf } from "../words.js";

const { kind, write, destructive } = forClient<DockerClient>();

const Network = z.object({
  name: facet(z.string(), "Name"),
  id: facet(z.string(), "First 12 digits of the id", { says: ["network id"] }),
  driver: facet(z.string(), "Driver: bridge, overlay, host, ...", { says: ["type"] }),
  scope: facet(z.string(), "local, or swarm", { says: ["reach"] }),
  subnets: facet(z.array(z.string()), "Address ranges", { says: ["subnet", "range", "cidr"] }),
  internal: facet(z.boolean(), "Cut off from the outside", { says: ["isolated"] }),
  in_use: facet(z.boolean(), "A running container is in it; only when asked for", { onDemand: true }).optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it was made", { says: ["age"] }).optional(),
  tags: facet(z.array(z.string()), "Labels, key=value", { says: ["labels", "label"] }),
  containers: facet(z.array(z.object({ name: z.string(), ip: z.string().optional() })), "Running containers in it; only in get").optional(),
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
  /** Only in inspect; empty in listings. */
  readonly Containers?: Readonly<Record<string, { readonly Name: string; readonly IPv4Address?: string }>> | null;
}

const fromFacts = (found: NetworkFacts): z.input<typeof Network> =>
  known({
    name: found.Name,
    id: shortId(found.Id),
    driver: found.Driver,
    scope: found.Scope,
    subnets: (found.IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []),
    internal: found.Internal === true,
    created: dateOf(found.Created), // a network of the swarm has the date of year 1
    tags: tagsOf(found.Labels),
  });

const membersOf = ({ Containers }: NetworkFacts) =>
  Object.values(Containers ?? {}).map(({ Name, IPv4Address }) => ({ name: Name, ...(IPv4Address ? { ip: IPv4Address.replace(/\/\d+$/, "") } : {}) }));

interface ItemCall {
  readonly client: DockerClient;
  readonly key: string;
  readonly signal: AbortSignal;
}

const show = async ({ client, key, signal }: ItemCall): Promise<NetworkFacts> =>
  client.json<NetworkFacts>({ what: `show network "${key}"`, path: await client.network(key, signal), signal });

/** The ids of networks that running containers are in. The engine's own filter for it, `dangling`, takes all networks for unused. */
async function usedNetworks(client: DockerClient, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const found = await client.json<RunningFacts[]>({ what: "list containers", path: "/containers/json", signal });
  return new Set(found.flatMap(({ NetworkSettings }) => Object.values(NetworkSettings?.Networks ?? {}).map(({ NetworkID }) => NetworkID)));
}

interface RunningFacts {
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, { readonly NetworkID: string }>> | null } | null;
}

const listNetworks = (client: DockerClient, signal: AbortSignal): Promise<NetworkFacts[]> =>
  client.json<NetworkFacts[]>({ what: "list networks", path: "/networks", signal });

/** The engine made them, and no prune takes them. */
const OWN = ["bridge", "host", "none", "ingress", "docker_gwbridge"];

/** Those that a prune would delete: no running container is in them. */
export async function unusedNetworks(client: DockerClient, signal: AbortSignal): Promise<NetworkFacts[]> {
  const [found, used] = await Promise.all([listNetworks(client, signal), usedNetworks(client, signal)]);
  return found.filter(({ Id, Name }) => !used.has(Id) && !OWN.includes(Name));
}

export const networksLoss = (found: readonly { readonly Name: string }[]): string =>
  found.length === 0
    ? "No network is unused: nothing would go."
    : `${countText(found.length, "network")} would go: ${namesText(found.map(({ Name }) => Name))}.`;

export async function pruneNetworks(client: DockerClient, older: string | undefined, signal: AbortSignal): Promise<string[]> {
  const query = { filters: untilFilter(client, older) };
  const done = await client.json<{ NetworksDeleted?: string[] | null }>({
    what: "delete unused networks",
    method: "POST",
    path: "/networks/prune",
    since: "1.25",
    query,
    signal,
  });
  return done.NetworksDeleted ?? [];
}

const container = z.string().min(1).describe("Name or id of a container");

export const networks = kind({
  name: "network",
  about: "A network that containers are joined to",
  says: ["network", "docker network"],
  item: Network,
  key: "name",
  alsoBy: ["id"],
  aliases: { list: ["docker_networks", "docker_list_networks", "docker_network_ls"], get: ["docker_network_inspect"] },

  list: async ({ client, signal, needs }) => {
    const [found, used] = await Promise.all([listNetworks(client, signal), needs.has("in_use") ? usedNetworks(client, signal) : undefined]);
    return found.map((network) => ({ ...fromFacts(network), ...(used ? { in_use: used.has(network.Id) } : {}) }));
  },

  get: async (args) => {
    const found = await show(args);
    return { ...fromFacts(found), containers: membersOf(found) };
  },

  actions: {
    create: write({
      about: "Create a network",
      aliases: ["docker_create_network"],
      input: {
        name: z
          .string()
          .regex(/^[a-zA-Z0-9][\w.-]*$/, "letters, digits, `_`, `.` and `-`")
          .describe("Its name"),
        driver: z.string().min(1).default("bridge").describe("bridge, overlay, macvlan, ..."),
        subnet: z.string().optional().describe("As in 172.30.0.0/16"),
        gateway: z.string().optional().describe("Address in the subnet"),
        internal: z.boolean().default(false).describe("Cut off from the outside"),
        attachable: z.boolean().default(false).describe("In a swarm: for single containers too"),
        labels: z.record(z.string().min(1), z.string()).optional().describe("Labels"),
        options: z.record(z.string().min(1), z.string()).optional().describe("Options of the driver"),
      },
      run: async ({ client, input, signal, note }) => {
        const { name, driver, subnet, gateway, internal, attachable, labels, options } = input;
        const { Warning } = await client.json<{ Warning?: string }>({
          what: `create network "${name}"`,
          method: "POST",
          path: "/networks/create",
          json: {
            Name: name,
            CheckDuplicate: true, // without it older engines make a second one of the same name
            Driver: driver,
            Internal: internal,
            Attachable: attachable,
            ...(subnet ? { IPAM: { Config: [{ Subnet: subnet, ...(gateway ? { Gateway: gateway } : {}) }] } } : {}),
            ...(labels ? { Labels: labels } : {}),
            ...(options ? { Options: options } : {}),
          },
          signal,
        });
        if (Warning) note(Warning);
      },
    }),
    connect: write({
      about: "Join a container to a network",
      aliases: ["docker_connect_network"],
      input: {
        container,
        ip: z.string().optional().describe("Fixed address"),
        aliases: z.array(z.string()).optional().describe("Further names in this network"),
      },
      run: async ({ client, key, input: { container, ip, aliases }, signal }) => {
        await client.done({
          what: `connect container "${container}" to network "${key}"`,
          method: "POST",
          path: `${await client.network(key, signal)}/connect`,
          json: {
            Container: container,
            EndpointConfig: { ...(ip ? { IPAMConfig: { IPv4Address: ip } } : {}), ...(aliases ? { Aliases: aliases } : {}) },
          },
          signal,
        });
      },
    }),
    disconnect: write({
      about: "Take a container out of a network; its connections there break",
      aliases: ["docker_disconnect_network"],
      input: { container, force: z.boolean().optional().describe("Even if the container is gone") },
      run: async ({ client, key, input: { container, force }, signal }) => {
        await client.done({
          what: `disconnect container "${container}" from network "${key}"`,
          method: "POST",
          path: `${await client.network(key, signal)}/disconnect`,
          json: { Container: container, Force: force === true },
          signal,
        });
      },
    }),
    delete: destructive({
      about: "Delete a network that no running container is in",
      loses: async (args) => {
        const found = await show(args);
        const members = membersOf(found).map(({ name }) => name);
        return members.length
          ? `${countText(members.length, "running container")} would have to be disconnected first: ${namesText(members)}.`
          : "No running container is in it. Stopped ones that were joined to it will not start until they are given another.";
      },
      aliases: ["docker_network_rm", "docker_remove_network"],
      run: async ({ client, key, signal }) => {
        await client.done({ what: `delete network "${key}"`, method: "DELETE", path: await client.network(key, signal), signal });
      },
    }),
    prune: destructive({
      about: "Delete all networks that no running container is in",
      loses: async ({ client, signal }) => networksLoss(await unusedNetworks(client, signal)),
      aliases: ["docker_prune_networks"],
      input: { older_than: z.string().optional().describe('Only those made longer ago than "24h", "7d"') },
      output: z.object({ deleted: facet(z.array(z.string()), "Their names") }),
      run: async ({ client, input, signal }) => ({ deleted: await pruneNetworks(client, input.older_than, signal) }),
    }),
  },
});
