/** Settings as they are given become settings as they are kept: disks are made, network devices get their addresses. */
import { bytesOf, sizeOf } from "../properties.js";
import { type Call, Refusal } from "./calls.js";
import { GIB, type Guest, macOf, type Settings } from "./cluster.js";
import { findVolume, storageNameOf, storageOf, type Volume } from "./volumes.js";

const NEW = /^([\w.-]+):(\d+(?:\.\d+)?|cloudinit)(?:,(.*))?$/;
export const DRIVE = /^(scsi|virtio|sata|ide|mp)\d+$|^(efidisk|tpmstate)0$|^rootfs$/;

/** A refusal comes at once for a storage that is not there; what else is wrong with a disk, only the task notices. */
export function requireStorages(call: Call, settings: Readonly<Record<string, unknown>>): void {
  for (const [id, value] of Object.entries(settings)) {
    const name = DRIVE.test(id) ? storageNameOf(String(value)) : "";
    if (name !== "" && !storageOf(call.cluster, name)) throw new Refusal(500, `storage '${name}' does not exist`);
  }
}

/** What is wrong with the volumes that settings name, as a task would say it. */
export function volumeFault(call: Call, node: string, settings: Readonly<Record<string, unknown>>): string | undefined {
  for (const [id, value] of Object.entries(settings)) {
    if (!DRIVE.test(id) || String(value).startsWith("none")) continue;
    const [first = ""] = String(value).split(",");
    const source = /import-from=([^,]+)/.exec(String(value))?.[1] ?? (NEW.test(first) ? undefined : first);
    if (source !== undefined && !findVolume(call.cluster, node, source)) return `volume '${source}' does not exist`;
  }
  return undefined;
}

/** Makes the volumes that these settings ask for, and answers the settings as the configuration keeps them. */
export function made(call: Call, guest: Pick<Guest, "vmid" | "type">, node: string, given: Settings): Settings {
  return Object.fromEntries(
    Object.entries(given).map(([id, value]) => {
      if (DRIVE.test(id)) return [id, drive(call, guest, node, String(value))];
      if (/^net\d+$/.test(id)) return [id, nic(guest, Number(id.slice(3)), String(value))];
      return [id, value];
    }),
  );
}

function drive(call: Call, { vmid, type }: Pick<Guest, "vmid" | "type">, node: string, text: string): string {
  const [, storage = "", size = "", options = ""] = NEW.exec(text) ?? [];
  if (storage === "") {
    const volume = findVolume(call.cluster, node, text.split(",")[0] ?? "");
    return volume && !/size=/.test(text) ? `${text},size=${sizeOf(volume.size)}` : text;
  }
  const kept = options
    .split(",")
    .filter((option) => option !== "" && !/^(format|import-from|size)=/.test(option))
    .join(",");
  if (size === "cloudinit") {
    const volid = add(call, storage, node, vmid, type, "cloudinit", 4 * 2 ** 20);
    return `${volid},media=cdrom`;
  }
  const source = /import-from=([^,]+)/.exec(options)?.[1];
  const bytes = source ? (findVolume(call.cluster, node, source)?.size ?? GIB) : Math.round(Number(size) * GIB);
  const volid = add(call, storage, node, vmid, type, "disk", bytes);
  return [volid, ...(kept ? [kept] : []), `size=${sizeOf(bytes)}`].join(",");
}

/** A new volume of a guest, under the next free name. */
export function add(
  call: Call,
  storage: string,
  node: string,
  vmid: number,
  type: Guest["type"],
  what: "disk" | "cloudinit" | "base",
  size: number,
): string {
  const { cluster } = call;
  const inFolders = ["dir", "nfs", "cifs"].includes(storageOf(cluster, storage)?.type ?? "");
  let count = 0;
  const name = (): string =>
    `${storage}:${inFolders ? `${vmid}/` : ""}${what === "base" ? "base" : "vm"}-${vmid}-${what === "cloudinit" ? "cloudinit" : `disk-${count}`}${inFolders ? ".raw" : ""}`;
  if (what !== "cloudinit") while (findVolume(cluster, node, name())) count += 1;
  const volume: Volume = {
    volid: name(),
    storage,
    node,
    content: type === "qemu" ? "images" : "rootdir",
    format: "raw",
    size,
    vmid,
    ctime: Math.floor(Date.now() / 1000),
  };
  cluster.volumes.push(volume);
  return volume.volid;
}

function nic({ vmid, type }: Pick<Guest, "vmid" | "type">, at: number, text: string): string {
  if (type === "lxc") return /hwaddr=/.test(text) ? text : `${text},hwaddr=${macOf(vmid, at)}${/type=/.test(text) ? "" : ",type=veth"}`;
  return text.replace(/^(virtio|e1000e?|rtl8139|vmxnet3)(?=,|$)/, (model) => `${model}=${macOf(vmid, at)}`);
}

/** Another size for a disk, in the settings and on the storage. */
export function resized(call: Call, guest: Guest, id: string, bytes: number): void {
  const text = String(guest.settings[id]);
  guest.settings[id] = text.replace(/size=[^,]+/, `size=${sizeOf(bytes)}`);
  const volume = findVolume(call.cluster, guest.node, text.split(",")[0] ?? "");
  if (volume) volume.size = bytes;
}

export const sizeIn = (drive: string | number | undefined): number => bytesOf(/size=([^,]+)/.exec(String(drive ?? ""))?.[1]) ?? 0;
