/**
 * Guests out of backups.
 * @module
 */
import { type ActionArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { Backup } from "./backups.js";
import { at, type ProxmoxClient } from "./client.js";
import { nextId, placeFor } from "./guest/place.js";
import { wait } from "./guest/create.js";
import { refuseProtected } from "./guest/remove.js";
import { disksOf } from "./guest/hardware.js";
import { type Config, NOUN } from "./guests.js";
import { present, type Resource, resourcesOf } from "./resources.js";

export const restoration = {
  vmid: z.int().min(100).max(999_999_999).describe("Default the next free").optional(),
  overwrite: z.boolean().describe("Replace the guest that has this VMID").optional(),
  node: z.string().describe("Default where the backup is seen from").optional(),
  storage: z.string().describe("For its disks; default as it was").optional(),
  name: z.string().optional(),
  unique: z.boolean().describe("New network addresses; default for a new guest whose original is still there").optional(),
  start: z.boolean().optional(),
  wait,
};
type Restoration = z.output<z.ZodObject<typeof restoration>>;
type Args = ActionArgs<ProxmoxClient, Restoration, { readonly vm?: string | undefined; readonly ct?: string | undefined }>;

const typeOf = (backup: Backup): "qemu" | "lxc" => {
  if (backup.vm !== undefined) return "qemu";
  if (backup.ct !== undefined) return "lxc";
  throw new ProxMcpError("UNSUPPORTED", `${backup.id} is not the backup of a VM or a container.`);
};

async function guestAt({ client, signal }: Args, vmid: number | undefined): Promise<Resource | undefined> {
  if (vmid === undefined) return undefined;
  return (await resourcesOf(client, signal, "vm")).find((row) => row.vmid === vmid);
}

export async function restoreLosses(args: Args, backup: Backup): Promise<string> {
  const { client, input, signal } = args;
  const there = await guestAt(args, input.vmid);
  if (!there) return `A new guest is made of the backup of ${backup.created}; nothing is replaced.`;
  const type = there.type as "qemu" | "lxc";
  const config = await client.get<Config>(at`/nodes/${there.node ?? ""}/${type}/${input.vmid ?? 0}/config`, signal);
  refuseProtected(config, there, type);
  const disks = disksOf(config, type).filter(({ use }) => use !== "cdrom");
  const refused = input.overwrite ? "" : " Without `overwrite` this will be refused.";
  return `Replaces ${NOUN[type]} ${there.vmid}${there.name ? ` (${there.name})` : ""} with its backup of ${backup.created}: what its disks hold now is lost (${disks.map(({ volume }) => volume).join(", ")}).${refused}`;
}

export async function restore(args: Args, backup: Backup): Promise<{ vmid: number; type: "vm" | "ct"; node: string; name?: string }> {
  const { client, input, signal } = args;
  const type = typeOf(backup);
  const there = await guestAt(args, input.vmid);
  if (there && !input.overwrite)
    throw new ProxMcpError("ALREADY_EXISTS", `There is a guest ${there.vmid}${there.name ? ` (${there.name})` : ""} already.`, {
      next: "Choose another `vmid`, or ask the user whether it is to be replaced and pass `overwrite: true`.",
    });
  if (there) refuseProtected(await client.get<Config>(at`/nodes/${there.node ?? ""}/${there.type}/${there.vmid ?? 0}/config`, signal), there, type);
  const node = there?.node ?? input.node ?? backup.node;
  if (input.storage !== undefined) await placeFor(args, { node, storage: input.storage }, type === "qemu" ? "images" : "rootdir");
  const vmid = input.vmid ?? (await nextId(client, signal));
  const original = await guestAt(args, backup.vmid);
  const unique = input.unique ?? (original !== undefined && original.vmid !== vmid);
  const common = { vmid, storage: input.storage, unique: unique || undefined, force: there ? true : undefined, start: input.start };
  const parameters =
    type === "qemu" ? { ...common, archive: backup.id, name: input.name } : { ...common, ostemplate: backup.id, restore: true, hostname: input.name };
  try {
    await client.write("POST", at`/nodes/${node}/${type}`, parameters, { ...args, wait: input.wait, cancels: true });
  } catch (error) {
    // What a failed restore has begun stays behind under the new VMID. It is ours only if nothing was there before.
    if (!there && isProxMcpError(error) && ["TASK_FAILED", "CANCELLED"].includes(error.code)) await removeStub(args, node, type, vmid);
    throw error;
  }
  const made = input.wait === false ? undefined : await guestAt(args, vmid);
  return present({ vmid, type: type === "qemu" ? "vm" : "ct", node: made?.node ?? node, name: made?.name }) as {
    vmid: number;
    type: "vm" | "ct";
    node: string;
  };
}

/** Removes the guest that a failed restore left: one without disks, or one that still has the lock of its creation. */
export async function removeStub(
  { client, note, progress }: Args | ActionArgs<ProxmoxClient, unknown>,
  node: string,
  type: "qemu" | "lxc",
  vmid: number,
): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  const path = at`/nodes/${node}/${type}/${vmid}`;
  try {
    const config = await client.get<Config>(`${path}/config`, signal);
    if (config.lock !== "create" && disksOf(config, type).some(({ use }) => use !== "cdrom")) return;
    await client.write("DELETE", path, { purge: true }, { signal, progress, note: () => {} });
    note(`What the failed restore had left behind as guest ${vmid} was removed.`);
  } catch (error) {
    if (!isProxMcpError(error) || error.code !== "NOT_FOUND")
      note(`The failed restore may have left a guest ${vmid} without disks on node ${node}; it could not be removed.`);
  }
}
