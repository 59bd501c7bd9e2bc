import { type Call, flag, onGuest, Refusal, type Routes, text, theGuest } from "./calls.js";
import { type Guest, macOf, nameOf } from "./cluster.js";

/** A guest whose agent answers: it runs, and the agent is switched on. */
function withAgent(call: Call): Guest {
  const guest = theGuest(call, "qemu");
  if (guest.status !== "running") throw new Refusal(500, `VM ${guest.vmid} is not running`);
  if (!/^1|enabled=1/.test(String(guest.settings.agent ?? ""))) throw new Refusal(500, "No QEMU guest agent configured");
  if (guest.spec.deaf) throw new Refusal(500, "QEMU guest agent is not running");
  return guest;
}

/** The few programs that a guest of the sandbox has. */
function perform(guest: Guest, argv: readonly string[], input: string): { code: number; out: string; err: string; slow?: boolean } | undefined {
  const [program = "", ...args] = argv;
  const name = program.split("/").at(-1) ?? "";
  if (name === "echo") return { code: 0, out: `${args.join(" ")}\n`, err: "" };
  if (name === "hostname") return { code: 0, out: `${nameOf(guest)}\n`, err: "" };
  if (name === "uname") return { code: 0, out: `Linux ${nameOf(guest)} 6.12.107+deb13-cloud-amd64 x86_64 GNU/Linux\n`, err: "" };
  if (name === "cat")
    return {
      code: 0,
      out: args[0] === undefined ? input : (guest.files.get(args[0]) ?? ""),
      err: args[0] !== undefined && !guest.files.has(args[0]) ? `cat: ${args[0]}: No such file or directory\n` : "",
    };
  if (name === "sleep") return { code: 0, out: "", err: "", slow: true };
  if (name === "yes") return { code: 0, out: "y\n".repeat(60_000), err: "" };
  if (name !== "sh") return undefined;
  let [out, err, code] = ["", "", 0];
  for (const part of (args[1] ?? "")
    .split(/;|\n/)
    .map((one) => one.trim())
    .filter(Boolean)) {
    const [line = "", toError] = part.split(/\s*>&2/);
    if (/^exit \d+$/.test(line)) return { code: Number(line.slice(5)), out, err };
    const ran = perform(guest, line.trim().split(/\s+/), input);
    if (!ran) [err, code] = [`${err}sh: ${line.split(" ")[0]}: not found\n`, 127];
    else if (toError === undefined) [out, err, code] = [out + ran.out, err + ran.err, ran.code];
    else err += ran.out;
  }
  return { code, out, err };
}

export const runIn = perform;

function exec(call: Call): unknown {
  const guest = withAgent(call);
  const { command } = call.parameters;
  const argv = Array.isArray(command) ? command.map(String) : [String(command)];
  const ran = perform(guest, argv, text(call, "input-data"));
  if (!ran) throw new Refusal(596, "Broken pipe");
  const pid = 160 + guest.processes.size + call.cluster.tasks.all.length;
  guest.processes.set(pid, {
    exited: ran.slow ? 0 : 1,
    exitcode: ran.code,
    ...(ran.out ? { "out-data": ran.out, "out-truncated": 0 } : {}),
    ...(ran.err ? { "err-data": ran.err, "err-truncated": 0 } : {}),
  });
  if (ran.slow) call.cluster.tasks.later(1, () => guest.processes.set(pid, { exited: 1, exitcode: 0 }));
  return { pid };
}

function execStatus(call: Call): unknown {
  const guest = withAgent(call);
  const pid = Number(text(call, "pid"));
  const process = guest.processes.get(pid);
  if (!process) throw new Refusal(500, "Agent error: PID ld does not exist");
  if (process.exited !== 1) return { exited: 0 };
  guest.processes.delete(pid);
  return process;
}

const result =
  (answer: (guest: Guest) => unknown) =>
  (call: Call): unknown => ({ result: answer(withAgent(call)) });

const addressOf = ({ vmid }: Guest): string => `10.20.1.${vmid % 250}`;

