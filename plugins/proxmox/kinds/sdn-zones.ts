import { forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "../client.js";
import { choice, text, whole, words } from "../columns.js";
import { records } from "../crud.js";

const { write } = forClient<ProxmoxClient>();

export const sdnZones = records({
  name: "sdn_zone",
  about: "A zone of the software-defined network",
  says: ["sdn zone", "zone"],
  key: "id",
  path: () => "/cluster/sdn/zones",
  note: "takes effect with sdn_zone apply",
  columns: {
    id: text("zone", "Name, at most 8 characters", { says: ["name"], required: true, fixed: true }),
    type: choice(["simple", "vlan", "qinq", "vxlan", "evpn", "faucet"])("type", "Kind", { required: true, fixed: true }),
    bridge: text("bridge", "Bridge of a VLAN zone"),
    mtu: whole("mtu", "Largest packet"),
    nodes: words("nodes", "Only on these nodes"),
    ipam: text("ipam", "Address management"),
    dns: text("dns", "DNS server"),
    peers: words("peers", "Peers of a VXLAN zone"),
    controller: text("controller", "Controller of an EVPN zone"),
    dhcp: text("dhcp", "DHCP server"),
    pending: text("state", "Change that waits to be applied", { shown: true }),
  },
  aliases: { list: ["proxmox-list-sdn-zones", "proxmox_list_sdn_zones"] },
  actions: {
    apply: write({
      about: "Put all changes of the software-defined network into effect, on all nodes",
      on: "kind",
      aliases: ["proxmox_sdn_apply", "proxmox-apply-sdn"],
      output: z.object({ applied: z.boolean() }),
      run: async (args) => {
        await args.client.write("PUT", "/cluster/sdn", {}, args);
        return { applied: true };
      },
    }),
    discard: write({
      about: "Forget all changes of the software-defined network that were not applied",
      on: "kind",
      output: z.object({ discarded: z.boolean() }),
      run: async (args) => {
        await args.client.write("POST", "/cluster/sdn/rollback", {}, args);
        return { discarded: true };
      },
    }),
  },
});
