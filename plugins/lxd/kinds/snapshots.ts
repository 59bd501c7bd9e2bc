import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { defined } from "../instance/fields.js";
import { pathOf } from "../instance/power.js";
import { moment, type WireInstance, type WireSnapshot } from "../wire.js";

const { kind, write, destructive } = forClient<LxdClient, { instance: string }>();

const Snapshot = z.object({
  name: facet(z.string(), "Name, unique within its instance"),
  instance: facet(z.string(), "Instance it was taken of", { says: ["container", "machine"] }),
  created: facet(z.iso.datetime({ offset: true }), "When it was taken", { says: ["taken", "age"] }).optional(),
  expires: facet(z.string(), "When it is deleted by itself", { says: ["expiry"] }).optional(),
  stateful: facet(z.boolean(), "Whether it holds the memory too"),
  size: facet(z.int(), "Space it takes", { unit: "bytes" }).optional(),
});

const snapshotOf = (wire: WireSnapshot, instance: string, project?: string) =>
  defined({
    // Older servers prefix the name with the instance's.
    name: wire.name.slice(wire.name.lastIndexOf("/") + 1),
    instance,
    project,
    created: moment(wire.created_at),
    expires: moment(wire.expires_at),
    stateful: wire.stateful,
    // -1 from storage that can't tell
    size: wire.size !== undefined && wire.size >= 0 ? wire.size : undefined,
  });

/** How the server writes a moment that never comes. */
const NEVER = "0001-01-01T00:00:00Z";
const snapshotPath = (instance: string, name: string): string => `${pathOf(instance)}/snapshots/${encodeURIComponent(name)}`;

export const snapshots = kind({
  name: "snapshot",
  about: "A saved state of an instance's disk",
  says: ["snapshot", "checkpoint"],
  item: Snapshot,
  key: "name",
  within: { instance: z.string().describe("Its instance") },
  everyday: ["create"],
  aliases: { list: ["lxd_list_snapshots"], get: ["lxd_get_snapshot"] },

  async list({ client, at, signal }) {
    const { instance } = at;
    if (instance !== undefined) {
      const ask = { doing: `list snapshots of instance "${instance}"`, signal, query: { recursion: 1 } };
      const found = await client.get<readonly WireSnapshot[]>(`${pathOf(instance)}/snapshots`, ask);
      return found.map((wire) => snapshotOf(wire, instance));
    }
    // There is no list of all snapshots; those of all instances come with recursion=2, in one request.
    const all = await client.get<readonly WireInstance[]>("/1.0/instances", { doing: "list snapshots", signal, query: { recursion: 2 } });
    return all.flatMap(({ name, project, snapshots: of }) => (of ?? []).map((wire) => snapshotOf(wire, name, project)));
  },

  async get({ client, key, at, signal }) {
    const ask = { doing: `read snapshot "${key}" of instance "${at.instance}"`, signal };
    return snapshotOf(await client.get<WireSnapshot>(snapshotPath(at.instance, key), ask), at.instance);
  },

  actions: {
    create: write({
      about: "Take a snapshot of an instance",
      input: {
        name: z.string().min(1).optional().describe("Default: snap- and the time"),
        stateful: z.boolean().default(false).describe("Keep its memory too"),
        expires: z.iso.datetime().optional().describe("When to delete it"),
      },
      aliases: ["lxd_create_snapshot", "lxd_snapshot_container"],
      async run({ client, at, input, signal, progress }) {
        const key = input.name ?? `snap-${new Date(client.clock.now()).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}`;
        const body = { name: key, stateful: input.stateful, ...(input.expires ? { expires_at: input.expires } : {}) };
        const ask = { doing: `take snapshot "${key}" of instance "${at.instance}"`, signal, progress };
        await client.change("POST", `${pathOf(at.instance)}/snapshots`, body, ask);
        return { key };
      },
    }),

    restore: destructive({
      about: "Put an instance back to a snapshot; a running one is restarted",
      loses: "Everything on the instance's disk since the snapshot is lost.",
      input: { stateful: z.boolean().default(false).describe("Restore the memory too") },
      aliases: ["lxd_restore_snapshot"],
      async run({ client, key, at, input, signal, progress }) {
        const ask = { doing: `restore snapshot "${key}" of instance "${at.instance}"`, signal, progress };
        await client.change("PUT", pathOf(at.instance), { restore: key, stateful: input.stateful }, ask);
      },
    }),

    update: write({
      about: "Say when a snapshot is deleted by itself",
      input: { expires: z.union([z.iso.datetime({ offset: true }), z.literal("never")]).describe("When to delete it, or never") },
      async run({ client, key, at, input: { expires }, signal, progress }) {
        const ask = { doing: `change snapshot "${key}" of instance "${at.instance}"`, signal, progress };
        await client.change("PUT", snapshotPath(at.instance, key), { expires_at: expires === "never" ? NEVER : expires }, ask);
      },
    }),

    rename: write({
      about: "Give a snapshot another name",
      input: { new_name: z.string().min(1).describe("Its new name") },
      aliases: ["lxd_rename_snapshot"],
      async run({ client, key, at, input: { new_name: name }, signal, progress }) {
        const ask = { doing: `rename snapshot "${key}" of instance "${at.instance}" to "${name}"`, signal, progress };
        await client.change("POST", snapshotPath(at.instance, key), { name }, ask);
        return { key: name };
      },
    }),

    delete: destructive({
      about: "Delete a snapshot",
      loses: "Deletes the snapshot; the instance stays as it is.",
      aliases: ["lxd_delete_snapshot"],
      async run({ client, key, at, signal, progress }) {
        await client.change("DELETE", snapshotPath(at.instance, key), undefined, {
          doing: `delete snapshot "${key}" of instance "${at.instance}"`,
          signal,
          progress,
        });
      },
    }),
  },
});