export const agentRoutes: Routes = Object.fromEntries(
  Object.entries<Routes[string]>({
    "POST exec": { needs: onGuest("VM.GuestAgent.Unrestricted"), run: exec },
    "GET exec-status": { needs: onGuest("VM.GuestAgent.Unrestricted"), run: execStatus },
    "POST ping": { run: result(() => ({})) },
    "GET info": { run: result(() => ({ version: "10.0.7", supported_commands: [{ name: "guest-exec", enabled: true, "success-response": true }] })) },
    "GET get-osinfo": {
      run: result(({ settings }) =>
        String(settings.ostype).startsWith("w")
          ? { id: "mswindows", name: "Microsoft Windows", "pretty-name": "Windows 11 Pro", machine: "x86_64", "kernel-release": "26100" }
          : {
              id: "debian",
              name: "Debian GNU/Linux",
              "pretty-name": "Debian GNU/Linux 13 (trixie)",
              "version-id": "13",
              machine: "x86_64",
              "kernel-release": "6.12.107+deb13-cloud-amd64",
            },
      ),
    },
    "GET get-host-name": { run: result((guest) => ({ "host-name": nameOf(guest) })) },
    "GET get-timezone": { run: result(() => ({ zone: "UTC", offset: 0 })) },
    "GET get-users": { run: result(() => [{ user: "admin", "login-time": 1_795_220_000.5 }]) },
    "GET get-fsinfo": {
      run: result(() => [{ name: "sda1", mountpoint: "/", type: "ext4", "total-bytes": 62_000_000_000, "used-bytes": 21_000_000_000, disk: [] }]),
    },
    "GET network-get-interfaces": {
      run: result((guest) => [
        {
          name: "lo",
          "hardware-address": "00:00:00:00:00:00",
          "ip-addresses": [{ "ip-address": "127.0.0.1", prefix: 8, "ip-address-type": "ipv4" }],
        },
        {
          name: "eth0",
          "hardware-address": macOf(guest.vmid).toLowerCase(),
          "ip-addresses": [{ "ip-address": addressOf(guest), prefix: 24, "ip-address-type": "ipv4" }],
        },
      ]),
    },
    "GET file-read": {
      needs: onGuest("VM.GuestAgent.FileRead|VM.GuestAgent.Unrestricted"),
      run: (call) => {
        const file = text(call, "file");
        const content = withAgent(call).files.get(file);
        if (content === undefined) throw new Refusal(500, `Agent error: failed to open file '${file}' (mode: 'r'): No such file or directory`);
        return { content, "bytes-read": content.length };
      },
    },
    "POST file-write": {
      needs: onGuest("VM.GuestAgent.FileWrite|VM.GuestAgent.Unrestricted"),
      run: (call) => {
        const file = text(call, "file");
        const guest = withAgent(call);
        if (file.startsWith("/nope")) throw new Refusal(500, `Agent error: failed to open file '${file}' (mode: 'wb'): No such file or directory`);
        const encoded = call.parameters.encode !== undefined && !flag(call, "encode");
        guest.files.set(file, encoded ? Buffer.from(text(call, "content"), "base64").toString("latin1") : text(call, "content"));
        return null;
      },
    },
  }).map(([name, route]) => {
    const [method, what] = name.split(" ");
    return [`${method} /nodes/{node}/qemu/{vmid}/agent/${what}`, { needs: onGuest("VM.GuestAgent.Audit|VM.GuestAgent.Unrestricted"), ...route }];
  }),
);

/** `GET /nodes/{node}/lxc/{vmid}/interfaces` */
export const interfacesOf = (guest: Guest): unknown =>
  guest.status !== "running"
    ? null
    : [
        {
          name: "lo",
          hwaddr: "00:00:00:00:00:00",
          "hardware-address": "00:00:00:00:00:00",
          inet: "127.0.0.1/8",
          "ip-addresses": [{ "ip-address": "127.0.0.1", prefix: "8", "ip-address-type": "inet" }],
        },
        {
          name: "eth0",
          hwaddr: macOf(guest.vmid).toLowerCase(),
          "hardware-address": macOf(guest.vmid).toLowerCase(),
          inet: `${addressOf(guest)}/24`,
          "ip-addresses": [{ "ip-address": addressOf(guest), prefix: "24", "ip-address-type": "inet" }],
        },
      ];

/** `.../rrddata`: the last hour in minutes. Before a guest was there its rows have nothing but a time. */
export function series(guest: Guest | undefined, { cpus, memory }: { readonly cpus: number; readonly memory: number }): unknown[] {
  const now = Math.floor(Date.now() / 60_000) * 60;
  return Array.from({ length: 70 }, (_, minute) => {
    const time = now - (70 - minute) * 60;
    if (minute < 10) return { time };
    const wave = 0.2 + 0.1 * Math.sin(minute / 5);
    const both = { time, cpu: wave, netin: 1000 * wave, netout: 400 * wave };
    return guest
      ? {
          ...both,
          maxcpu: cpus,
          mem: memory * wave,
          maxmem: memory,
          disk: guest.type === "qemu" ? 0 : 1e9,
          maxdisk: 8e9,
          diskread: 5e4,
          diskwrite: 2e4,
        }
      : { ...both, maxcpu: cpus, memtotal: memory, memused: memory * wave, roottotal: 1e11, rootused: 2e10, loadavg: 1.2, iowait: 0.002 };
  });
}
