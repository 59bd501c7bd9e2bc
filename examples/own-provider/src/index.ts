import { defineProvider } from "proxmcp/plugin";
import { capacity, testConnection } from "./capacity.ts";
import { ContainariumClient } from "./client.ts";
import { backends } from "./kinds/backends.ts";
import { backups } from "./kinds/backups.ts";
import { collaborators } from "./kinds/collaborators.ts";
import { containers } from "./kinds/containers.ts";
import { snapshots } from "./kinds/snapshots.ts";
import { stacks } from "./kinds/stacks.ts";
import { ContainariumConnection, environmentConnections } from "./options.ts";

export default defineProvider({
  name: "containarium",
  title: "Containarium",
  about: "Containarium: development containers for users, on one or several Incus backends, with their snapshots and database backups.",
  api: 1,
  version: "0.1.0",
  connection: { noun: "server", schema: ContainariumConnection, env: environmentConnections },
  hosts: [
    { workload: "system-container", fit: 0.9, features: ["linux", "nesting", "snapshots", "limits", "gpu"] },
    { workload: "vm", fit: 0.3, features: ["windows"] },
  ],
  client: ContainariumClient,
  test: testConnection,
  capacity,
  kinds: [containers, snapshots, backups, backends, stacks, collaborators],
  sandbox: () => import("./sandbox/index.ts"),
});
