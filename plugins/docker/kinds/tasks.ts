import { type CallArgs, facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "../client.js";
import { swarmItem, swarmList } from "../swarm.js";
import { dateOf, known, shortId } from "../words.js";

const { kind } = forClient<DockerClient>();

const STATES = [
  "new",
  "allocated",
  "pending",
  "assigned",
  "accepted",
  "preparing",
  "ready",
  "starting",
  "running",
  "complete",
  "shutdown",
  "failed",
  "rejected",
  "remove",
  "orphaned",
] as const;

const Task = z.object({
  id: facet(z.string(), "Id"),
  name: facet(z.string(), "Service and number, as in web.1"),
  service: facet(z.string(), "Its service"),
  node: facet(z.string(), "Node it runs on", { place: true }).optional(),
  status: facet(z.enum(STATES), "State now", {
    says: ["state"],
    values: { running: ["up"], failed: ["broken"], complete: ["finished"], shutdown: ["stopped"] },
  }),
  wanted: facet(z.enum(STATES), "State that the swarm wants"),
  error: facet(z.string(), "Why it failed").optional(),
  exit_code: facet(z.int(), "How it ended").optional(),
  image: facet(z.string(), "Image it runs"),
  container: facet(z.string(), "First 12 digits of its container's id").optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it was made", { says: ["age"] }).optional(),
});

interface TaskFacts {
  readonly ID: string;
  readonly CreatedAt?: string;
  readonly ServiceID?: string;
  readonly NodeID?: string;
  readonly Slot?: number;
  readonly Spec?: { readonly ContainerSpec?: { readonly Image?: string } };
  readonly Status?: {
    readonly State?: string;
    readonly Err?: string;
    readonly ContainerStatus?: { readonly ContainerID?: string; readonly ExitCode?: number } | null;
  };
  readonly DesiredState?: string;
}

/** Tasks name their service and node by id alone. */
async function names(
  args: Pick<CallArgs<DockerClient>, "client" | "signal">,
): Promise<{ services: ReadonlyMap<string, string>; nodes: ReadonlyMap<string, string> }> {
  const quiet = { ...args, note: () => {} };
  const [services, nodes] = await Promise.all([
    swarmList<{ ID: string; Spec: { Name: string } }>(quiet, "services", "/services"),
    swarmList<{ ID: string; Description?: { Hostname?: string } }>(quiet, "nodes", "/nodes"),
  ]);
  return {
    services: new Map(services.map(({ ID, Spec }) => [ID, Spec.Name])),
    nodes: new Map(nodes.map(({ ID, Description }) => [ID, Description?.Hostname || ID])),
  };
}

function fromFacts(found: TaskFacts, { services, nodes }: Awaited<ReturnType<typeof names>>): z.input<typeof Task> {
  const service = services.get(found.ServiceID ?? "") ?? found.ServiceID ?? "";
  const state = (found.Status?.State ?? "new") as (typeof STATES)[number];
  const ended = ["complete", "shutdown", "failed", "rejected"].includes(state);
  return known({
    id: found.ID,
    // A task of a global service has no number: it is called by its node.
    name: `${service}.${found.Slot ?? found.NodeID ?? found.ID}`,
    service,
    node: found.NodeID ? (nodes.get(found.NodeID) ?? found.NodeID) : undefined,
    status: state,
    wanted: (found.DesiredState ?? "running") as (typeof STATES)[number],
    error: found.Status?.Err || undefined,
    exit_code: ended ? found.Status?.ContainerStatus?.ExitCode : undefined,
    image: (found.Spec?.ContainerSpec?.Image ?? "").replace(/@sha256:.*$/, ""),
    container: found.Status?.ContainerStatus?.ContainerID ? shortId(found.Status.ContainerStatus.ContainerID) : undefined,
    created: dateOf(found.CreatedAt),
  });
}

export const tasks = kind({
  name: "task",
  about: "A task of a service of the swarm: one container, running or ended",
  says: ["swarm task"],
  item: Task,
  key: "id",
  aliases: { list: ["docker_service_ps", "docker_swarm_tasks"], get: ["docker_task_inspect"] },

  list: async (args) => {
    const [found, known] = await Promise.all([swarmList<TaskFacts>(args, "tasks", "/tasks"), names(args)]);
    return found.map((task) => fromFacts(task, known));
  },
  get: async (args) => {
    const found = await swarmItem<TaskFacts>(args, "task", args.key);
    return fromFacts(found, await names(args));
  },
});
