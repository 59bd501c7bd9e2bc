import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "../client.js";
import { permissionsOf } from "../resources.js";

const { kind } = forClient<ProxmoxClient>();

const Permission = z.object({
  path: facet(z.string(), "Object: /, /vms/100", { says: ["object"] }),
  privileges: facet(z.array(z.string()), "What the token of this connection may do there", { says: ["rights", "privs"] }),
});

export const permissions = kind({
  name: "permission",
  about: "What the token of this connection may do, by path",
  says: ["effective permission", "own permission"],
  item: Permission,
  key: "path",
  aliases: { list: ["proxmox-my-permissions", "proxmox_get_permissions"] },
  list: async ({ client, signal }) =>
    Object.entries(await permissionsOf(client, signal)).map(([path, held]) => ({ path, privileges: Object.keys(held).sort() })),
});
