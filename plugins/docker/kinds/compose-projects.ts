import { type CallArgs, facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "../client.js";
import { compose } from "../compose-command.js";
import { Place, placeOf, Project, projectOf } from "../compose-item.js";
import { type Member, membersOf, restartOrder } from "../compose.js";
import { LogOutput, maxOutput } from "../container-inside.js";
import { readLogs } from "../logs.js";
import { volumesLoss } from "../losses.js";
import { countText, namesText } from "../words.js";

const { kind, read, write, destructive } = forClient<DockerClient>();

type Call = Pick<CallArgs<DockerClient>, "client" | "signal">;

async function find({ client, key, signal }: Call & { readonly key: string }): Promise<Member[]> {
  const members = (await membersOf(client, signal, key)).get(key);
  if (!members) throw new ProxMcpError("NOT_FOUND", `There is no compose project "${key}".`);
  return members;
}

function chosen(members: readonly Member[], key: string, wanted: readonly string[] | undefined): readonly Member[] {
  const unknown = wanted?.filter((name) => !members.some(({ service }) => service === name)) ?? [];
  if (unknown.length) throw new ProxMcpError("NOT_FOUND", `Compose project "${key}" has no service ${namesText(unknown)}.`);
  return wanted ? members.filter(({ service }) => wanted.includes(service)) : members;
}

/** `-p` alone is enough to take a project down; to bring it up its files are needed. */
const projectArgs = (name: string, folder: string | undefined, files: readonly string[]): string[] => [
  ...["-p", name],
  ...(folder ? ["--project-directory", folder] : []),
  ...files.flatMap((file) => ["-f", file]),
];

const named = z
  .array(z.string().regex(/^[\w.-]+$/))
  .min(1)
  .optional()
  .describe("Only these services");
const path = z.string().regex(/^\//, "an absolute path");
const LONG = 3600;

export const composeProjects = kind({
  name: "compose_project",
  about: "A compose project: services that were brought up together",
  says: ["project", "compose stack", "compose"],
  item: Project,
  key: "name",
  aliases: { list: ["docker_compose_ls", "docker_compose_list"], get: ["docker_compose_get"] },

  list: async ({ client, signal }) => [...(await membersOf(client, signal))].map(([name, members]) => projectOf(name, members)),
  get: async (args) => {
    const members = await find(args);
    return { ...projectOf(args.key, members), states: members.map(placeOf) };
  },

  actions: {
    up: write({
      about: "Bring a compose project up, or change it to what its files say; needs the docker compose plugin",
      idempotent: true,
      openWorld: true,
      timeout: LONG,
      aliases: ["docker_compose_up"],
      input: {
        folder: path.optional().describe("Where its files are; needed once"),
        files: z.array(path).min(1).optional().describe("Its compose files"),
        services: named,
        build: z.boolean().default(false).describe("Build its images first"),
        pull: z.boolean().default(false).describe("Fetch newer images first"),
        remove_orphans: z.boolean().default(false).describe("Delete containers of services that are no more"),
      },
      run: async ({ client, key, input, signal }) => {
        const known = (await membersOf(client, signal, key)).get(key);
        const before = known && projectOf(key, known);
        const folder = input.folder ?? before?.folder;
        const files = input.files ?? (input.folder ? [] : (before?.files ?? []));
        if (!folder && files.length === 0)
          throw new ProxMcpError("INVALID_INPUT", `There is no compose project "${key}" yet: say in which folder its files are.`, {
            data: { field: "folder" },
          });
        const flags = [
          ...(input.build ? ["--build"] : []),
          ...(input.pull ? ["--pull", "always"] : []),
          ...(input.remove_orphans ? ["--remove-orphans"] : []),
        ];
        await compose(
          client,
          `bring up compose project "${key}"`,
          [...projectArgs(key, folder, files), "up", "-d", ...flags, ...(input.services ?? [])],
          signal,
        );
      },
    }),
    down: destructive({
      about: "Take a compose project down: deletes its containers and networks; needs the docker compose plugin",
      loses: async (args) => {
        const members = await find(args);
        const gone = `${countText(members.length, "container")} would be deleted: ${namesText(members.map(({ item }) => item.name))}.`;
        if (!args.input.volumes) return `${gone} Its volumes are kept.`;
        const filters = JSON.stringify({ label: [`com.docker.compose.project=${args.key}`] });
        const { Volumes } = await args.client.json<{ Volumes?: { Name: string }[] | null }>({
          what: "list volumes",
          path: "/volumes",
          query: { filters },
          signal: args.signal,
        });
        return `${gone} ${Volumes?.length ? volumesLoss(Volumes) : "It has no volumes."}`;
      },
      timeout: LONG,
      aliases: ["docker_compose_down"],
      input: {
        volumes: z.boolean().default(false).describe("Delete its volumes too, with their data"),
        remove_orphans: z.boolean().default(false).describe("Delete containers of services that are no more"),
        timeout: z.int().min(0).max(3600).optional().describe("Seconds before a container is killed"),
      },
      output: z.object({ down: facet(z.boolean(), "Nothing of it is left"), left: facet(z.array(z.string()), "Containers that are still there") }),
      run: async ({ client, key, input, signal }) => {
        const before = projectOf(key, await find({ client, key, signal }));
        const flags = [
          ...(input.volumes ? ["-v"] : []),
          ...(input.remove_orphans ? ["--remove-orphans"] : []),
          ...(input.timeout === undefined ? [] : ["-t", String(input.timeout)]),
        ];
        await compose(client, `take down compose project "${key}"`, [...projectArgs(key, before.folder, before.files), "down", ...flags], signal);
        const left = (await membersOf(client, signal, key)).get(key) ?? [];
        return { down: left.length === 0, left: left.map(({ item }) => item.name) };
      },
    }),
    restart: write({
      about: "Restart the containers of a compose project, those first that others depend on",
      timeout: LONG,
      aliases: ["docker_compose_restart"],
      input: { services: named, timeout: z.int().min(0).max(3600).optional().describe("Seconds before a container is killed") },
      run: async ({ client, key, input, signal, progress }) => {
        const members = chosen(await find({ client, key, signal }), key, input.services).filter(({ once }) => !once);
        let done = 0;
        for (const step of restartOrder(members))
          await Promise.all(
            step.map(async ({ item }) => {
              await client.done({
                what: `restart container "${item.name}"`,
                method: "POST",
                path: `/containers/${encodeURIComponent(item.name)}/restart`,
                query: { t: input.timeout },
                signal,
              });
              progress({ progress: (done += 1), total: members.length, message: item.name });
            }),
          );
      },
    }),
    ps: read({
      about: "List the containers of a compose project with their states",
      aliases: ["docker_compose_ps"],
      input: { services: named },
      output: z.object({ containers: z.array(Place) }),
      run: async (args) => ({ containers: chosen(await find(args), args.key, args.input.services).map(placeOf) }),
    }),
    logs: read({
      about: "Read the last lines that each container of a compose project printed",
      aliases: ["docker_compose_logs"],
      input: {
        services: named,
        tail: z.int().min(1).max(10_000).default(50).describe("Lines of each, from the end"),
        since: z.string().optional().describe('Time, or "10m", "2h" ago'),
        until: z.string().optional(),
        timestamps: z.boolean().default(false),
        max_output: maxOutput,
      },
      output: z.object({ logs: z.array(LogOutput.extend({ container: z.string(), service: z.string() })) }),
      run: async ({ client, key, input, note, signal }) => {
        const members = chosen(await find({ client, key, signal }), key, input.services);
        const { max_output, services: _, ...options } = input;
        const each = Math.max(100, Math.floor(max_output / Math.max(1, members.length)));
        const logs = [];
        for (const { item, service } of members) {
          const log = await readLogs(
            client,
            `/containers/${encodeURIComponent(item.name)}`,
            `container "${item.name}"`,
            { ...options, maxOutput: each },
            signal,
          );
          logs.push({ container: item.name, service, ...log });
        }
        if (logs.some(({ truncated }) => truncated))
          note(`Of each container the newest ${each} bytes are shown. Name services, or pass a larger max_output, for more.`);
        return { logs };
      },
    }),
  },
});
