import { facet, forClient, isProxMcpError, type ItemArgs, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { type Backup as Row, backupsOf } from "../backups.js";
import { copyBackup } from "../backup-copy.js";
import { at, type ProxmoxClient } from "../client.js";
import { LONG } from "../guest/actions.js";
import { wait } from "../guest/create.js";
import { placeFor } from "../guest/place.js";
import { prune, prunePlan, Plan, pruning, pruneLosses } from "../retention.js";
import { restore, restoration, restoreLosses } from "../restore.js";
import { guestWithin, onGuest } from "./snapshots.js";

interface Within {
  readonly vm?: string | undefined;
  readonly ct?: string | undefined;
}
const { kind, read, write, destructive } = forClient<ProxmoxClient, Within>();

const Backup = z.object({
  id: facet(z.string(), "Volume: nas:backup/vzdump-qemu-100-...", { says: ["volid", "volume", "archive"] }),
  vmid: facet(z.int(), "VMID of its guest, which may be gone", { says: ["guest", "guest id"] }).optional(),
  vm: facet(z.string(), "ID of its VM").optional(),
  ct: facet(z.string(), "ID of its container").optional(),
  node: facet(z.string(), "Node it is seen from", { says: ["host"], place: true }),
  storage: facet(z.string(), "Storage it lies on", { says: ["datastore"], place: true }),
  created: facet(z.iso.datetime({ offset: true }), "When it was made", { says: ["made", "date", "taken"] }).optional(),
  disk: facet(z.int(), "Size", { says: ["size"], unit: "bytes" }).optional(),
  format: facet(z.string(), "Format: vma.zst, tar.zst, pbs-vm").optional(),
  protected: facet(z.boolean(), "Can't be deleted or pruned", { says: ["locked"] }),
  description: facet(z.string(), "Notes", { says: ["notes", "comment"] }).optional(),
  verified: facet(z.enum(["ok", "failed", "none"]), "Verification by the backup server", {
    says: ["verification"],
    values: { none: ["unverified"] },
  }).optional(),
  encrypted: facet(z.boolean(), "Encrypted on the backup server").optional(),
  namespace: facet(z.string(), "Namespace on the backup server").optional(),
});

export async function theBackup({ client, key, signal }: Pick<ItemArgs<ProxmoxClient>, "client" | "key" | "signal">): Promise<Row> {
  const storage = /^([^:]+):/.exec(key)?.[1];
  const { items, errors } = storage === undefined ? { items: [], errors: [] } : await backupsOf({ client, signal }, { storage });
  const found = items.find(({ id }) => id === key);
  if (found) return found;
  const [unread] = errors;
  if (unread) throw new ProxMcpError(unread.code, `Backup ${key} can't be looked for: ${unread.message}`, { next: unread.next });
  throw new ProxMcpError("NOT_FOUND", `There is no backup ${key}.`, { next: "List the backups and use an id from there." });
}

const pathOf = ({ node, storage, id }: Row): string => at`/nodes/${node}/storage/${storage}/content/${id}`;

export const backups = kind({
  name: "backup",
  about: "A backup of a VM or a container, on a storage or a Proxmox Backup Server",
  says: ["backup", "vzdump", "archive"],
  item: Backup,
  key: "id",
  within: guestWithin,
  aliases: { list: ["proxmox-list-backups", "proxmox_list_backups", "proxmox_get_backups"], get: ["proxmox-backup-info"] },
  list: async (args) => {
    const { vm, ct } = args.at;
    const { storage, node, vmid } = args.where;
    const text = (value: unknown): string | undefined => (typeof value === "string" && !value.includes("*") ? value : undefined);
    const wanted = { storage: text(storage), node: text(node), vmid: typeof vmid === "number" ? vmid : undefined };
    if (vm === undefined && ct === undefined) return await backupsOf(args, wanted);
    return await onGuest(args, async (_path, _type, guest) => await backupsOf(args, { ...wanted, vmid: guest.vmid }));
  },
  get: theBackup,
  actions: {
    create: write({
      about: "Back up a VM or a container now; say which with vm or ct",
      aliases: ["proxmox-create-backup", "proxmox_create_backup", "proxmox-backup-vm", "proxmox_backup_vm", "proxmox_vzdump"],
      input: {
        storage: z.string().describe("Where to; default that of the connection, or the roomiest for backups").optional(),
        mode: z.enum(["snapshot", "suspend", "stop"]).describe("Default snapshot: it goes on running").optional(),
        compress: z.enum(["none", "gzip", "lzo", "zstd"]).describe("Default zstd").optional(),
        notes: z.string().describe("{{guestname}}, {{vmid}}, {{node}}, {{cluster}} are filled in").optional(),
        protect: z.boolean().describe("Never delete or prune it").optional(),
        ...pruning.keep,
        wait,
      },
      timeout: LONG,
      run: (args) =>
        onGuest(args, async (_path, _type, { vmid, node }) => {
          const { client, input, signal } = args;
          const { storage } = await placeFor(args, { node, storage: input.storage }, "backup");
          const before = new Set((await backupsOf(args, { vmid, storage })).items.map(({ id }) => id));
          const compress = { none: "0", gzip: "gzip", lzo: "lzo", zstd: "zstd" }[input.compress ?? "zstd"];
          const parameters = {
            vmid: String(vmid),
            storage,
            mode: input.mode ?? "snapshot",
            compress,
            "notes-template": input.notes,
            protected: input.protect,
            "prune-backups": pruning.rule(input),
          };
          await client.write("POST", at`/nodes/${node}/vzdump`, parameters, { ...args, wait: input.wait, cancels: true });
          if (input.wait === false) return undefined;
          const made = (await backupsOf({ client, signal }, { vmid, storage })).items.find(({ id }) => !before.has(id));
          if (made) return { key: made.id };
          throw new ProxMcpError("TASK_FAILED", `The backup task of ${vmid} ended well, but there is no new backup on ${storage}.`);
        }),
    }),
    restore: destructive({
      about: "Make a guest of a backup again: a new one, or in place of the old one with overwrite",
      aliases: ["proxmox-restore-backup", "proxmox_restore_backup", "proxmox_restore_vm", "proxmox-restore-vm"],
      input: restoration,
      output: z.object({ vmid: z.int(), type: z.enum(["vm", "ct"]), node: z.string(), name: z.string().optional() }),
      timeout: LONG,
      loses: async (args) => await restoreLosses(args, await theBackup(args)),
      run: async (args) => await restore(args, await theBackup(args)),
    }),
    copy: write({
      about: "Have a backup in another configured cluster, over a storage that both clusters have",
      aliases: ["proxmox-cross-cluster-backup", "proxmox_cross_cluster_backup"],
      input: { to_cluster: z.string().describe("Name of a configured cluster") },
      output: z.object({ id: z.string(), to_cluster: z.string(), storage: z.string(), verified: z.boolean() }),
      timeout: LONG,
      run: async (args) => await copyBackup(args, await theBackup(args)),
    }),
    update: write({
      about: "Change the notes of a backup",
      input: { description: z.string() },
      run: async (args) => void (await args.client.write("PUT", pathOf(await theBackup(args)), { notes: args.input.description }, args)),
    }),
    protect: write({
      about: "Protect a backup from deletion and pruning, or take that back",
      idempotent: true,
      aliases: ["proxmox-protect-backup", "proxmox_protect_backup"],
      input: { protected: z.boolean().describe("Default true").optional() },
      run: async (args) => void (await args.client.write("PUT", pathOf(await theBackup(args)), { protected: args.input.protected ?? true }, args)),
    }),
    delete: destructive({
      about: "Delete a backup",
      aliases: ["proxmox-delete-backup", "proxmox_delete_backup"],
      loses: async (args) => {
        const backup = await theBackup(args);
        if (backup.protected)
          throw new ProxMcpError("WRONG_STATE", `Backup ${backup.id} is protected.`, {
            next: "Ask the user, then take the protection off with backup protect and `protected: false`.",
          });
        const others = backup.vmid === undefined ? [] : (await backupsOf(args, { vmid: backup.vmid })).items.filter(({ id }) => id !== backup.id);
        return `The backup of ${backup.created} is deleted. Backups of guest ${backup.vmid} that remain: ${others.length}.`;
      },
      run: async (args) => {
        const backup = await theBackup(args);
        try {
          await args.client.write("DELETE", pathOf(backup), {}, args);
        } catch (error) {
          if (!isProxMcpError(error) || !/cannot remove protected volume/.test(error.message)) throw error;
          throw new ProxMcpError("WRONG_STATE", `Backup ${backup.id} is protected.`, {
            next: "Take the protection off first: backup protect with `protected: false`.",
            cause: error,
          });
        }
      },
    }),
    prune_plan: read({
      about: "Which backups a retention would keep and which it would remove; changes nothing",
      on: "kind",
      input: { ...pruning.where, ...pruning.keep },
      output: Plan,
      run: prunePlan,
    }),
    prune: destructive({
      about: "Remove the backups that a retention does not keep",
      on: "kind",
      aliases: ["proxmox-prune-backups", "proxmox_prune_backups"],
      input: { ...pruning.where, ...pruning.keep },
      output: Plan,
      timeout: 1800,
      loses: pruneLosses,
      run: prune,
    }),
  },
});
