import { type ActionArgs, facet, forClient, type ItemArgs, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { firewallOf, guestLevels } from "../firewall.js";
import { present } from "../resources.js";

type Within = Record<string, string | undefined>;
const { kind, write, destructive } = forClient<ProxmoxClient, Within>();

const Entry = z.object({ cidr: z.string(), except: z.boolean(), description: z.string().optional() });
const IpSet = z.object({
  name: facet(z.string(), "Name; rules use it as +name"),
  vm: facet(z.string(), "VM it belongs to").optional(),
  ct: facet(z.string(), "Container it belongs to").optional(),
  description: facet(z.string(), "Notes", { says: ["comment"] }).optional(),
  entries: facet(z.array(Entry), "Its addresses and networks", { says: ["addresses"], detail: true }).optional(),
});
type IpSet = z.infer<typeof IpSet>;

interface Row {
  readonly name: string;
  readonly comment?: string;
}
interface EntryRow {
  readonly cidr: string;
  readonly nomatch?: number;
  readonly comment?: string;
}

const listed = async (args: Pick<ItemArgs<ProxmoxClient, Within>, "client" | "signal"> & { at: Within }, path: string): Promise<IpSet[]> =>
  (await args.client.get<readonly Row[]>(path, args.signal)).map(({ name, comment }) => present({ name, ...args.at, description: comment }) as IpSet);

async function the(args: ItemArgs<ProxmoxClient, Within>): Promise<IpSet> {
  const path = `${await firewallOf(args)}/ipset`;
  const found = (await listed(args, path)).find(({ name }) => name === args.key);
  if (!found) throw new ProxMcpError("NOT_FOUND", `There is no IP set ${args.key}.`);
  const rows = await args.client.get<readonly EntryRow[]>(`${path}${at`/${args.key}`}`, args.signal);
  return {
    ...found,
    entries: rows.map(({ cidr, nomatch, comment }) => present({ cidr, except: nomatch === 1, description: comment }) as z.infer<typeof Entry>),
  };
}

const entry = { cidr: z.string().describe("Address, network or alias") };

export const firewallIpsets = kind({
  name: "firewall_ipset",
  about: "A set of addresses for firewall rules",
  says: ["ip set", "ipset"],
  item: IpSet,
  key: "name",
  within: guestLevels,
  aliases: { list: ["proxmox_list_ipsets"] },
  list: async (args) => await listed(args, `${await firewallOf(args)}/ipset`),
  get: the,
  actions: {
    create: write({
      about: "Create an IP set",
      input: { name: z.string(), description: z.string().optional() },
      run: async (args) => {
        await args.client.write("POST", `${await firewallOf(args)}/ipset`, { name: args.input.name, comment: args.input.description }, args);
        return { key: args.input.name };
      },
    }),
    update: write({
      about: "Put an address or a network into an IP set, or change its notes there",
      input: { ...entry, except: z.boolean().describe("Leave it out of the set").optional(), description: z.string().optional() },
      run: async (args) => {
        const path = `${await firewallOf(args)}${at`/ipset/${args.key}`}`;
        const { cidr, except, description } = args.input;
        const there = (await the(args)).entries?.some((one) => one.cidr === cidr);
        const settings = { nomatch: except, comment: description };
        if (there) await args.client.write("PUT", `${path}${at`/${cidr}`}`, settings, args);
        else await args.client.write("POST", path, { cidr, ...settings }, args);
      },
    }),
    remove_entry: destructive({
      about: "Take an address or a network out of an IP set",
      input: entry,
      loses: "Rules that use the set no longer hold for it.",
      run: async (args: ActionArgs<ProxmoxClient, { cidr: string }, Within>) =>
        void (await args.client.write("DELETE", `${await firewallOf(args)}${at`/ipset/${args.key}/${args.input.cidr}`}`, {}, args)),
    }),
    delete: destructive({
      about: "Delete an IP set",
      loses: async (args) => `The set goes with its ${(await the(args)).entries?.length ?? 0} entries; rules that use it no longer work.`,
      run: async (args) => void (await args.client.write("DELETE", `${await firewallOf(args)}${at`/ipset/${args.key}`}`, { force: true }, args)),
    }),
  },
});
