/** What `GET /containers/{id}/stats` answers, as far as it is used. Its shape differs between cgroup v1 and v2. */
export interface StatsSample {
  readonly read?: string;
  readonly cpu_stats?: CpuSample;
  readonly precpu_stats?: CpuSample;
  readonly memory_stats?: { readonly usage?: number; readonly limit?: number; readonly stats?: Readonly<Record<string, number>> };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes?: number; readonly tx_bytes?: number }>> | null;
  readonly blkio_stats?: { readonly io_service_bytes_recursive?: readonly { readonly op?: string; readonly value?: number }[] | null };
  readonly pids_stats?: { readonly current?: number };
}

interface CpuSample {
  readonly cpu_usage?: { readonly total_usage?: number; readonly percpu_usage?: readonly number[] | null };
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
}

export interface Usage {
  /** Cores it kept busy between the two samples. */
  readonly cores_used?: number;
  /** The same as a share of the cores it may use, 0 to 1. */
  readonly cpu_usage?: number;
  readonly memory_used?: number;
  readonly memory?: number;
  readonly network_in?: number;
  readonly network_out?: number;
  readonly disk_read?: number;
  readonly disk_written?: number;
  readonly processes?: number;
}

/** A sample of a container that does not run is all zeros, with the time of year 1. */
export const isEmptySample = (sample: StatsSample): boolean => !sample.read || sample.read.startsWith("0001-");

/** Turns a sample into numbers that mean something. `cpuLimit` is the container's limit in cores, if it has one. */
export function usageOf(sample: StatsSample, cpuLimit?: number): Usage {
  return known({ ...cpuOf(sample, cpuLimit), ...memoryOf(sample), ...networkOf(sample), ...diskOf(sample), processes: sample.pids_stats?.current });
}

function cpuOf({ cpu_stats: now, precpu_stats: before }: StatsSample, cpuLimit: number | undefined): Partial<Record<keyof Usage, number>> {
  // Without an earlier sample the counters would give an average since the start, which is not what is asked.
  const system = (now?.system_cpu_usage ?? 0) - (before?.system_cpu_usage ?? Number.NaN);
  const used = (now?.cpu_usage?.total_usage ?? Number.NaN) - (before?.cpu_usage?.total_usage ?? Number.NaN);
  // Old engines don't say `online_cpus`; the per-core list is absent on cgroup v2.
  const cores = now?.online_cpus || now?.cpu_usage?.percpu_usage?.length;
  if (!cores || !(system > 0) || !(used >= 0)) return {};
  const busy = (used / system) * cores; // the system's time counts all cores together
  return { cores_used: round(busy), cpu_usage: round(Math.min(1, busy / Math.min(cpuLimit ?? cores, cores))) };
}

function memoryOf({ memory_stats: memory }: StatsSample): Partial<Record<keyof Usage, number>> {
  if (memory?.usage === undefined) return {};
  // Page cache that can be dropped at once is no use of the container's. v1 counts it in total_inactive_file, v2 in inactive_file.
  const cache = memory.stats?.total_inactive_file ?? memory.stats?.inactive_file ?? 0;
  return { memory_used: memory.usage - (cache < memory.usage ? cache : 0), ...(memory.limit ? { memory: memory.limit } : {}) };
}

function networkOf({ networks }: StatsSample): Partial<Record<keyof Usage, number>> {
  const all = Object.values(networks ?? {});
  if (all.length === 0) return {};
  const sum = (field: "rx_bytes" | "tx_bytes"): number => all.reduce((total, one) => total + (one[field] ?? 0), 0);
  return { network_in: sum("rx_bytes"), network_out: sum("tx_bytes") };
}

function diskOf({ blkio_stats: blkio }: StatsSample): Partial<Record<keyof Usage, number>> {
  const entries = blkio?.io_service_bytes_recursive;
  if (!entries?.length) return {}; // null or empty: not counted here, which is not the same as nothing read
  // v1 writes "Read", v2 "read"; v1 adds lines for Sync, Async and Total, which would count twice.
  const sum = (op: string): number => entries.reduce((total, one) => total + (one.op?.toLowerCase() === op ? (one.value ?? 0) : 0), 0);
  return { disk_read: sum("read"), disk_written: sum("write") };
}

const round = (value: number): number => Math.round(value * 10_000) / 10_000;

function known(usage: Partial<Record<keyof Usage, number | undefined>>): Usage {
  return Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== undefined));
}
