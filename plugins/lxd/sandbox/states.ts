import { parseSize } from "../sizes.js";
import { accepted, Refusal } from "./answers.js";
import { guestOf, refuseBusy } from "./guests.js";
import type { Task } from "./operations.js";
import type { Call } from "./router.js";
import type { Guest, World } from "./world.js";

const WORDS: Readonly<Record<string, string>> = {
  start: "Starting",
  stop: "Stopping",
  restart: "Restarting",
  freeze: "Freezing",
  unfreeze: "Unfreezing",
};

/** `PUT /1.0/instances/{name}/state`. Being in the wrong state fails the operation, not the request. */
export function changeState(call: Call) {
  const { world } = call;
  const guest = guestOf(call);
  const { action = "", force = false, timeout = 0 } = call.json<{ action?: string; force?: boolean; timeout?: number }>();
  if (!WORDS[action]) throw new Refusal(400, `Unknown action: '${action}'`);
  return accepted(
    world.operations.start({
      description: `${WORDS[action]} instance`,
      instances: [`/1.0/instances/${guest.name}`],
      taskError: call.taskError,
      async run(task) {
        refuseBusy(guest, action);
        // Whoever comes while it shuts down waits for the end of that, unless they pull the plug.
        if (guest.leaving && !force) await Promise.race([guest.leaving, ...(timeout > 0 ? [task.pause(timeout * 1000)] : [])]);
        if (action === "start") await start(world, guest, task);
        else if (action === "stop") await stop(world, guest, task, force, timeout);
        else if (action === "restart") await restart(world, guest, task, force, timeout);
        else await freeze(world, guest, task, action === "freeze");
      },
    }),
  );
}

/** It runs from now on. */
export function setRunning(world: World, guest: Guest): void {
  guest.status = "Running";
  guest.last_used_at = new Date().toISOString();
  const { config } = world.expanded(guest);
  guest.console += `${config["image.description"] ?? "Linux"}\n\n${guest.name} login: `;
}

async function start(world: World, guest: Guest, task: Task): Promise<void> {
  if (guest.status !== "Stopped") throw new Error("The instance is already running");
  if (guest.last_used_at.startsWith("1970")) task.report({ container_progress: "" });
  await task.pause(world.taskTime);
  const { config, devices } = world.expanded(guest);
  for (const [name, { type, parent }] of Object.entries(devices)) {
    if (type === "nic" && parent && !world.networks.has(parent)) {
      throw new Error(`Failed to start device "${name}": Parent device "${parent}" doesn't exist`);
    }
  }
  const memory = parseSize(config["limits.memory"]);
  if (memory !== undefined && memory < 512 * 1024) {
    // What a failed start leaves behind for a while.
    guest.busy = "stop";
    setTimeout(() => void (guest.busy = undefined), world.taskTime * 4).unref();
    const logs = `/var/lib/${world.host.flavor}/logs/${guest.name}/lxc.conf`;
    throw new Error(
      `Failed to run: /usr/bin/${world.host.flavor} forkstart ${guest.name} /var/lib/${world.host.flavor}/containers ${logs}: exit status 1`,
    );
  }
  guest.memoryUsage = Math.min(guest.memoryUsage, Math.floor((memory ?? Number.POSITIVE_INFINITY) / 2));
  setRunning(world, guest);
}

async function stop(world: World, guest: Guest, task: Task, force: boolean, timeout: number): Promise<void> {
  if (guest.status === "Stopped") throw new Error("The instance is already stopped");
  if (force) {
    await task.pause(world.taskTime);
    return setStopped(world, guest);
  }
  guest.status = "Running"; // a frozen guest is thawed, or it could not shut down
  // `user.sandbox.stop-time` is the milliseconds that a guest takes to shut down; a real server ignores keys of users.
  const duration = Number(world.expanded(guest).config["user.sandbox.stop-time"] ?? world.taskTime);
  guest.leaving ??= new Promise<void>((left) => {
    const timer = setTimeout(() => {
      if (guest.leaving) setStopped(world, guest);
      left();
    }, duration);
    timer.unref();
  });
  const over = timeout > 0 && duration > timeout * 1000 ? task.pause(timeout * 1000) : new Promise<void>(() => {});
  await Promise.race([guest.leaving, over]);
  if (world.guests.get(guest.name)?.leaving)
    throw new Error('Failed shutting down instance, status is "Running": shutting down the container failed');
}

function setStopped(world: World, guest: Guest): void {
  guest.status = "Stopped";
  guest.leaving = undefined;
  guest.console += "The system is going down NOW!\n";
  if (guest.ephemeral) world.guests.delete(guest.name);
}

async function restart(world: World, guest: Guest, task: Task, force: boolean, timeout: number): Promise<void> {
  if (guest.status === "Stopped") throw new Error("The instance is already stopped");
  if (guest.status === "Frozen") throw new Error("Instance is not running");
  await stop(world, guest, task, force, timeout);
  setRunning(world, guest);
  world.guests.set(guest.name, guest);
}

async function freeze(world: World, guest: Guest, task: Task, on: boolean): Promise<void> {
  if (guest.status === "Stopped") throw new Error("The container isn't running");
  if (on && guest.status === "Frozen") throw new Error("The container is already frozen");
  if (!on && guest.status === "Running") throw new Error("The container is already running");
  await task.pause(world.taskTime);
  guest.status = on ? "Frozen" : "Running";
}
