import { bytesOf } from "../properties.js";
import type { Cluster, Guest, Row } from "./cluster.js";
import type { StorageSpec } from "./estates.js";

/** A volume on a storage. One on a shared storage is seen from every node. */
export interface Volume {
  readonly volid: string;
  readonly storage: string;
  readonly node: string;
  readonly content: string;
  readonly format: string;
  size: number;
  readonly vmid?: number;
  readonly ctime: number;
  notes?: string;
  protected?: boolean;
  /** Of a backup. */
  readonly subtype?: "qemu" | "lxc";
  /** The settings of the guest that a backup holds. */
  readonly settings?: Record<string, string | number>;
  readonly verification?: { readonly state: string; readonly upid: string };
}

const DISK = /^(scsi|virtio|sata|ide|mp|unused)\d+$|^(efidisk|tpmstate)0$|^rootfs$/;
/** Ninety days before the time of the recordings that the sandbox goes by; what counts is that backups have an age. */
const OLD = 1_787_000_000;
const DAY = 86_400;

/** The settings of a guest that are volumes. */
export const drivesOf = ({ settings }: Pick<Guest, "settings">): [string, string][] =>
  Object.entries(settings).flatMap(([id, value]) =>
    DISK.test(id) && !String(value).startsWith("none") ? [[id, String(value)] as [string, string]] : [],
  );

export const volidOf = (drive: string): string => drive.split(",")[0] ?? "";
export const storageNameOf = (volid: string): string => volid.slice(0, volid.indexOf(":"));

/** What is there in the beginning: the disks of the guests, media, templates, and backups of different ages. */
export function volumesOf(cluster: Cluster): Volume[] {
  const volumes: Volume[] = [];
  const add = (storage: StorageSpec | undefined, node: string, volume: Omit<Volume, "storage" | "node">): void => {
    if (storage) volumes.push({ ...volume, storage: storage.name, node });
  };
  for (const guest of cluster.guests)
    for (const [, drive] of drivesOf(guest)) {
      const volid = volidOf(drive);
      const storage = cluster.storages.find(({ name }) => name === storageNameOf(volid));
      const content = guest.type === "qemu" ? "images" : "rootdir";
      add(storage, guest.node, { volid, content, format: "raw", size: bytesOf(/size=([^,]+)/.exec(drive)?.[1]) ?? 0, vmid: guest.vmid, ctime: OLD });
    }
  const shelf =
    cluster.storages.find(({ content, shared }) => shared && content.includes("iso")) ??
    cluster.storages.find(({ content }) => content.includes("iso"));
  const first = cluster.spec.nodes[0]?.name ?? "";
  if (shelf) {
    add(shelf, first, { volid: `${shelf.name}:iso/debian-13.1.0-amd64-netinst.iso`, content: "iso", format: "iso", size: 821_035_008, ctime: OLD });
    add(shelf, first, { volid: `${shelf.name}:iso/virtio-win-0.1.271.iso`, content: "iso", format: "iso", size: 728_758_272, ctime: OLD });
    for (const name of ["debian-13-standard_13.1-2_amd64.tar.zst", "ubuntu-24.04-standard_24.04-2_amd64.tar.zst"])
      add(shelf, first, {
        volid: `${shelf.name}:vztmpl/${name}`,
        content: "vztmpl",
        format: name.endsWith("zst") ? "tzst" : "tgz",
        size: 129_182_921,
        ctime: OLD,
      });
  }
  const bunker = cluster.storages.find(({ type }) => type === "pbs");
  const vault =
    cluster.storages.find(({ content, shared, type }) => shared && content.includes("backup") && type !== "pbs") ??
    cluster.storages.find(({ content }) => content.includes("backup"));
  for (const guest of cluster.guests.filter(({ vmid }) => [100, 102, 200].includes(vmid))) {
    for (const age of [0, 1, 2]) if (vault) volumes.push(archiveOf(guest, vault, first, { ctime: OLD + (88 - age) * DAY, compress: "zstd" }));
    if (bunker) volumes.push(archiveOf(guest, bunker, first, { ctime: OLD + 88 * DAY, compress: "zstd" }));
  }
  return volumes;
}

