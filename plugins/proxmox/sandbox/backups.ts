import { badParameter, type Call, flag, Refusal, type Routes, text } from "./calls.js";
import { archiveOf, findVolume, storageOf } from "./volumes.js";

const COMPRESSIONS = new Set(["0", "1", "gzip", "lzo", "zstd"]);

function vzdump(call: Call): string {
  const { cluster, parameters } = call;
  const node = text(call, "node");
  const all = flag(call, "all");
  if (all && parameters.vmid !== undefined) throw badParameter("all", "option conflicts with option 'vmid'");
  if (!all && parameters.vmid === undefined && parameters.pool === undefined) throw badParameter("vmid", "property is missing");
  const wanted = String(parameters.vmid ?? "")
    .split(/[\s,;]+/)
    .filter((id) => id !== "");
  const name = text(call, "storage") || "local";
  const guests = cluster.guests.filter(
    (guest) =>
      guest.node === node && (all || wanted.includes(String(guest.vmid)) || (parameters.pool !== undefined && guest.pool === parameters.pool)),
  );
  if (guests.length === 0 && wanted.some((id) => cluster.byId(Number(id)))) return "OK"; // they are on other nodes
  const missing = wanted.filter((id) => !cluster.byId(Number(id)));
  const locked = guests.find((guest) => guest.settings.lock !== undefined);
  const compress = COMPRESSIONS.has(text(call, "compress")) ? text(call, "compress") : "0";
  const log = guests.flatMap((guest) => [
    `INFO: Starting Backup of VM ${guest.vmid} (${guest.type})`,
    `INFO: backup mode: ${text(call, "mode") || "snapshot"}`,
    "INFO:  25% (1.0 GiB of 4.0 GiB) in 3s",
    "INFO:  75% (3.0 GiB of 4.0 GiB) in 9s",
  ]);
  return cluster.tasks.start({
    node,
    type: "vzdump",
    id: wanted.length === 1 ? (wanted[0] ?? "") : "",
    token: call.token,
    slowness: 3,
    log: [
      `INFO: starting new backup job: vzdump ${wanted.join(" ")} --storage ${name}`,
      ...log,
      ...missing.map((id) => `ERROR: Backup of VM ${id} failed - unable to find VM '${id}'`),
    ],
    refusal: () => (storageOf(cluster, name) ? undefined : `could not activate storage '${name}': storage '${name}' does not exist`),
    failure: call.taskError ?? (missing.length > 0 || locked ? "job errors" : undefined),
    effect: () => {
      const storage = storageOf(cluster, name);
      for (const guest of guests) {
        const notes = text(call, "notes-template")
          .replaceAll("{{guestname}}", String(guest.settings.name ?? guest.settings.hostname))
          .replaceAll("{{vmid}}", String(guest.vmid))
          .replaceAll("{{node}}", node);
        const archive =
          storage && archiveOf(guest, storage, node, { ctime: Math.floor(Date.now() / 1000), compress, notes, protect: flag(call, "protected") });
        if (archive) (storage?.type === "pbs" ? cluster.vault : cluster.volumes).push(archive);
      }
    },
  });
}

export const backupRoutes: Routes = {
  "POST /nodes/{node}/vzdump": { run: vzdump },
  "GET /nodes/{node}/vzdump/extractconfig": {
    run: (call) => {
      const volume = findVolume(call.cluster, text(call, "node"), text(call, "volume"));
      if (!volume) throw new Refusal(500, `volume '${text(call, "volume")}' does not exist`);
      return Object.entries(volume.settings ?? {})
        .map(([name, value]) => `${name}: ${value}\n`)
        .join("");
    },
  },
  "GET /nodes/{node}/vzdump/defaults": { run: () => ({ mode: "snapshot", compress: "0", storage: "local", "prune-backups": "keep-all=1" }) },
};
