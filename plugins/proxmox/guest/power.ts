/**
 * Switching guests on and off, suspending and resuming them.
 * @module
 */
import { type ActionArgs, isProxMcpError, type ItemArgs, type Written } from "proxmcp/plugin";
import type { Parameters, ProxmoxClient } from "../client.js";
import { type Current, type GuestType, NOUN, reachable, withGuest } from "../guests.js";

type Args = ItemArgs<ProxmoxClient>;

/** The state that a command is to bring about, where being in it already is as good. */
const WANTED: Readonly<Record<string, string>> = { start: "running", stop: "stopped", shutdown: "stopped", resume: "running" };

/** Switches a guest on or off, follows the task, and takes "already" for success when the guest agrees. */
export async function power(
  args: ActionArgs<ProxmoxClient, unknown>,
  type: GuestType,
  command: "start" | "stop" | "shutdown" | "reboot" | "reset" | "suspend" | "resume",
  parameters: Parameters = {},
): Promise<Written> {
  const { client, signal, note } = args;
  return await withGuest(args, type, async (row, path, lost) => {
    const { vmid = 0 } = row;
    reachable(row, lost, command, type);
    try {
      await client.write("POST", `${path}/status/${command}`, parameters, args);
    } catch (error) {
      const wanted = WANTED[command];
      if (wanted === undefined || !isProxMcpError(error) || !/already running|not running/i.test(error.message)) throw error;
      const { status } = await client.get<Current>(`${path}/status/current`, signal);
      if (status !== wanted) throw error;
      note(`${NOUN[type]} ${vmid} was ${wanted} already.`);
    }
    if (command === "reboot" && type === "qemu") await comesBack(args, path);
    return { key: String(vmid) };
  });
}

/** A VM's reboot task ends when the guest is down; the node starts it again just afterwards. */
async function comesBack({ client, signal, clock, note }: Args, path: string): Promise<void> {
  for (const until = clock.now() + 15_000; clock.now() < until; await clock.sleep(250, signal)) {
    if ((await client.get<Current>(`${path}/status/current`, signal)).status === "running") return;
  }
  note("The guest has shut down, and Proxmox has not started it again yet.");
}
