import { forClient } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { flag, text, whole, words } from "../columns.js";
import { records } from "../crud.js";

const { write } = forClient<ProxmoxClient>();
const Changed = z.object({ node: z.string(), done: z.boolean() });

export const networks = records({
  name: "network",
  about: "A network interface of a node: bridge, VLAN, bond or port",
  says: ["network", "network interface", "bridge", "bond"],
  key: "name",
  within: { node: z.string().describe("Node") },
  listRequires: ["node"],
  path: ({ at: { node: name = "" } }) => at`/nodes/${name}/network`,
  note: "takes effect with network apply",
  columns: {
    name: text("iface", "Name: vmbr0, bond0, eno1.20", { says: ["interface", "device"], required: true, fixed: true }),
    type: text("type", "bridge, bond, eth, vlan, OVSBridge", { says: ["kind"], required: true, fixed: true }),
    active: flag("active", "It is up", { says: ["up", "status"], shown: true }),
    autostart: flag("autostart", "It comes up with the node"),
    ip: text("cidr", "Address with prefix", { says: ["address", "cidr"] }),
    gateway: text("gateway", "Gateway"),
    ip6: text("cidr6", "IPv6 address with prefix"),
    gateway6: text("gateway6", "IPv6 gateway"),
    ports: words("bridge_ports", "Ports of a bridge", { says: ["bridge ports"] }),
    vlan_aware: flag("bridge_vlan_aware", "A bridge that takes VLANs"),
    vlan: whole("vlan-id", "VLAN", { says: ["vlan id", "tag"] }),
    vlan_device: text("vlan-raw-device", "Device below a VLAN"),
    slaves: words("slaves", "Devices of a bond", { says: ["bond slaves"] }),
    bond_mode: text("bond_mode", "How a bond spreads its load"),
    mtu: whole("mtu", "Largest packet"),
    description: text("comments", "Notes", { says: ["comment"] }),
  },
  updateFixed: (row) => ({ type: String(row.type ?? "bridge") }),
  loses: ({ name }) => `Interface ${name} is taken out of the node's configuration. Guests on it lose their network once that is applied.`,
  aliases: { list: ["proxmox-list-networks", "proxmox_list_networks", "proxmox_get_node_network", "proxmox-network-interfaces"] },
  actions: {
    apply: write({
      about: "Put changed network interfaces of a node into effect",
      on: "kind",
      aliases: ["proxmox_apply_network"],
      output: Changed,
      run: async (args) => {
        const name = (args.at as { node: string }).node;
        await args.client.write("PUT", at`/nodes/${name}/network`, {}, args);
        return { node: name, done: true };
      },
    }),
    revert: write({
      about: "Forget changes of a node's network interfaces that were not applied",
      on: "kind",
      output: Changed,
      run: async (args) => {
        const name = (args.at as { node: string }).node;
        await args.client.write("DELETE", at`/nodes/${name}/network`, {}, args);
        return { node: name, done: true };
      },
    }),
  },
});
