import { facet, forClient, ProxMcpError, secret } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "../client.js";
import { Container, type ContainerDetails, type ContainerSummary, cpuLimit, filtersOf, fromDetails, fromSummary } from "../container-item.js";
import { createContainer } from "../create.js";
import { execInContainer } from "../exec.js";
import { readLogs } from "../logs.js";
import { isEmptySample, type StatsSample, usageOf } from "../stats.js";

const { kind, read, write, destructive } = forClient<DockerClient>();

const OUTPUT_BYTES = 32_000;
const maxOutput = z.int().min(100).max(1_000_000).default(OUTPUT_BYTES).describe("Bytes of output at most");
const grace = z.int().min(0).max(3600).optional().describe("Seconds before it is killed; default 10");
const variables = (about: string) => secret(z.record(z.string().regex(/^[^=\0]+$/), z.string()), about).optional();

const ExecOutput = z.object({
  exit_code: facet(z.int(), "0 means success"),
  stdout: z.string(),
  stderr: z.string(),
  truncated: facet(z.boolean(), "Output was cut at max_output"),
});

const LogOutput = z.object({
  output: facet(z.array(z.object({ stream: z.enum(["stdout", "stderr"]), text: z.string() })), "Oldest first, in the order written"),
  truncated: facet(z.boolean(), "Older output was cut off"),
});

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

const inspect = (client: DockerClient, key: string, path: string, signal: AbortSignal): Promise<ContainerDetails> =>
  client.json<ContainerDetails>({ what: `show container "${key}"`, path: `${path}/json`, signal });

/** Starting, stopping and the like: POST /containers/{id}/{verb}. 304 says that it is so already. */
const change =
  (verb: "start" | "stop" | "restart") =>
  async ({ client, key, input, signal }: { client: DockerClient; key: string; input: { timeout?: number | undefined }; signal: AbortSignal }) =>
    client.done({
      what: `${verb} container "${key}"`,
      method: "POST",
      path: `${await client.container(key, signal)}/${verb}`,
      query: { t: input.timeout },
      accept: [304],
      signal,
    });

