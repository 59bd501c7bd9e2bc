import { text } from "../columns.js";
import { records } from "../crud.js";

export const firewallGroups = records({
  name: "firewall_group",
  about: "A security group: firewall rules that several guests share",
  says: ["security group", "firewall group"],
  key: "name",
  path: () => "/cluster/firewall/groups",
  fromList: true,
  verbs: ["create", "delete"],
  columns: {
    name: text("group", "Name", { required: true, fixed: true }),
    description: text("comment", "Notes", { says: ["comment"] }),
  },
  aliases: { list: ["proxmox_list_security_groups"] },
});
