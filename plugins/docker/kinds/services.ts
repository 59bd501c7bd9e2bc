import { facet, forClient, ProxMcpError, type CallArgs } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "../client.js";
import { LogOutput, logInput } from "../container-inside.js";
import { readLogs } from "../logs.js";
import { authHeader } from "../registry-auth.js";
import { swarmItem, swarmList, swarmUpdate } from "../swarm.js";
import { dateOf, known, tagsOf } from "../words.js";

const { kind, read, write } = forClient<DockerClient>();

const MODES = ["replicated", "global", "replicated-job", "global-job"] as const;

const Service = z.object({
  name: facet(z.string(), "Name"),
  id: facet(z.string(), "Id"),
  mode: facet(z.enum(MODES), "How its tasks are spread"),
  image: facet(z.string(), "Image it runs", { says: ["using image"] }),
  replicas: facet(z.int(), "Tasks wanted", { says: ["scale", "desired"] }).optional(),
  running: facet(z.int(), "Tasks running").optional(),
  ports: facet(z.array(z.string()), "published:target ports", { says: ["published ports"] }),
  stack: facet(z.string(), "Stack it belongs to").optional(),
  update_status: facet(z.string(), "How its last update went").optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it was made", { says: ["age"] }).optional(),
  tags: facet(z.array(z.string()), "Labels, key=value", { says: ["labels", "label"] }),
});

interface ServiceSpec {
  readonly Name: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly Mode?: {
    readonly Replicated?: { readonly Replicas?: number };
    readonly Global?: object;
    readonly ReplicatedJob?: { readonly MaxConcurrent?: number; readonly TotalCompletions?: number };
    readonly GlobalJob?: object;
  };
  readonly TaskTemplate?: {
    readonly ContainerSpec?: { readonly Image?: string; readonly Env?: readonly string[] | null };
    readonly Resources?: { readonly Limits?: { readonly NanoCPUs?: number; readonly MemoryBytes?: number } };
    readonly ForceUpdate?: number;
  };
}

export interface ServiceFacts {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly CreatedAt?: string;
  readonly Spec: ServiceSpec;
  readonly Endpoint?: {
    readonly Ports?: readonly { readonly Protocol?: string; readonly TargetPort?: number; readonly PublishedPort?: number }[] | null;
  };
  readonly ServiceStatus?: { readonly RunningTasks?: number; readonly DesiredTasks?: number } | null;
  readonly UpdateStatus?: { readonly State?: string; readonly Message?: string } | null;
}

export const STACK = "com.docker.stack.namespace";

const fromFacts = (found: ServiceFacts): z.input<typeof Service> => {
  const { Spec: spec } = found;
  const mode = spec.Mode ?? {};
  return known({
    name: spec.Name,
    id: found.ID,
    mode: mode.Global ? "global" : mode.GlobalJob ? "global-job" : mode.ReplicatedJob ? "replicated-job" : "replicated",
    // A manager pins the digest it resolved: name:tag@sha256:...
    image: (spec.TaskTemplate?.ContainerSpec?.Image ?? "").replace(/@sha256:.*$/, ""),
    replicas: mode.Replicated?.Replicas ?? found.ServiceStatus?.DesiredTasks,
    running: found.ServiceStatus?.RunningTasks,
    ports: (found.Endpoint?.Ports ?? []).map(
      ({ PublishedPort, TargetPort, Protocol }) => `${PublishedPort ?? ""}:${TargetPort ?? ""}/${Protocol ?? "tcp"}`,
    ),
    stack: spec.Labels?.[STACK],
    update_status: found.UpdateStatus?.State ? [found.UpdateStatus.State, found.UpdateStatus.Message].filter(Boolean).join(": ") : undefined,
    created: dateOf(found.CreatedAt),
    tags: tagsOf(spec.Labels),
  });
};

type ItemCall = Pick<CallArgs<DockerClient>, "client" | "signal"> & { readonly key: string };

const find = (args: ItemCall): Promise<ServiceFacts> => swarmItem<ServiceFacts>(args, "service", args.key, ({ Spec }) => Spec.Name === args.key);

