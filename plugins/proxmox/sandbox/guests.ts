import { badParameter, type Call, flag, may, onGuest, Refusal, requireQuorum, type Routes, text, theGuest } from "./calls.js";
import { agentRoutes, interfacesOf, series } from "./agent.js";
import { digestOf, type Guest, MIB } from "./cluster.js";
import { DRIVE, made, requireStorages, volumeFault } from "./drives.js";
import { guestTask, lockedBy } from "./guest-task.js";
import { lifecycleRoutes } from "./lifecycle.js";
import { powerRoutes } from "./power.js";
import { configRow, currentRow, guestRow, pendingRows } from "./rows.js";
import { relocationRoutes } from "./relocation.js";
import { snapshotRoutes } from "./snapshots.js";
import { terminalRoutes } from "./terminals.js";
import { volidOf } from "./volumes.js";

type Type = Guest["type"];

/** Parameters of a change that are no settings. */
const STEERING = new Set(["node", "vmid", "digest", "delete", "revert", "skiplock", "force", "background_delay"]);

function change(call: Call, type: Type): () => void {
  const guest = theGuest(call, type);
  if (flag(call, "skiplock")) throw badParameter("skiplock", "Only root may use this option.");
  requireQuorum(call, `unable to open file '/etc/pve/nodes/${guest.node}/qemu-server/${guest.vmid}.conf.tmp.96' - Permission denied`);
  for (const reserved of ["args", "lock"])
    if (reserved in call.parameters || text(call, "delete").split(",").includes(reserved))
      throw new Refusal(500, `only root can set '${reserved}' config`);
  const { digest } = call.parameters;
  if (digest !== undefined && digest !== digestOf(guest))
    throw new Refusal(
      500,
      type === "qemu" ? "checksum mismatch (file change by other user?)" : "detected modified configuration - file changed by other user? Try again.",
    );
  const locked = lockedBy(guest);
  if (locked) throw new Refusal(500, locked);
  if (type === "lxc" && "unprivileged" in call.parameters) throw new Refusal(500, "unable to modify read-only option: 'unprivileged'");
  requireStorages(call, call.parameters);
  return () => {
    const gone = call.parameters.delete;
    for (const one of Array.isArray(gone) ? gone : text(call, "delete").split(",")) {
      const name = String(one).trim();
      const drive = DRIVE.test(name) ? guest.settings[name] : undefined;
      delete guest.settings[name];
      // A disk that is taken off stays as an unused one.
      if (drive !== undefined && !/media=cdrom/.test(String(drive))) guest.settings[freeUnused(guest)] = volidOf(String(drive));
    }
    const kept = Object.fromEntries(
      Object.entries(call.parameters).flatMap(([name, value]) => (DRIVE.test(name) || /^net\d+$/.test(name) ? [[name, String(value)]] : [])),
    );
    Object.assign(guest.settings, made(call, guest, guest.node, kept));
    for (const [name, value] of Object.entries(call.parameters)) {
      if (name in kept) continue;
      if (STEERING.has(name) || value === null || value === undefined) continue;
      if (name === "tags") guest.settings.tags = sortedTags(String(value));
      else guest.settings[name] = typeof value === "number" && name !== "memory" ? value : typeof value === "boolean" ? Number(value) : String(value);
      if (type === "lxc" && name === "memory") guest.settings.memory = Number(value);
    }
  };
}

function freeUnused({ settings }: Guest): string {
  let free = 0;
  while (settings[`unused${free}`] !== undefined) free += 1;
  return `unused${free}`;
}

const sortedTags = (tags: string): string =>
  [...new Set(tags.toLowerCase().split(/[;,\s]+/))]
    .filter((tag) => tag !== "")
    .sort()
    .join(";");

function routesOf(type: Type): Routes {
  const one = `/nodes/{node}/${type}/{vmid}`;
  const sees = (call: Call, { vmid }: Guest): boolean => may(call, `/vms/${vmid}`, "VM.Audit");
  return {
    [`GET /nodes/{node}/${type}`]: {
      run: (call) =>
        call.cluster.guests.filter((guest) => guest.type === type && guest.node === text(call, "node") && sees(call, guest)).map(guestRow),
    },
    [`GET ${one}/status/current`]: { needs: onGuest("VM.Audit"), run: (call) => currentRow(theGuest(call, type)) },
    [`GET ${one}/config`]: { needs: onGuest("VM.Audit"), run: (call) => configRow(theGuest(call, type)) },
    [`GET ${one}/pending`]: { needs: onGuest("VM.Audit"), run: (call) => pendingRows(theGuest(call, type)) },
    [`PUT ${one}/config`]: {
      needs: onGuest("VM.Config.Options"),
      run: (call) => {
        change(call, type)();
        return null;
      },
    },
    [`GET ${one}/rrddata`]: {
      needs: onGuest("VM.Audit"),
      run: (call) => {
        const guest = theGuest(call, type);
        return series(guest, { cpus: Number(guest.settings.cores ?? 1), memory: Number(guest.settings.memory ?? 512) * MIB });
      },
    },
    ...powerRoutes(type),
    ...snapshotRoutes(type),
    ...lifecycleRoutes(type),
    ...relocationRoutes(type),
    ...terminalRoutes(type),
  };
}

/** Everything about one guest. */
export const guestRoutes: Routes = {
  ...routesOf("qemu"),
  ...routesOf("lxc"),
  ...agentRoutes,
  "GET /nodes/{node}/lxc/{vmid}/interfaces": { needs: onGuest("VM.Audit"), run: (call) => interfacesOf(theGuest(call, "lxc")) },
  "POST /nodes/{node}/qemu/{vmid}/config": {
    needs: onGuest("VM.Config.Options"),
    run: (call) => {
      const effect = change(call, "qemu");
      return guestTask(call, "qemu", "qmconfig", { refusal: () => volumeFault(call, text(call, "node"), call.parameters), effect });
    },
  },
};
