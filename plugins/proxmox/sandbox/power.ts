import {
  badParameter,
  type Call,
  findGuest,
  flag,
  noConfiguration,
  onGuest,
  Refusal,
  requireQuorum,
  type Route,
  type Routes,
  text,
  theGuest,
} from "./calls.js";
import type { Guest } from "./cluster.js";
import { guestTask, lockedBy, WORDS } from "./guest-task.js";

type Type = Guest["type"];

const DEAF = "VM quit/powerdown failed - got timeout";

const power = (run: (call: Call) => string): Route => ({
  needs: onGuest("VM.PowerMgmt"),
  run: (call) => {
    // root@pam itself may skip locks; none of its tokens may.
    if (flag(call, "skiplock")) throw badParameter("skiplock", "Only root may use this option.");
    requireQuorum(call);
    return run(call);
  },
});

function switchOn(guest: Guest, { cluster }: Call): void {
  if (guest.settings.lock === "suspended") delete guest.settings.lock;
  guest.status = "running";
  guest.startedAt = Date.now();
  guest.pid += cluster.tasks.all.length + 1;
}

function switchOff(guest: Guest): void {
  guest.status = "stopped";
  delete guest.startedAt;
}

const startRoute = (type: Type): Route =>
  power((call) => {
    const { noun, task, template } = WORDS[type];
    const already = `${noun} ${text(call, "vmid")} already running`;
    // A container that runs is noticed before a task is made of it, a VM only by the task.
    if (type === "lxc" && findGuest(call, type)?.status === "running") throw new Refusal(500, already);
    return guestTask(call, type, `${task}start`, {
      refusal: () => {
        const guest = findGuest(call, type);
        if (!guest) return noConfiguration(call, type);
        if (guest.settings.template === 1) return template;
        const locked = guest.settings.lock === "suspended" ? undefined : lockedBy(guest);
        return locked ?? (guest.status === "stopped" ? undefined : already);
      },
      effect: () => switchOn(theGuest(call, type), call),
    });
  });

/** A container that is off is refused at once; a VM gets a task that has nothing to do. */
function refuseStopped(call: Call, type: Type, always = false): void {
  const guest = findGuest(call, type);
  if (always && !guest) throw new Refusal(500, noConfiguration(call, type));
  if ((type === "lxc" || always) && (guest?.status ?? "stopped") === "stopped")
    throw new Refusal(500, `${WORDS[type].noun} ${text(call, "vmid")} not running`);
}

const stopRoute = (type: Type): Route =>
  power((call) => {
    const { task } = WORDS[type];
    const id = text(call, "vmid");
    refuseStopped(call, type);
    const overruled = flag(call, "overrule-shutdown") ? call.cluster.tasks.running(/^(qm|vz)shutdown$/, id) : [];
    for (const shutdown of overruled) call.cluster.tasks.interrupt(shutdown);
    return guestTask(call, type, `${task}stop`, {
      refusal: () => (findGuest(call, type) ? undefined : `unable to find configuration file for VM ${id} on node '${text(call, "node")}'`),
      log: overruled.length > 0 ? [`overruled ${task}shutdown tasks: ${overruled.map(({ upid }) => upid).join(", ")}`] : [],
      effect: () => switchOff(theGuest(call, type)),
    });
  });

const shutdownRoute = (type: Type): Route =>
  power((call) => {
    refuseStopped(call, type);
    const guest = theGuest(call, type);
    const deaf = guest.spec.deaf === true && guest.status !== "stopped";
    const forced = deaf && flag(call, "forceStop");
    return guestTask(call, type, `${WORDS[type].task}shutdown`, {
      slowness: deaf ? 4 : 1,
      failure: deaf && !forced ? DEAF : undefined,
      log: forced ? ["VM still running - terminating now with SIGTERM"] : [],
      effect: () => switchOff(guest),
    });
  });

const rebootRoute = (type: Type): Route =>
  power((call) => {
    refuseStopped(call, type, true);
    const guest = theGuest(call, type);
    return guestTask(call, type, `${WORDS[type].task}reboot`, {
      slowness: guest.spec.deaf ? 4 : 1,
      failure: guest.spec.deaf ? DEAF : undefined,
      effect: () => {
        if (type === "lxc") return switchOn(guest, call);
        // The task of a VM ends when it is down. It is started again by what cleans up after it.
        switchOff(guest);
        call.cluster.tasks.later(1, () => switchOn(guest, call));
      },
    });
  });

const suspendRoute = (type: Type): Route =>
  power((call) => {
    refuseStopped(call, type, true);
    const guest = theGuest(call, type);
    const id = text(call, "vmid");
    if (type === "lxc")
      return guestTask(call, type, "vzsuspend", { failure: `command 'lxc-checkpoint -n ${id} -s -D /var/lib/vz/dump' failed: exit code 1` });
    if (!flag(call, "todisk")) return guestTask(call, type, "qmpause", { effect: () => void (guest.status = "paused") });
    return guestTask(call, type, "qmsuspend", {
      effect: () => {
        switchOff(guest);
        guest.settings.lock = "suspended";
      },
    });
  });

const resumeRoute = (type: Type): Route =>
  power((call) => {
    const guest = theGuest(call, type);
    const name = `${WORDS[type].noun} ${guest.vmid}`;
    if (type === "lxc" && guest.status === "running") throw new Refusal(500, `${name} already running`);
    if (guest.status === "stopped") throw new Refusal(500, `${name} not running`);
    return guestTask(call, type, `${WORDS[type].task}resume`, { effect: () => void (guest.status = "running") });
  });

const resetRoute: Route = power((call) => {
  refuseStopped(call, "qemu", true);
  return guestTask(call, "qemu", "qmreset", {});
});

/** Switching VMs or containers on and off. */
export function powerRoutes(type: Type): Routes {
  const status = `/nodes/{node}/${type}/{vmid}/status`;
  return {
    [`POST ${status}/start`]: startRoute(type),
    [`POST ${status}/stop`]: stopRoute(type),
    [`POST ${status}/shutdown`]: shutdownRoute(type),
    [`POST ${status}/reboot`]: rebootRoute(type),
    [`POST ${status}/suspend`]: suspendRoute(type),
    [`POST ${status}/resume`]: resumeRoute(type),
    ...(type === "qemu" ? { [`POST ${status}/reset`]: resetRoute } : {}),
  };
}
