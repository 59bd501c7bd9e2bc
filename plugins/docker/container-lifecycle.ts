import { facet, forClient, ProxMcpError, secret } from "proxmcp/plugin";
import { z } from "zod";
import { type DockerClient, withDeadline } from "./client.js";
import type { ContainerDetails, ContainerSummary } from "./container-item.js";
import { createContainer } from "./create.js";
import { containerWorkload } from "./workload.js";
import { containerLoss, stoppedLoss } from "./losses.js";
import { moment } from "./logs.js";
import { splitReference } from "./pull.js";
import { shortId } from "./words.js";

const { read, write, destructive } = forClient<DockerClient>();

const grace = z.int().min(0).max(3600).optional().describe("Seconds before it is killed; default 10");
export const variables = (about: string) => secret(z.record(z.string().regex(/^[^=\0]+$/), z.string()), about).optional();
const RESTART = ["no", "always", "unless-stopped", "on-failure"] as const;
const NAME = z.string().regex(/^[a-zA-Z0-9][\w.-]+$/, "at least two letters, digits, `_`, `.` or `-`, beginning with a letter or digit");

interface ItemCall {
  readonly client: DockerClient;
  readonly key: string;
  readonly signal: AbortSignal;
}

export const inspect = async ({ client, key, signal }: ItemCall, size = false): Promise<ContainerDetails> =>
  client.json<ContainerDetails>({
    what: `show container "${key}"`,
    path: `${await client.container(key, signal)}/json`,
    query: size ? { size: true } : {},
    signal,
  });

/** POST /containers/{id}/{verb}. 304 says that it is so already. */
async function post({ client, key, signal }: ItemCall, verb: string, query: Record<string, string | number | undefined> = {}, what = verb) {
  const path = `${await client.container(key, signal)}/${verb}`;
  await client.done({ what: `${what} container "${key}"`, method: "POST", path, query, accept: [304], signal });
}

const create = write({
  about: "Create a container and start it; pulls the image if it is missing",
  openWorld: true,
  aliases: ["docker_run", "docker_create_container", "docker_run_container", "docker_container_run"],
  input: {
    name: NAME,
    image: z.string().min(1),
    command: z.array(z.string()).min(1).optional().describe("Program and arguments"),
    env: variables("NAME: value"),
    ports: z.array(z.string()).optional().describe('"8080:80", "127.0.0.1:53:53/udp"'),
    volumes: z.array(z.string()).optional().describe('"data:/var/lib/x", "/host:/path:ro"'),
    networks: z.array(z.string().min(1)).min(1).optional(),
    restart: z.enum(RESTART).optional(),
    memory: z.int().min(1).optional().describe("Limit in bytes"),
    cpu: z.number().min(0.01).optional().describe("Limit in cores"),
    labels: z.record(z.string().min(1), z.string()).optional(),
    health: z
      .object({
        command: z.string().min(1).describe("Shell command"),
        interval: z.int().min(1).optional().describe("Seconds"),
        retries: z.int().min(1).optional(),
      })
      .optional(),
    start: z.boolean().default(true),
    pull: z.enum(["missing", "always", "never"]).default("missing"),
  },
  workload: containerWorkload,
  run: createContainer,
});

