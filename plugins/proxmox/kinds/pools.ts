import { facet, forClient, type ItemArgs, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "../client.js";
import { present, type Resource } from "../resources.js";

const { kind, write, destructive } = forClient<ProxmoxClient>();

const Member = z.object({
  id: z.string(),
  name: z.string().optional(),
  type: z.string(),
  node: z.string().optional(),
  status: z.string().optional(),
});

const Pool = z.object({
  id: facet(z.string(), "Name; a/b lies in a", { says: ["name"] }),
  description: facet(z.string(), "Notes", { says: ["comment"] }).optional(),
  members: facet(z.array(Member), "Guests and storages in it", { says: ["guests"], detail: true }).optional(),
});
type Pool = z.infer<typeof Pool>;

interface Row {
  readonly poolid: string;
  readonly comment?: string;
  readonly members?: readonly Resource[];
}

const memberOf = ({ vmid, storage, name, type, node, status, id }: Resource): z.infer<typeof Member> =>
  present({
    id: vmid === undefined ? (storage ?? id) : String(vmid),
    name,
    type: { qemu: "vm", lxc: "ct" }[type as string] ?? type,
    node,
    status,
  }) as z.infer<typeof Member>;

const poolOf = ({ poolid, comment, members }: Row): Pool => present({ id: poolid, description: comment, members: members?.map(memberOf) }) as Pool;

async function the({ client, key, signal }: ItemArgs<ProxmoxClient>): Promise<Pool> {
  const [row] = await client.get<readonly Row[]>("/pools", signal, { poolid: key });
  if (!row) throw new ProxMcpError("NOT_FOUND", `There is no pool ${key}.`);
  return poolOf({ ...row, poolid: key });
}

export const pools = kind({
  name: "pool",
  about: "A resource pool: guests and storages that are granted together",
  says: ["pool", "resource pool"],
  item: Pool,
  key: "id",
  aliases: { list: ["proxmox-list-pools", "proxmox_list_pools"] },
  list: async ({ client, signal }) => (await client.get<readonly Row[]>("/pools", signal)).map(poolOf),
  get: the,
  actions: {
    create: write({
      about: "Create a resource pool",
      aliases: ["proxmox_create_pool"],
      input: { id: z.string().describe("Name; a/b lies in a"), description: z.string().optional() },
      run: async (args) => {
        await args.client.write("POST", "/pools", { poolid: args.input.id, comment: args.input.description }, args);
        return { key: args.input.id };
      },
    }),
    update: write({
      about: "Change a pool's notes, put guests and storages into it or take them out",
      input: {
        description: z.string().optional(),
        add: z.array(z.string()).describe("VMIDs and storages").optional(),
        remove: z.array(z.string()).describe("VMIDs and storages").optional(),
        move: z.boolean().describe("Also guests that are in another pool").optional(),
      },
      run: async (args) => {
        const { description, add = [], remove = [], move } = args.input;
        if (description === undefined && add.length === 0 && remove.length === 0)
          throw new ProxMcpError("INVALID_INPUT", "There is nothing to change: give description, add or remove.");
        const split = (names: readonly string[]) => {
          const vms = names.filter((name) => /^\d+$/.test(name)).join(",");
          const storage = names.filter((name) => !/^\d+$/.test(name)).join(",");
          return { vms: vms || undefined, storage: storage || undefined };
        };
        if (description !== undefined || add.length > 0)
          await args.client.write("PUT", "/pools", { poolid: args.key, comment: description, ...split(add), "allow-move": move }, args);
        if (remove.length > 0) await args.client.write("PUT", "/pools", { poolid: args.key, ...split(remove), delete: true }, args);
      },
    }),
    delete: destructive({
      about: "Delete an empty resource pool",
      loses: async (args) =>
        `Pool ${args.key} is deleted; permissions on it no longer hold. It has ${(await the(args)).members?.length ?? 0} members, and must have none.`,
      run: async (args) => void (await args.client.write("DELETE", "/pools", { poolid: args.key }, args)),
    }),
  },
});
