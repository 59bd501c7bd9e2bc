import { type Call, flag, number, text, theGuest } from "./calls.js";
import type { Cluster, Guest, Settings } from "./cluster.js";
import { add, sizeIn } from "./drives.js";
import { guestTask } from "./guest-task.js";
import { added, switchedOn } from "./lifecycle.js";
import { drivesOf, volidOf } from "./volumes.js";

type Type = Guest["type"];

/** Sends a copy to another sandbox of this process, which stands for the far cluster. */
export function remoteMigrate(call: Call, type: Type): string {
  const guest = theGuest(call, type);
  const endpoint = Object.fromEntries(
    text(call, "target-endpoint")
      .split(",")
      .map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)]),
  );
  const far = neighbours.get(Number(endpoint.port));
  const vmid = number(call, "target-vmid", guest.vmid);
  return guestTask(call, type, type === "qemu" ? "qmigrate" : "vzmigrate", {
    slowness: 3,
    refusal: () =>
      !far
        ? "remote: connection refused"
        : type === "lxc" && guest.status === "running" && !flag(call, "restart")
          ? "lxc live migration is currently not implemented"
          : undefined,
    log: [
      `local ${type === "qemu" ? "VM" : "CT"} ${guest.vmid} to remote ${type === "qemu" ? "VM" : "CT"} ${vmid}`,
      "migration active, transferred 50% of 4.0 GiB VM-state",
    ],
    effect: () => {
      if (!far) return;
      const there = { ...call, cluster: far, parameters: { vmid } };
      const settings: Settings = { ...guest.settings };
      for (const [id, drive] of drivesOf(guest)) {
        if (/media=cdrom/.test(drive)) continue;
        const volid = add(there, text(call, "target-storage"), far.local, vmid, type, "disk", sizeIn(drive));
        settings[id] = drive.replace(volidOf(drive), volid);
      }
      const made = added(there, type, settings, vmid, far.local);
      if (flag(call, type === "qemu" ? "online" : "restart")) switchedOn(made);
      guest.status = "stopped";
    },
  });
}

/** Clusters of this process, by the port they are reached at. */
export const neighbours = new Map<number, Cluster>();
