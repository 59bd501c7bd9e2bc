import { randomUUID } from "node:crypto";
import { facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { taskFailed } from "../errors.js";
import { download, localFile, refuseExisting, uploadOf } from "./local-files.js";
import { pathOf } from "./power.js";

const { write } = forClient<LxdClient>();

/** Seconds. Backups of large disks take their time. */
export const LONG = 6 * 3600;
/** Milliseconds after which the server drops a backup that was made for an export, should nobody be left to do it. */
const KEPT = 24 * 3_600_000;

export const backupPath = (instance: string, name: string): string => `${pathOf(instance)}/backups/${encodeURIComponent(name)}`;

export const backupOptions = {
  with_snapshots: z.boolean().default(true).describe("With its snapshots"),
  compression: z.enum(["gzip", "zstd", "xz", "bzip2", "lz4", "none"]).optional().describe("Default: as the server is set up"),
  optimized: z.boolean().default(false).describe("In the pool's own format: smaller, only for pools of that kind"),
};

export const backupBody = (name: string, options: z.output<z.ZodObject<typeof backupOptions>>, expires: string | undefined) => ({
  name,
  instance_only: !options.with_snapshots,
  optimized_storage: options.optimized,
  ...(options.compression ? { compression_algorithm: options.compression } : {}),
  ...(expires ? { expires_at: expires } : {}),
});

export const Exported = z.object({ file: z.string(), size: facet(z.int(), "Bytes", { unit: "bytes" }) });

const exporting = write({
  about: "Back an instance up to a new local file",
  input: { file: localFile, ...backupOptions },
  output: Exported,
  timeout: LONG,
  aliases: ["lxd_export_container", "lxd_instance_backup", "lxd_backup_container"],
  async run({ client, key, input, signal, progress }) {
    const { file, ...options } = input;
    const ask = { doing: `export instance "${key}"`, signal, progress };
    await refuseExisting(file, ask.doing);
    const name = `proxmcp-${randomUUID()}`;
    const expires = new Date(client.clock.now() + KEPT).toISOString();
    try {
      await client.change("POST", `${pathOf(key)}/backups`, backupBody(name, options, expires), ask);
      const size = await download(await client.send("GET", `${backupPath(key, name)}/export`, ask), file, ask);
      return { file, size };
    } finally {
      await client
        .change("DELETE", backupPath(key, name), undefined, { doing: "drop the exported backup", signal: AbortSignal.timeout(30_000) })
        .catch(() => {}); // It may never have been made, and it expires.
    }
  },
});

const importing = write({
  about: "Create an instance from a file that an instance was exported to",
  on: "kind",
  input: {
    file: localFile,
    name: z.string().optional().describe("Its name, default: as it was"),
    pool: z.string().optional().describe("Storage pool for it, default: as it was"),
  },
  timeout: LONG,
  aliases: ["lxd_import_container"],
  async run({ client, input, signal, progress }) {
    const ask = { doing: `import ${input.file}`, signal, progress };
    const { body, headers } = await uploadOf(input.file, ask);
    const said = Object.entries({ name: input.name, pool: input.pool }).flatMap(([header, value]) =>
      // Each of the two reads its own.
      value === undefined ? [] : ["lxd", "incus"].map((system) => [`x-${system}-${header}`, value] as const),
    );
    const request = "POST /1.0/instances";
    let started;
    try {
      started = await client.upload("/1.0/instances", { body, headers: { ...headers, ...Object.fromEntries(said) } }, ask);
    } finally {
      body.destroy();
    }
    if (!started) throw new ProxMcpError("INVALID_OUTPUT", `${request}: the server answered without an operation`);
    const operation = await client.wait(started, request, ask);
    if (operation.status_code !== 200) throw taskFailed(ask.doing, request, operation);
    const made = operation.resources?.instances?.[0]?.split("?")[0]?.split("/").at(-1);
    return { key: input.name ?? decodeURIComponent(made ?? "") };
  },
});

export const exports = { export: exporting, import: importing };
