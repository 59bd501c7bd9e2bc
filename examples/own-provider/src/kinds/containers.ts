import { forClient, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { access } from "../container-access.ts";
import { backendId, containerWorkload, createBody, CreateInput } from "../container-create.ts";
import { Container, type ContainerItem, itemOf, MEASURED, queryOf } from "../container-item.ts";
import { ages } from "../container-life.ts";
import { Metrics, metricsOf } from "../metrics.ts";
import { type ContainariumClient, pathOf } from "../client.ts";
import { sizeText } from "../sizes.ts";
import type { WireContainer, WireMetrics } from "../wire.ts";

const { kind, read, write, destructive } = forClient<ContainariumClient>();

const size = (about: string) => z.int().positive().optional().describe(about);

const measured = (client: ContainariumClient, signal: AbortSignal) =>
  client.get<{ metrics?: readonly WireMetrics[] }>("/v1/metrics", { doing: "read metrics", signal });

/** Starting what runs is no failure. What is frozen is refused in the same words, and stays frozen. */
async function unlessAlready(state: "running" | "stopped", change: Promise<unknown>, now: () => Promise<{ status: string }>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (!isProxMcpError(error) || error.code !== "WRONG_STATE" || !error.message.includes(`already ${state}`)) throw error;
    const { status } = await now();
    if (status !== state) throw new ProxMcpError("WRONG_STATE", `${error.message}. It is ${status}.`, error.details);
  }
}

async function readContainer({ client, key, signal }: { client: ContainariumClient; key: string; signal: AbortSignal }): Promise<ContainerItem> {
  const doing = `read the container of ${key}`;
  const { container, metrics } = await client.get<{ container: WireContainer; metrics?: WireMetrics | null }>(pathOf(key), { doing, signal });
  return itemOf(container, metrics ?? undefined, true);
}

export const containers = kind({
  name: "container",
  about: "A user's development container, or Windows machine",
  says: ["container", "box", "dev container", "workspace"],
  item: Container,
  key: "username",
  everyday: ["list", "get", "create", "start", "stop", "delete", "resize"],
  aliases: { list: ["list_containers"], get: ["get_container"] },

  async list({ client, where, needs, signal, note }) {
    client.remind(note);
    const [found, metrics] = await Promise.all([
      client.get<{ containers?: readonly WireContainer[]; unreachableBackends?: readonly { backendId: string; reason?: string }[] }>(
        "/v1/containers",
        { doing: "list containers", query: queryOf(where), signal },
      ),
      MEASURED.some((field) => needs.has(field)) ? measured(client, signal) : undefined,
    ]);
    const of = new Map(metrics?.metrics?.map((one) => [one.name, one]));
    const errors = (found.unreachableBackends ?? []).map(({ backendId: source, reason }) => ({
      ...new ProxMcpError("UNREACHABLE", `Backend ${source} did not answer${reason ? `: ${reason}` : "."}`).report(),
      source,
    }));
    return { items: (found.containers ?? []).map((wire) => itemOf(wire, of.get(wire.name), needs.has("ssh_keys"))), errors };
  },

  get: readContainer,

  actions: {
    create: write({
      about: "Create a container for a user, and start it",
      input: CreateInput,
      openWorld: true,
      timeout: 1800,
      aliases: ["create_container"],
      workload: containerWorkload,
      async run({ client, input, note, signal }) {
        client.remind(note);
        const json = createBody(input, await backendId(client, input.backend, signal));
        await client.post("/v1/containers", { doing: `create a container for ${input.username}`, json, signal });
        if (!input.wait) note("It is being created. Its status tells when it is ready: creating, provisioning, then running or error.");
        return { key: input.username };
      },
    }),

    start: write({
      about: "Start a stopped container",
      aliases: ["start_container"],
      input: {
        wait_for_ready: z.boolean().default(false).describe("Until its exposed port answers"),
        ready_timeout: z.int().positive().optional().describe("Seconds, default 30"),
      },
      async run(args) {
        const { client, key, input, note, signal } = args;
        const json = input.wait_for_ready ? { waitForReady: true, readyTimeoutSeconds: input.ready_timeout } : {};
        const started = client.post<{ readyTimedOut?: boolean }>(pathOf(key, "start"), { doing: `start the container of ${key}`, json, signal });
        await unlessAlready(
          "running",
          started.then(({ readyTimedOut }) => readyTimedOut && note("It runs, but its port did not answer in time.")),
          () => readContainer(args),
        );
      },
    }),

    stop: write({
      about: "Shut a container down, or stop it at once",
      aliases: ["stop_container"],
      input: {
        force: z.boolean().default(false).describe("Kill it instead"),
        timeout: z.int().min(1).max(600).optional().describe("Seconds to let it shut down, default 30"),
      },
      destructiveWhen: ({ force }) => (force ? "Kills everything in it: what has not been written to disk is lost." : undefined),
      async run(args) {
        const { client, key, input, signal } = args;
        const stopped = client.post(pathOf(key, "stop"), { doing: `stop the container of ${key}`, json: input, signal });
        await unlessAlready("stopped", stopped, () => readContainer(args));
      },
    }),

    resize: write({
      about: "Change a container's CPU, memory or disk while it runs; a disk can only grow",
      aliases: ["resize_container", "containarium_resize"],
      input: { cpu: z.int().positive().optional().describe("Cores"), memory: size("Bytes"), disk: size("Bytes") },
      idempotent: true,
      async run({ client, key, input: { cpu, memory, disk }, signal }) {
        if (cpu === undefined && memory === undefined && disk === undefined)
          throw new ProxMcpError("INVALID_INPUT", "Say what to change: cpu, memory or disk.");
        const json = {
          ...(cpu === undefined ? {} : { cpu: String(cpu) }),
          ...(memory === undefined ? {} : { memory: sizeText(memory) }),
          ...(disk === undefined ? {} : { disk: sizeText(disk) }),
        };
        await client.put(pathOf(key, "resize"), { doing: `resize the container of ${key}`, json, signal });
      },
    }),

    delete: destructive({
      about: "Delete a container for good",
      loses: "Its disk and all snapshots of it are lost; database backups are kept.",
      aliases: ["delete_container"],
      input: { force: z.boolean().default(false).describe("Even if it runs, killing it") },
      async run({ client, key, input: { force }, signal }) {
        await client.delete(pathOf(key), { doing: `delete the container of ${key}`, query: force ? { force } : {}, signal });
      },
    }),

    metrics: read({
      about: "Measure CPU, memory, disk and network of one container, or of all",
      on: "kind",
      aliases: ["get_metrics"],
      input: { username: z.string().min(1).optional().describe("Of one user's; default all") },
      output: Metrics,
      async run({ client, input: { username }, signal }) {
        if (username === undefined) return metricsOf(await measured(client, signal));
        const ask = { doing: `measure the container of ${username}`, signal };
        return metricsOf(await client.get(`/v1/metrics/${encodeURIComponent(username)}`, ask));
      },
    }),

    ...access,
    ...ages,
  },
});
