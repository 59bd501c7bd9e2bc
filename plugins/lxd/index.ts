import { defineProvider } from "proxmcp/plugin";
import { capacity, testConnection } from "./capacity.js";
import { LxdClient } from "./client.js";
import { backups } from "./kinds/backups.js";
import { hosts } from "./kinds/hosts.js";
import { images } from "./kinds/images.js";
import { instances } from "./kinds/instances.js";
import { members } from "./kinds/members.js";
import { networks } from "./kinds/networks.js";
import { profileTemplates } from "./kinds/profile-templates.js";
import { profiles } from "./kinds/profiles.js";
import { snapshots } from "./kinds/snapshots.js";
import { storagePools } from "./kinds/storage-pools.js";
import { inProjects } from "./project/scope.js";
import { environmentConnections, LOCAL, LxdConnection } from "./options.js";

export default defineProvider({
  name: "lxd",
  title: "LXD / Incus",
  about: "LXD and Incus hosts: system containers and virtual machines, their snapshots, images, networks and storage.",
  connection: { noun: "host", schema: LxdConnection, env: environmentConnections, local: LOCAL },
  hosts: [
    { workload: "system-container", fit: 1, features: ["linux", "nesting", "snapshots", "limits"], arch: ["x86_64", "aarch64"] },
    { workload: "vm", fit: 0.6, features: ["linux", "windows", "snapshots"], arch: ["x86_64", "aarch64"] },
  ],
  client: LxdClient,
  test: testConnection,
  capacity,
  kinds: [
    inProjects(instances, { together: true }),
    inProjects(snapshots, { together: true }),
    inProjects(backups, { together: true }),
    inProjects(images, { together: "images_all_projects", feature: "features.images" }),
    inProjects(profiles, { together: "profiles_all_projects", feature: "features.profiles" }),
    inProjects(networks, { together: "networks_all_projects", feature: "features.networks" }),
    profileTemplates,
    storagePools,
    members,
    hosts,
  ],
  sandbox: () => import("./sandbox/index.js"),
});
