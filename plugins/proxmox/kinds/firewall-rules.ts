import { forClient } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { choice, flag, text, whole } from "../columns.js";
import { records } from "../crud.js";
import { firewallOf, levels } from "../firewall.js";

const { write } = forClient<ProxmoxClient, Record<string, string | undefined>>();
const group = z.string().describe("Security group").optional();

const pathOf = async (args: Parameters<typeof firewallOf>[0]): Promise<string> => {
  const path = await firewallOf(args);
  return args.at.group === undefined ? `${path}/rules` : `${path}${at`/groups/${args.at.group}`}`;
};

export const firewallRules = records({
  name: "firewall_rule",
  about: "A firewall rule of the datacenter, a node, a guest or a security group; a new one is put first",
  says: ["firewall rule", "rule"],
  key: "position",
  within: { ...levels, group },
  order: "platform",
  path: pathOf,
  columns: {
    position: whole("pos", "Place, from 0; the first that fits decides", { says: ["pos", "number"], shown: true }),
    type: choice(["in", "out", "forward", "group"])("type", "Direction", {
      says: ["direction"],
      required: true,
      values: { in: ["incoming", "inbound"], out: ["outgoing", "outbound"] },
    }),
    action: text("action", "ACCEPT, DROP, REJECT, or a security group", { required: true }),
    enabled: flag("enable", "It holds", { says: ["active"] }),
    macro: text("macro", "Known service: SSH, HTTPS"),
    protocol: text("proto", "tcp, udp, icmp", { says: ["proto"] }),
    source: text("source", "Address, network, alias or +ipset it comes from", { says: ["from"] }),
    destination: text("dest", "Address, network, alias or +ipset it goes to", { says: ["to"] }),
    source_port: text("sport", "Ports it comes from"),
    port: text("dport", "Ports it goes to: 22, 8000:8010", { says: ["dport", "destination port"] }),
    interface: text("iface", "Only on this interface: net0"),
    log: text("log", "Log level"),
    description: text("comment", "Notes", { says: ["comment"] }),
  },
  aliases: {
    list: ["proxmox-list-firewall-rules", "proxmox_list_firewall_rules", "proxmox_get_firewall_rules"],
    create: ["proxmox_create_firewall_rule", "proxmox-add-firewall-rule"],
    delete: ["proxmox_delete_firewall_rule"],
  },
  actions: {
    move: write({
      about: "Move a firewall rule to another place",
      input: { to: z.int().min(0).describe("New place") },
      run: async (args) => {
        // The place is that before which it is put, counted with the rule where it still is.
        const to = args.input.to > Number(args.key) ? args.input.to + 1 : args.input.to;
        await args.client.write("PUT", `${await pathOf(args)}${at`/${args.key}`}`, { moveto: to }, args);
        return { key: String(args.input.to) };
      },
    }),
  },
});
