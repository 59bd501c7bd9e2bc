import { flag, text, whole } from "../columns.js";
import { records } from "../crud.js";

export const sdnVnets = records({
  name: "sdn_vnet",
  about: "A virtual network of a zone, which guests connect to like a bridge",
  says: ["vnet", "sdn vnet", "virtual network"],
  key: "id",
  path: () => "/cluster/sdn/vnets",
  note: "takes effect with sdn_zone apply",
  columns: {
    id: text("vnet", "Name, 2 to 8 characters", { says: ["name"], required: true, fixed: true }),
    zone: text("zone", "Zone", { required: true, place: true }),
    alias: text("alias", "Longer name", { says: ["description"] }),
    vlan: whole("tag", "VLAN or VXLAN id", { says: ["tag"] }),
    vlan_aware: flag("vlanaware", "Guests may use VLANs in it"),
    isolated: flag("isolate-ports", "Its guests can't reach each other"),
    pending: text("state", "Change that waits to be applied", { shown: true }),
  },
  aliases: { list: ["proxmox-list-sdn-vnets", "proxmox_list_vnets"] },
});
