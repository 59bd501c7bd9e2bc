/** What VMs and containers have in common, field by field. */
import { facet, SAID } from "proxmcp/plugin";
import { z } from "zod";
import { Disk, Nic } from "./hardware.js";

export const guestFields = {
  id: facet(z.int(), "VMID, unique in the cluster", { says: ["vmid", "number"] }),
  name: facet(z.string(), "Name; several guests may share one", { says: ["hostname", "called"] }).optional(),
  status: facet(z.enum(["running", "stopped", "paused", "suspended", "error", "unknown"]), "State now; unknown while its node is offline", {
    says: ["state"],
    values: {
      running: SAID.running,
      stopped: SAID.stopped,
      paused: SAID.paused,
      suspended: ["asleep", "hibernated"],
      error: [...SAID.failed, "panicked"],
    },
  }),
  node: facet(z.string(), "Node it is on", { says: ["host", "server", "hypervisor"], place: true }),
  cpu: facet(z.number(), "Cores", { says: ["cpus", "cores", "vcpus", "processors"], unit: "cores" }).optional(),
  cpu_usage: facet(z.number(), "Share of its cores in use", { says: ["cpu load", "cpu use", "load"], unit: "ratio" }).optional(),
  memory: facet(z.int(), "Memory", { says: ["ram", "mem"], unit: "bytes" }).optional(),
  memory_used: facet(z.int(), "Memory in use", { says: ["ram used", "memory use", "used memory"], unit: "bytes" }).optional(),
  disk: facet(z.int(), "Size of the boot or root disk", { says: ["disk size", "storage size"], unit: "bytes" }).optional(),
  uptime: facet(z.int(), "Time since its start", { says: ["up for", "running for"], unit: "seconds" }).optional(),
  tags: facet(z.array(z.string()), "Tags", { says: ["tag", "label", "labels", "tagged"] }),
  pool: facet(z.string(), "Resource pool", { says: ["resource pool"], place: true }).optional(),
  template: facet(z.boolean(), "Template, to be cloned and not started", { says: ["templates"] }).optional(),
  lock: facet(z.string(), "What holds its lock: backup, migrate, snapshot", { says: ["locked", "locked by"] }).optional(),
  ha: facet(z.string(), "State in high availability", { says: ["ha state", "high availability"] }).optional(),
  os: facet(z.string(), "Operating system", {
    says: ["distro", "distribution", "operating system", "guest os"],
    values: {
      linux: [],
      windows: ["win"],
      debian: [],
      ubuntu: [],
      alpine: [],
      centos: [],
      fedora: [],
      archlinux: ["arch linux"],
      opensuse: ["suse"],
      gentoo: [],
      nixos: [],
    },
    detail: true,
  }).optional(),
  arch: facet(z.string(), "Processor architecture, when set", { says: ["architecture"], detail: true }).optional(),
  onboot: facet(z.boolean(), "Starts with its node", { says: ["autostart", "start on boot"], detail: true }).optional(),
  protection: facet(z.boolean(), "Protected against deletion", { says: ["protected"], detail: true }).optional(),
  nics: facet(z.array(Nic), "Network devices", { says: ["network devices", "interfaces"], detail: true }).optional(),
  disks: facet(z.array(Disk), "Disks and drives", { says: ["drives", "volumes"], detail: true }).optional(),
  bridges: facet(z.array(z.string()), "Bridges it is connected to", { says: ["bridge", "vnet"], detail: true }).optional(),
  storages: facet(z.array(z.string()), "Storages of its disks", { says: ["storage"], detail: true }).optional(),
  description: facet(z.string(), "Notes", { says: ["notes", "comment"], detail: true }).optional(),
};
