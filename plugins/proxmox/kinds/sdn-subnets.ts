import { z } from "zod";
import { at } from "../client.js";
import { flag, text } from "../columns.js";
import { records } from "../crud.js";

export const sdnSubnets = records({
  name: "sdn_subnet",
  about: "A subnet of a virtual network",
  says: ["subnet", "sdn subnet"],
  key: "id",
  within: { vnet: z.string().describe("Virtual network") },
  listRequires: ["vnet"],
  path: ({ at: { vnet = "" } }) => at`/cluster/sdn/vnets/${vnet}/subnets`,
  fromList: true,
  fixed: { type: "subnet" },
  note: "takes effect with sdn_zone apply",
  columns: {
    id: text("subnet", "Zone and network: zone1-10.0.0.0-24; for a new one 10.0.0.0/24", { says: ["cidr"], required: true, fixed: true }),
    cidr: text("cidr", "Network", { says: ["network"], shown: true }),
    gateway: text("gateway", "Gateway"),
    snat: flag("snat", "Source NAT to the outside"),
    dns_prefix: text("dnszoneprefix", "Prefix of its names in DNS"),
    pending: text("state", "Change that waits to be applied", { shown: true }),
  },
  aliases: { list: ["proxmox-list-sdn-subnets"] },
});
