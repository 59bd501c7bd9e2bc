/**
 * What can be done to a VM and to a container alike. Each kind adds what only it can do.
 * @module
 */
import { forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "../client.js";
import { type Config, type GuestType, NOUN, reachable, withGuest } from "../guests.js";
import { moveDisk, moving, resizeDisk, resizing, toTemplate } from "./change.js";
import { clone, cloning } from "./copy.js";
import { Metrics, metricsAt, period } from "./metrics.js";
import { power } from "./power.js";
import { removal, removalLosses, remove } from "./remove.js";

const { read, write, destructive } = forClient<ProxmoxClient>();

/** Seconds that a copy or a transfer may take. */
export const LONG = 6 * 3600;

const Configuration = z.object({
  settings: z.record(z.string(), z.union([z.string(), z.number()])),
  pending: z.array(z.string()).describe("Settings that take effect at the next start"),
});

/** Names that other systems have for the same: `proxmox-delete-vm`, `proxmox_delete_container`. */
export const named = (verb: string, nouns: readonly string[]): string[] =>
  nouns.flatMap((noun) => [`proxmox-${verb.replaceAll("_", "-")}-${noun}`, `proxmox_${verb}_${noun}`]);

export const NOUNS = { qemu: ["vm"], lxc: ["container", "lxc"] } as const;

export const guestActions = (type: GuestType) => {
  const noun = NOUN[type];
  const aliases = (verb: string): string[] => named(verb, NOUNS[type]);
  const short = type === "qemu" ? "vm" : "ct";
  const timeout = z
    .int()
    .min(0)
    .describe(`Seconds to wait for the ${type === "qemu" ? "guest" : "container"}`)
    .optional();
  return {
    start: write({
      about: `Start a ${noun} and wait until it runs`,
      aliases: aliases("start"),
      run: (args) => power(args, type, "start"),
    }),
    shutdown: write({
      about: type === "qemu" ? "Ask the guest to shut itself down and wait for it" : "Shut a container down and wait for it",
      aliases: aliases("shutdown"),
      input: {
        timeout,
        force: z
          .boolean()
          .describe(type === "qemu" ? "Switch it off when the time is up" : "Kill it when the time is up")
          .optional(),
      },
      run: (args) => power(args, type, "shutdown", { timeout: args.input.timeout, forceStop: args.input.force }),
    }),
    stop: destructive({
      about: type === "qemu" ? "Switch a VM off at once, as by pulling its plug" : "Kill all processes of a container at once",
      loses:
        type === "qemu"
          ? "Switches the VM off without shutting its guest down: whatever the guest has not written to disk is lost."
          : "Kills the container's processes without shutting them down: whatever they have not written to disk is lost.",
      aliases: aliases("stop"),
      input: { overrule_shutdown: z.boolean().describe("End a shutdown that hangs first").optional() },
      run: (args) => power(args, type, "stop", { "overrule-shutdown": args.input.overrule_shutdown }),
    }),
    restart: write({
      about: type === "qemu" ? "Shut the guest down and start it again" : "Shut a container down and start it again",
      aliases: [...aliases("reboot"), ...aliases("restart"), `proxmox_${short}_reboot`],
      input: { timeout },
      run: (args) => power(args, type, "reboot", { timeout: args.input.timeout }),
    }),
    suspend: write({
      about:
        type === "qemu" ? "Freeze a VM in memory, or write its memory to disk and switch it off" : "Freeze a container (experimental in Proxmox)",
      aliases: aliases("suspend"),
      input: type === "qemu" ? { to_disk: z.boolean().describe("Hibernate").optional() } : {},
      run: (args) => power(args, type, "suspend", { todisk: (args.input as { to_disk?: boolean }).to_disk }),
    }),
    resume: write({
      about: `Continue a suspended ${noun}`,
      aliases: aliases("resume"),
      run: (args) => power(args, type, "resume"),
    }),
    delete: destructive({
      about: `Delete a ${noun} with its disks and snapshots`,
      aliases: [...aliases("delete"), ...aliases("remove"), ...aliases("destroy")],
      input: removal,
      timeout: 1800,
      loses: removalLosses(type),
      run: remove(type),
    }),
    clone: write({
      about: `Copy a ${noun}, or deploy one from a template`,
      aliases: aliases("clone"),
      input: cloning,
      timeout: LONG,
      run: clone(type),
    }),
    resize_disk: write({
      about: `Grow a disk of a ${noun}; the file system in it is not always grown with it`,
      aliases: [...aliases("resize"), `proxmox_${short}_resize`, `proxmox-${short}-resize-disk`],
      input: resizing,
      timeout: 1800,
      run: resizeDisk(type),
    }),
    move_disk: write({
      about: `Move a disk of a ${noun} to another storage`,
      aliases: [`proxmox-${short}-move-disk`, `proxmox_move_${short}_disk`],
      input: moving,
      timeout: LONG,
      run: moveDisk(type),
    }),
    convert_to_template: destructive({
      about: `Turn a stopped ${noun} into a template`,
      aliases: [...aliases("template"), `proxmox_${short}_template`, `proxmox-convert-${short}-to-template`],
      loses: `It can't be turned back: a template is never started, only cloned.`,
      run: toTemplate(type),
    }),
    metrics: read({
      about: `Measurements of a ${noun} over time: CPU, memory, disk and network`,
      aliases: [`proxmox-${short}-metrics`, `proxmox_get_${short}_metrics`, `proxmox_${short}_rrddata`],
      input: period,
      output: Metrics,
      run: (args) =>
        withGuest(args, type, async (row, path, lost) => {
          reachable(row, lost, "measure", type);
          return await metricsAt(args, path, args.input);
        }),
    }),
    config: read({
      about: `Settings of a ${noun} just as Proxmox keeps them`,
      aliases: [`proxmox-${short}-config`, `proxmox_get_${short}_config`, `proxmox-get-${short}-config`],
      input: { snapshot: z.string().describe("As they were at this snapshot").optional() },
      output: Configuration,
      run: (args) =>
        withGuest(args, type, async (row, path, lost) => {
          reachable(row, lost, "read the settings of", type);
          const { client, signal, input } = args;
          const [config, pending] = await Promise.all([
            client.get<Config>(`${path}/config`, signal, { snapshot: input.snapshot }),
            client.get<readonly { readonly key: string; readonly pending?: unknown; readonly delete?: unknown }[]>(`${path}/pending`, signal),
          ]);
          const settings: Record<string, string | number> = {};
          for (const [name, value] of Object.entries(config)) if (value !== undefined) settings[name] = /password/i.test(name) ? "(hidden)" : value;
          return { settings, pending: pending.filter((one) => one.pending !== undefined || one.delete !== undefined).map(({ key }) => key) };
        }),
    }),
  };
};
