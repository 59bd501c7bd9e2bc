import { type Call, text } from "./calls.js";
import type { Guest } from "./cluster.js";
import type { Work } from "./tasks.js";

/** What VMs and containers differ in, as far as their power goes. */
export const WORDS = {
  qemu: {
    noun: "VM",
    task: "qm",
    template: "you can't start a vm if it's a template",
    lock: (id: string) => `/var/lock/qemu-server/lock-${id}.conf`,
  },
  lxc: { noun: "CT", task: "vz", template: "you can't start a CT if it's a template", lock: (id: string) => `/run/lock/lxc/pve-config-${id}.lock` },
} as const;

export function lockedBy({ settings, type }: Guest): string | undefined {
  return settings.lock === undefined ? undefined : `${WORDS[type].noun} is locked (${settings.lock})`;
}

/** Starts the task of a guest. It waits for others on the same guest. */
export function guestTask(
  call: Call,
  type: Guest["type"],
  name: string,
  work: Pick<Work, "refusal" | "failure" | "slowness" | "log" | "effect" | "onFailure">,
): string {
  const id = text(call, "vmid");
  return call.cluster.tasks.start({
    node: text(call, "node"),
    type: name,
    id,
    token: call.token,
    lock: WORDS[type].lock(id),
    ...work,
    failure: call.taskError ?? work.failure,
  });
}
