import { facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { listFolderIn, permissions, readFileIn, statPath, writeFileIn } from "./archive.js";
import type { DockerClient } from "./client.js";
import { cpuLimit } from "./container-item.js";
import { inspect, variables } from "./container-lifecycle.js";
import { execInContainer } from "./exec.js";
import { readLogs } from "./logs.js";
import { isEmptySample, type StatsSample, usageOf } from "./stats.js";
import { sizeText } from "./words.js";

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

const path = z.string().regex(/^\//, "an absolute path").describe("Absolute path in the container");

const files_list = read({
  about: "List a folder in a container, running or not",
  aliases: ["docker_list_files"],
  input: {
    path,
    depth: z.int().min(1).max(20).default(1).describe("Levels below it"),
    limit: z.int().min(1).max(5000).default(500).describe("Entries at most"),
  },
  output: z.object({
    files: z.array(
      z.object({
        path: facet(z.string(), "Below the folder"),
        type: z.string(),
        size: facet(z.int(), "Bytes", { unit: "bytes" }),
        mode: facet(z.string(), "Permissions, octal"),
        modified: z.string(),
        target: facet(z.string(), "Where a link leads").optional(),
      }),
    ),
    truncated: z.boolean(),
  }),
  run: async ({ client, key, input: { path, depth, limit }, note, signal }) => {
    const listing = await listFolderIn({ client, key, path, signal }, { depth, limit });
    if (listing.truncated) note("The listing is not whole: pass a larger limit, or list a folder further down.");
    return listing;
  },
});

const files_read = read({
  about: "Read a file in a container, running or not",
  aliases: ["docker_read_file"],
  input: {
    path,
    offset: z.int().min(0).default(0).describe("Byte to begin at"),
    max_output: maxOutput,
    encoding: z.enum(["text", "base64"]).default("text"),
  },
  output: z.object({
    content: z.string(),
    size: facet(z.int(), "Bytes of the whole file", { unit: "bytes" }),
    mode: facet(z.string(), "Permissions, octal"),
    modified: z.string(),
    truncated: z.boolean(),
    next_offset: facet(z.int(), "Where to go on reading").optional(),
  }),
  run: async ({ client, key, input: { path, offset, max_output, encoding }, note, signal }) => {
    const { bytes: found, stat } = await readFileIn({ client, key, path, signal }, { offset, maxBytes: max_output });
    const end = offset + found.length;
    const truncated = end < stat.size;
    if (truncated) note(`${stat.size - end} bytes are left: go on with offset ${end}.`);
    return {
      content: found.toString(encoding === "text" ? "utf8" : "base64"),
      size: stat.size,
      mode: permissions(stat.mode),
      modified: new Date(stat.mtime).toISOString(),
      truncated,
      ...(truncated ? { next_offset: end } : {}),
    };
  },
});

const files_write = destructive({
  about: "Write a file in a container, running or not; its folder has to exist",
  aliases: ["docker_write_file"],
  idempotent: true,
  loses: async ({ client, key, input: { path }, signal }) => {
    try {
      const found = await statPath({ client, key, path, signal });
      return found.folder ? `${path} is a folder.` : `What ${path} holds now (${sizeText(found.size)}) is replaced.`;
    } catch (error) {
      if (error instanceof ProxMcpError && error.code === "NOT_FOUND" && !/no such container/i.test(error.message))
        return `${path} is new: nothing is replaced.`;
      throw error;
    }
  },
  input: {
    path,
    content: z.string().max(4_000_000),
    encoding: z.enum(["text", "base64"]).default("text"),
    mode: z
      .string()
      .regex(/^[0-7]{3,4}$/, "permissions in octal, such as 0644")
      .default("0644")
      .describe("Permissions, octal"),
    uid: z.int().min(0).default(0).describe("Owner"),
    gid: z.int().min(0).default(0).describe("Group"),
  },
  output: z.object({ path: z.string(), size: facet(z.int(), "Bytes written", { unit: "bytes" }) }),
  run: async ({ client, key, input: { path, content, encoding, mode, uid, gid }, signal }) => {
    const bytes = Buffer.from(content, encoding === "text" ? "utf8" : "base64");
    await writeFileIn({ client, key, path, signal }, bytes, { mode: Number.parseInt(mode, 8), uid, gid });
    return { path, size: bytes.length };
  },
});

export const inside = { exec, logs, stats, top, diff, env, files_list, files_read, files_write };
