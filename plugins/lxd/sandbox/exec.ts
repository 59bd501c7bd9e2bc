import { accepted, file, Refusal, sync } from "./answers.js";
import type { Call } from "./router.js";
import { runCommand } from "./shell.js";
import { guestOf } from "./guests.js";

interface ExecBody {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: unknown;
  readonly cwd?: string;
  readonly "record-output"?: boolean;
}

/** `POST /1.0/instances/{name}/exec`, with recorded output only. */
export function exec(call: Call) {
  const { world } = call;
  const body = call.json<ExecBody>();
  if (body.user !== undefined && !Number.isInteger(body.user)) {
    throw new Refusal(400, `json: cannot unmarshal ${typeof body.user} into Go struct field InstanceExecPost.user of type uint32`);
  }
  const guest = guestOf(call);
  if (guest.status === "Frozen") throw new Refusal(400, "Instance is frozen");
  if (guest.status !== "Running") throw new Refusal(400, "Instance is not running");
  const command = body.command ?? [];
  return accepted(
    world.operations.start({
      description: "Executing command",
      instances: [`/1.0/instances/${guest.name}`],
      containers: guest.type === "container",
      taskError: call.taskError,
      async run(task) {
        const names = { out: `exec_${task.id}.stdout`, err: `exec_${task.id}.stderr` };
        for (const name of Object.values(names)) guest.recorded.set(name, "");
        const write =
          (name: string) =>
          (text: string): void =>
            void guest.recorded.set(name, (guest.recorded.get(name) ?? "") + text);
        if (!command.length) throw new Error("Failed to retrieve PID of executing child process");
        const user = (body.user as number | undefined) ?? 0;
        const code = await runCommand(command, {
          world,
          guest,
          user,
          env: {
            PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            LANG: "C.UTF-8",
            ...(user === 0 ? { HOME: "/root", USER: "root" } : {}),
            ...body.environment,
          },
          cwd: body.cwd ?? "/root",
          signal: task.signal,
          out: write(names.out),
          err: write(names.err),
        });
        const folder = `/1.0/instances/${guest.name}/logs${world.host.flavor === "incus" ? "/exec-output" : ""}`;
        task.report({ output: { "1": `${folder}/${names.out}`, "2": `${folder}/${names.err}` }, return: code });
        const silent = !guest.recorded.get(names.out) && !guest.recorded.get(names.err);
        if (silent && code === 127) throw new Error("Command not found");
        if (silent && code === 126) throw new Error("Command not executable");
      },
    }),
  );
}

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
