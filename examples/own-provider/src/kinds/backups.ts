import { facet, forClient, secret } from "proxmcp/plugin";
import { z } from "zod";
import { Backup, backupOf, Verification, verificationOf } from "../backup-item.ts";
import type { ContainariumClient } from "../client.ts";
import { nameIn } from "../each-container.ts";
import type { WireBackup, WireVerification } from "../wire.ts";

const { kind, write, destructive } = forClient<ContainariumClient>();

/** How the database is reached from inside its container. */
const login = {
  db_user: z.string().optional().describe("Role, default postgres"),
  db_password: secret(z.string(), "Its password").optional(),
  db_host: z.string().optional().describe("Default 127.0.0.1"),
  db_port: z.int().min(1).max(65_535).optional().describe("Default 5432"),
};
const database = (about: string) => z.string().min(1).optional().describe(about);

interface Login {
  readonly database?: string | undefined;
  readonly db_user?: string | undefined;
  readonly db_password?: string | undefined;
  readonly db_host?: string | undefined;
  readonly db_port?: number | undefined;
}

const connectionOf = ({ database: name, db_user: user, db_password: password, db_host: host, db_port: port }: Login) => ({
  connection: { database: name, user, password, host, port },
});

const path = (...parts: string[]): string => ["/v1/backups", ...parts.map(encodeURIComponent)].join("/");

export const backups = kind({
  name: "backup",
  about: "A dump of a database in a container, kept elsewhere",
  says: ["backup", "database backup", "dump"],
  item: Backup,
  key: "id",
  // Newest first.
  order: "platform",
  aliases: { list: ["list_backups"], get: ["get_backup"] },

  async list({ client, where, signal }) {
    const ask = { doing: "list backups", query: { username: nameIn(where, "username") }, signal };
    const { records = [] } = await client.get<{ records?: readonly WireBackup[] }>(path(), ask);
    return records.map(backupOf);
  },

  async get({ client, key, signal }) {
    return backupOf((await client.get<{ record: WireBackup }>(path(key), { doing: `read backup ${key}`, signal })).record);
  },

  actions: {
    create: write({
      about: "Dump one database of a user's container, or all of them",
      aliases: ["create_backup"],
      timeout: 1800,
      input: {
        username: z.string().min(1).describe("Whose container"),
        database: database("Default: all"),
        destination: z.enum(["local", "gcs"]).default("local").describe("The backend's disk, or Google Cloud Storage"),
        bucket: z.string().optional().describe("For gcs: gs://bucket/prefix"),
        ...login,
      },
      output: z.object({
        backups: facet(z.array(Backup), "What was made"),
        failures: facet(z.array(z.string()), "Databases that could not be dumped, and why"),
      }),
      async run({ client, input, signal }) {
        const { username, destination, bucket } = input;
        const json = { username, ...connectionOf(input), destination: `BACKUP_DESTINATION_${destination.toUpperCase()}`, gcsBucket: bucket };
        const ask = { doing: `back up the databases of ${username}`, json, signal };
        const made = await client.post<{ record?: WireBackup | null; records?: readonly WireBackup[]; failures?: readonly string[] }>(path(), ask);
        const records = made.records?.length ? made.records : made.record ? [made.record] : [];
        return { backups: records.map(backupOf), failures: [...(made.failures ?? [])] };
      },
    }),

    restore: destructive({
      about: "Load a backup into the database of its container",
      loses: "What the database holds is overwritten by what the backup holds; with clean, it is dropped first.",
      aliases: ["restore_backup"],
      timeout: 1800,
      input: {
        database: database("Into another database than it came from"),
        clean: z.boolean().default(false).describe("Drop what is there before loading"),
        ...login,
      },
      async run({ client, key, input, signal }) {
        const json = { ...connectionOf(input), clean: input.clean };
        await client.post(path(key, "restore"), { doing: `restore backup ${key}`, json, signal });
      },
    }),

    verify: write({
      about: "Prove that a backup can be restored, by loading it into another user's container",
      aliases: ["verify_backup"],
      timeout: 1800,
      input: { target_username: z.string().min(1).describe("Whose container to load it into; not its own"), ...login },
      output: Verification,
      async run({ client, key, input, signal }) {
        const json = { targetUsername: input.target_username, ...connectionOf(input) };
        const { verification } = await client.post<{ verification: WireVerification }>(path(key, "verify"), {
          doing: `verify backup ${key}`,
          json,
          signal,
        });
        return verificationOf(verification);
      },
    }),

    delete: destructive({
      about: "Delete a backup",
      loses: "The dump is deleted where it is stored.",
      aliases: ["delete_backup"],
      async run({ client, key, signal }) {
        await client.delete(path(key), { doing: `delete backup ${key}`, signal });
      },
    }),
  },
});
