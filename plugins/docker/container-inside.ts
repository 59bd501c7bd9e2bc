import { facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "./client.js";
import { cpuLimit } from "./container-item.js";
import { inspect, variables } from "./container-lifecycle.js";
import { execInContainer } from "./exec.js";
import { readLogs } from "./logs.js";
import { isEmptySample, type StatsSample, usageOf } from "./stats.js";

const { read, destructive } = forClient<DockerClient>();

const OUTPUT_BYTES = 32_000;
export const maxOutput = z.int().min(100).max(1_000_000).default(OUTPUT_BYTES).describe("Bytes at most");

const ExecOutput = z.object({
  exit_code: facet(z.int(), "0 means success"),
  stdout: z.string(),
  stderr: z.string(),
  truncated: facet(z.boolean(), "Output was cut at max_output"),
});

export const LogOutput = z.object({
  output: facet(z.array(z.object({ stream: z.enum(["stdout", "stderr"]), text: z.string() })), "Oldest first, in the order written"),
  truncated: facet(z.boolean(), "Older output was cut off"),
});

/** The arguments of everything that reads a log. */
export const logInput = {
  tail: z.int().min(1).max(100_000).default(100).describe("Lines, from the end"),
  since: z.string().optional().describe('Time, or "10m", "2h" ago'),
  until: z.string().optional(),
  timestamps: z.boolean().default(false),
  max_output: maxOutput,
};

const bytes = (about: string) => facet(z.int(), about, { unit: "bytes" }).optional();
const StatsOutput = z.object({
  name: facet(z.string(), "Name"),
  cores_used: facet(z.number(), "Cores kept busy", { unit: "cores" }).optional(),
  cpu_usage: facet(z.number(), "Share of the cores it may use", { unit: "ratio" }).optional(),
  memory_used: bytes("Memory used, without droppable cache"),
  memory: bytes("Memory it may use"),
  network_in: bytes("Received since its start"),
  network_out: bytes("Sent since its start"),
  disk_read: bytes("Read from disk since its start"),
  disk_written: bytes("Written to disk since its start"),
  processes: facet(z.int(), "Processes and threads in it").optional(),
});

const exec = destructive({
  about: "Run a command in a running container and wait for it",
  loses: "The command can change or delete anything in the container and its volumes.",
  aliases: ["docker_exec", "docker_exec_container"],
  timeout: 3700,
  input: {
    command: z.array(z.string()).min(1).describe('Program and arguments; ["sh","-c","..."] for a shell'),
    stdin: z.string().max(1_000_000).optional(),
    user: z.string().min(1).optional().describe("User or uid, with :group"),
    cwd: z.string().regex(/^\//, "an absolute path").optional(),
    env: variables("NAME: value"),
    timeout: z.int().min(1).max(3600).default(60).describe("Seconds to wait"),
    max_output: maxOutput,
  },
  output: ExecOutput,
  run: async ({ client, key, input: { max_output, ...input }, note, signal }) => {
    const result = await execInContainer(client, key, { ...input, maxOutput: max_output }, signal);
    if (result.truncated) note(`Each stream was cut after ${max_output} bytes. Pass a larger max_output, or let the command print less.`);
    return result;
  },
});

const logs = read({
  about: "Read the last lines that a container printed",
  aliases: ["docker_logs", "docker_container_log", "fetch_container_logs"],
  input: logInput,
  output: LogOutput,
  run: async ({ client, key, input: { max_output, ...input }, note, signal }) => {
    const log = await readLogs(client, await client.container(key, signal), `container "${key}"`, { ...input, maxOutput: max_output }, signal);
    if (log.truncated) note(`Only the newest ${max_output} bytes are shown. Pass a larger max_output, or until for what is older.`);
    return log;
  },
});

const stats = read({
  about: "Measure CPU, memory, network and disk use of a running container; takes a second or two",
  aliases: ["docker_stats", "docker_container_stat", "docker_container_metrics"],
  output: StatsOutput,
  run: async (args) => {
    const { client, key, signal } = args;
    const path = await client.container(key, signal);
    // The limit of the CPU is only in the settings; the memory's is in the sample. Without `one-shot` the engine takes two samples.
    const [details, sample] = await Promise.all([
      inspect(args),
      client.json<StatsSample>({ what: `measure container "${key}"`, path: `${path}/stats`, query: { stream: false }, signal }),
    ]);
    if (isEmptySample(sample)) throw new ProxMcpError("WRONG_STATE", `Unable to measure container "${key}": it is ${details.State.Status}.`);
    return { name: details.Name.replace(/^\//, ""), ...usageOf(sample, cpuLimit(details.HostConfig)) };
  },
});

const MAX_PROCESSES = 500;

const top = read({
  about: "List the processes of a running container",
  aliases: ["docker_top"],
  output: z.object({
    processes: z.array(
      z.object({
        pid: facet(z.int(), "Process id, as its host counts"),
        user: z.string().optional(),
        time: facet(z.string(), "CPU time used").optional(),
        command: z.string(),
      }),
    ),
    truncated: z.boolean(),
  }),
  run: async ({ client, key, signal }) => {
    const found = await client.json<{ Titles?: string[] | null; Processes?: string[][] | null }>({
      what: `list the processes of container "${key}"`,
      path: `${await client.container(key, signal)}/top`,
      signal,
    });
    const column = (...names: string[]): number => (found.Titles ?? []).findIndex((title) => names.includes(title.toUpperCase()));
    const [pid, user, time, command] = [column("PID"), column("UID", "USER"), column("TIME"), column("CMD", "COMMAND")];
    const all = found.Processes ?? [];
    return {
      processes: all.slice(0, MAX_PROCESSES).map((row) => ({
        pid: Number(row[pid]),
        ...(row[user] === undefined ? {} : { user: row[user] }),
        ...(row[time] === undefined ? {} : { time: row[time] }),
        command: row[command] ?? "",
      })),
      truncated: all.length > MAX_PROCESSES,
    };
  },
});

const CHANGES = ["changed", "added", "deleted"] as const;

const diff = read({
  about: "List the files of a container that are not as in its image",
  aliases: ["docker_diff"],
  input: {
    under: z.string().regex(/^\//, "an absolute path").optional().describe("Only below this folder"),
    limit: z.int().min(1).max(5000).default(200).describe("Files at most"),
  },
  output: z.object({
    total: z.int(),
    files: z.array(z.object({ path: z.string(), change: z.enum(CHANGES) })),
    truncated: z.boolean(),
  }),
  run: async ({ client, key, input: { under, limit }, note, signal }) => {
    const path = `${await client.container(key, signal)}/changes`;
    const found = (await client.json<{ Path: string; Kind: number }[] | null>({ what: `compare container "${key}"`, path, signal })) ?? [];
    const folder = under?.replace(/\/$/, "");
    const all = folder === undefined ? found : found.filter(({ Path }) => Path === folder || Path.startsWith(`${folder}/`));
    if (all.length > limit) note(`${all.length - limit} more: pass a larger limit, or a folder as under.`);
    return {
      total: all.length,
      files: all.slice(0, limit).map(({ Path, Kind }) => ({ path: Path, change: CHANGES[Kind] ?? "changed" })),
      truncated: all.length > limit,
    };
  },
});

const env = read({
  about: "Show the environment variables of a container with their values, secrets too",
  output: z.object({ variables: z.record(z.string(), z.string()) }),
  run: async (args) => {
    const { Config } = await inspect(args);
    return { variables: Object.fromEntries((Config.Env ?? []).map((one) => [one.split("=", 1)[0] ?? "", one.slice(one.indexOf("=") + 1)])) };
  },
});

export const inside = { exec, logs, stats, top, diff, env };
