import { createHash } from "node:crypto";
import { bytesOf } from "../properties.js";
import type { EstateSpec, GuestSpec, NodeSpec, StorageSpec } from "./estates.js";
import { Tasks } from "./tasks.js";
import { type Volume, volumesOf } from "./volumes.js";

export type Row = Record<string, unknown>;

export type Settings = Record<string, string | number>;

export interface Snapshot {
  readonly name: string;
  description: string;
  readonly snaptime: number;
  readonly vmstate: 0 | 1;
  readonly parent?: string;
  readonly settings: Settings;
}

export interface Guest {
  readonly spec: GuestSpec;
  readonly vmid: number;
  readonly type: "qemu" | "lxc";
  node: string;
  /** Of a VM as QEMU calls it. */
  status: "running" | "stopped" | "paused";
  pid: number;
  /** Milliseconds since 1970. Absent while it is off, and for what has run since long before the sandbox. */
  startedAt?: number;
  readonly settings: Settings;
  readonly snapshots: Snapshot[];
  pool?: string;
  /** Files in it, as far as anybody wrote or asked for one. */
  readonly files: Map<string, string>;
  /** Processes that its agent started, by their id. An answer that a process has ended is given once. */
  readonly processes: Map<number, Record<string, unknown>>;
  /** Of the settings now, or undefined before the first snapshot. */
  parent?: string;
}

export interface ClusterOptions {
  /** Nodes that the cluster has lost. */
  readonly offline: readonly string[];
  readonly quorate: boolean;
  readonly taskTime: number;
  readonly vault?: Volume[] | undefined;
}

export const GIB = 2 ** 30;
export const MIB = 2 ** 20;
const CREATED = 1_760_000_000;

/** The state of the sandbox. */
export class Cluster {
  readonly spec: EstateSpec;
  readonly offline: ReadonlySet<string>;
  readonly quorate: boolean;
  readonly guests: Guest[];
  readonly tasks: Tasks;
  readonly volumes: Volume[];
  /** What lies on a backup server that several clusters use. */
  readonly vault: Volume[];
  /** Comments of the resource pools, by name. */
  readonly pools: Map<string, string>;
  /** Storages may come and go. */
  readonly storages: StorageSpec[];
  /** Everything that is a list of records with a key: users, firewall rules, backup jobs. By the path of the list. */
  readonly records = new Map<string, Row[]>();

  constructor(spec: EstateSpec, { offline, quorate, taskTime, vault }: ClusterOptions) {
    this.spec = spec;
    this.offline = new Set(offline);
    this.quorate = quorate;
    this.tasks = new Tasks(taskTime);
    this.storages = [...spec.storages];
    this.pools = new Map(Object.entries(spec.pools));
    this.guests = spec.guests.map((guest) => guestOf(guest, guest.type === "qemu" ? vmSettings(guest, spec) : ctSettings(guest, spec)));
    this.volumes = volumesOf(this);
    this.vault = vault ?? [];
  }

  node(name: string): NodeSpec | undefined {
    return this.spec.nodes.find((node) => node.name === name);
  }

  /** The node that answers. */
  get local(): string {
    return this.spec.nodes.find(({ name }) => !this.offline.has(name))?.name ?? "";
  }

  /** The guest, if its configuration is on this node. */
  guestOn(node: string, type: Guest["type"], vmid: number): Guest | undefined {
    return this.guests.find((guest) => guest.vmid === vmid && guest.type === type && guest.node === node);
  }

  byId(vmid: number): Guest | undefined {
    return this.guests.find((guest) => guest.vmid === vmid);
  }
}

export const guestOf = (spec: GuestSpec, settings: Settings): Guest => ({
  spec,
  vmid: spec.vmid,
  type: spec.type,
  node: spec.node,
  status: spec.status,
  pid: 1000 + spec.vmid,
  settings,
  snapshots: [],
  files: new Map([["/etc/hostname", `${spec.name}\n`]]),
  processes: new Map(),
  ...(spec.pool === undefined ? {} : { pool: spec.pool }),
});

/** Bytes of its first disk. */
export function mainDiskOf({ settings, type }: Guest): number {
  const text = String((type === "lxc" ? settings.rootfs : (settings.scsi0 ?? settings.virtio0 ?? settings.sata0 ?? settings.ide0)) ?? "");
  return bytesOf(/size=([^,]+)/.exec(text)?.[1]) ?? 0;
}

/** Changes with every change of the settings. */
export const digestOf = ({ settings }: Guest): string => createHash("sha1").update(JSON.stringify(settings)).digest("hex");

export function macOf(vmid: number, nic = 0): string {
  const [a, b, c] = hashOf(`mac${nic}`, vmid).toUpperCase().match(/../g) ?? [];
  return `BC:24:11:${a}:${b}:${c}`;
}

export const nameOf = ({ settings, type }: Guest): string => String(settings[type === "qemu" ? "name" : "hostname"] ?? "");

/** A fixed address, uuid or the like for a guest: the same in every run. */
const hashOf = (what: string, vmid: number): string => createHash("sha1").update(`${what}${vmid}`).digest("hex");

export function uuidOf(what: string, vmid: number): string {
  const hash = hashOf(what, vmid);
  return [hash.slice(0, 8), hash.slice(8, 12), `4${hash.slice(13, 16)}`, `8${hash.slice(17, 20)}`, hash.slice(20, 32)].join("-");
}

const diskStorage = (spec: EstateSpec): string => spec.storages.find(({ content }) => content.includes("images"))?.name ?? "local";

function vmSettings(guest: GuestSpec, spec: EstateSpec): Settings {
  const { vmid, name, cores, memory, disk, os, template } = guest;
  return {
    boot: "order=scsi0;net0",
    cores,
    memory: String(memory),
    meta: `creation-qemu=10.0.13,ctime=${CREATED + vmid * 1000}`,
    name,
    net0: `virtio=${macOf(vmid)},bridge=vmbr0`,
    ostype: os,
    scsi0: `${diskStorage(spec)}:${template ? "base" : "vm"}-${vmid}-disk-0,size=${disk}G`,
    scsihw: "virtio-scsi-single",
    smbios1: `uuid=${uuidOf("smbios", vmid)}`,
    vmgenid: uuidOf("vmgenid", vmid),
    agent: "1",
    ...(template ? { template: 1 } : {}),
    ...both(guest),
  };
}

function ctSettings(guest: GuestSpec, spec: EstateSpec): Settings {
  const { vmid, name, cores, memory, disk, os } = guest;
  return {
    arch: "amd64",
    cores,
    hostname: name,
    memory,
    net0: `name=eth0,bridge=vmbr0,hwaddr=${macOf(vmid)},ip=dhcp,type=veth`,
    ostype: os,
    rootfs: `${diskStorage(spec)}:vm-${vmid}-disk-0,size=${disk}G`,
    swap: 512,
    unprivileged: 1,
    ...both(guest),
  };
}

const both = ({ tags, onboot, description, lock }: GuestSpec): Settings => ({
  ...(tags === undefined ? {} : { tags }),
  ...(onboot ? { onboot: 1 } : {}),
  ...(description === undefined ? {} : { description }),
  ...(lock === undefined ? {} : { lock }),
});