const update = write({
  about: "Change the limits or the restart policy of a container, while it runs too",
  aliases: ["docker_update", "docker_container_set_limits"],
  input: {
    memory: z.int().min(1).optional().describe("Memory limit in bytes"),
    cpu: z.number().min(0.01).optional().describe("CPU limit in cores"),
    processes: z.int().min(1).optional().describe("Limit of processes"),
    restart: z.enum(RESTART).optional().describe("When it is started again"),
  },
  run: async (args) => {
    const { client, key, input, signal, note } = args;
    const { memory, cpu, processes, restart } = input;
    if (Object.values(input).every((value) => value === undefined)) throw new ProxMcpError("INVALID_INPUT", "Give at least one thing to change.");
    const { HostConfig: now, Id } = await inspect(args);
    const { Warnings } = await client.json<{ Warnings?: string[] | null }>({
      what: `update container "${key}"`,
      method: "POST",
      path: `/containers/${encodeURIComponent(Id)}/update`,
      since: "1.22",
      json: {
        // Swap counts with memory there, and may not be below it. Unlimited (-1) stays so.
        ...(memory ? { Memory: memory, MemorySwap: now.MemorySwap === -1 ? -1 : memory * 2 } : {}),
        // The engine refuses one way of saying it where the other was used.
        ...(cpu ? (now.CpuQuota ? { CpuPeriod: 100_000, CpuQuota: Math.round(cpu * 100_000) } : { NanoCpus: Math.round(cpu * 1e9) }) : {}),
        ...(processes ? { PidsLimit: processes } : {}),
        ...(restart ? { RestartPolicy: { Name: restart } } : {}),
      },
      signal,
    });
    for (const warning of Warnings ?? []) note(warning);
  },
});

const start = write({
  about: "Start a container that does not run",
  aliases: ["docker_start", "docker_start_container"],
  run: (args) => post(args, "start"),
});

const stop = write({
  about: "Stop a container: asks its main process to end, then kills it",
  aliases: ["docker_stop", "docker_stop_container"],
  input: { timeout: grace },
  run: (args) => post(args, "stop", { t: args.input.timeout }),
});

const restart = write({
  about: "Stop a container and start it again",
  aliases: ["docker_restart", "docker_restart_container"],
  input: { timeout: grace },
  run: (args) => post(args, "restart", { t: args.input.timeout }),
});

const pause = write({
  about: "Freeze all processes of a container",
  aliases: ["docker_pause", "docker_pause_container"],
  run: async (args) => {
    if ((await inspect(args)).State.Status !== "paused") await post(args, "pause");
  },
});

const resume = write({
  about: "Continue a paused container",
  aliases: ["docker_unpause", "docker_unpause_container", "docker_container_unpause"],
  run: async (args) => {
    const { Status } = (await inspect(args)).State;
    if (Status !== "running") await post(args, "unpause", {}, "resume");
  },
});

const kill = destructive({
  about: "Send the main process of a container a signal, by default KILL",
  loses: "With KILL the container ends at once, without saving anything.",
  aliases: ["docker_kill", "docker_kill_container"],
  input: {
    signal: z
      .string()
      .regex(/^(SIG)?[A-Z][A-Z0-9+-]{1,9}$|^\d{1,2}$/, "a signal such as KILL, TERM or HUP")
      .default("KILL")
      .describe("As in TERM, HUP, USR1"),
  },
  run: (args) => post(args, "kill", { signal: args.input.signal }),
});

const rename = write({
  about: "Give a container another name",
  aliases: ["docker_rename", "docker_rename_container"],
  input: { new_name: NAME.describe("Its new name") },
  run: async (args) => {
    await post(args, "rename", { name: args.input.new_name });
    return { key: args.input.new_name };
  },
});

const remove = destructive({
  about: "Delete a container; what it wrote outside of volumes is lost",
  loses: async (args) => containerLoss(await inspect(args, true), args.input),
  aliases: ["docker_rm", "docker_remove_container", "docker_container_remove"],
  input: {
    force: z.boolean().optional().describe("Kill it first if it runs"),
    volumes: z.boolean().optional().describe("Delete its unnamed volumes too"),
  },
  run: async ({ client, key, input: { force, volumes }, signal }) => {
    const path = await client.container(key, signal);
    await client.done({ what: `delete container "${key}"`, method: "DELETE", path, query: { force, v: volumes }, signal });
  },
});

