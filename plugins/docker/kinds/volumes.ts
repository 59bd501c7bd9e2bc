import { facet, forClient, isProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "../client.js";
import { volumesLoss } from "../losses.js";
import { diskUsage, unusedAmong } from "../usage.js";
import { countText, dateOf, known, namesText, sizeText, tagsOf } from "../words.js";

const { kind, write, destructive } = forClient<DockerClient>();

const Volume = z.object({
  name: facet(z.string(), "Name"),
  driver: facet(z.string(), "Driver that keeps it", { says: ["type"] }),
  mountpoint: facet(z.string(), "Where it lies on the host", { says: ["path", "folder"] }).optional(),
  scope: facet(z.string(), "local, or global", { says: ["reach"] }).optional(),
  in_use: facet(z.boolean(), "A container has it; only when asked for", { onDemand: true }).optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it was made", { says: ["age"] }).optional(),
  tags: facet(z.array(z.string()), "Labels, key=value", { says: ["labels", "label"] }),
});

interface VolumeFacts {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint?: string;
  readonly Scope?: string;
  readonly CreatedAt?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
}

interface VolumeListing {
  readonly Volumes?: readonly VolumeFacts[] | null;
  /** A driver that can't be asked is a sentence here, not a failure. */
  readonly Warnings?: readonly string[] | null;
}

const fromFacts = ({ Name, Driver, Mountpoint, Scope, CreatedAt, Labels }: VolumeFacts): z.input<typeof Volume> =>
  known({
    name: Name,
    driver: Driver,
    mountpoint: Mountpoint || undefined,
    scope: Scope || undefined,
    created: dateOf(CreatedAt),
    tags: tagsOf(Labels),
  });

const pathOf = (key: string): string => `/volumes/${encodeURIComponent(key)}`;

/**
 * Deletes just those, one by one. POST /volumes/prune takes named volumes as well before version 1.42 and leaves them from then on; what
 * was confirmed has to be what goes.
 */
export async function pruneVolumes(
  client: DockerClient,
  all: boolean,
  signal: AbortSignal,
): Promise<{ deleted: string[]; disk_freed: number; kept: string[] }> {
  const deleted: string[] = [];
  const kept: string[] = [];
  let freed = 0;
  for (const { Name, UsageData } of unusedAmong(await diskUsage(client, signal, "volume"), all)) {
    try {
      await client.done({ what: `delete volume "${Name}"`, method: "DELETE", path: pathOf(Name), signal });
      deleted.push(Name);
      freed += Math.max(0, UsageData?.Size ?? 0);
    } catch (error) {
      // A container may have taken it since.
      if (!isProxMcpError(error) || error.code !== "WRONG_STATE") throw error;
      kept.push(Name);
    }
  }
  return { deleted, disk_freed: freed, kept };
}

export const volumes = kind({
  name: "volume",
  about: "A named store that outlives containers",
  says: ["volume", "docker volume"],
  item: Volume,
  key: "name",
  aliases: { list: ["docker_volumes", "docker_list_volumes", "docker_volume_ls"], get: ["docker_volume_inspect"] },

  list: async ({ client, signal, note, needs }) => {
    const list = (query: Record<string, string>) => client.json<VolumeListing>({ what: "list volumes", path: "/volumes", query, signal });
    const [{ Volumes, Warnings }, unused] = await Promise.all([
      list({}),
      needs.has("in_use") ? list({ filters: JSON.stringify({ dangling: ["true"] }) }) : undefined,
    ]);
    for (const warning of Warnings ?? []) note(warning);
    const idle = unused && new Set((unused.Volumes ?? []).map(({ Name }) => Name));
    return (Volumes ?? []).map((volume) => ({ ...fromFacts(volume), ...(idle ? { in_use: !idle.has(volume.Name) } : {}) }));
  },

  get: async ({ client, key, signal }) => fromFacts(await client.json<VolumeFacts>({ what: `show volume "${key}"`, path: pathOf(key), signal })),

  actions: {
    create: write({
      about: "Create a volume",
      aliases: ["docker_create_volume"],
      idempotent: true,
      input: {
        name: z
          .string()
          .regex(/^[a-zA-Z0-9][\w.-]+$/, "at least two letters, digits, `_`, `.` or `-`")
          .describe("Its name"),
        driver: z.string().min(1).default("local").describe("Driver that keeps it"),
        options: z.record(z.string().min(1), z.string()).optional().describe("Options of the driver"),
        labels: z.record(z.string().min(1), z.string()).optional().describe("Labels"),
      },
      run: async ({ client, input: { name, driver, options, labels }, signal }) => {
        await client.done({
          what: `create volume "${name}"`,
          method: "POST",
          path: "/volumes/create",
          json: { Name: name, Driver: driver, ...(options ? { DriverOpts: options } : {}), ...(labels ? { Labels: labels } : {}) },
          signal,
        });
      },
    }),
    delete: destructive({
      about: "Delete a volume with all its data",
      loses: async ({ client, key, signal }) => {
        await client.done({ what: `show volume "${key}"`, path: pathOf(key), signal });
        const [{ Volumes }, users] = await Promise.all([
          diskUsage(client, signal, "volume"),
          client.json<{ Names: string[] }[]>({
            what: "list containers",
            path: "/containers/json",
            query: { all: true, filters: JSON.stringify({ volume: [key] }) },
            signal,
          }),
        ]);
        const size = Volumes?.find(({ Name }) => Name === key)?.UsageData?.Size ?? -1;
        const used = users.length
          ? ` In ${countText(users.length, "container")}: ${namesText(users.map(({ Names }) => Names[0]?.slice(1) ?? ""))}.`
          : " No container uses it.";
        return `All its data is lost${size >= 0 ? `: ${sizeText(size)}` : ""}.${used}`;
      },
      aliases: ["docker_volume_rm", "docker_remove_volume"],
      input: { force: z.boolean().optional().describe("Even if its driver can't be asked") },
      run: async ({ client, key, input: { force }, signal }) => {
        await client.done({ what: `delete volume "${key}"`, method: "DELETE", path: pathOf(key), query: { force }, signal });
      },
    }),
    prune: destructive({
      about: "Delete volumes that no container uses: those without a name, or all",
      loses: async ({ client, input, signal }) => volumesLoss(unusedAmong(await diskUsage(client, signal, "volume"), input.all)),
      aliases: ["docker_prune_volumes"],
      input: { all: z.boolean().default(false).describe("Those with a name too") },
      output: z.object({ deleted: facet(z.array(z.string()), "Their names"), disk_freed: facet(z.int(), "Bytes freed", { unit: "bytes" }) }),
      run: async ({ client, input, note, signal }) => {
        const { kept, ...done } = await pruneVolumes(client, input.all, signal);
        if (kept.length) note(`In use meanwhile, and kept: ${namesText(kept)}.`);
        return done;
      },
    }),
  },
});
