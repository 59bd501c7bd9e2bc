/** The shapes that Proxmox VE 9.2 answers in: which fields a row has depends on what it is about and on its state. */
import { type Cluster, digestOf, GIB, type Guest, MIB, mainDiskOf, nameOf, type Snapshot } from "./cluster.js";
import type { NodeSpec, StorageSpec } from "./estates.js";
import type { SandboxTask } from "./tasks.js";

type Row = Record<string, unknown>;

/** How long everything had been up when the sandbox began, in seconds. */
const UPTIME = 1_234_567;

function vitals(guest: Guest): { cpu: number; mem: number; uptime: number; netin: number; netout: number } {
  if (guest.status === "stopped") return { cpu: 0, mem: 0, uptime: 0, netin: 0, netout: 0 };
  const [cpu, memory] = guest.spec.load ?? [0.01, 0.3];
  const uptime = guest.startedAt === undefined ? UPTIME - guest.vmid : Math.floor((Date.now() - guest.startedAt) / 1000);
  return { cpu, mem: Math.round(memory * memoryOf(guest)), uptime, netin: guest.vmid * 31_078, netout: guest.vmid * 1_880 };
}

const memoryOf = ({ settings }: Guest): number => Number(settings.memory ?? 512) * MIB;
const lockOf = ({ settings }: Guest): Row => (settings.lock === undefined ? {} : { lock: settings.lock });
const tagsOf = ({ settings }: Guest): Row => (settings.tags ? { tags: settings.tags } : {});
const rootUsed = (guest: Guest): number => (guest.status === "stopped" ? 0 : Math.round(mainDiskOf(guest) * 0.37));

const coresOf = ({ settings }: Guest): number => Number(settings.cores ?? 1) * Number(settings.sockets ?? 1);

/** A guest in `/cluster/resources`. */
export function resourceRow(guest: Guest): Row {
  const { cpu, mem, uptime, netin, netout } = vitals(guest);
  return {
    id: `${guest.type}/${guest.vmid}`,
    type: guest.type,
    vmid: guest.vmid,
    name: nameOf(guest),
    node: guest.node,
    status: guest.status,
    template: guest.settings.template === 1 ? 1 : 0,
    cpu,
    maxcpu: coresOf(guest),
    mem,
    maxmem: memoryOf(guest),
    memhost: guest.type === "qemu" ? mem : 0,
    disk: guest.type === "qemu" ? 0 : rootUsed(guest),
    maxdisk: mainDiskOf(guest),
    uptime,
    netin,
    netout,
    diskread: 0,
    diskwrite: 0,
    ...tagsOf(guest),
    ...lockOf(guest),
    ...(guest.pool === undefined ? {} : { pool: guest.pool }),
    ...(guest.spec.ha ? { hastate: "started" } : {}),
  };
}

const PRESSURES = ["cpusome", "cpufull", "iosome", "iofull", "memorysome", "memoryfull"];

/** A guest in `/nodes/{node}/qemu` or `/nodes/{node}/lxc`. */
export function guestRow(guest: Guest): Row {
  const { cpu, mem, uptime, netin, netout } = vitals(guest);
  const on = guest.status !== "stopped";
  return {
    vmid: guest.vmid,
    name: nameOf(guest),
    status: on ? "running" : "stopped",
    cpu,
    cpus: coresOf(guest),
    mem,
    maxmem: memoryOf(guest),
    disk: guest.type === "qemu" ? 0 : rootUsed(guest),
    maxdisk: mainDiskOf(guest),
    uptime,
    netin,
    netout,
    ...tagsOf(guest),
    ...lockOf(guest),
    ...(on ? { pid: guest.pid, ...Object.fromEntries(PRESSURES.map((pressure) => [`pressure${pressure}`, 0])) } : {}),
    ...(guest.type === "qemu"
      ? { memhost: mem, ...(guest.settings.template === 1 ? { template: 1 } : {}) }
      : { type: "lxc", swap: 0, maxswap: Number(guest.settings.swap ?? 0) * MIB, diskread: 0, diskwrite: 0 }),
  };
}

/** `.../status/current` */
export function currentRow(guest: Guest): Row {
  const row = { ...guestRow(guest), ha: guest.spec.ha ? { managed: 1, state: "started" } : { managed: 0 } };
  if (guest.type === "lxc") return row;
  const { netin, netout } = vitals(guest);
  return {
    ...row,
    qmpstatus: guest.status,
    ...(guest.settings.agent === undefined ? {} : { agent: 1 }),
    ...(guest.status === "stopped" ? {} : { nics: { [`tap${guest.vmid}i0`]: { netin, netout } } }),
  };
}

export const configRow = (guest: Guest): Row => ({ ...guest.settings, ...(guest.parent ? { parent: guest.parent } : {}), digest: digestOf(guest) });

export const pendingRows = (guest: Guest): Row[] => Object.entries(configRow(guest)).map(([key, value]) => ({ key, value }));

export function snapshotRows(guest: Guest): Row[] {
  const now = { name: "current", description: "You are here!", running: guest.status === "stopped" ? 0 : 1, digest: digestOf(guest) };
  const row = ({ name, description, snaptime, vmstate, parent }: Snapshot): Row => ({
    name,
    description,
    snaptime,
    ...(guest.type === "qemu" ? { vmstate } : {}),
    ...(parent ? { parent } : {}),
  });
  return [...guest.snapshots.map(row), { ...now, ...(guest.parent ? { parent: guest.parent } : {}) }];
}

