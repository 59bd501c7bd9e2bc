import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import { type ContainariumClient, pathOf } from "../client.ts";
import { nameIn, ofEachContainer } from "../each-container.ts";
import { intOf, known, type WireSnapshot } from "../wire.ts";

const { kind, write, destructive } = forClient<ContainariumClient, { username: string }>();

const Snapshot = z.object({
  name: facet(z.string(), "Name, unique within its container"),
  username: facet(z.string(), "User whose container it was taken of", { says: ["container", "user", "owner"] }),
  size: facet(z.int(), "Space that deleting it would free", { says: ["space"], unit: "bytes" }).optional(),
  referenced: facet(z.int(), "All that it holds, shared with the container or not", { unit: "bytes" }).optional(),
});

const path = (username: string, ...rest: string[]): string => pathOf(username, "snapshots", ...rest);

export const snapshots = kind({
  name: "snapshot",
  about: "The disk of a container at one moment",
  says: ["snapshot", "restore point"],
  item: Snapshot,
  key: "name",
  within: { username: z.string().min(1).describe("Whose container") },
  // Oldest first.
  order: "platform",
  aliases: { list: ["list_container_snapshots"] },

  list: ({ client, at, where, signal }) =>
    ofEachContainer({
      client,
      signal,
      username: at.username ?? nameIn(where, "username"),
      async read(username) {
        const ask = { doing: `list the snapshots of ${username}`, signal };
        const { snapshots: found = [] } = await client.get<{ snapshots?: readonly WireSnapshot[] }>(path(username), ask);
        return found.map(({ name, usedBytes, referencedBytes }) =>
          known<z.output<typeof Snapshot>>({ name, username, size: intOf(usedBytes), referenced: intOf(referencedBytes) }),
        );
      },
    }),

  actions: {
    create: write({
      about: "Take a snapshot of a container's disk, running or not",
      aliases: ["create_container_snapshot"],
      input: { name: z.string().min(1).describe("Its name") },
      async run({ client, at: { username }, input: { name }, signal }) {
        await client.post(path(username), { doing: `take snapshot ${name} of ${username}`, json: { name }, signal });
        return { key: name };
      },
    }),

    restore: destructive({
      about: "Put a container's disk back to a snapshot; it is left stopped",
      loses: "Everything written since the snapshot is lost; with destroy_newer, the snapshots taken after it too.",
      aliases: ["rollback_container_snapshot"],
      input: {
        force: z.boolean().default(false).describe("Stop the container first if it runs"),
        destroy_newer: z.boolean().default(false).describe("Delete the snapshots taken after it, which are in the way"),
      },
      output: z.object({
        message: facet(z.string(), "What was done"),
        stopped: facet(z.boolean(), "The container was stopped for it, and stays so"),
        destroyed: facet(z.array(z.string()), "Snapshots that are gone"),
      }),
      async run({ client, key, at: { username }, input, signal }) {
        const json = { force: input.force, destroyNewer: input.destroy_newer };
        const ask = { doing: `put ${username} back to snapshot ${key}`, json, signal };
        const done = await client.post<{ message?: string; containerStopped?: boolean; destroyedSnapshots?: readonly string[] }>(
          path(username, key, "rollback"),
          ask,
        );
        return { message: done.message ?? "", stopped: done.containerStopped ?? false, destroyed: [...(done.destroyedSnapshots ?? [])] };
      },
    }),

    delete: destructive({
      about: "Delete a snapshot",
      loses: "The container can't be put back to it any more; the container itself stays as it is.",
      aliases: ["delete_container_snapshot"],
      async run({ client, key, at: { username }, signal }) {
        await client.delete(path(username, key), { doing: `delete snapshot ${key} of ${username}`, signal });
      },
    }),
  },
});
