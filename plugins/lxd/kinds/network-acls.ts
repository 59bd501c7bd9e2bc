import { facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { hasExtension, needs } from "../extensions.js";
import { defined } from "../instance/fields.js";
import type { WireAcl } from "../network/wire.js";
import { readGuarded } from "../settings.js";
import { deleteUnused } from "../users.js";

const { kind, write, destructive } = forClient<LxdClient>();

const Rule = z.object({
  action: z.enum(["allow", "drop", "reject"]),
  state: z.enum(["enabled", "disabled", "logged"]).default("enabled"),
  protocol: z.string().optional().describe("tcp, udp, icmp4, icmp6; default any"),
  source: z.string().optional().describe("Addresses, subnets, ranges; default any"),
  destination: z.string().optional(),
  source_port: z.string().optional().describe("80, 80-90, 80,443"),
  destination_port: z.string().optional(),
  icmp_type: z.string().optional(),
  icmp_code: z.string().optional(),
  description: z.string().optional(),
});

const Acl = z.object({
  name: facet(z.string(), "Name of the list"),
  ingress: facet(z.array(Rule), "Rules for what comes in"),
  egress: facet(z.array(Rule), "Rules for what goes out"),
  rules: facet(z.int(), "How many rules it has"),
  used_by: facet(z.int(), "How many networks, instances and profiles use it", { says: ["users"] }),
  description: facet(z.string(), "Its owner's words").optional(),
});
type Item = z.input<typeof Acl>;

const pathOf = (name: string): string => `/1.0/network-acls/${encodeURIComponent(name)}`;

const aclOf = ({ name, ingress, egress, used_by: users, description }: WireAcl): Item =>
  defined({
    name,
    ingress: [...(ingress ?? [])] as Item["ingress"],
    egress: [...(egress ?? [])] as Item["egress"],
    rules: (ingress?.length ?? 0) + (egress?.length ?? 0),
    used_by: users?.length ?? 0,
    description: description || undefined,
  });

const content = {
  ingress: z.array(Rule).optional().describe("All rules for what comes in"),
  egress: z.array(Rule).optional().describe("All rules for what goes out"),
  description: z.string().optional().describe("Free text"),
};

export const networkAcls = kind({
  name: "network_acl",
  about: "An access list: rules for the traffic of networks and instances that name it",
  says: ["acl", "access list", "network acl"],
  item: Acl,
  key: "name",
  aliases: { list: ["lxd_list_network_acls"] },

  async list(args) {
    // A server without access lists has none.
    if (!(await hasExtension(args, "network_acl"))) return [];
    const ask = { doing: "list access lists", signal: args.signal, query: { recursion: 1 } };
    return (await args.client.get<readonly WireAcl[]>("/1.0/network-acls", ask)).map(aclOf);
  },

  get: needs(
    "network_acl",
    ({ key }) => `read access list "${key}"`,
    async ({ client, key, signal }) => aclOf(await client.get<WireAcl>(pathOf(key), { doing: `read access list "${key}"`, signal })),
  ),

  actions: {
    create: write({
      about: "Create an access list; it holds where a network names it, or the interface of an instance does (security.acls)",
      input: { name: z.string().min(1).describe("Letters, digits and hyphens"), ...content },
      run: needs(
        "network_acl",
        ({ input }) => `create access list "${input.name}"`,
        async ({ client, input, signal, progress }) => {
          const { name, description = "", ingress = [], egress = [] } = input;
          const body = { name, description, ingress, egress, config: {} };
          await client.change("POST", "/1.0/network-acls", body, { doing: `create access list "${name}"`, signal, progress });
          return { key: name };
        },
      ),
    }),

    update: write({
      about: "Replace the rules of an access list; they hold at once",
      input: content,
      async run({ client, key, input, signal, progress }) {
        const ask = { doing: `change access list "${key}"`, signal, progress };
        if (Object.values(input).every((value) => value === undefined))
          throw new ProxMcpError("INVALID_INPUT", `Unable to ${ask.doing}: give ingress, egress or description.`);
        const { metadata, guard } = await readGuarded<WireAcl>(client, pathOf(key), ask);
        const { description, ingress, egress, config } = metadata;
        // Here a PATCH forgets the rules that are not sent, so all is sent.
        const body = { description, ingress, egress, config, ...input };
        await client.change("PUT", pathOf(key), body, { ...ask, headers: guard });
      },
    }),

    rename: write({
      about: "Give an access list that nothing uses another name",
      input: { new_name: z.string().min(1).describe("Its new name") },
      async run({ client, key, input: { new_name: name }, signal, progress }) {
        await client.change("POST", pathOf(key), { name }, { doing: `rename access list "${key}" to "${name}"`, signal, progress });
        return { key: name };
      },
    }),

    delete: destructive({
      about: "Delete an access list that nothing uses",
      loses: "Deletes the access list with its rules.",
      run: ({ client, key, signal, progress }) => deleteUnused(client, pathOf(key), { doing: `delete access list "${key}"`, signal, progress }),
    }),
  },
});
