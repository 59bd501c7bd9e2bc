import type { DockerClient } from "./client.js";
import { type ContainerItem, type ContainerSummary, fromSummary } from "./container-item.js";

const LABEL = "com.docker.compose.";

/** A container of a compose project, and what its labels say of it. */
export interface Member {
  readonly item: ContainerItem;
  readonly service: string;
  readonly folder?: string;
  readonly files: readonly string[];
  /** Services that have to run before it. */
  readonly needs: readonly string[];
  /** Run by hand, with `docker compose run`. */
  readonly once: boolean;
}

/** The containers of all projects, or of one, by project. Compose writes on each container where it belongs. */
export async function membersOf(client: DockerClient, signal: AbortSignal, project?: string): Promise<Map<string, Member[]>> {
  const label = project === undefined ? `${LABEL}project` : `${LABEL}project=${project}`;
  const found = await client.json<ContainerSummary[]>({
    what: "list containers of compose projects",
    path: "/containers/json",
    query: { all: true, filters: JSON.stringify({ label: [label] }) },
    signal,
  });
  const projects = new Map<string, Member[]>();
  for (const summary of found) {
    const labels = summary.Labels ?? {};
    const name = labels[`${LABEL}project`] ?? "";
    const members = projects.get(name) ?? [];
    projects.set(name, members);
    const folder = labels[`${LABEL}project.working_dir`];
    members.push({
      item: fromSummary(summary),
      service: labels[`${LABEL}service`] ?? "",
      ...(folder ? { folder } : {}),
      files: (labels[`${LABEL}project.config_files`] ?? "").split(",").filter(Boolean),
      // "db:service_healthy:false,cache:service_started:true"
      needs: (labels[`${LABEL}depends_on`] ?? "").split(",").flatMap((one) => one.split(":", 1)[0] || []),
      once: /^true$/i.test(labels[`${LABEL}oneoff`] ?? ""),
    });
  }
  for (const members of projects.values()) members.sort((a, b) => (a.item.name < b.item.name ? -1 : 1));
  return projects;
}

/** It has done its work. */
export const ended = ({ item }: Member): boolean => item.status === "exited" && item.exit_code === 0;

/** In steps: a container comes after those of the services that it needs. What needs each other comes in one last step. */
export function restartOrder(members: readonly Member[]): Member[][] {
  const steps: Member[][] = [];
  let waiting = [...members];
  while (waiting.length > 0) {
    const missing = new Set(waiting.map(({ service }) => service));
    const ready = waiting.filter(({ needs }) => !needs.some((service) => missing.has(service)));
    if (ready.length === 0) return [...steps, waiting];
    steps.push(ready);
    waiting = waiting.filter((member) => !ready.includes(member));
  }
  return steps;
}
