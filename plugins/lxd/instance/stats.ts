import { type ActionArgs, facet } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { parseCores, parseSize } from "../sizes.js";
import type { Config, WireInstance, WireResources, WireState } from "../wire.js";
import { pathOf } from "./power.js";

const bytes = (about: string) => facet(z.int(), about, { unit: "bytes" });

export const StatsInput = { seconds: z.number().min(0.2).max(60).default(1).describe("How long to measure") };

export const Stats = z.object({
  status: z.string(),
  cpu_seconds: facet(z.number(), "CPU time since its start", { unit: "seconds" }).optional(),
  cpu_usage: facet(z.number(), "Share of the CPU time that it may use", { unit: "ratio" }).optional(),
  cpu: facet(z.number(), "Cores it may use", { unit: "cores" }).optional(),
  memory_used: bytes("Memory in use").optional(),
  memory_peak: bytes("Most memory it has used").optional(),
  memory: bytes("Memory it may use").optional(),
  swap_used: bytes("Swap in use").optional(),
  processes: facet(z.int(), "Processes").optional(),
  disks: z.array(z.object({ name: z.string(), used: bytes("In use"), size: bytes("Its size").optional() })),
  networks: z.array(
    z.object({
      name: z.string(),
      received: bytes("Received since its start"),
      sent: bytes("Sent since its start"),
      receiving: facet(z.number(), "Received just now", { unit: "bytes per second" }),
      sending: facet(z.number(), "Sent just now", { unit: "bytes per second" }),
      errors: z.int().optional(),
    }),
  ),
});
type Input = z.output<z.ZodObject<typeof StatsInput>>;

/** What an instance uses: `GET /1.0/instances/{name}/state`, twice, as the server has counters only. */
export async function readStats({ client, key, input, signal, clock, note }: ActionArgs<LxdClient, Input>): Promise<z.input<typeof Stats>> {
  const ask = { doing: `measure instance "${key}"`, signal };
  const look = async () => ({ state: await client.get<WireState>(`${pathOf(key)}/state`, ask), at: performance.now() });
  const wire = await client.get<WireInstance>(pathOf(key), ask);
  const config = wire.expanded_config ?? wire.config;
  const first = await look();
  if (first.state.status === "Stopped") note(`Instance "${key}" is stopped.`);
  else await clock.sleep(input.seconds * 1000, signal);
  const second = first.state.status === "Stopped" ? first : await look();
  const { state } = second;
  const passed = (second.at - first.at) / 1000;
  const rate = (before = 0, after = 0): number => (passed > 0 ? Math.max(0, Math.round((after - before) / passed)) : 0);

  const { cores, memory } = await allowed(client, wire, config, state, ask);
  // -1 from a virtual machine without its agent.
  const used = (state.cpu?.usage ?? -1) >= 0 ? state.cpu?.usage : undefined;
  const before = first.state.cpu?.usage ?? 0;
  return {
    status: state.status.toLowerCase(),
    ...(used === undefined ? {} : { cpu_seconds: used / 1e9 }),
    ...(used === undefined || !cores || passed <= 0 ? {} : { cpu_usage: share((used - before) / 1e9 / passed / cores) }),
    ...(cores ? { cpu: cores } : {}),
    ...whereKnown("memory_used", state.memory?.usage),
    ...whereKnown("memory_peak", state.memory?.usage_peak),
    ...(memory ? { memory } : {}),
    ...whereKnown("swap_used", state.memory?.swap_usage),
    ...whereKnown("processes", state.processes),
    disks: Object.entries(state.disk ?? {}).map(([name, disk]) => ({ name, used: disk.usage, ...(disk.total ? { size: disk.total } : {}) })),
    networks: Object.entries(state.network ?? {})
      .filter(([, { type }]) => type !== "loopback")
      .map(([name, { counters }]) => {
        const earlier = first.state.network?.[name]?.counters;
        return {
          name,
          received: counters?.bytes_received ?? 0,
          sent: counters?.bytes_sent ?? 0,
          receiving: rate(earlier?.bytes_received, counters?.bytes_received),
          sending: rate(earlier?.bytes_sent, counters?.bytes_sent),
          ...(counters?.errors_received === undefined ? {} : { errors: counters.errors_received + (counters.errors_sent ?? 0) }),
        };
      }),
  };
}

const share = (ratio: number): number => Math.round(Math.min(1, Math.max(0, ratio)) * 1000) / 1000;
/** Servers write -1, and for memory 0, where they can't tell. */
const whereKnown = (name: string, value: number | undefined): Record<string, number> => (value !== undefined && value >= 0 ? { [name]: value } : {});

/** The cores and the memory that an instance may use: by its limits, and where it has none those of its host. */
async function allowed(client: LxdClient, wire: WireInstance, config: Config, state: WireState, ask: { doing: string; signal: AbortSignal }) {
  const told = state.cpu?.allocated_time ? state.cpu.allocated_time / 1e9 : quotaOf(config["limits.cpu.allowance"]);
  const limit = parseCores(config["limits.cpu"]);
  const cores = told && limit ? Math.min(told, limit) : (told ?? limit);
  const memory = state.memory?.total || parseSize(config["limits.memory"]);
  if (cores && memory) return { cores, memory };
  const target = wire.location && wire.location !== "none" ? wire.location : undefined;
  const host = await client.get<WireResources>("/1.0/resources", { ...ask, query: { target } });
  const percent = /^(\d+)%$/.exec(config["limits.memory"] ?? "")?.[1];
  return {
    cores: cores ?? host.cpu.total,
    memory: memory ?? (percent ? Math.floor((host.memory.total * Number(percent)) / 100) : host.memory.total),
  };
}

/** `25ms/100ms` is a quarter of a core. A bare percentage is only a weight against others. */
function quotaOf(allowance: string | undefined): number | undefined {
  const [, used, of] = /^(\d+)ms\/(\d+)ms$/.exec(allowance ?? "") ?? [];
  return used && Number(of) > 0 ? Number(used) / Number(of) : undefined;
}
