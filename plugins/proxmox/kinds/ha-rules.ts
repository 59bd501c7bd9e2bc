import { type CallArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import type { Parameters, ProxmoxClient } from "../client.js";
import { choice, flag, text, unflag, whole, words } from "../columns.js";
import { records } from "../crud.js";
import { isOn } from "../properties.js";

/** Proxmox VE 8 has groups where 9 has rules. The release decides, and is asked once for each call. */
async function pathOf({ client, signal }: CallArgs<ProxmoxClient>): Promise<string> {
  const { version } = await client.get<{ readonly version: string }>("/version", signal).catch((error: unknown) => {
    if (isProxMcpError(error) && error.code === "FORBIDDEN") return { version: "9" };
    throw error;
  });
  return Number.parseInt(version, 10) >= 9 ? "/cluster/ha/rules" : "/cluster/ha/groups";
}

/** A group's own names for what it has of a rule. */
const OF_GROUPS: Readonly<Record<string, string>> = { rule: "group", nodes: "nodes", strict: "restricted", comment: "comment" };

/** A rule as a group of Proxmox VE 8: guests on preferred nodes. Which guests is said by each of them there. */
function asGroup(parameters: Parameters): Parameters {
  const { type = "node-affinity", delete: gone, ...rest } = parameters;
  const lacking = Object.keys(rest).filter((name) => rest[name] !== undefined && !(name in OF_GROUPS));
  if (type !== "node-affinity" || lacking.length > 0)
    throw new ProxMcpError("UNSUPPORTED", `Before Proxmox VE 9 there are groups of nodes only: no ${lacking.join(", ") || String(type)}.`, {
      next: "Give `type: node-affinity` with nodes, and put guests into the group with proxmox_ha_resource_update and `group`.",
    });
  const names = String(gone ?? "").split(",");
  return {
    ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [OF_GROUPS[name] ?? name, value])),
    delete: gone === undefined ? undefined : names.map((name) => OF_GROUPS[name] ?? name).join(","),
  };
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
  more: (row) =>
    row.group === undefined
      ? {}
      : { id: String(row.group), type: "node-affinity", ...(row.restricted === undefined ? {} : { strict: isOn(row.restricted as string) }) },
  sent: (parameters, path) => (path.endsWith("/groups") ? asGroup(parameters) : parameters),
  updateFixed: (row) => (row.type === undefined ? {} : { type: String(row.type) }),
  loses: ({ id }) => `Rule ${id} no longer holds: guests may be placed differently.`,
  aliases: { list: ["proxmox-list-ha-groups", "proxmox_list_ha_groups", "proxmox_list_ha_rules"] },
});
