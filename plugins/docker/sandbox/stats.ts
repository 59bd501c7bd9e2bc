import { isLive } from "./container-views.js";
import type { Box, State } from "./state.js";
import { goTime } from "./wire.js";

/** GET /containers/{id}/stats?stream=false, as on cgroup v1: two samples, a second apart. */
export function statsOf(state: State, box: Box): Record<string, unknown> {
  const cpu = (total: number): Record<string, unknown> => ({
    cpu_usage: { total_usage: total, usage_in_kernelmode: 0, usage_in_usermode: 0 },
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  });
  const names = { name: `/${box.name}`, id: box.id };
  const noIo = { io_service_bytes_recursive: null, io_serviced_recursive: null };
  if (!isLive(box))
    return {
      ...{ read: goTime(undefined), preread: goTime(undefined), pids_stats: {}, blkio_stats: noIo, num_procs: 0, storage_stats: {} },
      ...{ cpu_stats: cpu(0), precpu_stats: cpu(0), memory_stats: {}, ...names },
    };
  const now = Date.now();
  const seconds = Math.max(1, (now - (box.startedAt ?? now)) / 1000);
  const { cores, memory } = box.status === "paused" ? { ...box.load, cores: 0 } : box.load;
  const used = (at: number): number => Math.round(at * cores * 1e9);
  const sample = (at: number): Record<string, unknown> => ({
    ...cpu(used(at)),
    cpu_usage: { total_usage: used(at), percpu_usage: Array.from({ length: state.cpus }, () => Math.round(used(at) / state.cpus)) },
    system_cpu_usage: Math.round((100_000 + at) * state.cpus * 1e9),
    online_cpus: state.cpus,
  });
  const cache = Math.round(memory / 4);
  const io = (op: string, value: number): Record<string, unknown> => ({ major: 8, minor: 0, op, value });
  const [read, written] = [Math.round(memory * 1.5), Math.round(seconds * 900)];
  const addressed = Object.entries(box.networks).filter(([, { ip }]) => ip);
  return {
    read: goTime(now),
    preread: goTime(now - 1000),
    pids_stats: { current: 1 + Math.ceil(cores * 4) },
    blkio_stats: {
      ...noIo,
      io_service_bytes_recursive: [io("Read", read), io("Write", written), io("Sync", read), io("Async", written), io("Total", read + written)],
    },
    num_procs: 0,
    storage_stats: {},
    cpu_stats: sample(seconds),
    precpu_stats: sample(seconds - 1),
    memory_stats: {
      usage: memory + cache,
      max_usage: Math.round((memory + cache) * 1.2),
      stats: { cache, inactive_file: cache, total_cache: cache, total_inactive_file: cache, rss: memory, total_rss: memory },
      limit: box.memory || state.memory,
    },
    ...names,
    ...(addressed.length
      ? {
          networks: Object.fromEntries(
            addressed.map((_, at) => [
              `eth${at}`,
              { rx_bytes: Math.round(seconds * 1300), rx_packets: 9, tx_bytes: Math.round(seconds * 700), tx_packets: 8 },
            ]),
          ),
        }
      : {}),
  };
}
