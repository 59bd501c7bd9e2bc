import { badParameter, type Call, flag, number, onGuest, Refusal, requireQuorum, type Routes, text, theGuest } from "./calls.js";
import { digestOf, type Guest, macOf, type Settings, uuidOf } from "./cluster.js";
import { add, resized, sizeIn } from "./drives.js";
import { guestTask, lockedBy, WORDS } from "./guest-task.js";
import { added, switchedOn } from "./lifecycle.js";
import { remoteMigrate } from "./neighbours.js";
import { drivesOf, findVolume, storageNameOf, storageOf, volidOf } from "./volumes.js";
import { bytesOf } from "../properties.js";

type Type = Guest["type"];
const GONE = (call: Call): string => `unable to find configuration file for VM ${text(call, "vmid")} on node '${text(call, "node")}'`;

const localDisks = (call: Call, guest: Guest): [string, string][] =>
  drivesOf(guest).filter(([, drive]) => !/media=cdrom/.test(drive) && storageOf(call.cluster, storageNameOf(volidOf(drive)))?.shared !== true);

function clone(call: Call, type: Type): string {
  requireQuorum(call);
  const { cluster } = call;
  const guest = cluster.guestOn(text(call, "node"), type, number(call, "vmid", 0));
  if (!guest) throw new Refusal(500, GONE(call));
  const locked = lockedBy(guest);
  if (locked) throw new Refusal(500, locked);
  const newid = number(call, "newid", 0);
  if (cluster.byId(newid)) throw new Refusal(500, `unable to create ${WORDS[type].noun} ${newid}: config file already exists`);
  const target = text(call, "target") || guest.node;
  if (!cluster.node(target)) throw new Refusal(500, `no such cluster node '${target}'`);
  const isTemplate = guest.settings.template === 1;
  const full = call.parameters.full === undefined ? !isTemplate : flag(call, "full");
  if (!full && !isTemplate) throw new Refusal(500, `Linked clone feature is not supported for '${volidOf(drivesOf(guest)[0]?.[1] ?? "")}' (scsi0)`);
  if (!full && text(call, "storage") !== "") throw new Refusal(500, "parameter 'storage' not allowed for linked clones");
  if (target !== guest.node && localDisks(call, guest).length > 0)
    throw new Refusal(500, `can't clone VM to node '${target}' (VM uses local storage)`);
  const snapname = text(call, "snapname");
  const source = snapname === "" ? guest.settings : guest.snapshots.find(({ name }) => name === snapname)?.settings;
  if (!source) throw new Refusal(500, `snapshot '${snapname}' does not exist`);
  return guestTask(call, type, type === "qemu" ? "qmclone" : "vzclone", {
    slowness: 3,
    log: ["create full clone of drive scsi0", "transferred 1.0 GiB of 4.0 GiB (25.00%)", "transferred 3.0 GiB of 4.0 GiB (75.00%)"],
    effect: () => {
      const settings: Settings = { ...source };
      for (const name of ["template", "parent", "lock", "onboot", "protection", "snaptime"]) delete settings[name];
      for (const [id, drive] of drivesOf({ settings })) {
        if (/media=cdrom/.test(drive)) continue;
        const storage = text(call, "storage") || storageNameOf(volidOf(drive));
        const volid = add(call, storage, target, newid, type, "disk", sizeIn(drive));
        // A linked clone's volume has the name of its base in its own.
        settings[id] = drive.replace(volidOf(drive), full ? volid : `${volidOf(drive)}/${volid.split(":")[1]}`);
      }
      for (const id of Object.keys(settings).filter((name) => /^net\d+$/.test(name)))
        settings[id] = String(settings[id]).replace(/[0-9A-F]{2}(:[0-9A-F]{2}){5}/i, macOf(newid, Number(id.slice(3))));
      if (type === "qemu") Object.assign(settings, { smbios1: `uuid=${uuidOf("smbios", newid)}`, vmgenid: uuidOf("vmgenid", newid) });
      const name = text(call, type === "qemu" ? "name" : "hostname");
      settings[type === "qemu" ? "name" : "hostname"] =
        name || `Copy-of-${type === "qemu" ? "VM" : "CT"}-${String(guest.settings.name ?? guest.settings.hostname)}`;
      if (text(call, "description") !== "") settings.description = text(call, "description");
      added(call, type, settings, newid, target);
    },
  });
}

