import { type CallArgs, facet, forClient, type ItemArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { inParallel } from "../backups.js";
import { at, type ProxmoxClient } from "../client.js";
import { LONG } from "../guest/actions.js";
import { type SnapshotRow, snapshotsAt } from "../guest/snapshots.js";
import { type GuestType, NOUN, reachable, withGuest } from "../guests.js";
import { lostNodes, offlineNodes, present, resourcesOf } from "../resources.js";

interface Within {
  readonly vm?: string | undefined;
  readonly ct?: string | undefined;
}
const { kind, write, destructive } = forClient<ProxmoxClient, Within>();

/** The guest that something belongs to: one of the two is given. */
export const guestWithin = {
  vm: z.string().describe("ID or name of its VM").optional(),
  ct: z.string().describe("ID or name of its container").optional(),
};

const Snapshot = z.object({
  name: facet(z.string(), "Name, unique for its guest", { says: ["snapshot"] }),
  vm: facet(z.string(), "ID of its VM", { says: ["virtual machine"] }).optional(),
  ct: facet(z.string(), "ID of its container", { says: ["container"] }).optional(),
  guest: facet(z.string(), "Name of its guest", { says: ["guest name"] }).optional(),
  node: facet(z.string(), "Node of its guest", { says: ["host"], place: true }),
  created: facet(z.iso.datetime({ offset: true }), "When it was taken", { says: ["taken", "date"] }).optional(),
  description: facet(z.string(), "Notes", { says: ["notes", "comment"] }).optional(),
  memory_included: facet(z.boolean(), "It holds the memory of the running VM", { says: ["with ram", "with memory"] }),
  parent: facet(z.string(), "Snapshot it was taken after").optional(),
});

/** At most so many guests are asked at once. */
const AT_ONCE = 8;

export const typeOf = ({ vm, ct }: Within): GuestType => {
  if ((vm === undefined) === (ct === undefined)) throw new ProxMcpError("INVALID_INPUT", "Say whose it is: pass either vm or ct, its id or name.");
  return vm === undefined ? "lxc" : "qemu";
};

/** Runs work on the guest that is named. */
export const onGuest = <Result>(
  args: CallArgs<ProxmoxClient> & { readonly at: Within },
  work: (
    path: string,
    type: GuestType,
    guest: { readonly vmid: number; readonly name?: string | undefined; readonly node: string },
  ) => Promise<Result>,
): Promise<Result> => {
  const type = typeOf(args.at);
  return withGuest({ ...args, key: args.at.vm ?? args.at.ct ?? "" }, type, async (row, path, lost) => {
    reachable(row, lost, "work on", type);
    return await work(path, type, { vmid: row.vmid ?? 0, name: row.name, node: row.node ?? "" });
  });
};

function itemOf(row: SnapshotRow, type: GuestType, guest: { vmid: number; name?: string | undefined; node: string }): z.infer<typeof Snapshot> {
  return present({
    name: row.name,
    [type === "qemu" ? "vm" : "ct"]: String(guest.vmid),
    guest: guest.name,
    node: guest.node,
    created: row.snaptime === undefined ? undefined : new Date(row.snaptime * 1000).toISOString(),
    description: row.description?.trim() || undefined,
    memory_included: row.vmstate === 1,
    parent: row.parent,
  }) as unknown as z.infer<typeof Snapshot>;
}

const snapshotOf = (args: ItemArgs<ProxmoxClient, Within>) =>
  onGuest(args, async (path, type, guest) => {
    const row = (await snapshotsAt(args, path)).find(({ name }) => name.toLowerCase() === args.key.toLowerCase());
    if (!row) throw new ProxMcpError("NOT_FOUND", `${NOUN[type]} ${guest.vmid} has no snapshot ${args.key}.`, { tried: [`GET ${path}/snapshot`] });
    return { row, item: itemOf(row, type, guest), path, type, guest };
  });

export const snapshots = kind({
  name: "snapshot",
  about: "A saved state of a VM or a container",
  says: ["snapshot", "checkpoint"],
  item: Snapshot,
  key: "name",
  within: guestWithin,
  aliases: {
    list: [
      "proxmox-list-snapshots",
      "proxmox_list_snapshots",
      "proxmox_list_vm_snapshots",
      "proxmox-list-vm-snapshots",
      "proxmox_list_container_snapshots",
      "proxmox_get_snapshots",
    ],
  },
  list: async (args) => {
    if (args.at.vm !== undefined || args.at.ct !== undefined)
      return await onGuest(args, async (path, type, guest) => (await snapshotsAt(args, path)).map((row) => itemOf(row, type, guest)));
    const rows = await resourcesOf(args.client, args.signal);
    const offline = offlineNodes(rows);
    const guests = rows.filter((row) => row.type === "qemu" || row.type === "lxc");
    const items: z.infer<typeof Snapshot>[] = [];
    const errors = [...lostNodes(guests, offline, "guests")];
    await inParallel(
      guests.filter((row) => !offline.has(row.node ?? "")),
      AT_ONCE,
      async (row) => {
        const type = row.type as GuestType;
        const guest = { vmid: row.vmid ?? 0, name: row.name, node: row.node ?? "" };
        try {
          const found = await snapshotsAt(args, at`/nodes/${guest.node}/${type}/${guest.vmid}`);
          items.push(...found.map((one) => itemOf(one, type, guest)));
        } catch (error) {
          if (args.signal.aborted || !isProxMcpError(error)) throw error;
          errors.push({ ...error.report(), source: `${guest.node}/${guest.vmid}` });
        }
      },
    );
    return { items, errors };
  },
  get: async (args) => (await snapshotOf(args)).item,
  actions: {
    create: write({
      about: "Take a snapshot of a VM or a container; say which with vm or ct",
      aliases: [
        "proxmox-create-snapshot",
        "proxmox_create_snapshot",
        "proxmox_create_vm_snapshot",
        "proxmox-create-vm-snapshot",
        "proxmox_vm_snapshot",
        "proxmox_create_container_snapshot",
        "proxmox-snapshot-vm",
      ],
      input: {
        name: z.string().regex(/^[a-zA-Z][\w-]{1,39}$/, "2 to 40 letters, digits, - and _, a letter first"),
        description: z.string().optional(),
        memory: z.boolean().describe("Also the memory of a running VM").optional(),
      },
      timeout: LONG,
      run: (args) =>
        onGuest(args, async (path, type) => {
          const { name, description, memory } = args.input;
          if (memory && type === "lxc") throw new ProxMcpError("UNSUPPORTED", "A snapshot of a container can't hold its memory.");
          await args.client.write("POST", `${path}/snapshot`, { snapname: name, description, vmstate: memory }, args);
          return { key: name };
        }),
    }),
    rollback: destructive({
      about: "Put a VM or a container back to the state of a snapshot",
      aliases: [
        "proxmox-rollback-snapshot",
        "proxmox_rollback_snapshot",
        "proxmox_rollback_vm_snapshot",
        "proxmox_restore_snapshot",
        "proxmox-restore-snapshot",
      ],
      input: { start: z.boolean().describe("Start it afterwards").optional() },
      timeout: LONG,
      loses: async (args) => {
        const { item, path, type, guest } = await snapshotOf(args);
        const later = (await snapshotsAt(args, path))
          .filter((row) => (row.snaptime ?? 0) > Date.parse(item.created ?? "") / 1000)
          .map(({ name }) => name);
        const kept = later.length > 0 ? ` Later snapshots (${later.join(", ")}) are kept where the storage can, else this is refused.` : "";
        return `All changes to ${NOUN[type]} ${guest.vmid}${guest.name ? ` (${guest.name})` : ""} since ${item.created} are lost: disks and settings.${kept}`;
      },
      run: (args) =>
        onGuest(args, async (path) => {
          await args.client.write("POST", `${path}${at`/snapshot/${args.key}/rollback`}`, { start: args.input.start }, args);
          return { key: args.key };
        }),
    }),
    delete: destructive({
      about: "Delete a snapshot; the guest itself stays as it is",
      aliases: ["proxmox-delete-snapshot", "proxmox_delete_snapshot", "proxmox_delete_vm_snapshot"],
      input: { force: z.boolean().describe("Also if a disk's part of it can't be removed").optional() },
      timeout: LONG,
      loses: async (args) => {
        const { item, type, guest } = await snapshotOf(args);
        return `${NOUN[type]} ${guest.vmid}${guest.name ? ` (${guest.name})` : ""} can no longer be put back to ${item.created}. The guest itself stays as it is.`;
      },
      run: (args) =>
        onGuest(args, async (path) => {
          await args.client.write("DELETE", `${path}${at`/snapshot/${args.key}`}`, { force: args.input.force }, args);
          return { key: args.key };
        }),
    }),
  },
});
