import { flag, text } from "../columns.js";
import { records } from "../crud.js";

export const realms = records({
  name: "realm",
  about: "An authentication realm",
  says: ["realm", "authentication domain", "login domain"],
  key: "id",
  path: () => "/access/domains",
  columns: {
    id: text("realm", "Name: pam, pve", { says: ["name"], required: true, fixed: true }),
    type: text("type", "pam, pve, ad, ldap, openid", { says: ["kind"], required: true, fixed: true }),
    description: text("comment", "Notes", { says: ["comment"] }),
    default: flag("default", "Chosen in the login dialog"),
    tfa: text("tfa", "Second factor that is asked for", { says: ["two factor"] }),
    server: text("server1", "Address of the directory", { says: ["host"] }),
    base_dn: text("base_dn", "Base of the directory"),
    user_attribute: text("user_attr", "Attribute that holds the user name"),
    issuer: text("issuer-url", "Address of the OpenID provider"),
    client_id: text("client-id", "Client at the OpenID provider"),
  },
  loses: ({ id }) => `Realm ${id} is deleted: its users can no longer log in.`,
  aliases: { list: ["proxmox-list-realms", "proxmox_list_realms", "proxmox-list-domains"] },
});
