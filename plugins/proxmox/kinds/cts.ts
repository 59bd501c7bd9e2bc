import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "../client.js";
import { guestFields, listGuests, power, readGuest } from "../guests.js";

const { kind, write, destructive } = forClient<ProxmoxClient>();

const Ct = z.object({
  ...guestFields,
  disk_used: facet(z.int(), "Root disk in use", { says: ["disk use", "used disk"], unit: "bytes" }).optional(),
  unprivileged: facet(z.boolean(), "Its root is not the node's root", { says: ["unprivileged"] }).optional(),
});

const timeout = z.int().min(0).describe("Seconds to wait for the container").optional();

export const cts = kind({
  name: "ct",
  about: "A system container (LXC)",
  says: ["ct", "container", "lxc", "lxc container", "guest"],
  item: Ct,
  key: "id",
  alsoBy: ["name"],
  everyday: ["list", "get", "start", "shutdown"],
  aliases: {
    list: ["proxmox-list-containers", "proxmox_list_containers", "proxmox_get_containers", "proxmox_list_cts"],
    get: ["proxmox_ct_get_info", "proxmox-container-info", "proxmox_get_container_status", "proxmox_ct_status"],
  },
  list: (args) => listGuests(args, "lxc"),
  get: async (args) => {
    const { item, config } = await readGuest(args, "lxc");
    const { ostype, unprivileged } = config;
    return {
      ...item,
      ...(ostype === undefined || ostype === "unmanaged" ? {} : { os: String(ostype) }),
      ...(Object.keys(config).length === 0 ? {} : { unprivileged: Number(unprivileged ?? 0) === 1 }),
    };
  },
  actions: {
    start: write({
      about: "Start a container and wait until it runs",
      aliases: ["proxmox-start-container", "proxmox_start_container", "proxmox_start_lxc"],
      run: (args) => power(args, "lxc", "start"),
    }),
    shutdown: write({
      about: "Shut a container down and wait for it",
      aliases: ["proxmox-shutdown-container", "proxmox_shutdown_container", "proxmox_shutdown_lxc"],
      input: { timeout, force: z.boolean().describe("Kill it when the time is up").optional() },
      run: (args) => power(args, "lxc", "shutdown", { timeout: args.input.timeout, forceStop: args.input.force }),
    }),
    stop: destructive({
      about: "Kill all processes of a container at once",
      loses: "Kills the container's processes without shutting them down: whatever they have not written to disk is lost.",
      aliases: ["proxmox-stop-container", "proxmox_stop_container", "proxmox_stop_lxc"],
      input: { overrule_shutdown: z.boolean().describe("End a shutdown that hangs first").optional() },
      run: (args) => power(args, "lxc", "stop", { "overrule-shutdown": args.input.overrule_shutdown }),
    }),
    restart: write({
      about: "Shut a container down and start it again",
      aliases: ["proxmox-reboot-container", "proxmox_reboot_container", "proxmox_ct_reboot", "proxmox_restart_container"],
      input: { timeout },
      run: (args) => power(args, "lxc", "reboot", { timeout: args.input.timeout }),
    }),
  },
});