function template(call: Call, type: Type): string | null {
  const guest = theGuest(call, type);
  const locked = lockedBy(guest);
  if (locked) throw new Refusal(500, locked);
  const noun = type === "qemu" ? "VM" : "CT";
  if (guest.settings.template === 1) throw new Refusal(500, "you can't convert a template to a template");
  if (guest.snapshots.length > 0) throw new Refusal(500, `unable to create template, because ${noun} contains snapshots`);
  if (guest.status !== "stopped")
    throw new Refusal(
      500,
      type === "qemu" ? "you can't convert a VM to template if VM is running" : "you can't convert a CT to template if the CT is running",
    );
  const effect = (): void => {
    guest.settings.template = 1;
    delete guest.settings.parent;
    for (const [id, drive] of drivesOf(guest)) {
      const volume = findVolume(call.cluster, guest.node, volidOf(drive));
      const renamed = volidOf(drive).replace(/vm-(\d+)-disk/, "base-$1-disk");
      guest.settings[id] = drive.replace(volidOf(drive), renamed);
      if (volume) Object.assign(volume, { volid: renamed });
    }
  };
  if (type === "qemu") return guestTask(call, type, "qmtemplate", { effect });
  effect();
  return null;
}

function migrate(call: Call, type: Type): string {
  requireQuorum(call);
  const { cluster } = call;
  const guest = theGuest(call, type);
  const target = text(call, "target");
  if (target === guest.node) throw badParameter("target", "target is local node.");
  if (!cluster.node(target)) throw new Refusal(500, `no such cluster node '${target}'`);
  const locked = lockedBy(guest);
  if (type === "qemu" && locked) throw new Refusal(500, locked);
  const running = guest.status !== "stopped";
  if (running && type === "qemu" && !flag(call, "online")) throw new Refusal(500, "can't migrate running VM without --online");
  if (running && type === "lxc" && !flag(call, "restart") && !flag(call, "online"))
    throw new Refusal(500, "can't migrate running container without --online or --restart");
  const local = localDisks(call, guest);
  const stuck = type === "qemu" && running && local.length > 0 && !flag(call, "with-local-disks");
  const why = (text: string): { log: string[]; failure: string } => ({
    log: [`2026-11-21 00:24:07 ERROR: migration aborted (duration 00:00:00): ${text}`],
    failure: "migration aborted",
  });
  const failing =
    type === "lxc" && locked
      ? why(locked)
      : cluster.offline.has(target)
        ? why("Can't connect to destination address using public key")
        : stuck
          ? why("can't live migrate attached local disks without with-local-disks option")
          : type === "lxc" && running && flag(call, "online")
            ? why("lxc live migration is currently not implemented")
            : {
                log: [
                  `starting migration of ${WORDS[type].noun} ${guest.vmid} to node '${target}'`,
                  "migration active, transferred 25% of 4.0 GiB VM-state",
                ],
                failure: undefined,
              };
  return guestTask(call, type, type === "qemu" ? "qmigrate" : "vzmigrate", {
    slowness: 3,
    ...failing,
    effect: () => {
      for (const [id, drive] of local) {
        const volume = findVolume(cluster, guest.node, volidOf(drive));
        if (volume) Object.assign(volume, { node: target });
        const other = text(call, type === "qemu" ? "targetstorage" : "target-storage");
        if (other !== "" && volume) {
          const renamed = volidOf(drive).replace(/^[^:]+/, other);
          Object.assign(volume, { storage: other, volid: renamed });
          guest.settings[id] = drive.replace(volidOf(drive), renamed);
        }
      }
      guest.node = target;
      if (type === "lxc" && running) switchedOn(guest);
    },
  });
}