const wait = read({
  about: "Wait until a container has ended, and tell how",
  aliases: ["docker_wait"],
  idempotent: true,
  timeout: 3700,
  input: { timeout: z.int().min(1).max(3600).default(60).describe("Seconds to wait") },
  output: z.object({ exit_code: facet(z.int(), "0 means success"), error: z.string().optional() }),
  run: async ({ client, key, input: { timeout }, signal: outer }) => {
    const late = (): ProxMcpError =>
      new ProxMcpError("TIMEOUT", `Container "${key}" still runs after ${timeout} s.`, { next: "Wait again, or look at its log." });
    return await withDeadline(timeout, late, async (limit) => {
      const signal = AbortSignal.any([outer, limit]);
      const path = `${await client.container(key, signal)}/wait`;
      const ended = await client.json<{ StatusCode: number; Error?: { Message?: string } | null }>({
        what: `wait for container "${key}"`,
        method: "POST",
        path,
        signal,
      });
      return { exit_code: ended.StatusCode, ...(ended.Error?.Message ? { error: ended.Error.Message } : {}) };
    });
  },
});

const commit = write({
  about: "Make an image from a container as it is now, without its volumes",
  aliases: ["docker_commit"],
  input: {
    image: z.string().min(1).describe("Reference of the new image"),
    comment: z.string().optional().describe("What it is"),
    pause: z.boolean().default(true).describe("Freeze the container meanwhile"),
  },
  output: z.object({ image: facet(z.string(), "Reference"), id: facet(z.string(), "First 12 digits of its id") }),
  run: async ({ client, key, input: { image, comment, pause: frozen }, signal }) => {
    const { repository, tag } = splitReference(image);
    await client.container(key, signal);
    const { Id } = await client.json<{ Id: string }>({
      what: `make an image from container "${key}"`,
      method: "POST",
      path: "/commit",
      query: { container: key, repo: repository, tag, comment, pause: frozen },
      json: {},
      signal,
    });
    return { image: `${repository}:${tag}`, id: shortId(Id) };
  },
});

const age = z.string().optional().describe('Only those made longer ago than "24h", "7d"');

const prune = destructive({
  about: "Delete all stopped containers",
  loses: async ({ client, input, signal }) => stoppedLoss(await stopped(client, input.older_than, signal)),
  aliases: ["docker_prune_containers"],
  input: { older_than: age },
  output: z.object({ deleted: facet(z.array(z.string()), "Their ids"), disk_freed: facet(z.int(), "Bytes freed", { unit: "bytes" }) }),
  run: async ({ client, input, signal }) => {
    const done = await client.json<{ ContainersDeleted?: string[] | null; SpaceReclaimed?: number }>({
      what: "delete stopped containers",
      method: "POST",
      path: "/containers/prune",
      since: "1.25",
      query: { filters: untilFilter(client, input.older_than) },
      signal,
    });
    return { deleted: (done.ContainersDeleted ?? []).map(shortId), disk_freed: done.SpaceReclaimed ?? 0 };
  },
});

export function untilFilter(client: DockerClient, older: string | undefined, more: Record<string, readonly string[]> = {}): string | undefined {
  const until = moment("older_than", older, client.clock.now());
  const filters = { ...more, ...(until === undefined ? {} : { until: [until] }) };
  return Object.keys(filters).length ? JSON.stringify(filters) : undefined;
}

/** Those that a prune would delete: GET /containers/json, with what each has written. */
export async function stopped(client: DockerClient, older: string | undefined, signal: AbortSignal): Promise<ContainerSummary[]> {
  const found = await client.json<ContainerSummary[]>({
    what: "list stopped containers",
    path: "/containers/json",
    query: { all: true, size: true, filters: JSON.stringify({ status: ["created", "exited", "dead"] }) },
    signal,
  });
  const until = moment("older_than", older, client.clock.now());
  return until === undefined ? found : found.filter(({ Created }) => Created < Number(until));
}

export const lifecycle = { create, update, start, stop, restart, pause, resume, kill, rename, delete: remove, wait, commit, prune };
