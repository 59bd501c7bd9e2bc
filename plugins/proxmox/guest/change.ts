/**
 * Changing a guest: its settings, its disks, and turning it into a template.
 * @module
 */
import { type ActionArgs, ProxMcpError, type Written } from "proxmcp/plugin";
import { z } from "zod";
import type { Parameters, ProxmoxClient } from "../client.js";
import { type Config, type GuestType, NOUN, reachable, withGuest } from "../guests.js";
import { bytesOf, parseProperties, sizeOf } from "../properties.js";
import { wait } from "./create.js";
import { disksOf, mainDisk } from "./hardware.js";
import { clear, clearedIn, ctSettings, type CtSettings, encodeCt, encodeVm, vmSettings, type VmSettings } from "./settings.js";

type Args<Input> = ActionArgs<ProxmoxClient, Input>;

export const vmChanges = { ...vmSettings, clear };
export const ctChanges = { ...ctSettings, clear };

/** Reads what is there, lays the changes over it, and writes with its digest: a change that somebody else made meanwhile is not lost. */
export const update =
  <Input extends (VmSettings | CtSettings) & { readonly clear?: readonly string[] | undefined }>(type: GuestType) =>
  (args: Args<Input>): Promise<Written> =>
    withGuest(args, type, async (row, path, lost) => {
      reachable(row, lost, "update", type);
      const { client, input, signal } = args;
      const now = await client.get<Config>(`${path}/config`, signal);
      const bridge = client.options.bridge ?? "vmbr0";
      const settings: Parameters = type === "qemu" ? encodeVm(input, now, bridge) : encodeCt(input as CtSettings, now, bridge);
      const gone = clearedIn(input.clear);
      if (Object.keys(settings).length === 0 && gone === undefined)
        throw new ProxMcpError("INVALID_INPUT", "There is nothing to change: give at least one setting, or name some in `clear`.");
      const digest = String(now.digest ?? "") || undefined;
      // A VM's changes may make disks, which takes a task; a container's never do so in one.
      await client.write(type === "qemu" ? "POST" : "PUT", `${path}/config`, { ...settings, delete: gone, digest }, args);
      await tellPending(args, path, [...Object.keys(settings), ...(input.clear ?? [])]);
      return { key: String(row.vmid) };
    });

/** Some settings of a guest that runs take effect only at its next start. */
async function tellPending({ client, signal, note }: Args<unknown>, path: string, changed: readonly string[]): Promise<void> {
  const rows = await client.get<readonly { readonly key: string; readonly pending?: unknown; readonly delete?: unknown }[]>(
    `${path}/pending`,
    signal,
  );
  const waiting = rows.filter((row) => (row.pending !== undefined || row.delete !== undefined) && changed.includes(row.key)).map((row) => row.key);
  if (waiting.length > 0) note(`Takes effect at the next start: ${waiting.join(", ")}.`);
}

export const resizing = {
  disk: z.string().describe("scsi0, rootfs, mp0; default its main disk").optional(),
  size: z.int().min(1).describe("New size in bytes").optional(),
  grow_by: z.int().min(1).describe("Bytes to add").optional(),
};

type Resizing = z.output<z.ZodObject<typeof resizing>>;

export const resizeDisk =
  (type: GuestType) =>
  (args: Args<Resizing>): Promise<Written> =>
    withGuest(args, type, async (row, path, lost) => {
      reachable(row, lost, "resize a disk of", type);
      const { client, input, signal } = args;
      if ((input.size === undefined) === (input.grow_by === undefined))
        throw new ProxMcpError("INVALID_INPUT", "Give either size or grow_by: one is the new size, the other what is added.");
      const before = await client.get<Config>(`${path}/config`, signal);
      const disk = disksOf(before, type).find(({ id }) => id === input.disk) ?? (input.disk === undefined ? mainDisk(before, type) : undefined);
      if (!disk) throw noDisk(input.disk, before, type, row.vmid);
      if (input.size !== undefined && disk.size !== undefined && input.size < disk.size)
        throw new ProxMcpError("INVALID_INPUT", `size: found ${input.size}; ${disk.id} has ${disk.size} bytes, and disks can't be made smaller.`);
      const size = input.size === undefined ? `+${sizeOf(input.grow_by ?? 0)}` : sizeOf(input.size);
      await client.write("PUT", `${path}/resize`, { disk: disk.id, size, digest: String(before.digest ?? "") || undefined }, args);
      // The task of a container can end well although the disk could not be grown: only its configuration tells.
      const after = await client.get<Config>(`${path}/config`, signal);
      const now = bytesOf(parseProperties(after[disk.id]).size);
      if (now !== undefined && disk.size !== undefined && now <= disk.size && (input.size ?? Number.POSITIVE_INFINITY) > disk.size)
        throw new ProxMcpError(
          "TASK_FAILED",
          `${disk.id} of ${NOUN[type]} ${row.vmid} was not grown: it still has ${now} bytes, though the task ended well.`,
          {
            next: "Read the log of the last resize task of this guest.",
          },
        );
      return { key: String(row.vmid) };
    });

export const moving = {
  disk: z.string().describe("scsi0, rootfs, mp0; default its main disk").optional(),
  storage: z.string().describe("Where to"),
  format: z.enum(["raw", "qcow2", "vmdk"]).describe("VMs only").optional(),
  keep_source: z.boolean().describe("Keep the old volume as unused disk").optional(),
  wait,
};

type Moving = z.output<z.ZodObject<typeof moving>>;

export const moveDisk =
  (type: GuestType) =>
  (args: Args<Moving>): Promise<Written> =>
    withGuest(args, type, async (row, path, lost) => {
      reachable(row, lost, "move a disk of", type);
      const { client, input, signal } = args;
      const config = await client.get<Config>(`${path}/config`, signal);
      const disk = input.disk ?? mainDisk(config, type)?.id;
      if (disk === undefined || config[disk] === undefined) throw noDisk(disk, config, type, row.vmid);
      const deletes = !input.keep_source;
      const [name, parameters] =
        type === "qemu"
          ? ["move_disk", { disk, storage: input.storage, format: input.format, delete: deletes }]
          : ["move_volume", { volume: disk, storage: input.storage, delete: deletes }];
      await client.write("POST", `${path}/${name}`, parameters, { ...args, wait: input.wait, cancels: true });
      return { key: String(row.vmid) };
    });

function noDisk(disk: string | undefined, config: Config, type: GuestType, vmid: number | undefined): ProxMcpError {
  const has = disksOf(config, type).map(({ id }) => id);
  return new ProxMcpError("NOT_FOUND", `${NOUN[type]} ${vmid} has no disk ${disk ?? ""}. It has: ${has.join(", ") || "none"}.`, {
    data: { disks: has },
  });
}

export const toTemplate =
  (type: GuestType) =>
  (args: Args<unknown>): Promise<Written> =>
    withGuest(args, type, async (row, path, lost) => {
      reachable(row, lost, "convert", type);
      await args.client.write("POST", `${path}/template`, {}, args);
      return { key: String(row.vmid) };
    });
