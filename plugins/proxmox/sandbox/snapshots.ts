import { type Call, flag, onGuest, Refusal, requireQuorum, type Routes, text, theGuest } from "./calls.js";
import type { Guest, Snapshot } from "./cluster.js";
import { guestTask, lockedBy } from "./guest-task.js";
import { snapshotRows } from "./rows.js";

const missing = (name: string): string => `snapshot '${name}' does not exist`;
const find = (guest: Guest, name: string): Snapshot | undefined => guest.snapshots.find((snapshot) => snapshot.name === name);

function theSnapshot(call: Call, type: Guest["type"]): Snapshot {
  const snapshot = find(theGuest(call, type), text(call, "snapname"));
  if (!snapshot) throw new Refusal(500, missing(text(call, "snapname")));
  return snapshot;
}

function take(call: Call, guest: Guest): string {
  const name = text(call, "snapname");
  if (name === "current") throw new Refusal(500, "unable to use snapshot name 'current' (reserved name)");
  return guestTask(call, guest.type, guest.type === "qemu" ? "qmsnapshot" : "vzsnapshot", {
    refusal: () => lockedBy(guest) ?? (find(guest, name) ? `snapshot name '${name}' already used` : undefined),
    effect: () => {
      guest.snapshots.push({
        name,
        description: text(call, "description"),
        snaptime: Math.floor(Date.now() / 1000),
        vmstate: flag(call, "vmstate") ? 1 : 0,
        settings: { ...guest.settings },
        ...(guest.parent === undefined ? {} : { parent: guest.parent }),
      });
      guest.parent = name;
    },
  });
}

function rollBack(call: Call, guest: Guest): string {
  const name = text(call, "snapname");
  return guestTask(call, guest.type, guest.type === "qemu" ? "qmrollback" : "vzrollback", {
    refusal: () => (find(guest, name) ? lockedBy(guest) : missing(name)),
    effect: () => {
      const snapshot = find(guest, name);
      if (!snapshot) return;
      for (const setting of Object.keys(guest.settings)) delete guest.settings[setting];
      Object.assign(guest.settings, snapshot.settings);
      guest.parent = name;
      const on = snapshot.vmstate === 1 || flag(call, "start");
      guest.status = on ? "running" : "stopped";
      if (on) guest.startedAt = Date.now();
    },
  });
}

function drop(call: Call, guest: Guest): string {
  const name = text(call, "snapname");
  return guestTask(call, guest.type, guest.type === "qemu" ? "qmdelsnapshot" : "vzdelsnapshot", {
    refusal: () => (find(guest, name) ? lockedBy(guest) : missing(name)),
    effect: () => {
      const at = guest.snapshots.findIndex((snapshot) => snapshot.name === name);
      const [gone] = guest.snapshots.splice(at, 1);
      if (guest.parent !== name) return;
      if (gone?.parent === undefined) delete guest.parent;
      else guest.parent = gone.parent;
    },
  });
}

const writing =
  (type: Guest["type"], run: (call: Call, guest: Guest) => string) =>
  (call: Call): string => {
    requireQuorum(call);
    return run(call, theGuest(call, type));
  };

/** Snapshots of VMs or of containers. */
export const snapshotRoutes = (type: Guest["type"]): Routes => {
  const all = `/nodes/{node}/${type}/{vmid}/snapshot`;
  return {
    [`GET ${all}`]: { needs: onGuest("VM.Audit"), run: (call) => snapshotRows(theGuest(call, type)) },
    [`POST ${all}`]: { needs: onGuest("VM.Snapshot"), run: writing(type, take) },
    [`GET ${all}/{snapname}`]: { run: () => [{ cmd: "rollback" }, { cmd: "config" }] },
    [`DELETE ${all}/{snapname}`]: { needs: onGuest("VM.Snapshot"), run: writing(type, drop) },
    [`POST ${all}/{snapname}/rollback`]: { needs: onGuest("VM.Snapshot|VM.Snapshot.Rollback"), run: writing(type, rollBack) },
    [`GET ${all}/{snapname}/config`]: {
      needs: onGuest("VM.Snapshot|VM.Snapshot.Rollback|VM.Audit"),
      run: (call) => {
        const { settings, description, snaptime, parent } = theSnapshot(call, type);
        return { ...settings, description, snaptime, ...(parent === undefined ? {} : { parent }) };
      },
    },
    [`PUT ${all}/{snapname}/config`]: {
      needs: onGuest("VM.Snapshot"),
      run: (call) => {
        theSnapshot(call, type).description = text(call, "description");
        return null;
      },
    },
  };
};
