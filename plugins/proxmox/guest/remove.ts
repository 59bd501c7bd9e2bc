/**
 * Deleting a guest: what would go with it, what remains, and what refuses.
 * @module
 */
import { type ActionArgs, type CallArgs, ProxMcpError, type Written } from "proxmcp/plugin";
import { z } from "zod";
import { backupsOf } from "../backups.js";
import type { ProxmoxClient } from "../client.js";
import { type Config, type GuestType, NOUN, reachable, withGuest } from "../guests.js";
import { isOn } from "../properties.js";
import type { Resource } from "../resources.js";
import { type Disk, disksOf } from "./hardware.js";
import { snapshotsAt } from "./snapshots.js";

type Args<Input> = ActionArgs<ProxmoxClient, Input>;

export const removal = {
  force: z.boolean().describe("Switch it off first if it runs").optional(),
  purge: z.boolean().describe("Also out of backup jobs, HA and replication; default true").optional(),
  unreferenced_disks: z.boolean().describe("Also disks of its VMID that its configuration does not name").optional(),
};

type Removal = z.output<z.ZodObject<typeof removal>>;

export const remove =
  (type: GuestType) =>
  (args: Args<Removal>): Promise<Written> =>
    withGuest(args, type, async (row, path, lost) => {
      reachable(row, lost, "delete", type);
      const { client, input, signal } = args;
      const config = await client.get<Config>(`${path}/config`, signal);
      refuseProtected(config, row, type);
      const running = row.status === "running";
      if (running && !input.force)
        throw new ProxMcpError("WRONG_STATE", `Unable to delete ${NOUN[type]} ${row.vmid}: it is running.`, {
          next: "Shut it down first, or pass `force: true` to switch it off and delete it.",
        });
      // For VMs Proxmox has no such option.
      if (running && type === "qemu") await client.write("POST", `${path}/status/stop`, {}, args);
      const force = type === "lxc" && running ? true : undefined;
      await client.write(
        "DELETE",
        path,
        { purge: input.purge ?? true, "destroy-unreferenced-disks": input.unreferenced_disks ?? false, force },
        args,
      );
      return { key: String(row.vmid) };
    });

/** What goes with a guest and what stays, for the question before it is deleted. */
export const removalLosses =
  (type: GuestType) =>
  (args: Args<Removal>): Promise<string> =>
    withGuest(args, type, async (row, path, lost) => {
      reachable(row, lost, "delete", type);
      const config = await args.client.get<Config>(`${path}/config`, args.signal);
      refuseProtected(config, row, type);
      const [snapshots, backups] = await Promise.all([snapshotsAt(args, path), remaining(args, row)]);
      const disks = disksOf(config, type).filter(({ use }) => use !== "cdrom");
      const what = `${NOUN[type]} ${row.vmid}${row.name ? ` (${row.name})` : ""} on node ${row.node}`;
      const now =
        row.status === "running"
          ? ` It is running${args.input.force ? " and will be switched off" : ", so this will be refused without force"}.`
          : "";
      return `Deletes ${what} for good.${now} ${listed(disks)} ${counted(snapshots.length, "snapshot")}. ${backups}`;
    });

const listed = (disks: readonly Disk[]): string =>
  disks.length === 0
    ? "It has no disks."
    : `Disks that go: ${disks.map(({ volume, size }) => `${volume}${size === undefined ? "" : ` (${inGib(size)})`}`).join(", ")}.`;

const inGib = (bytes: number): string => `${Math.round((bytes / 2 ** 30) * 10) / 10} GiB`;

const counted = (count: number, noun: string): string =>
  count === 0 ? `No ${noun}s go with it` : `${count} ${noun}${count === 1 ? " goes" : "s go"} with it`;

/** Backups of it that stay. Their number is worth knowing, but not worth failing over. */
async function remaining(args: CallArgs<ProxmoxClient>, row: Resource): Promise<string> {
  try {
    const { items, errors } = await backupsOf(args, { vmid: row.vmid });
    const latest = items
      .map(({ created }) => created ?? "")
      .sort()
      .at(-1);
    const unseen = errors.length > 0 ? ` (${errors.length} storages could not be looked at)` : "";
    return items.length === 0 ? `No backup of it remains${unseen}.` : `Backups that remain: ${items.length}, the latest of ${latest}${unseen}.`;
  } catch {
    return "Whether backups of it remain could not be found out.";
  }
}

export function refuseProtected(config: Config, row: Resource, type: GuestType): void {
  if (!isOn(config.protection)) return;
  throw new ProxMcpError(
    "WRONG_STATE",
    `${NOUN[type]} ${row.vmid}${row.name ? ` (${row.name})` : ""} is protected: its setting protection is on, so it and its disks can't be deleted.`,
    {
      data: { protection: true },
      next: `If it really is to go, ask the user, then take the protection off: update it with \`protection: false\`.`,
    },
  );
}
