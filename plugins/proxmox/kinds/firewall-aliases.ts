import { text } from "../columns.js";
import { records } from "../crud.js";
import { firewallOf, guestLevels } from "../firewall.js";

export const firewallAliases = records({
  name: "firewall_alias",
  about: "A name for an address or a network in firewall rules",
  says: ["firewall alias", "alias"],
  key: "name",
  within: guestLevels,
  path: async (args) => `${await firewallOf(args)}/aliases`,
  updateFixed: (row) => ({ cidr: String(row.cidr) }),
  columns: {
    name: text("name", "Name", { required: true, fixed: true }),
    cidr: text("cidr", "Address or network", { says: ["address", "network"], required: true }),
    description: text("comment", "Notes", { says: ["comment"] }),
  },
  aliases: { list: ["proxmox_list_firewall_aliases"] },
});
