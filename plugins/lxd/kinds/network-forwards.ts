import { facet, forClient, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { hasExtension, needs } from "../extensions.js";
import { defined, memberName } from "../instance/fields.js";
import type { WireForward } from "../network/wire.js";
import { given, readGuarded } from "../settings.js";
import type { WireNetwork } from "../wire.js";

interface Within {
  readonly network: string;
  readonly node?: string | undefined;
}
const { kind, write, destructive } = forClient<LxdClient, Within>();

const Port = z.object({
  protocol: z.enum(["tcp", "udp"]).default("tcp"),
  listen_port: z.string().describe("80, 8000-8010, 80,443"),
  target_address: z.string(),
  target_port: z.string().optional().describe("Default: the same"),
  description: z.string().optional(),
});

const Forward = z.object({
  listen_address: facet(z.string(), "Outside address that it listens on", { says: ["address", "ip", "listen address"] }),
  network: facet(z.string(), "Network it leads into", { says: ["bridge"] }),
  node: facet(z.string(), "Cluster member that listens", { says: ["member", "location"], place: true }).optional(),
  target_address: facet(z.string(), "Where all goes that no port says otherwise of", { says: ["target"] }).optional(),
  ports: facet(z.array(Port), "Where single ports lead"),
  description: facet(z.string(), "Its owner's words").optional(),
});
type Item = z.input<typeof Forward>;

const forwardsOf = (network: string): string => `/1.0/networks/${encodeURIComponent(network)}/forwards`;
const pathOf = ({ network }: Within, address: string): string => `${forwardsOf(network)}/${encodeURIComponent(address)}`;

const forwardOf = ({ listen_address, config, ports, location, description }: WireForward, network: string): Item =>
  defined({
    listen_address,
    network,
    node: memberName(location),
    target_address: config?.["target_address"] || undefined,
    ports: (ports ?? []).map((port) =>
      defined({ ...port, target_port: port.target_port || undefined, description: port.description || undefined }),
    ) as Item["ports"],
    description: description || undefined,
  });

const content = {
  target_address: z.string().optional().describe("Inside address for all other traffic"),
  ports: z.array(Port).optional().describe("All its ports"),
  description: z.string().optional().describe("Free text"),
};

export const networkForwards = kind({
  name: "network_forward",
  about: "An outside address whose traffic goes to instances in a network",
  says: ["forward", "port forward", "network forward"],
  item: Forward,
  key: "listen_address",
  within: {
    network: z.string().describe("Network it leads into"),
    node: z.string().optional().describe("Cluster member, where several have the address"),
  },

  async list(args) {
    const { client, at, signal } = args;
    if (!(await hasExtension(args, "network_forward"))) return [];
    const query = { recursion: 1 };
    const within = async (network: string): Promise<Item[]> => {
      const ask = { doing: `list the forwards of network "${network}"`, signal, query };
      return ((await client.get<readonly WireForward[] | null>(forwardsOf(network), ask)) ?? []).map((wire) => forwardOf(wire, network));
    };
    const here = (item: Item): boolean => at.node === undefined || item.node === at.node;
    if (at.network !== undefined) return (await within(at.network)).filter(here);
    // There is no list of all forwards. Only networks of these two types can have any.
    const all = await client.get<readonly WireNetwork[]>("/1.0/networks", { doing: "list networks", signal, query });
    const able = all.filter(({ managed, type }) => managed && (type === "bridge" || type === "ovn"));
    const parts = await Promise.all(
      able.map(async ({ name }) => {
        try {
          return { items: (await within(name)).filter(here), errors: [] };
        } catch (error) {
          if (signal.aborted || !isProxMcpError(error)) throw error;
          return { items: [], errors: [{ ...error.report(), source: name }] };
        }
      }),
    );
    return { items: parts.flatMap(({ items }) => items), errors: parts.flatMap(({ errors }) => errors) };
  },

  async get({ client, key, at, signal }) {
    const ask = { doing: `read forward "${key}" of network "${at.network}"`, signal, query: { target: at.node } };
    return forwardOf(await client.get<WireForward>(pathOf(at, key), ask), at.network);
  },

  actions: {
    create: write({
      about: "Lead the traffic of an outside address, or of ports of it, to instances in a network",
      input: { listen_address: z.string().min(1).describe("An address that nobody else has"), ...content },
      run: needs(
        "network_forward",
        ({ at }) => `create a forward in network "${at.network}"`,
        async ({ client, at, input, signal, progress }) => {
          const { listen_address: key, target_address, ports = [], description = "" } = input;
          const ask = { doing: `create forward "${key}" in network "${at.network}"`, signal, progress, query: { target: at.node } };
          await client.change("POST", forwardsOf(at.network), { listen_address: key, description, config: given({ target_address }), ports }, ask);
          return { key };
        },
      ),
    }),

    update: write({
      about: "Change where a forward leads: its ports are replaced, all of them",
      input: { ...content, target_address: z.string().optional().describe('Inside address for all other traffic; "" for none') },
      async run({ client, key, at, input, signal, progress }) {
        const { target_address: target, ports, description } = input;
        const ask = { doing: `change forward "${key}" of network "${at.network}"`, signal, progress, query: { target: at.node } };
        if (Object.values(input).every((value) => value === undefined))
          throw new ProxMcpError("INVALID_INPUT", `Unable to ${ask.doing}: give target_address, ports or description.`);
        const { metadata: wire, guard } = await readGuarded<WireForward>(client, pathOf(at, key), ask);
        const { target_address: before, ...rest } = wire.config ?? {};
        const config = { ...rest, ...given({ target_address: (target ?? before) || undefined }) };
        const body = { description: description ?? wire.description, config, ports: ports ?? wire.ports };
        await client.change("PUT", pathOf(at, key), body, { ...ask, headers: guard });
      },
    }),

    delete: destructive({
      about: "Delete a forward: nothing is led from its address any more",
      loses: "What is reached through this address from outside is cut off.",
      async run({ client, key, at, signal, progress }) {
        const ask = { doing: `delete forward "${key}" of network "${at.network}"`, signal, progress, query: { target: at.node } };
        await client.change("DELETE", pathOf(at, key), undefined, ask);
      },
    }),
  },
});
