import { forClient } from "proxmcp/plugin";
import { inParallel } from "../backups.js";
import { at, type ProxmoxClient } from "../client.js";
import { choice, flag, text, time, words } from "../columns.js";
import { records } from "../crud.js";
import { LONG } from "../guest/actions.js";
import { formatProperties } from "../properties.js";
import { resourcesOf } from "../resources.js";

const { write } = forClient<ProxmoxClient>();

/** Settings of a job that are no arguments of the backup it makes. */
const OF_THE_JOB = new Set(["id", "type", "schedule", "enabled", "comment", "next-run", "repeat-missed", "digest", "dow", "starttime", "node"]);

export const backupJobs = records({
  name: "backup_job",
  about: "A backup job that runs by schedule",
  says: ["backup job", "backup schedule"],
  key: "id",
  path: () => "/cluster/backup",
  columns: {
    id: text("id", "Name", { says: ["name"], required: true, fixed: true }),
    enabled: flag("enabled", "It runs", { says: ["active"] }),
    schedule: text("schedule", "When: daily, sat 02:00", { says: ["when"], required: true }),
    storage: text("storage", "Where to", { place: true }),
    guests: words("vmid", "VMIDs of its guests", { says: ["vms", "vmid"] }),
    all: flag("all", "All guests", { says: ["everything"] }),
    exclude: words("exclude", "VMIDs that are left out"),
    pool: text("pool", "All guests of this pool", { place: true }),
    node: text("node", "Only on this node", { place: true }),
    mode: choice(["snapshot", "suspend", "stop"])("mode", "How"),
    compress: choice(["0", "gzip", "lzo", "zstd"])("compress", "Compression"),
    retention: text("prune-backups", "What is kept: keep-last=3,keep-weekly=4", { says: ["keep"] }),
    notes: text("notes-template", "Notes for its backups"),
    description: text("comment", "Notes", { says: ["comment"] }),
    next: time("next-run", "When it runs next", { says: ["next run"], shown: true }),
  },
  // Written as text, it is answered in parts.
  more: (row) =>
    typeof row["prune-backups"] === "object" && row["prune-backups"] !== null
      ? { retention: formatProperties(row["prune-backups"] as Record<string, string>) }
      : {},
  loses: ({ id }) => `Job ${id} no longer runs. Backups that it made stay.`,
  aliases: { list: ["proxmox-list-backup-jobs", "proxmox_list_backup_jobs"], create: ["proxmox_create_backup_job"] },
  actions: {
    run: write({
      about: "Run a backup job now, on every node that has guests of it",
      timeout: LONG,
      run: async (args) => {
        const { client, key, signal } = args;
        const job = await client.get<Readonly<Record<string, unknown>>>(at`/cluster/backup/${key}`, signal);
        const parameters = Object.fromEntries(
          Object.entries(job)
            .filter(([name]) => !OF_THE_JOB.has(name))
            .map(([name, value]) => [
              name,
              typeof value === "object" && value !== null ? formatProperties(value as Record<string, string>) : (value as string),
            ]),
        );
        const nodes = (await resourcesOf(client, signal, "node")).filter(
          (row) => row.status === "online" && (job.node === undefined || row.node === job.node),
        );
        await inParallel(
          nodes,
          4,
          async ({ node = "" }) =>
            void (await client.write("POST", at`/nodes/${node}/vzdump`, { ...parameters, "job-id": key }, { ...args, cancels: true })),
        );
        args.note(`Ran on ${nodes.map(({ node }) => node).join(", ")}.`);
      },
    }),
  },
});
