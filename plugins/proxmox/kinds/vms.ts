import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "../client.js";
import { type Config, guestFields, listGuests, power, readGuest } from "../guests.js";

const { kind, write, destructive } = forClient<ProxmoxClient>();

const Vm = z.object({
  ...guestFields,
  os_type: facet(z.string(), "Operating system as configured: l26, win11, other", { says: ["ostype"] }).optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it was created", { says: ["creation", "made"] }).optional(),
});

/** Seconds as a parameter: how long Proxmox waits for the guest. */
const timeout = z.int().min(0).describe("Seconds to wait for the guest").optional();

export const vms = kind({
  name: "vm",
  about: "A virtual machine (QEMU/KVM)",
  says: ["vm", "virtual machine", "guest", "machine", "qemu"],
  item: Vm,
  key: "id",
  alsoBy: ["name"],
  everyday: ["list", "get", "start", "shutdown", "stop", "restart"],
  aliases: {
    list: ["proxmox-list-vms", "proxmox_list_vms", "proxmox_get_vms"],
    get: ["proxmox_vm_get_info", "proxmox-vm-info", "proxmox_get_vm_status", "proxmox_vm_status"],
  },
  list: (args) => listGuests(args, "qemu"),
  get: async (args) => {
    const { item, config } = await readGuest(args, "qemu");
    return { ...item, ...configured(config) };
  },
  actions: {
    start: write({
      about: "Start a VM and wait until it runs",
      aliases: ["proxmox-start-vm", "proxmox_start_vm"],
      run: (args) => power(args, "qemu", "start"),
    }),
    shutdown: write({
      about: "Ask the guest to shut itself down and wait for it",
      aliases: ["proxmox-shutdown-vm", "proxmox_shutdown_vm"],
      input: { timeout, force: z.boolean().describe("Switch it off when the time is up").optional() },
      run: (args) => power(args, "qemu", "shutdown", { timeout: args.input.timeout, forceStop: args.input.force }),
    }),
    stop: destructive({
      about: "Switch a VM off at once, as by pulling its plug",
      loses: "Switches the VM off without shutting its guest down: whatever the guest has not written to disk is lost.",
      aliases: ["proxmox-stop-vm", "proxmox_stop_vm"],
      input: { overrule_shutdown: z.boolean().describe("End a shutdown that hangs first").optional() },
      run: (args) => power(args, "qemu", "stop", { "overrule-shutdown": args.input.overrule_shutdown }),
    }),
    restart: write({
      about: "Shut the guest down and start it again",
      aliases: ["proxmox-reboot-vm", "proxmox_reboot_vm", "proxmox_vm_reboot", "proxmox_restart_vm"],
      input: { timeout },
      run: (args) => power(args, "qemu", "reboot", { timeout: args.input.timeout }),
    }),
  },
});

/** What only the configuration knows. */
function configured({ ostype, meta }: Config): { os?: string; os_type?: string; created?: string } {
  const type = ostype === undefined ? undefined : String(ostype);
  const os = type && (type.startsWith("w") ? "windows" : type.startsWith("l2") ? "linux" : type === "solaris" ? "solaris" : undefined);
  const seconds = /ctime=(\d+)/.exec(String(meta ?? ""))?.[1];
  return {
    ...(os ? { os } : {}),
    ...(type ? { os_type: type } : {}),
    ...(seconds ? { created: new Date(Number(seconds) * 1000).toISOString() } : {}),
  };
}
