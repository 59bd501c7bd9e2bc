import { flag, text, time, words } from "../columns.js";
import { records } from "../crud.js";

export const users = records({
  name: "user",
  about: "A user of Proxmox VE",
  says: ["user", "account"],
  key: "id",
  path: () => "/access/users",
  columns: {
    id: text("userid", "User with realm: anna@pve", { says: ["userid", "name"], required: true, fixed: true }),
    enabled: flag("enable", "May log in", { says: ["active"] }),
    expires: time("expire", "When the account ends", { says: ["expiry", "expiration"] }),
    firstname: text("firstname", "First name"),
    lastname: text("lastname", "Last name"),
    email: text("email", "Mail address", { says: ["mail"] }),
    groups: words("groups", "Groups", { says: ["group", "member of"], detail: true }),
    description: text("comment", "Notes", { says: ["comment", "notes"] }),
    realm_type: text("realm-type", "Kind of its realm: pam, pve, ldap", { shown: true }),
  },
  loses: ({ id }) => `User ${id} is deleted with all its API tokens; its permissions no longer hold.`,
  aliases: {
    list: ["proxmox-list-users", "proxmox_list_users", "proxmox_get_users"],
    create: ["proxmox_create_user"],
    delete: ["proxmox_delete_user"],
  },
});
