import { flag, text, words } from "../columns.js";
import { records } from "../crud.js";

export const roles = records({
  name: "role",
  about: "A set of privileges",
  says: ["role"],
  key: "id",
  path: () => "/access/roles",
  fromList: true,
  columns: {
    id: text("roleid", "Name: PVEAuditor", { says: ["name"], required: true, fixed: true }),
    privileges: words("privs", "Privileges: VM.Audit", { says: ["privs", "rights"] }),
    built_in: flag("special", "Comes with Proxmox and can't be changed", { says: ["special"], shown: true }),
  },
  loses: ({ id }) => `Role ${id} is deleted; permissions that were given through it no longer hold.`,
  aliases: { list: ["proxmox-list-roles", "proxmox_list_roles"] },
});
