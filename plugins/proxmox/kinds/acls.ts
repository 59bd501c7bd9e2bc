import { type Action, facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "../client.js";

const { kind, write, destructive } = forClient<ProxmoxClient>();

const Acl = z.object({
  id: facet(z.string(), "Path, type, holder and role: /vms/100 user anna@pve PVEVMUser"),
  path: facet(z.string(), "What it is for: /, /vms/100, /storage/nas", { says: ["object"] }),
  type: facet(z.enum(["user", "group", "token"]), "What the holder is", { says: ["kind"] }),
  holder: facet(z.string(), "Who has it: a user, a group, a token", { says: ["user", "group", "token", "who"] }),
  role: facet(z.string(), "Role", { says: ["permission"] }),
  propagate: facet(z.boolean(), "Also for all below the path", { says: ["inherited"] }),
});
type Acl = z.infer<typeof Acl>;

interface Row {
  readonly path: string;
  readonly type: string;
  readonly ugid: string;
  readonly roleid: string;
  readonly propagate?: number;
}

const listed = async (client: ProxmoxClient, signal: AbortSignal): Promise<Acl[]> =>
  (await client.get<readonly Row[]>("/access/acl", signal)).map(({ path, type, ugid, roleid, propagate }) => ({
    id: `${path} ${type} ${ugid} ${roleid}`,
    path,
    type: type as Acl["type"],
    holder: ugid,
    role: roleid,
    propagate: propagate !== 0,
  }));

const HOLDERS = { user: "users", group: "groups", token: "tokens" } as const;

async function the({ client, key, signal }: { client: ProxmoxClient; key: string; signal: AbortSignal }): Promise<Acl> {
  const found = (await listed(client, signal)).find(({ id }) => id === key);
  if (!found) throw new ProxMcpError("NOT_FOUND", `There is no permission ${key}.`, { next: "List the acls and use an id from there." });
  return found;
}

const parametersOf = ({ path, type, holder, role }: Pick<Acl, "path" | "type" | "holder" | "role">) => ({
  path,
  roles: role,
  [HOLDERS[type]]: holder,
});

export const acls = kind({
  name: "acl",
  about: "A permission: a role on a path for a user, a group or a token",
  says: ["acl", "permission", "access rule"],
  item: Acl,
  key: "id",
  aliases: { list: ["proxmox-list-acls", "proxmox_list_acl", "proxmox_list_permissions", "proxmox-list-permissions"] },
  list: ({ client, signal }) => listed(client, signal),
  get: the,
  actions: {
    create: destructive({
      about: "Give a role on a path to a user, a group or a token",
      input: {
        path: z.string().describe("/, /vms/100, /storage/nas"),
        type: z.enum(["user", "group", "token"]),
        holder: z.string(),
        role: z.string(),
        propagate: z.boolean().describe("Default true").optional(),
      },
      loses: async ({ input }) =>
        `${input.type} ${input.holder} gets the role ${input.role} on ${input.path}${input.propagate === false ? "" : " and all below it"}.`,
      run: async (args) => {
        const { path, type, holder, role, propagate } = args.input;
        await args.client.write("PUT", "/access/acl", { ...parametersOf(args.input), propagate: propagate ?? true }, args);
        return { key: `${path} ${type} ${holder} ${role}` };
      },
    }),
    update: write({
      about: "Change whether a permission also holds below its path",
      input: { propagate: z.boolean() },
      run: async (args) =>
        void (await args.client.write("PUT", "/access/acl", { ...parametersOf(await the(args)), propagate: args.input.propagate }, args)),
    }),
    delete: destructive({
      about: "Take a permission away",
      loses: async (args) => {
        const { type, holder, role, path } = await the(args);
        return `${type} ${holder} loses the role ${role} on ${path}.`;
      },
      run: async (args) => void (await args.client.write("PUT", "/access/acl", { ...parametersOf(await the(args)), delete: true }, args)),
    }),
  } satisfies Record<string, Action<ProxmoxClient>>,
});
