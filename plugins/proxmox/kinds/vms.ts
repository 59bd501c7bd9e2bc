import { forClient } from "proxmcp/plugin";
import { z } from "zod";
import { Crossed, crossing, crossingLosses, migrateCluster } from "../between.js";
import type { ProxmoxClient } from "../client.js";
import { guestActions, LONG, named } from "../guest/actions.js";
import { AgentInfo, agentInfo, execInVm, Executed, execution, FileRead, FileWritten, readFile, writeFile } from "../guest/agent.js";
import { update, vmChanges } from "../guest/change.js";
import { migrateVm, vmMigration } from "../guest/copy.js";
import { createVm, vmCreation } from "../guest/create.js";
import { guestFields } from "../guest/fields.js";
import { power } from "../guest/power.js";
import { consoleTicket } from "../guest/terminal.js";
import { configuredVm, vmFields } from "../guest/vm-fields.js";
import { vmWorkload } from "../guest/workloads.js";
import { listGuests, reachable, readGuest, withGuest } from "../guests.js";

const { kind, read, write, destructive } = forClient<ProxmoxClient>();

const Vm = z.object({ ...guestFields, ...vmFields });
const file = z.string().describe("Absolute path in the guest");

const Console = z.object({
  url: z.string().describe("Websocket of the VNC stream"),
  port: z.int(),
  ticket: z.string().describe("Valid for half a minute"),
  password: z.string().describe("For VNC").optional(),
});

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
    get: ["proxmox_vm_get_info", "proxmox-vm-info", "proxmox_get_vm_status", "proxmox_vm_status", "proxmox-vm-status"],
  },
  list: (args) => listGuests(args, "qemu"),
  get: async (args) => {
    const { item, config } = await readGuest(args, "qemu");
    return { ...item, ...configuredVm(config) };
  },
  actions: {
    ...guestActions("qemu"),
    create: write({
      about: "Create a VM; what is not given is chosen: VMID, node, storage, one network device",
      aliases: named("create", ["vm"]),
      input: vmCreation,
      timeout: LONG,
      workload: vmWorkload,
      run: createVm,
    }),
    update: write({
      about: "Change settings of a VM: cores, memory, network devices, cloud-init, boot order, tags",
      aliases: [...named("update", ["vm"]), "proxmox_vm_set_config", "proxmox-configure-vm"],
      input: vmChanges,
      run: update("qemu"),
    }),
    reset: destructive({
      about: "Reset a VM hard, as by its reset switch",
      aliases: named("reset", ["vm"]),
      loses: "Resets the VM without shutting its guest down: whatever the guest has not written to disk is lost.",
      run: (args) => power(args, "qemu", "reset"),
    }),
    migrate: write({
      about: "Move a VM to another node of its cluster, while it runs if it does",
      aliases: named("migrate", ["vm"]),
      input: vmMigration,
      timeout: LONG,
      run: migrateVm,
    }),
    migrate_cluster: destructive({
      about: "Move or copy a VM to another configured cluster; the source stays until the VM there is verified",
      aliases: ["proxmox-migrate-vm-between-clusters", "proxmox_migrate_vm_between_clusters"],
      input: crossing,
      output: Crossed,
      timeout: LONG,
      loses: crossingLosses("qemu"),
      run: migrateCluster("qemu"),
    }),
    exec: destructive({
      about: "Run a command in a running VM through its guest agent",
      aliases: ["proxmox_execute_vm_command", "proxmox-execute-vm-command", "proxmox_vm_execute", "proxmox-vm-exec"],
      input: execution,
      output: Executed,
      timeout: 3700,
      loses: "Runs a command with full rights in the guest.",
      run: execInVm,
    }),
    agent: read({
      about: "What a VM's guest agent knows: addresses, file systems, operating system, who is logged in",
      aliases: ["proxmox-vm-agent-info", "proxmox_get_vm_agent_info", "proxmox_vm_network_interfaces"],
      output: AgentInfo,
      run: agentInfo,
    }),
    read_file: read({ about: "Read a file in a running VM through its guest agent", input: { file }, output: FileRead, run: readFile }),
    write_file: destructive({
      about: "Write a whole file in a running VM through its guest agent",
      input: {
        file,
        content: z.string().max(61_440).describe("Text, or base64"),
        base64: z.boolean().describe("Content is base64").optional(),
      },
      output: FileWritten,
      loses: "Replaces the file if there is one.",
      run: writeFile,
    }),
    console: destructive({
      about: "Make a ticket for a VM's console, for a VNC client",
      aliases: ["proxmox-vm-console", "proxmox_get_vm_console"],
      output: Console,
      loses: "Whoever has the ticket sees and controls the VM's screen and keyboard.",
      run: (args) =>
        withGuest(args, "qemu", async (row, path, lost) => {
          reachable(row, lost, "open the console of", "qemu");
          return await consoleTicket(args, path, row.node ?? "");
        }),
    }),
  },
});
