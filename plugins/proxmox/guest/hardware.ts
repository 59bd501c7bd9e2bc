/**
 * Network devices and disks of a guest, out of the property strings of its configuration.
 * @module
 */
import { z } from "zod";
import type { Config, GuestType } from "../guests.js";
import { bytesOf, isOn, parseProperties } from "../properties.js";
import { present } from "../resources.js";

export const Nic = z.object({
  id: z.string(),
  name: z.string().optional(),
  model: z.string().optional(),
  mac: z.string().optional(),
  bridge: z.string().optional(),
  vlan: z.int().optional(),
  firewall: z.boolean(),
  connected: z.boolean(),
  rate: z.number().describe("MB/s").optional(),
  mtu: z.int().optional(),
  ip: z.string().optional(),
  gateway: z.string().optional(),
  ip6: z.string().optional(),
  gateway6: z.string().optional(),
});
export type Nic = z.infer<typeof Nic>;

export const Disk = z.object({
  id: z.string(),
  volume: z.string(),
  storage: z.string().optional(),
  size: z.int().describe("Bytes").optional(),
  use: z.enum(["disk", "cdrom", "cloud-init", "mount", "unused", "firmware"]),
  mount: z.string().describe("Path in the container").optional(),
  backup: z.boolean(),
});
export type Disk = z.infer<typeof Disk>;

export const NIC_MODELS = ["virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"] as const;

/** `net0` first. A VM's addresses are those that cloud-init gives it. */
export const nicsOf = (config: Config, type: GuestType): Nic[] =>
  inOrder(config, /^net\d+$/).map(([id, value]) => {
    const set = parseProperties(value);
    const [model, mac] = modelOf(set);
    const address = type === "lxc" ? set : parseProperties(config[id.replace("net", "ipconfig")]);
    return present({
      id,
      name: set.name,
      model: type === "lxc" ? undefined : model,
      mac: type === "lxc" ? set.hwaddr : mac,
      bridge: set.bridge,
      vlan: numeric(set.tag),
      firewall: isOn(set.firewall),
      connected: !isOn(set.link_down),
      rate: numeric(set.rate),
      mtu: numeric(set.mtu),
      ip: address.ip,
      gateway: address.gw,
      ip6: address.ip6,
      gateway6: address.gw6,
    }) as Nic;
  });

/** The model and the address of a VM's network device: `virtio=BC:24:11:77:43:2F`, or each under its own name. */
export function modelOf(set: Readonly<Record<string, string>>): readonly [model: string | undefined, mac: string | undefined] {
  if (set.model !== undefined) return [set.model, set.macaddr];
  const model = Object.keys(set).find((key) => /^(virtio|e1000.*|rtl8139|vmxnet3|ne2k.*|i8255.*|pcnet)$/.test(key));
  if (model !== undefined) return [model, set[model]];
  return [set[""], undefined];
}

const DRIVES = { qemu: /^((scsi|virtio|sata|ide)\d+|efidisk0|tpmstate0|unused\d+)$/, lxc: /^(rootfs|mp\d+|unused\d+)$/ } as const;

/** Every volume that a guest has, attached or not. */
export const disksOf = (config: Config, type: GuestType): Disk[] =>
  inOrder(config, DRIVES[type]).flatMap(([id, value]) => {
    const set = parseProperties(value, "volume");
    const volume = set.volume ?? set.file;
    if (volume === undefined) return [];
    return present({
      id,
      volume,
      storage: /^([^:/]+):/.exec(volume)?.[1],
      size: bytesOf(set.size),
      use: useOf(id, volume, set),
      mount: id === "rootfs" ? "/" : set.mp,
      // A mount point is left out of backups unless it says otherwise, a VM's disk is in unless it says otherwise.
      backup: /^mp/.test(id) ? isOn(set.backup) : useOf(id, volume, set) !== "cdrom" && (set.backup === undefined || isOn(set.backup)),
    }) as Disk;
  });

function useOf(id: string, volume: string, set: Readonly<Record<string, string>>): Disk["use"] {
  if (id.startsWith("unused")) return "unused";
  if (/cloudinit/.test(volume)) return "cloud-init";
  if (set.media === "cdrom") return "cdrom";
  if (/^(efidisk|tpmstate)/.test(id)) return "firmware";
  return id.startsWith("mp") ? "mount" : "disk";
}

/** The disk it starts from, or the only one it has. */
export function mainDisk(config: Config, type: GuestType): Disk | undefined {
  const disks = disksOf(config, type).filter(({ use }) => use === "disk");
  if (type === "lxc") return disks[0];
  const order = /order=([^,]+)/.exec(String(config.boot ?? ""))?.[1]?.split(";") ?? [];
  return order.flatMap((id) => disks.find((disk) => disk.id === id) ?? [])[0] ?? disks[0];
}

const numeric = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));

function inOrder(config: Config, pattern: RegExp): readonly (readonly [string, string | number])[] {
  return Object.entries(config)
    .flatMap(([id, value]) => (pattern.test(id) && value !== undefined ? [[id, value] as const] : []))
    .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
}
