/**
 * Two clusters to begin with. Both have a guest 100, and both have a VM called gitlab-runner.
 * @module
 */
export interface NodeSpec {
  readonly name: string;
  readonly ip: string;
  readonly cores: number;
  /** GiB */
  readonly memory: number;
  readonly model: string;
}

export interface StorageSpec {
  readonly name: string;
  readonly type: string;
  readonly content: string;
  readonly shared: boolean;
  /** GiB, and how much of it is used. */
  readonly size: number;
  readonly used: number;
  readonly path?: string;
  /** Only on these nodes. */
  readonly nodes?: readonly string[];
  /** What else its definition says: server, export, datastore. */
  readonly more?: Readonly<Record<string, string | number>>;
}

export interface GuestSpec {
  readonly vmid: number;
  readonly type: "qemu" | "lxc";
  readonly name: string;
  readonly node: string;
  readonly status: "running" | "stopped" | "paused";
  readonly cores: number;
  /** MiB */
  readonly memory: number;
  /** GiB */
  readonly disk: number;
  readonly os: string;
  readonly tags?: string;
  readonly pool?: string;
  readonly template?: boolean;
  readonly lock?: string;
  /** Managed by the cluster's high availability. */
  readonly ha?: boolean;
  readonly onboot?: boolean;
  readonly description?: string;
  /** Share of cores and of memory in use while it runs. */
  readonly load?: readonly [cpu: number, memory: number];
  /** Does not react to a shutdown, like a guest without ACPI. */
  readonly deaf?: boolean;
}

type More = Partial<GuestSpec>;
type Size = readonly [cores: number, memoryGib: number, diskGib: number];

const guest =
  (type: GuestSpec["type"], os: string) =>
  (vmid: number, name: string, node: string, [cores, gib, disk]: Size, more: More = {}): GuestSpec => ({
    vmid,
    type,
    name,
    node,
    status: "running",
    cores,
    memory: gib * 1024,
    disk,
    os,
    ...more,
  });
const vm = guest("qemu", "l26");
const ct = guest("lxc", "debian");

export interface EstateSpec {
  readonly cluster: string;
  /** Release of Proxmox VE: "8.4.1". Before 9 there are groups of high availability instead of rules. */
  readonly release?: string;
  readonly nodes: readonly NodeSpec[];
  readonly storages: readonly StorageSpec[];
  readonly pools: Readonly<Record<string, string>>;
  readonly guests: readonly GuestSpec[];
}

const EPYC = { cores: 32, memory: 128, model: "AMD EPYC 7313P 16-Core Processor" };
const NUC = { cores: 8, memory: 32, model: "13th Gen Intel(R) Core(TM) i5-1340P" };

