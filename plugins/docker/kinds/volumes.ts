import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "../client.js";

const { kind } = forClient<DockerClient>();

const Volume = z.object({
  name: facet(z.string(), "Name"),
  driver: facet(z.string(), "Driver that keeps it", { says: ["type"] }),
  mountpoint: facet(z.string(), "Where it lies on the host", { says: ["path", "folder"] }).optional(),
  scope: facet(z.string(), "local, or global", { says: ["reach"] }).optional(),
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

export const volumes = kind({
  name: "volume",
  about: "A named store that outlives containers",
  says: ["volume", "docker volume"],
  item: Volume,
  key: "name",
  aliases: { list: ["docker_volumes", "docker_list_volumes", "docker_volume_ls"] },
  list: async ({ client, signal, note }) => {
    const { Volumes, Warnings } = await client.json<VolumeListing>({ what: "list volumes", path: "/volumes", signal });
    for (const warning of Warnings ?? []) note(warning);
    return (Volumes ?? []).map(({ Name, Driver, Mountpoint, Scope, CreatedAt, Labels }) => {
      const created = Date.parse(CreatedAt ?? "");
      return {
        name: Name,
        driver: Driver,
        ...(Mountpoint ? { mountpoint: Mountpoint } : {}),
        ...(Scope ? { scope: Scope } : {}),
        ...(created > 0 ? { created: new Date(created).toISOString() } : {}),
        tags: Object.entries(Labels ?? {}).map(([key, value]) => `${key}=${value}`),
      };
    });
  },
});
