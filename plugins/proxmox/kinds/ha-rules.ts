import { type CallArgs, isProxMcpError } from "proxmcp/plugin";
import type { ProxmoxClient } from "../client.js";
import { choice, flag, text, unflag, whole, words } from "../columns.js";
import { records } from "../crud.js";

/** Proxmox VE 8 has groups where 9 has rules. The release decides, and is asked once for each call. */
async function pathOf({ client, signal }: CallArgs<ProxmoxClient>): Promise<string> {
  const { version } = await client.get<{ readonly version: string }>("/version", signal).catch((error: unknown) => {
    if (isProxMcpError(error) && error.code === "FORBIDDEN") return { version: "9" };
    throw error;
  });
  return Number.parseInt(version, 10) >= 9 ? "/cluster/ha/rules" : "/cluster/ha/groups";
}

export const haRules = records({
  name: "ha_rule",
  about: "A rule of high availability: which nodes guests prefer, which guests stay together; on Proxmox VE 8 a group",
  says: ["ha rule", "ha group", "affinity rule"],
  key: "id",
  path: pathOf,
  columns: {
    id: text("rule", "Name", { says: ["name"], required: true, fixed: true }),
    type: choice(["node-affinity", "resource-affinity"])("type", "What it rules", { required: true, fixed: true }),
    resources: words("resources", "Guests: vm:100", { says: ["guests"] }),
    nodes: words("nodes", "Nodes with their priority: pve1:2"),
    strict: flag("strict", "Never on other nodes"),
    affinity: choice(["positive", "negative"])("affinity", "Together or apart"),
    enabled: unflag("disable", "It holds"),
    order: whole("order", "Place among the rules", { shown: true }),
    description: text("comment", "Notes", { says: ["comment"] }),
  },
  more: (row) => (row.group === undefined ? {} : { id: String(row.group), type: "node-affinity" }),
  updateFixed: (row) => (row.type === undefined ? {} : { type: String(row.type) }),
  loses: ({ id }) => `Rule ${id} no longer holds: guests may be placed differently.`,
  aliases: { list: ["proxmox-list-ha-groups", "proxmox_list_ha_groups", "proxmox_list_ha_rules"] },
});