const ROOT_DISK = 94 * GIB;
/** How busy a node is, from its place in the cluster. */
const busy = (cluster: Cluster, node: NodeSpec): number => 0.12 + 0.11 * cluster.spec.nodes.indexOf(node);
const memoryUsed = (cluster: Cluster, node: NodeSpec): number => Math.round(node.memory * GIB * (0.4 + busy(cluster, node)));

/** A node in `/cluster/resources` and, with `fingerprint`, in `/nodes`. A lost one keeps its sizes and has no measurements. */
export function nodeRow(cluster: Cluster, node: NodeSpec, audit: boolean, fingerprint?: string): Row {
  const online = !cluster.offline.has(node.name);
  return {
    id: `node/${node.name}`,
    type: "node",
    node: node.name,
    status: online ? "online" : "offline",
    level: "",
    ...(fingerprint === undefined ? { "cgroup-mode": 2 } : { ssl_fingerprint: fingerprint }),
    ...(audit ? { maxcpu: node.cores, maxmem: node.memory * GIB, maxdisk: ROOT_DISK } : {}),
    ...(audit && online ? { cpu: busy(cluster, node), mem: memoryUsed(cluster, node), disk: 21 * GIB, uptime: UPTIME } : {}),
  };
}

/** `/nodes/{node}/status` */
export function nodeStatus(cluster: Cluster, node: NodeSpec, release: string): Row {
  const total = node.memory * GIB;
  const used = memoryUsed(cluster, node);
  return {
    "boot-info": { mode: "efi", secureboot: 0 },
    "current-kernel": { sysname: "Linux", machine: "x86_64", release: "6.17.4-2-pve", version: "#1 SMP PREEMPT_DYNAMIC PMX 6.17.4-2" },
    kversion: "Linux 6.17.4-2-pve #1 SMP PREEMPT_DYNAMIC PMX 6.17.4-2",
    pveversion: `pve-manager/${release}/14a22df35955d97d`,
    cpu: busy(cluster, node),
    cpuinfo: {
      cores: node.cores / 2,
      cpus: node.cores,
      sockets: 1,
      model: node.model,
      vendor: node.model.startsWith("AMD") ? "AuthenticAMD" : "GenuineIntel",
      family: "25",
      flags: "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge",
      hvm: "1",
      mhz: "3000.000",
      user_hz: 100,
    },
    idle: 0,
    ksm: { shared: 0 },
    loadavg: ["1.62", "1.76", "1.29"],
    memory: { total, used, free: total - used, available: total - used },
    rootfs: { total: ROOT_DISK, used: 21 * GIB, free: ROOT_DISK - 21 * GIB, avail: ROOT_DISK - 21 * GIB },
    swap: { total: 8 * GIB, used: 0, free: 8 * GIB },
    uptime: UPTIME,
    wait: 0.002,
  };
}

/** A storage in `/cluster/resources`. */
export const storageResource = (storage: StorageSpec, node: string): Row => ({
  id: `storage/${node}/${storage.name}`,
  type: "storage",
  storage: storage.name,
  node,
  status: "available",
  plugintype: storage.type,
  content: storage.content,
  shared: Number(storage.shared),
  disk: storage.used * GIB,
  maxdisk: storage.size * GIB,
});

/** `/nodes/{node}/storage/{storage}/status` */
export const storageStatus = (storage: StorageSpec): Row => ({
  type: storage.type,
  content: storage.content,
  shared: Number(storage.shared),
  active: 1,
  enabled: 1,
  total: storage.size * GIB,
  used: storage.used * GIB,
  avail: (storage.size - storage.used) * GIB,
});

/** `/storage` */
export const storageConfig = (storage: StorageSpec): Row => ({
  storage: storage.name,
  type: storage.type,
  content: storage.content,
  digest: "9d083e246ffd7360b0847cd7cf122243dab8729f",
  ...(storage.path === undefined ? {} : { path: storage.path }),
  ...storage.more,
  ...(storage.nodes === undefined ? {} : { nodes: storage.nodes.join(",") }),
  ...(storage.shared ? { shared: 1 } : {}),
});

const who = ({ upid, type, id, node, user, tokenid, starttime }: SandboxTask): Row => ({ upid, type, id, node, user, tokenid, starttime });

/** `/nodes/{node}/tasks/{upid}/status` */
export const taskStatus = (task: SandboxTask): Row => ({
  ...who(task),
  pid: task.pid,
  pstart: task.pstart,
  ...(task.exitstatus === undefined ? { status: "running" } : { status: "stopped", exitstatus: task.exitstatus }),
});

/** `/nodes/{node}/tasks`, where the user of a running task has the token in it. */
export function taskRow(task: SandboxTask): Row {
  const row = { ...who(task), pid: task.pid, pstart: task.pstart };
  if (task.exitstatus !== undefined) return { ...row, status: task.exitstatus, endtime: task.endtime };
  const { tokenid: _, ...rest } = row as Row;
  return { ...rest, user: `${task.user}!${task.tokenid}`, status: "RUNNING", saved: "0" };
}

/** `/cluster/tasks`, where a running task has no status. */
export const clusterTaskRow = (task: SandboxTask): Row => ({
  ...who(task),
  ...(task.exitstatus === undefined ? { pid: task.pid, saved: "0" } : { status: task.exitstatus, endtime: task.endtime, saved: 1 }),
});
