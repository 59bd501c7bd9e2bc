import { describe, expect, it } from "vitest";
import { isEmptySample, type StatsSample, usageOf } from "../../plugins/docker/stats.js";

/** As Docker 20.10 answers on cgroup v1, with a container under load. */
const V1: StatsSample = {
  read: "2026-11-21T00:50:10.862481715Z",
  cpu_stats: {
    cpu_usage: { total_usage: 714_739_859, percpu_usage: [342_570, 3_262_362, 12_566_418, 12_332_159] },
    system_cpu_usage: 3_555_480_000_000,
    online_cpus: 4,
  },
  precpu_stats: { cpu_usage: { total_usage: 214_739_859, percpu_usage: [1, 2, 3, 4] }, system_cpu_usage: 3_551_480_000_000, online_cpus: 4 },
  memory_stats: { usage: 4_880_640, limit: 67_108_864, stats: { inactive_file: 1, total_inactive_file: 880_640, total_cache: 3_000_000 } },
  networks: { eth0: { rx_bytes: 726, tx_bytes: 10 }, eth1: { rx_bytes: 74, tx_bytes: 5 } },
  blkio_stats: {
    io_service_bytes_recursive: [
      { op: "Read", value: 1000 },
      { op: "Write", value: 300 },
      { op: "Sync", value: 1000 },
      { op: "Async", value: 300 },
      { op: "Total", value: 1300 },
      { op: "Read", value: 24 },
    ],
  },
  pids_stats: { current: 3 },
};

/** The same load as cgroup v2 reports it: no list of cores, other names in memory and disk. */
const V2: StatsSample = {
  ...V1,
  cpu_stats: { cpu_usage: { total_usage: 714_739_859 }, system_cpu_usage: 3_555_480_000_000, online_cpus: 4 },
  precpu_stats: { cpu_usage: { total_usage: 214_739_859 }, system_cpu_usage: 3_551_480_000_000, online_cpus: 4 },
  memory_stats: { usage: 4_880_640, limit: 67_108_864, stats: { anon: 4_000_000, file: 3_000_000, inactive_file: 880_640 } },
  blkio_stats: {
    io_service_bytes_recursive: [
      { op: "read", value: 1024 },
      { op: "write", value: 300 },
    ],
  },
};

const EXPECTED = {
  cores_used: 0.5,
  cpu_usage: 0.125,
  memory_used: 4_000_000,
  memory: 67_108_864,
  network_in: 800,
  network_out: 15,
  disk_read: 1024,
  disk_written: 300,
  processes: 3,
};

describe("measurements", () => {
  it("mean the same on cgroup v1 and v2", () => {
    expect(usageOf(V1)).toEqual(EXPECTED);
    expect(usageOf(V2)).toEqual(EXPECTED);
  });

  it("are a share of the container's own CPU limit when it has one", () => {
    expect(usageOf(V1, 0.5)).toMatchObject({ cores_used: 0.5, cpu_usage: 1 });
    expect(usageOf(V1, 2).cpu_usage).toBe(0.25);
    expect(usageOf(V1, 64).cpu_usage).toBe(0.125);
  });

  it("count cores by the list where the engine gives no number", () => {
    const { online_cpus: _, ...now } = V1.cpu_stats!;
    expect(usageOf({ ...V1, cpu_stats: now }).cores_used).toBe(0.5);
  });

  it("leave out what is not known instead of saying 0", () => {
    const usage = usageOf({
      ...V1,
      precpu_stats: { cpu_usage: { total_usage: 0 } },
      networks: null,
      blkio_stats: { io_service_bytes_recursive: null },
      pids_stats: {},
    });
    expect(Object.keys(usage)).toEqual(["memory_used", "memory"]);
  });

  it("never make memory negative where the cache is counted larger than the use", () => {
    expect(usageOf({ ...V1, memory_stats: { usage: 100, stats: { total_inactive_file: 200 } } }).memory_used).toBe(100);
  });

  it("are empty for a container that does not run", () => {
    expect(isEmptySample({ read: "0001-01-01T00:00:00Z" })).toBe(true);
    expect(isEmptySample(V1)).toBe(false);
  });
});
