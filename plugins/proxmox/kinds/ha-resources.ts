import { forClient } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { choice, flag, text, whole } from "../columns.js";
import { records } from "../crud.js";

const { write } = forClient<ProxmoxClient>();

export const haResources = records({
  name: "ha_resource",
  about: "A guest that high availability looks after",
  says: ["ha resource", "ha guest", "highly available guest"],
  key: "id",
  path: () => "/cluster/ha/resources",
  columns: {
    id: text("sid", "vm:100, ct:200", { says: ["sid"], required: true, fixed: true }),
    type: choice(["vm", "ct"])("type", "What it is", { shown: true }),
    state: choice(["started", "stopped", "enabled", "disabled", "ignored"])("state", "State that is asked for", { says: ["status"] }),
    group: text("group", "Group, on Proxmox VE 8"),
    failback: flag("failback", "Goes back to a node of higher priority"),
    max_restart: whole("max_restart", "Restarts that are tried"),
    max_relocate: whole("max_relocate", "Moves that are tried"),
    description: text("comment", "Notes", { says: ["comment"] }),
  },
  loses: ({ id }) => `${id} is no longer restarted elsewhere when its node fails. The guest itself stays as it is.`,
  aliases: { list: ["proxmox-list-ha-resources", "proxmox_list_ha_resources"] },
  actions: {
    migrate: write({
      about: "Ask high availability to move a guest to another node",
      input: { node: z.string() },
      run: async (args) => void (await args.client.write("POST", at`/cluster/ha/resources/${args.key}/migrate`, { node: args.input.node }, args)),
    }),
  },
});
