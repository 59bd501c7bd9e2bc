import { facet, forClient, isProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { defined, memberName } from "../instance/fields.js";
import { listVolumes, type Place, volumePath, volumesOf } from "../storage/volumes.js";
import type { WireVolumeSnapshot } from "../storage/wire.js";
import { moment } from "../wire.js";
import { poolsFor } from "./storage-volumes.js";

interface Within extends Place {
  readonly volume: string;
}
const { kind, write, destructive } = forClient<LxdClient, Within>();

const Snapshot = z.object({
  name: facet(z.string(), "Name, unique within its volume"),
  volume: facet(z.string(), "Custom volume it was taken of"),
  pool: facet(z.string(), "Storage pool it is in", { says: ["storage pool"], place: true }),
  node: facet(z.string(), "Cluster member it is on", { says: ["member", "location"], place: true }).optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it was taken", { says: ["taken", "age"] }).optional(),
  expires: facet(z.iso.datetime({ offset: true }), "When it is deleted by itself", { says: ["expiry"] }).optional(),
  description: facet(z.string(), "Its owner's words").optional(),
});
type Item = z.input<typeof Snapshot>;

/** How the server writes a moment that never comes. */
const NEVER = "0001-01-01T00:00:00Z";
const snapshotsPath = ({ pool, volume }: Within): string => `${volumePath(pool, volume)}/snapshots`;
const pathOf = (at: Within, name: string): string => `${snapshotsPath(at)}/${encodeURIComponent(name)}`;

const snapshotOf = (wire: WireVolumeSnapshot, { pool, volume, node }: Within): Item =>
  defined({
    // Lists prefix the name with the volume's.
    name: wire.name.slice(wire.name.lastIndexOf("/") + 1),
    volume,
    pool,
    node,
    created: moment(wire.created_at),
    expires: moment(wire.expires_at ?? undefined),
    description: wire.description || undefined,
  });

const asking = (what: string, key: string, { volume, pool, node }: Within) => ({
  doing: `${what} snapshot "${key}" of volume "${volume}" in storage pool "${pool}"`,
  query: { target: node },
});

export const storageVolumeSnapshots = kind({
  name: "storage_volume_snapshot",
  about: "A saved state of a custom volume",
  says: ["volume snapshot"],
  item: Snapshot,
  key: "name",
  within: {
    pool: z.string().describe("Storage pool it is in"),
    volume: z.string().describe("Custom volume it was taken of"),
    node: z.string().optional().describe("Cluster member, where several have the volume"),
  },

  async list({ client, at, signal }) {
    const parts = await Promise.all(
      (await poolsFor({ client, signal }, at.pool)).map(async (pool) => {
        try {
          const ask = { doing: `list the volume snapshots of storage pool "${pool}"`, signal };
          const found = (await listVolumes(client, pool, ask)).filter(({ type }) => type === "custom");
          const { volumes, snapshots } = volumesOf(found);
          const wanted = volumes.filter(
            (one) => snapshots(one) > 0 && (at.volume === undefined || one.name === at.volume) && (at.node === undefined || one.location === at.node),
          );
          const items = await Promise.all(
            wanted.map(async ({ name: volume, location }) => {
              const within = { pool, volume, node: memberName(location) };
              const query = { recursion: 1, target: within.node };
              if (!within.node) {
                const wires = await client.get<readonly WireVolumeSnapshot[] | null>(snapshotsPath(within), { ...ask, query });
                return (wires ?? []).map((wire) => snapshotOf(wire, within));
              }
              // In a cluster the list knows those of the member that is asked only; one by one they are found wherever they are.
              const names = found.flatMap((one) =>
                one.name.startsWith(`${volume}/`) && one.location === location ? [one.name.slice(volume.length + 1)] : [],
              );
              const wires = await Promise.all(names.map((name) => client.get<WireVolumeSnapshot>(pathOf(within, name), { ...ask, query })));
              return wires.map((wire) => snapshotOf(wire, within));
            }),
          );
          return { items: items.flat(), errors: [] };
        } catch (error) {
          if (at.pool !== undefined || signal.aborted || !isProxMcpError(error)) throw error;
          return { items: [], errors: [{ ...error.report(), source: pool }] };
        }
      }),
    );
    return { items: parts.flatMap(({ items }) => items), errors: parts.flatMap(({ errors }) => errors) };
  },

  async get({ client, key, at, signal }) {
    return snapshotOf(await client.get<WireVolumeSnapshot>(pathOf(at, key), { ...asking("read", key, at), signal }), at);
  },

  actions: {
    create: write({
      about: "Take a snapshot of a custom volume",
      input: {
        name: z.string().min(1).optional().describe("Its name, default: snap- and the time"),
        expires: z.iso.datetime({ offset: true }).optional().describe("When to delete it"),
      },
      async run({ client, at, input, signal, progress }) {
        const { expires } = input;
        const key = input.name ?? `snap-${new Date(client.clock.now()).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}`;
        const body = { name: key, ...(expires ? { expires_at: expires } : {}) };
        await client.change("POST", snapshotsPath(at), body, { ...asking("take", key, at), signal, progress });
        return { key };
      },
    }),

    restore: destructive({
      about: "Put a custom volume that no running instance uses back to a snapshot",
      loses: "Everything on the volume since the snapshot is lost.",
      async run({ client, key, at, signal, progress }) {
        await client.change("PUT", volumePath(at.pool, at.volume), { restore: key }, { ...asking("restore", key, at), signal, progress });
      },
    }),

    update: write({
      about: "Say when a volume snapshot is deleted by itself, or describe it",
      input: {
        expires: z
          .union([z.iso.datetime({ offset: true }), z.literal("never")])
          .optional()
          .describe("When to delete it, or never"),
        description: z.string().optional().describe("Free text"),
      },
      async run({ client, key, at, input: { expires, description }, signal, progress }) {
        const before = await client.get<WireVolumeSnapshot>(pathOf(at, key), { ...asking("read", key, at), signal });
        const body = {
          description: description ?? before.description ?? "",
          expires_at: expires === undefined ? (before.expires_at ?? NEVER) : expires === "never" ? NEVER : expires,
        };
        await client.change("PUT", pathOf(at, key), body, { ...asking("change", key, at), signal, progress });
      },
    }),

    rename: write({
      about: "Give a volume snapshot another name",
      input: { new_name: z.string().min(1).describe("Its new name") },
      async run({ client, key, at, input: { new_name: name }, signal, progress }) {
        await client.change("POST", pathOf(at, key), { name }, { ...asking("rename", key, at), signal, progress });
        return { key: name };
      },
    }),

    delete: destructive({
      about: "Delete a volume snapshot",
      loses: "Deletes the snapshot; the volume stays as it is.",
      async run({ client, key, at, signal, progress }) {
        await client.change("DELETE", pathOf(at, key), undefined, { ...asking("delete", key, at), signal, progress });
      },
    }),
  },
});