function preconditions(call: Call, type: Type): unknown {
  const guest = theGuest(call, type);
  const others = call.cluster.spec.nodes.map(({ name }) => name).filter((name) => name !== guest.node && !call.cluster.offline.has(name));
  if (type === "lxc") return { running: Number(guest.status !== "stopped"), "allowed-nodes": others, "not-allowed-nodes": {} };
  const local_disks = localDisks(call, guest).map(([drivename, drive]) => ({
    drivename,
    volid: volidOf(drive),
    size: sizeIn(drive),
    shared: 0,
    cdrom: 0,
  }));
  return {
    running: Number(guest.status !== "stopped"),
    allowed_nodes: others,
    not_allowed_nodes: {},
    local_disks,
    local_resources: [],
    "mapped-resources": [],
  };
}

function resize(call: Call, type: Type): string {
  const guest = theGuest(call, type);
  const id = text(call, "disk");
  const size = text(call, "size");
  if (type === "lxc") {
    const locked = lockedBy(guest);
    if (locked) throw new Refusal(500, locked);
  }
  const now = sizeIn(guest.settings[id]);
  const wanted = size.startsWith("+") ? now + (bytesOf(size.slice(1)) ?? 0) : (bytesOf(size) ?? 0);
  const { digest } = call.parameters;
  if (type === "lxc" && wanted < now) throw new Refusal(500, "unable to shrink disk size");
  return guestTask(call, type, "resize", {
    refusal: () => {
      if (digest !== undefined && digest !== digestOf(guest)) return "checksum mismatch (file change by other user?)";
      if (guest.settings[id] === undefined) return `disk '${id}' does not exist`;
      return (type === "qemu" ? lockedBy(guest) : undefined) ?? (wanted < now ? "shrinking disks is not supported" : undefined);
    },
    effect: () => resized(call, guest, id, wanted),
  });
}

function moveDisk(call: Call, type: Type): string {
  requireQuorum(call);
  const guest = theGuest(call, type);
  const locked = lockedBy(guest);
  if (locked) throw new Refusal(500, locked);
  const storage = text(call, "storage");
  if (!storageOf(call.cluster, storage)) throw new Refusal(500, `storage '${storage}' does not exist`);
  const id = text(call, type === "qemu" ? "disk" : "volume");
  const drive = String(guest.settings[id] ?? "");
  if (drive === "") throw new Refusal(500, `disk '${id}' does not exist`);
  if (type === "lxc" && guest.status !== "stopped") throw new Refusal(500, "cannot move volumes of a running container");
  return guestTask(call, type, type === "qemu" ? "qmmove" : "move_volume", {
    slowness: 3,
    log: ["create full clone of drive scsi0", "transferred 1.0 GiB of 4.0 GiB (25.00%)"],
    effect: () => {
      const volid = add(call, storage, guest.node, guest.vmid, type, "disk", sizeIn(drive));
      guest.settings[id] = drive.replace(volidOf(drive), volid);
      if (flag(call, "delete"))
        call.cluster.volumes.splice(
          call.cluster.volumes.findIndex((volume) => volume.volid === volidOf(drive)),
          1,
        );
      else {
        let free = 0;
        while (guest.settings[`unused${free}`] !== undefined) free += 1;
        guest.settings[`unused${free}`] = volidOf(drive);
      }
    },
  });
}

/** Copying guests, moving them and their disks, and growing disks. */
export const relocationRoutes = (type: Type): Routes => {
  const one = `/nodes/{node}/${type}/{vmid}`;
  return {
    [`POST ${one}/clone`]: { needs: onGuest("VM.Clone"), run: (call) => clone(call, type) },
    [`POST ${one}/template`]: { needs: onGuest("VM.Allocate"), run: (call) => template(call, type) },
    [`GET ${one}/migrate`]: { needs: onGuest("VM.Migrate"), run: (call) => preconditions(call, type) },
    [`POST ${one}/migrate`]: { needs: onGuest("VM.Migrate"), run: (call) => migrate(call, type) },
    [`POST ${one}/remote_migrate`]: { needs: onGuest("VM.Migrate"), run: (call) => remoteMigrate(call, type) },
    [`PUT ${one}/resize`]: { needs: onGuest("VM.Config.Disk"), run: (call) => resize(call, type) },
    [`POST ${one}/${type === "qemu" ? "move_disk" : "move_volume"}`]: { needs: onGuest("VM.Config.Disk"), run: (call) => moveDisk(call, type) },
  };
};
