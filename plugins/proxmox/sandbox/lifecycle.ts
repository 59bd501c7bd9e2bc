import { badParameter, type Call, flag, number, onGuest, Refusal, requireQuorum, type Routes, text, theGuest } from "./calls.js";
import { type Guest, guestOf, type Settings, uuidOf } from "./cluster.js";
import { made, requireStorages, volumeFault } from "./drives.js";
import { guestTask, lockedBy, WORDS } from "./guest-task.js";
import { dropVolume, drivesOf, findVolume, storageNameOf, volidOf } from "./volumes.js";

type Type = Guest["type"];

/** Parameters of a creation that are no settings. */
const STEERING = new Set([
  "node",
  "vmid",
  "storage",
  "pool",
  "start",
  "archive",
  "ostemplate",
  "restore",
  "force",
  "unique",
  "password",
  "ssh-public-keys",
  "bwlimit",
  "live-restore",
  "ignore-unpack-errors",
]);

const given = (call: Call): Settings =>
  Object.fromEntries(
    Object.entries(call.parameters).flatMap(([name, value]) =>
      STEERING.has(name) || value === undefined || value === null
        ? []
        : [[name, typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : String(value)]],
    ),
  );

function create(call: Call, type: Type): string {
  requireQuorum(call);
  const { cluster } = call;
  const vmid = number(call, "vmid", 0);
  const node = text(call, "node");
  const archive = text(call, type === "qemu" ? "archive" : "restore") === "" ? "" : text(call, type === "qemu" ? "archive" : "ostemplate");
  const there = cluster.byId(vmid);
  const force = flag(call, "force");
  if (there && !(archive !== "" && force && there.type === type && there.node === node)) {
    const already = `${there.type === "qemu" ? "VM" : "CT"} ${vmid} already exists on node '${there.node}'`;
    throw new Refusal(500, type === "qemu" ? `unable to create VM ${vmid} - ${already}` : already);
  }
  if (there?.status === "running")
    throw new Refusal(500, type === "qemu" ? "unable to restore VM - can't overwrite running vm" : "can't overwrite running container");
  requireStorages(call, call.parameters);
  if (archive !== "") return restore(call, type, archive, there);
  const settings = given(call);
  const template = text(call, "ostemplate");
  if (type === "lxc" && template === "") throw badParameter("ostemplate", "property is missing and it is not optional");
  return guestTask(call, type, type === "qemu" ? "qmcreate" : "vzcreate", {
    log: ["trying to acquire lock...", " OK", "scsi0: successfully created disk"],
    refusal: () => {
      const fault =
        volumeFault(call, node, settings) ??
        (template !== "" && !findVolume(cluster, node, template) ? `volume '${template}' does not exist` : undefined);
      return fault === undefined ? undefined : `unable to create ${WORDS[type].noun} ${vmid} - ${fault}`;
    },
    effect: () => {
      const guest = added(call, type, made(call, { vmid, type }, node, { ...defaults(type, vmid, settings, template), ...settings }));
      if (flag(call, "start")) switchedOn(guest);
    },
  });
}

function defaults(type: Type, vmid: number, settings: Settings, template: string): Settings {
  if (type === "lxc")
    return {
      arch: "amd64",
      memory: 512,
      swap: 512,
      hostname: `CT${vmid}`,
      ostype: /\/(debian|ubuntu|alpine|fedora|centos)/.exec(template)?.[1] ?? "unmanaged",
    };
  const disks = Object.keys(settings).filter((id) => /^(scsi|virtio|sata|ide)\d+$/.test(id));
  return {
    boot: `order=${[...disks, ...Object.keys(settings).filter((id) => /^net\d+$/.test(id))].join(";")}`,
    memory: "512",
    meta: `creation-qemu=10.0.13,ctime=${Math.floor(Date.now() / 1000)}`,
    smbios1: `uuid=${uuidOf("smbios", vmid)}`,
    vmgenid: uuidOf("vmgenid", vmid),
  };
}

/** A guest that is now there. Memory is text in a VM's settings and a number in a container's. */
export function added(call: Call, type: Type, settings: Settings, vmid = number(call, "vmid", 0), node = text(call, "node")): Guest {
  const { cluster } = call;
  const memory = type === "qemu" ? String(settings.memory ?? 512) : Number(settings.memory ?? 512);
  const name = String(settings.name ?? settings.hostname ?? "");
  const spec = {
    vmid,
    type,
    name,
    node,
    status: "stopped",
    cores: Number(settings.cores ?? 1),
    memory: Number(memory),
    disk: 1,
    os: String(settings.ostype ?? "l26"),
  } as const;
  const guest = guestOf(spec, { ...settings, memory });
  const pool = text(call, "pool");
  if (pool !== "") guest.pool = pool;
  cluster.guests.push(guest);
  return guest;
}

