import { defineProvider } from "proxmcp/plugin";
import { ProxmoxClient } from "./client.js";
import { connectionsIn, ProxmoxConnection } from "./connection.js";
import { capacityOf, testConnection } from "./health.js";
import { kinds } from "./kinds/index.js";

export default defineProvider({
  name: "proxmox",
  title: "Proxmox VE",
  about: "Proxmox VE clusters: virtual machines, system containers (LXC), their nodes and storages",
  api: 1,
  connection: { noun: "cluster", schema: ProxmoxConnection, env: connectionsIn },
  hosts: [
    {
      workload: "vm",
      fit: 1,
      features: [
        "windows",
        "linux",
        "gpu",
        "pci",
        "usb",
        "uefi",
        "complex-networking",
        "live-migration",
        "high-availability",
        "snapshots",
        "backup",
        "cloud-init",
      ],
      arch: ["x86_64"],
    },
    { workload: "system-container", fit: 0.7, features: ["linux", "nesting", "snapshots", "backup", "high-availability"], arch: ["x86_64"] },
  ],
  client: ProxmoxClient,
  test: testConnection,
  capacity: capacityOf,
  kinds,
  sandbox: () => import("./sandbox/index.js"),
});