export const production: EstateSpec = {
  cluster: "production",
  nodes: [
    { name: "pve1", ip: "10.20.0.11", ...EPYC },
    { name: "pve2", ip: "10.20.0.12", ...EPYC },
    { name: "pve3", ip: "10.20.0.13", ...EPYC },
  ],
  storages: [
    { name: "local", type: "dir", content: "iso,vztmpl,backup", shared: false, size: 94, used: 21, path: "/var/lib/vz" },
    { name: "local-lvm", type: "lvmthin", content: "images,rootdir", shared: false, size: 1700, used: 640 },
    { name: "ceph", type: "rbd", content: "images,rootdir", shared: true, size: 20000, used: 7400, more: { pool: "vm-pool", krbd: 0 } },
    {
      name: "nas",
      type: "nfs",
      content: "backup,import,iso,snippets,vztmpl",
      shared: true,
      size: 14000,
      used: 9100,
      path: "/mnt/pve/nas",
      more: { server: "10.20.0.5", export: "/volume1/pve", options: "vers=4.2" },
    },
    {
      name: "pbs",
      type: "pbs",
      content: "backup",
      shared: true,
      size: 30000,
      used: 4200,
      more: { server: "10.20.0.6", datastore: "main", namespace: "prod", username: "pve@pbs", port: 8007 },
    },
  ],
  pools: { web: "Public web sites", data: "Databases" },
  guests: [
    vm(100, "web-01", "pve1", [4, 8, 60], { tags: "prod;web", pool: "web", onboot: true, load: [0.31, 0.62] }),
    vm(101, "web-02", "pve2", [4, 8, 60], { tags: "prod;web", pool: "web", onboot: true, load: [0.27, 0.58] }),
    vm(102, "db-01", "pve2", [8, 32, 400], { tags: "db;prod", pool: "data", ha: true, description: "PostgreSQL, primary", load: [0.72, 0.91] }),
    vm(103, "db-02", "pve3", [8, 32, 400], { tags: "db;prod", pool: "data", ha: true, description: "PostgreSQL, replica", load: [0.18, 0.83] }),
    vm(104, "dc-01", "pve1", [4, 16, 120], { os: "win11", tags: "prod;windows", onboot: true, load: [0.09, 0.44] }),
    vm(105, "mail", "pve3", [2, 6, 200], { tags: "prod", onboot: true, load: [0.12, 0.7] }),
    vm(106, "gitlab", "pve2", [8, 16, 250], { tags: "dev", onboot: true, load: [0.41, 0.88] }),
    vm(107, "gitlab-runner", "pve3", [16, 24, 160], { tags: "dev", load: [0.83, 0.52] }),
    vm(108, "staging", "pve1", [4, 8, 60], { status: "stopped", tags: "staging" }),
    vm(109, "erp", "pve3", [6, 24, 300], { os: "win10", tags: "legacy;prod", lock: "backup", onboot: true, load: [0.22, 0.67] }),
    vm(110, "scanner", "pve1", [1, 1, 8], { os: "other", tags: "legacy", deaf: true, load: [0.03, 0.35] }),
    vm(111, "win-test", "pve2", [4, 8, 80], { status: "paused", os: "win11", tags: "windows", load: [0, 0.5] }),
    vm(900, "debian-13-template", "pve1", [2, 2, 10], { status: "stopped", template: true }),
    ct(200, "dns-01", "pve1", [1, 0.5, 4], { tags: "infra;prod", onboot: true, load: [0.01, 0.21] }),
    ct(201, "proxy", "pve2", [2, 2, 8], { tags: "prod;web", pool: "web", onboot: true, load: [0.15, 0.33] }),
    ct(202, "monitoring", "pve3", [4, 4, 64], { os: "ubuntu", tags: "infra;prod", onboot: true, load: [0.24, 0.76] }),
    ct(203, "scratch", "pve1", [2, 1, 8], { status: "stopped", os: "alpine", tags: "dev" }),
  ],
};

export const lab: EstateSpec = {
  cluster: "lab",
  nodes: [
    { name: "lab1", ip: "10.99.0.1", ...NUC },
    { name: "lab2", ip: "10.99.0.2", ...NUC },
  ],
  storages: [
    { name: "local", type: "dir", content: "iso,vztmpl,backup,snippets", shared: false, size: 94, used: 12, path: "/var/lib/vz" },
    {
      name: "pbs",
      type: "pbs",
      content: "backup",
      shared: true,
      size: 30000,
      used: 4200,
      more: { server: "10.20.0.6", datastore: "main", namespace: "prod", username: "pve@pbs", port: 8007 },
    },
    { name: "local-zfs", type: "zfspool", content: "images,rootdir", shared: false, size: 900, used: 210 },
  ],
  pools: { dev: "Dev" },
  guests: [
    vm(100, "playground", "lab1", [2, 4, 32], { tags: "lab", pool: "dev", load: [0.05, 0.4] }),
    vm(101, "gitlab-runner", "lab2", [4, 8, 80], { status: "stopped", tags: "dev;lab" }),
    vm(102, "k3s-01", "lab2", [4, 8, 64], { tags: "k8s;lab", load: [0.35, 0.69] }),
    vm(103, "ubuntu-24-template", "lab1", [2, 2, 10], { status: "stopped", template: true }),
    ct(200, "pihole", "lab1", [1, 0.5, 4], { os: "alpine", tags: "lab", onboot: true, load: [0.02, 0.3] }),
    ct(201, "builder", "lab2", [4, 2, 16], { status: "stopped", tags: "dev;lab" }),
  ],
};
