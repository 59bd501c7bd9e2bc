import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { backupBody, backupOptions, backupPath, Exported, LONG } from "../instance/exports.js";
import { defined } from "../instance/fields.js";
import { download, localFile, refuseExisting } from "../instance/local-files.js";
import { pathOf } from "../instance/power.js";
import { moment, type WireBackup, type WireInstance } from "../wire.js";

const { kind, write, destructive } = forClient<LxdClient, { instance: string }>();

const Backup = z.object({
  name: facet(z.string(), "Name, unique within its instance"),
  instance: facet(z.string(), "Instance it was made of", { says: ["container", "machine"] }),
  created: facet(z.iso.datetime({ offset: true }), "When it was made", { says: ["age"] }).optional(),
  expires: facet(z.iso.datetime({ offset: true }), "When it is deleted by itself", { says: ["expiry"] }).optional(),
  with_snapshots: facet(z.boolean(), "Whether it holds the snapshots too"),
  optimized: facet(z.boolean(), "Whether it is in the format of its pool"),
});

const backupOf = (wire: WireBackup, instance: string, project?: string) =>
  defined({
    // Older servers prefix the name with the instance's.
    name: wire.name.slice(wire.name.lastIndexOf("/") + 1),
    instance,
    project,
    created: moment(wire.created_at),
    expires: moment(wire.expires_at),
    with_snapshots: !(wire.instance_only ?? wire.container_only ?? false),
    optimized: wire.optimized_storage,
  });

export const backups = kind({
  name: "backup",
  about: "A backup of an instance, kept on its server until it is exported",
  says: ["backup", "instance backup"],
  item: Backup,
  key: "name",
  within: { instance: z.string().describe("Instance it was made of") },
  aliases: { list: ["lxd_list_backups"], get: ["lxd_get_backup"] },

  async list({ client, at, signal }) {
    const { instance } = at;
    if (instance !== undefined) {
      const ask = { doing: `list backups of instance "${instance}"`, signal, query: { recursion: 1 } };
      const found = await client.get<readonly WireBackup[] | null>(`${pathOf(instance)}/backups`, ask);
      return (found ?? []).map((wire) => backupOf(wire, instance));
    }
    // There is no list of all backups; those of all instances come with recursion=2, in one request.
    const all = await client.get<readonly WireInstance[]>("/1.0/instances", { doing: "list backups", signal, query: { recursion: 2 } });
    return all.flatMap(({ name, project, backups: of }) => (of ?? []).map((wire) => backupOf(wire, name, project)));
  },

  async get({ client, key, at, signal }) {
    const ask = { doing: `read backup "${key}" of instance "${at.instance}"`, signal };
    return backupOf(await client.get<WireBackup>(backupPath(at.instance, key), ask), at.instance);
  },

  actions: {
    create: write({
      about: "Back an instance up on its server",
      input: {
        name: z.string().min(1).optional().describe("Its name, default: backup- and the time"),
        expires: z.iso.datetime({ offset: true }).optional().describe("When to delete it"),
        ...backupOptions,
      },
      timeout: LONG,
      aliases: ["lxd_create_backup"],
      async run({ client, at, input, signal, progress }) {
        const { name, expires, ...options } = input;
        const key = name ?? `backup-${new Date(client.clock.now()).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}`;
        const ask = { doing: `make backup "${key}" of instance "${at.instance}"`, signal, progress };
        await client.change("POST", `${pathOf(at.instance)}/backups`, backupBody(key, options, expires), ask);
        return { key };
      },
    }),

    rename: write({
      about: "Give a backup another name",
      input: { new_name: z.string().min(1).describe("Its new name") },
      async run({ client, key, at, input: { new_name: name }, signal, progress }) {
        const ask = { doing: `rename backup "${key}" of instance "${at.instance}" to "${name}"`, signal, progress };
        await client.change("POST", backupPath(at.instance, key), { name }, ask);
        return { key: name };
      },
    }),

    export: write({
      about: "Fetch a backup into a new local file; it stays on the server",
      input: { file: localFile },
      output: Exported,
      timeout: LONG,
      aliases: ["lxd_export_backup"],
      async run({ client, key, at, input: { file }, signal, progress }) {
        const ask = { doing: `export backup "${key}" of instance "${at.instance}"`, signal, progress };
        await refuseExisting(file, ask.doing);
        const size = await download(await client.send("GET", `${backupPath(at.instance, key)}/export`, ask), file, ask);
        return { file, size };
      },
    }),

    delete: destructive({
      about: "Delete a backup",
      loses: "Deletes the backup; the instance stays as it is.",
      aliases: ["lxd_delete_backup"],
      async run({ client, key, at, signal, progress }) {
        const ask = { doing: `delete backup "${key}" of instance "${at.instance}"`, signal, progress };
        await client.change("DELETE", backupPath(at.instance, key), undefined, ask);
      },
    }),
  },
});
