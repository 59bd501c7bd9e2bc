import { text, words } from "../columns.js";
import { records } from "../crud.js";

export const groups = records({
  name: "group",
  about: "A group of users",
  says: ["group", "user group"],
  key: "id",
  path: () => "/access/groups",
  columns: {
    id: text("groupid", "Name", { says: ["name"], required: true, fixed: true }),
    description: text("comment", "Notes", { says: ["comment"] }),
    users: words("users", "Its users", { says: ["members"], shown: true }),
  },
  more: (row) => (Array.isArray(row.members) ? { users: row.members } : {}),
  loses: ({ id }) => `Group ${id} is deleted; the permissions that its users had through it no longer hold.`,
  aliases: { list: ["proxmox-list-groups", "proxmox_list_groups"], create: ["proxmox_create_group"] },
});