/** All services, counted since version 1.41: GET /services?status=true. */
export const allServices = (args: CallArgs<DockerClient>): Promise<ServiceFacts[]> =>
  swarmList<ServiceFacts>(args, "services", "/services", { status: true });

async function change(
  args: ItemCall & Pick<CallArgs<DockerClient>, "note">,
  edit: (spec: ServiceSpec) => ServiceSpec,
  image?: string,
): Promise<void> {
  const found = await find(args);
  const headers = image ? await authHeader(args.client, image, args.signal) : {};
  for (const warning of await swarmUpdate(args, "service", found, edit(found.Spec), headers)) args.note(warning);
}

export const services = kind({
  name: "service",
  about: "A service of the swarm that the engine manages",
  says: ["swarm service"],
  item: Service,
  key: "name",
  alsoBy: ["id"],
  aliases: { list: ["docker_service_ls", "docker_swarm_services"], get: ["docker_service_inspect"] },

  list: async (args) => (await allServices(args)).map(fromFacts),
  get: async (args) => {
    const found = await find(args);
    // Only listings count the tasks.
    const [counted] = await swarmList<ServiceFacts>(args, "services", "/services", { status: true, filters: JSON.stringify({ id: [found.ID] }) });
    return fromFacts(counted ?? found);
  },

  actions: {
    scale: write({
      about: "Change how many tasks a replicated service has",
      idempotent: true,
      aliases: ["docker_service_set_replicas"],
      input: { replicas: z.int().min(0).max(10_000).describe("Tasks wanted") },
      run: async (args) => {
        await change(args, (spec) => {
          if (!spec.Mode?.Replicated)
            throw new ProxMcpError(
              "UNSUPPORTED",
              `Unable to scale service "${args.key}": it is not replicated, the swarm decides how many tasks it has.`,
            );
          return { ...spec, Mode: { Replicated: { Replicas: args.input.replicas } } };
        });
      },
    }),
    update: write({
      about: "Change the image, environment or limits of a service; its tasks are replaced one after the other",
      openWorld: true,
      input: {
        image: z.string().min(1).optional().describe("New image"),
        env: z
          .record(z.string().regex(/^[^=\0]+$/), z.string())
          .optional()
          .describe("Variables to set, beside those it has"),
        memory: z.int().min(1).optional().describe("Memory limit in bytes"),
        cpu: z.number().min(0.01).optional().describe("CPU limit in cores"),
        restart: z.boolean().default(false).describe("Replace its tasks even if nothing changes"),
      },
      run: async (args) => {
        const { image, env, memory, cpu, restart } = args.input;
        await change(
          args,
          (spec) => {
            const task = spec.TaskTemplate ?? {};
            const names = Object.keys(env ?? {});
            const kept = (task.ContainerSpec?.Env ?? []).filter((variable) => !names.includes(variable.split("=", 1)[0] ?? ""));
            return {
              ...spec,
              TaskTemplate: {
                ...task,
                ...(restart ? { ForceUpdate: (task.ForceUpdate ?? 0) + 1 } : {}),
                ContainerSpec: {
                  ...task.ContainerSpec,
                  ...(image ? { Image: image } : {}),
                  ...(env ? { Env: [...kept, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)] } : {}),
                },
                Resources: {
                  ...task.Resources,
                  Limits: {
                    ...task.Resources?.Limits,
                    ...(memory ? { MemoryBytes: memory } : {}),
                    ...(cpu ? { NanoCPUs: Math.round(cpu * 1e9) } : {}),
                  },
                },
              },
            };
          },
          image,
        );
      },
    }),
    logs: read({
      about: "Read the last lines that the tasks of a service printed",
      aliases: ["docker_service_log"],
      input: logInput,
      output: LogOutput,
      run: async (args) => {
        const { max_output, ...input } = args.input;
        const { ID } = await find(args);
        const path = `/services/${encodeURIComponent(ID)}`;
        const log = await readLogs(args.client, path, `service "${args.key}"`, { ...input, maxOutput: max_output }, args.signal);
        if (log.truncated) args.note(`Only the newest ${max_output} bytes are shown. Pass a larger max_output, or until for what is older.`);
        return log;
      },
    }),
  },
});