const two = (number: number): string => String(number).padStart(2, "0");

/** A backup as vzdump names it: by day on a file system, in a group on a backup server. */
export function archiveOf(
  guest: Guest,
  storage: StorageSpec,
  node: string,
  { ctime, compress, notes, protect }: { readonly ctime: number; readonly compress: string; readonly notes?: string; readonly protect?: boolean },
): Volume {
  const at = new Date(ctime * 1000);
  const day = `${at.getUTCFullYear()}_${two(at.getUTCMonth() + 1)}_${two(at.getUTCDate())}-${two(at.getUTCHours())}_${two(at.getUTCMinutes())}_${two(at.getUTCSeconds())}`;
  const isPbs = storage.type === "pbs";
  const base = guest.type === "qemu" ? "vma" : "tar";
  const format = isPbs
    ? guest.type === "qemu"
      ? "pbs-vm"
      : "pbs-ct"
    : `${base}${{ zstd: ".zst", gzip: ".gz", "1": ".lzo", lzo: ".lzo" }[compress] ?? ""}`;
  const volid = isPbs
    ? `${storage.name}:backup/${guest.type === "qemu" ? "vm" : "ct"}/${guest.vmid}/${at.toISOString().replace(/\.\d+Z/, "Z")}`
    : `${storage.name}:backup/vzdump-${guest.type}-${guest.vmid}-${day}.${format}`;
  return {
    volid,
    storage: storage.name,
    node,
    content: "backup",
    format,
    size: 1_114_116 * guest.vmid,
    vmid: guest.vmid,
    ctime,
    subtype: guest.type,
    settings: { ...guest.settings },
    ...(notes ? { notes } : {}),
    ...(protect ? { protected: true } : {}),
    ...(isPbs ? { verification: { state: "ok", upid: "UPID:pbs:00000A1C:00003B2D:00000001:6B00DC30:verify:main:root@pam:" } } : {}),
  };
}

/** Whether a storage is there on a node at all. */
export const isOn = (storage: StorageSpec, node: string): boolean => storage.nodes === undefined || storage.nodes.includes(node);

export const storageOf = (cluster: Cluster, name: string): StorageSpec | undefined => cluster.storages.find((storage) => storage.name === name);

/** The volumes of a storage as a node sees them. */
export const visibleVolumes = (cluster: Cluster, node: string, storage: StorageSpec): Volume[] =>
  [...cluster.volumes, ...cluster.vault].filter((volume) => volume.storage === storage.name && (storage.shared || volume.node === node));

export const findVolume = (cluster: Cluster, node: string, volid: string): Volume | undefined => {
  const storage = storageOf(cluster, storageNameOf(volid));
  return storage && visibleVolumes(cluster, node, storage).find((volume) => volume.volid === volid);
};

export function dropVolume(cluster: Cluster, volid: string, node?: string): void {
  for (const shelf of [cluster.volumes, cluster.vault]) {
    const at = shelf.findIndex(
      (volume) => volume.volid === volid && (node === undefined || volume.node === node || storageOf(cluster, volume.storage)?.shared === true),
    );
    if (at >= 0) return void shelf.splice(at, 1);
  }
}

/** A row of `/nodes/{node}/storage/{storage}/content`. */
export const volumeRow = ({ volid, content, format, size, vmid, ctime, notes, subtype, verification, protected: kept }: Volume): Row => ({
  volid,
  content,
  format,
  size,
  ctime,
  ...(vmid === undefined ? {} : { vmid }),
  ...(content === "images" || content === "rootdir" ? { parent: null, used: Math.round(size * 0.4) } : {}),
  ...(notes ? { notes } : {}),
  ...(subtype ? { subtype } : {}),
  ...(kept ? { protected: 1 } : {}),
  ...(verification ? { verification } : {}),
});
