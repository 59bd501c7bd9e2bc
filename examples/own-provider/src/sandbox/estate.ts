import type { WireSystem } from "../wire.ts";

/** A container as an estate describes it. Sizes are texts, as Incus takes them. */
export interface SeedContainer {
  readonly username: string;
  readonly state?: "RUNNING" | "STOPPED" | "FROZEN";
  readonly cpu?: string;
  readonly memory?: string;
  readonly disk?: string;
  readonly gpus?: readonly string[];
  readonly image?: string;
  readonly os?: string;
  readonly stack?: string;
  readonly docker?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly keys?: readonly string[];
  /** Id of its backend. Default: the first. */
  readonly backend?: string;
  readonly isProtected?: boolean;
  /** Minutes of idling after which it is stopped. */
  readonly idle?: number;
  /** Seconds until it is deleted. */
  readonly ttl?: number;
  /** Bytes in use. */
  readonly memoryUsed?: number;
  readonly diskUsed?: number;
  readonly snapshots?: readonly { readonly name: string; readonly used: number; readonly referenced: number }[];
  /** Databases in it. */
  readonly databases?: readonly string[];
  readonly collaborators?: readonly string[];
}

export interface Estate {
  readonly backends: readonly (WireSystem & { readonly pool?: string })[];
  readonly containers: readonly SeedContainer[];
  /** Databases that have been backed up, as user/database. */
  readonly backups?: readonly string[];
}

const GIB = 2 ** 30;
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZha2Uga2V5IG9mIHRoZSBzYW5kYm94LCBub3QgcmVhbA";

/** Two backends, one with a GPU, and the containers of five people. */
export const DEFAULT_ESTATE: Estate = {
  backends: [
    {
      backendId: "gcp-main",
      pool: "prod",
      hostname: "containarium-1",
      os: "Ubuntu 24.04.2 LTS",
      kernelVersion: "6.8.0-60-generic",
      incusVersion: "6.12",
      daemonVersion: "0.21.0",
      totalCpus: 16,
      totalMemoryBytes: String(64 * GIB),
      availableMemoryBytes: String(38 * GIB),
      totalDiskBytes: String(1000 * GIB),
      availableDiskBytes: String(640 * GIB),
      uptimeSeconds: "3628800",
      networkCidr: "10.100.0.0/24",
      cpuLoad1min: 4,
      sshIngressHost: "ssh.containarium.example",
      storage: { pool: "default", driverName: "zfs", isolation: "STORAGE_ISOLATION_PER_CONTAINER" },
    },
    {
      backendId: "tunnel-gpu",
      pool: "lab",
      hostname: "gpu-box",
      os: "Ubuntu 24.04.2 LTS",
      kernelVersion: "6.8.0-60-generic",
      incusVersion: "6.12",
      daemonVersion: "0.20.3",
      totalCpus: 32,
      totalMemoryBytes: String(128 * GIB),
      availableMemoryBytes: String(100 * GIB),
      totalDiskBytes: String(2000 * GIB),
      availableDiskBytes: String(1900 * GIB),
      uptimeSeconds: "864000",
      networkCidr: "10.100.1.0/24",
      cpuLoad1min: 1.6,
      gpus: [{ modelName: "NVIDIA GeForce RTX 4090", vramBytes: String(24 * GIB) }],
      storage: { pool: "default", driverName: "dir", isolation: "STORAGE_ISOLATION_SHARED_FILESYSTEM" },
    },
  ],
  containers: [
    {
      username: "alice",
      cpu: "4",
      memory: "8GB",
      disk: "100GB",
      stack: "nodejs",
      docker: true,
      labels: { team: "web" },
      keys: [`${KEY} alice@laptop`],
      memoryUsed: 3_100_000_000,
      diskUsed: 42_000_000_000,
      snapshots: [
        { name: "before-upgrade", used: 1_200_000_000, referenced: 40_000_000_000 },
        { name: "monday", used: 300_000_000, referenced: 41_500_000_000 },
      ],
      databases: ["app", "analytics"],
      collaborators: ["bob"],
    },
    {
      username: "bob",
      cpu: "8",
      memory: "16GB",
      disk: "200GB",
      docker: true,
      gpus: ["0000:0b:00.0"],
      backend: "tunnel-gpu",
      labels: { team: "research" },
      keys: [`${KEY} bob@desk`],
      memoryUsed: 11_800_000_000,
      diskUsed: 95_000_000_000,
    },
    { username: "charlie", state: "STOPPED", image: "images:debian/12", keys: [`${KEY} charlie@home`] },
    { username: "dora", state: "FROZEN", cpu: "2", memory: "4GiB", disk: "50GB", os: "ROCKY_9", memoryUsed: 900_000_000, diskUsed: 6_000_000_000 },
    {
      username: "runner",
      cpu: "4",
      memory: "4GB",
      disk: "50GB",
      docker: true,
      isProtected: true,
      idle: 30,
      labels: { team: "web", role: "ci" },
      memoryUsed: 500_000_000,
      diskUsed: 8_000_000_000,
    },
  ],
  backups: ["alice/app"],
};
