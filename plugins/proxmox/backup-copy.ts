/**
 * A backup in another cluster. The API carries none from one cluster to another. Where both see one storage, a backup that does not lie
 * there yet is made anew there from its guest; else its file is carried over SSH.
 * @module
 */
import { type ActionArgs, ProxMcpError } from "proxmcp/plugin";
import { type Backup, backupsOf } from "./backups.js";
import { commonStorage, farSide } from "./between.js";
import { canCarry, carry, fileStorage } from "./carry.js";
import { at, type ProxmoxClient } from "./client.js";
import { resourcesOf } from "./resources.js";

interface Copied {
  readonly id: string;
  readonly to_cluster: string;
  readonly storage: string;
  readonly verified: boolean;
}

export async function copyBackup(args: ActionArgs<ProxmoxClient, { readonly to_cluster: string }>, backup: Backup): Promise<Copied> {
  const { client, input, signal, note } = args;
  const far = farSide(client, input.to_cluster, { name: "proxmox_backup_copy", safety: "write" });
  const storage = (await commonStorage(client, far, signal, backup.storage)) ?? (await commonStorage(client, far, signal));
  if (storage === undefined) return await carried(args, backup, far);
  let id = backup.id;
  if (storage !== backup.storage) {
    const guest = (await resourcesOf(client, signal, "vm")).find(({ vmid }) => vmid === backup.vmid);
    if (!guest)
      throw new ProxMcpError("UNSUPPORTED", `${backup.id} lies on ${backup.storage}, which ${far.name} does not have, and its guest is gone.`);
    const before = new Set((await backupsOf(args, { storage, vmid: backup.vmid })).items.map((one) => one.id));
    const parameters = { vmid: String(guest.vmid), storage, mode: "snapshot", compress: "zstd" };
    await client.write("POST", at`/nodes/${guest.node ?? ""}/vzdump`, parameters, { ...args, cancels: true });
    id = (await backupsOf(args, { storage, vmid: backup.vmid })).items.find((one) => !before.has(one.id))?.id ?? "";
    note(`${backup.storage} is not there, so guest ${guest.vmid} was backed up anew to ${storage}.`);
  } else note(`${storage} is a storage of both clusters, so nothing had to be sent.`);
  const seen = (await backupsOf({ client: far, signal }, { storage })).items.some((one) => one.id === id);
  if (!seen)
    throw new ProxMcpError("TASK_FAILED", `${far.name} does not see ${id} on ${storage}.`, {
      next: "Check that both clusters mount the same place under this name.",
    });
  return { id, to_cluster: far.name, storage, verified: true };
}

async function carried(
  args: ActionArgs<ProxmoxClient, { readonly to_cluster: string }>,
  { id, node, storage, size }: Backup & { readonly size?: number },
  far: ProxmoxClient,
): Promise<Copied> {
  const { client, signal, note } = args;
  if (!canCarry(client, far))
    throw new ProxMcpError("UNSUPPORTED", `${client.name} and ${far.name} have no storage for backups in common, and not both have SSH.`, {
      next: "Add the same NFS, CIFS or Proxmox Backup Server storage to both clusters, under the same name, or `ssh` to both connections.",
    });
  if ((await resourcesOf(client, signal)).some((row) => row.type === "storage" && row.storage === storage && row.plugintype === "pbs"))
    throw new ProxMcpError("UNSUPPORTED", `${id} lies on a backup server, where it is no file that could be carried.`, {
      next: `Add that backup server to ${far.name}, or back the guest up to a directory storage first.`,
    });
  const to = await fileStorage(far, far.options.node, signal);
  const made = await carry(args, { id, node, size }, far, to);
  const seen = (await backupsOf({ client: far, signal }, { storage: to.storage })).items.some((one) => one.id === made);
  if (!seen) throw new ProxMcpError("TASK_FAILED", `${made} was carried to node ${to.node} of ${far.name}, but is not listed there.`);
  note(`It was carried over SSH to node ${to.node} of ${far.name}.`);
  return { id: made, to_cluster: far.name, storage: to.storage, verified: true };
}
