import { file, Refusal, sync } from "./answers.js";
import { guestOf } from "./guests.js";
import type { Call } from "./router.js";

const hasConsole = (name: string) => `open /var/lib/lxd/logs/${name}/console.log: no such file or directory`;

/** `GET /1.0/instances/{name}/console`: what was printed since the last look. */
export function consoleLog(call: Call) {
  const guest = guestOf(call);
  const text = guest.console;
  guest.console = "";
  if (!text) throw new Refusal(500, guest.status === "Stopped" ? hasConsole(guest.name) : "open : no such file or directory");
  return file("", text, call.range);
}

/** `GET /1.0/instances/{name}/logs`. */
export function logFiles(call: Call) {
  const guest = guestOf(call);
  const own = guest.type === "container" ? ["lxc.conf", "lxc.log"] : ["qemu.conf", "qemu.log"];
  const recorded = world(call).flavor === "incus" ? [] : [...guest.recorded.keys()];
  return sync([...recorded, ...own].sort().map((name) => `/1.0/instances/${guest.name}/logs/${name}`));
}

/** `GET /1.0/instances/{name}/logs/exec-output`, on Incus. */
export function recordedFiles(call: Call) {
  const guest = guestOf(call);
  if (world(call).flavor === "lxd") throw new Refusal(400, "log file name exec-output not valid");
  return sync([...guest.recorded.keys()].toSorted().map((name) => `/1.0/instances/${guest.name}/logs/exec-output/${name}`));
}

const world = (call: Call) => call.world.host;

/** Reads or deletes one of them; Incus keeps recorded output in a folder of its own. */
export function logFile(call: Call, name: string, folder: "logs" | "exec-output") {
  const guest = guestOf(call);
  const deleting = call.method === "DELETE";
  const recorded = /^exec_[0-9a-f-]+\.std(out|err)$/.test(name);
  if (folder === "exec-output" && world(call).flavor === "lxd") throw new Refusal(404, "not found");
  if (recorded && (folder === "exec-output") !== (world(call).flavor === "incus")) throw new Refusal(404, "not found");
  if (!recorded && (folder === "exec-output" || !/^(lxc|qemu)\.(log|conf)$/.test(name))) throw new Refusal(400, `log file name ${name} not valid`);
  const path = `/var/lib/lxd/logs/${guest.name}/${name}`;
  if (deleting) {
    if (!recorded) throw new Refusal(400, "lxc.log and lxc.conf may not be deleted");
    if (!guest.recorded.delete(name)) throw new Refusal(404, `remove ${path}: no such file or directory`);
    return sync({});
  }
  const text = recorded ? guest.recorded.get(name) : runtimeLog(name, guest.name, guest.type);
  if (text === undefined) throw new Refusal(500, `open ${path}: no such file or directory`);
  return file(name, text, call.range);
}

function runtimeLog(name: string, guest: string, type: string): string | undefined {
  if (name.startsWith("qemu") !== (type === "virtual-machine")) return undefined;
  if (name.endsWith(".conf")) return `lxc.log.file = /var/lib/lxd/logs/${guest}/lxc.log\nlxc.log.level = warn\n`;
  return [
    `lxc ${guest} 20250601061204.118 WARN     conf - conf.c:lxc_map_ids:3592 - newuidmap binary is missing`,
    `lxc ${guest} 20250601061204.260 WARN     cgfsng - cgroups/cgfsng.c:fchowmodat:1619 - No such file or directory - Failed to fchownat(memory.oom.group)`,
    "",
  ].join("\n");
}