export const containers = kind({
  name: "container",
  about: "A container of the Docker Engine, running or not",
  says: ["container", "docker container", "app"],
  item: Container,
  key: "name",
  alsoBy: ["id"],
  everyday: ["list", "get", "create", "start", "stop", "restart", "delete", "exec", "logs"],
  aliases: { list: ["docker_ps", "docker_list_containers", "docker_container_ls"], get: ["docker_inspect", "docker_container_inspect"] },

  list: async ({ client, where, signal }) => {
    const query = { all: true, filters: filtersOf(where) };
    const found = await client.json<ContainerSummary[]>({ what: "list containers", path: "/containers/json", query, signal });
    return found.map(fromSummary);
  },

  get: async ({ client, key, clock, signal }) => fromDetails(await inspect(client, key, await client.container(key, signal), signal), clock.now()),

  actions: {
    create: write({
      about: "Create a container and start it; pulls the image if it is missing",
      openWorld: true,
      aliases: ["docker_run", "docker_create_container", "docker_run_container", "docker_container_run"],
      input: {
        name: z
          .string()
          .regex(/^[a-zA-Z0-9][\w.-]+$/, "at least two letters, digits, `_`, `.` or `-`, beginning with a letter or digit")
          .describe("Its name"),
        image: z.string().min(1).describe("Image, as in nginx:1.27"),
        command: z.array(z.string()).min(1).optional().describe("Program and arguments, instead of the image's"),
        env: variables("Environment variables"),
        ports: z.array(z.string()).optional().describe('As "8080:80" or "127.0.0.1:53:53/udp"'),
        volumes: z.array(z.string()).optional().describe('As "data:/var/lib/x" or "/host:/path:ro"'),
        network: z.string().min(1).optional().describe("Network to join; default bridge"),
        restart: z.enum(["no", "always", "unless-stopped", "on-failure"]).optional().describe("When it is started again"),
        memory: z.int().min(1).optional().describe("Memory limit in bytes"),
        cpu: z.number().min(0.01).optional().describe("CPU limit in cores"),
        labels: z.record(z.string().min(1), z.string()).optional().describe("Labels"),
        start: z.boolean().default(true).describe("Start it as well"),
        pull: z.enum(["missing", "always", "never"]).default("missing").describe("When to pull the image"),
      },
      run: createContainer,
    }),
    start: write({
      about: "Start a container that does not run",
      aliases: ["docker_start", "docker_start_container"],
      input: {},
      run: change("start"),
    }),
    stop: write({
      about: "Stop a container: asks its main process to end, then kills it",
      aliases: ["docker_stop", "docker_stop_container"],
      input: { timeout: grace },
      run: change("stop"),
    }),
    restart: write({
      about: "Stop a container and start it again",
      aliases: ["docker_restart", "docker_restart_container"],
      input: { timeout: grace },
      run: change("restart"),
    }),
    delete: destructive({
      about: "Delete a container; what it wrote outside of volumes is lost",
      loses: "The container and everything it wrote outside of its volumes are gone; with `volumes` its unnamed volumes too.",
      aliases: ["docker_rm", "docker_remove_container", "docker_container_remove"],
      input: {
        force: z.boolean().optional().describe("Kill it first if it runs"),
        volumes: z.boolean().optional().describe("Delete its unnamed volumes too"),
      },
      run: async ({ client, key, input: { force, volumes }, signal }) => {
        const path = await client.container(key, signal);
        await client.done({ what: `delete container "${key}"`, method: "DELETE", path, query: { force, v: volumes }, signal });
      },
    }),
    exec: destructive({
      about: "Run a command in a running container and wait for it",
      loses: "The command can change or delete anything in the container and its volumes.",
      aliases: ["docker_exec", "docker_exec_container"],
      timeout: 3700,
      input: {
        command: z.array(z.string()).min(1).describe('Program and arguments; ["sh","-c","..."] for a shell'),
        user: z.string().min(1).optional().describe("User or uid, with :group"),
        cwd: z.string().regex(/^\//, "an absolute path").optional().describe("Folder to run in"),
        env: variables("Further environment variables"),
        timeout: z.int().min(1).max(3600).default(60).describe("Seconds to wait"),
        max_output: maxOutput,
      },
      output: ExecOutput,
      run: async ({ client, key, input: { max_output, ...input }, note, signal }) => {
        const result = await execInContainer(client, key, { ...input, maxOutput: max_output }, signal);
        if (result.truncated) note(`Each stream was cut after ${max_output} bytes. Pass a larger max_output, or let the command print less.`);
        return result;
      },
    }),
    logs: read({
      about: "Read the last lines that a container printed",
      aliases: ["docker_logs", "docker_container_log", "fetch_container_logs"],
      input: {
        tail: z.int().min(1).max(10_000).default(100).describe("Lines, from the end"),
        since: z.string().optional().describe('Time, or "10m", "2h" ago'),
        until: z.string().optional().describe('Time, or "10m", "2h" ago'),
        timestamps: z.boolean().default(false).describe("Begin each line with its time"),
        max_output: maxOutput,
      },
      output: LogOutput,
      run: async ({ client, key, input: { max_output, ...input }, note, signal }) => {
        const log = await readLogs(client, key, { ...input, maxOutput: max_output }, signal);
        if (log.truncated) note(`Only the newest ${max_output} bytes are shown. Pass a larger max_output, or until for what is older.`);
        return log;
      },
    }),
    stats: read({
      about: "Measure CPU, memory, network and disk use of a running container; takes a second or two",
      aliases: ["docker_stats", "docker_container_stat"],
      output: StatsOutput,
      run: async ({ client, key, signal }) => {
        const path = await client.container(key, signal);
        // The limit of the CPU is only in the settings; the memory's is in the sample. Without `one-shot` the engine takes two samples.
        const [details, sample] = await Promise.all([
          inspect(client, key, path, signal),
          client.json<StatsSample>({ what: `measure container "${key}"`, path: `${path}/stats`, query: { stream: false }, signal }),
        ]);
        if (isEmptySample(sample)) throw new ProxMcpError("WRONG_STATE", `Unable to measure container "${key}": it is ${details.State.Status}.`);
        return { name: details.Name.replace(/^\//, ""), ...usageOf(sample, cpuLimit(details.HostConfig)) };
      },
    }),
  },
});
