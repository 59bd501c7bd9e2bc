import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "../client.js";
import { guestActions, LONG, named } from "../guest/actions.js";
import { Addresses, addressesOf, Executed, execution } from "../guest/agent.js";
import { ctChanges, update } from "../guest/change.js";
import { ctMigration, migrateCt } from "../guest/copy.js";
import { Crossed, crossing, crossingLosses, migrateCluster } from "../between.js";
import { createCt, ctCreation } from "../guest/create.js";
import { guestFields } from "../guest/fields.js";
import { execInCt } from "../guest/terminal.js";
import { ctWorkload } from "../guest/workloads.js";
import { type Config, listGuests, reachable, readGuest, withGuest } from "../guests.js";
import { MIB } from "../properties.js";
import { present } from "../resources.js";

const { kind, read, write, destructive } = forClient<ProxmoxClient>();

const Ct = z.object({
  ...guestFields,
  disk_used: facet(z.int(), "Root disk in use", { says: ["disk use", "used disk"], unit: "bytes" }).optional(),
  unprivileged: facet(z.boolean(), "Its root is not the node's root", { says: ["unprivileged"], detail: true }).optional(),
  swap: facet(z.int(), "Swap", { unit: "bytes", detail: true }).optional(),
  features: facet(z.array(z.string()), "What is allowed in it: nesting, keyctl, fuse", { says: ["nesting"], detail: true }).optional(),
  console: facet(z.string(), "What its console shows: tty, console, shell", { detail: true }).optional(),
  nameserver: facet(z.string(), "DNS server", { says: ["dns"], detail: true }).optional(),
  searchdomain: facet(z.string(), "DNS search domain", { detail: true }).optional(),
});

export const cts = kind({
  name: "ct",
  about: "A system container (LXC)",
  says: ["ct", "container", "lxc", "lxc container", "guest"],
  item: Ct,
  key: "id",
  alsoBy: ["name"],
  everyday: ["list", "get", "start", "shutdown"],
  aliases: {
    list: ["proxmox-list-containers", "proxmox_list_containers", "proxmox_get_containers", "proxmox_list_cts", "proxmox-list-lxc"],
    get: ["proxmox_ct_get_info", "proxmox-container-info", "proxmox_get_container_status", "proxmox_ct_status", "proxmox-container-status"],
  },
  list: (args) => listGuests(args, "lxc"),
  get: async (args) => {
    const { item, config } = await readGuest(args, "lxc");
    return { ...item, ...configured(config) };
  },
  actions: {
    ...guestActions("lxc"),
    create: write({
      about: "Create a container from an appliance template; what is not given is chosen: VMID, node, storage, one network device",
      aliases: named("create", ["container", "lxc"]),
      input: ctCreation,
      timeout: LONG,
      workload: ctWorkload,
      run: createCt,
    }),
    update: write({
      about: "Change settings of a container: cores, memory, network devices, features, tags",
      aliases: named("update", ["container", "lxc"]),
      input: ctChanges,
      run: update("lxc"),
    }),
    migrate: write({
      about: "Move a container to another node of its cluster; one that runs has to be restarted for it",
      aliases: named("migrate", ["container", "lxc"]),
      input: ctMigration,
      timeout: LONG,
      run: migrateCt,
    }),
    migrate_cluster: destructive({
      about: "Move or copy a container to another configured cluster; the source stays until the one there is verified",
      aliases: ["proxmox-migrate-container-between-clusters", "proxmox_migrate_container_between_clusters"],
      input: crossing,
      output: Crossed,
      timeout: LONG,
      loses: crossingLosses("lxc"),
      run: migrateCluster("lxc"),
    }),
    exec: destructive({
      about: "Run a command as root in a running container, on its console or with pct over SSH",
      aliases: ["proxmox_execute_container_command", "proxmox-execute-container-command", "proxmox_ct_execute", "proxmox-container-exec"],
      input: execution,
      output: Executed,
      timeout: 3700,
      loses: "Runs a command as root in the container.",
      run: execInCt,
    }),
    interfaces: read({
      about: "Network interfaces of a running container with their addresses now",
      aliases: ["proxmox-container-interfaces", "proxmox_get_container_ip", "proxmox_ct_network_interfaces"],
      output: Addresses,
      run: (args) =>
        withGuest(args, "lxc", async (row, path, lost) => {
          reachable(row, lost, "look at", "lxc");
          return { interfaces: addressesOf(await args.client.get(`${path}/interfaces`, args.signal)) };
        }),
    }),
  },
});

/** What only the configuration knows. */
function configured(config: Config): object {
  if (Object.keys(config).length === 0) return {};
  const { ostype, unprivileged, swap, features, cmode, nameserver, searchdomain } = config;
  return present({
    os: ostype === undefined || ostype === "unmanaged" ? undefined : String(ostype),
    unprivileged: Number(unprivileged ?? 0) === 1,
    swap: swap === undefined ? undefined : Number(swap) * MIB,
    features:
      features === undefined
        ? []
        : String(features)
            .split(",")
            .map((feature) => feature.replace(/=1$/, "")),
    console: String(cmode ?? "tty"),
    nameserver: nameserver === undefined ? undefined : String(nameserver),
    searchdomain: searchdomain === undefined ? undefined : String(searchdomain),
  });
}