export function switchedOn(guest: Guest): void {
  guest.status = "running";
  guest.startedAt = Date.now();
}

function restore(call: Call, type: Type, archive: string, there: Guest | undefined): string {
  const { cluster } = call;
  const node = text(call, "node");
  const vmid = number(call, "vmid", 0);
  const backup = (): ReturnType<typeof findVolume> => findVolume(cluster, node, archive);
  return guestTask(call, type, type === "qemu" ? "qmrestore" : "vzrestore", {
    slowness: 3,
    log: [`recovering backed-up configuration from '${archive}'`, "progress 25% (read 1073741824 bytes, duration 1 sec)"],
    refusal: () => {
      const found = backup();
      const missing = type === "qemu" ? `volume '${archive}' does not exist` : `unable to restore CT ${vmid} - volume '${archive}' does not exist`;
      if (!found) return missing;
      return found.subtype === type
        ? undefined
        : `ERROR: file '${archive}' does not look like a ${type === "qemu" ? "QemuServer" : "PVE"} vzdump backup`;
    },
    effect: () => {
      const saved = backup()?.settings ?? {};
      if (there) gone(call, there);
      const storage = text(call, "storage");
      const settings: Settings = {};
      for (const [name, value] of Object.entries(saved)) {
        const isDrive = drivesOf({ settings: { [name]: value } }).length > 0 && !/media=cdrom/.test(String(value));
        const size = /size=(\d+(?:\.\d+)?)G/.exec(String(value))?.[1] ?? "1";
        settings[name] = isDrive
          ? `${storage || storageNameOf(volidOf(String(value)))}:${size}`
          : flag(call, "unique") && /^net\d+$/.test(name)
            ? String(value).replace(/[0-9A-F]{2}(:[0-9A-F]{2}){5}/i, "BC:24:11:00:00:01")
            : value;
      }
      delete settings.lock;
      delete settings.template;
      const guest = added(call, type, made(call, { vmid, type }, node, { ...settings, ...given(call) }));
      if (flag(call, "start")) switchedOn(guest);
    },
    // What a restore that fails in the middle has begun stays behind as a guest without disks.
    ...(call.taskError ? { onFailure: () => void added(call, type, type === "qemu" ? {} : { hostname: "" }) } : {}),
  });
}

function gone(call: Call, guest: Guest): void {
  const { guests } = call.cluster;
  for (const [, drive] of drivesOf(guest)) {
    const volid = volidOf(drive);
    if (findVolume(call.cluster, guest.node, volid)?.vmid === guest.vmid) dropVolume(call.cluster, volid, guest.node);
  }
  guests.splice(guests.indexOf(guest), 1);
}

function destroy(call: Call, type: Type): string {
  requireQuorum(call);
  const guest = theGuest(call, type);
  const noun = WORDS[type].noun;
  const running = guest.status !== "stopped";
  const kept = Number(guest.settings.protection ?? 0) === 1 ? `can't remove ${noun} ${guest.vmid} - protection mode enabled` : undefined;
  // A container is looked at before a task is made of it.
  if (type === "lxc") {
    const locked = lockedBy(guest);
    if (kept) throw new Refusal(500, kept);
    if (locked) throw new Refusal(500, locked);
    if (running && !flag(call, "force")) throw new Refusal(500, `unable to destroy CT ${guest.vmid} - container is running`);
  } else if (kept) throw new Refusal(500, kept);
  else if (running) throw new Refusal(500, `VM ${guest.vmid} is running - destroy failed`);
  const base = drivesOf(guest)
    .map(([, drive]) => volidOf(drive))
    .find(
      (volid) => /base-/.test(volid) && call.cluster.guests.some((other) => other !== guest && JSON.stringify(other.settings).includes(`${volid}/`)),
    );
  return guestTask(call, type, `${WORDS[type].task}destroy`, {
    log: flag(call, "purge") ? [`purging ${noun} ${guest.vmid} from related configurations..`] : [],
    refusal: () => lockedBy(guest) ?? (base ? `base volume '${base}' is still in use by linked cloned` : undefined),
    effect: () => gone(call, guest),
  });
}

export const lifecycleRoutes = (type: Type): Routes => ({
  [`POST /nodes/{node}/${type}`]: { needs: onGuest("VM.Allocate|VM.Backup"), run: (call) => create(call, type) },
  [`DELETE /nodes/{node}/${type}/{vmid}`]: { needs: onGuest("VM.Allocate"), run: (call) => destroy(call, type) },
});
