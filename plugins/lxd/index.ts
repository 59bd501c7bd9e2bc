import { defineProvider } from "proxmcp/plugin";
import { capacity, testConnection } from "./capacity.js";
import { LxdClient } from "./client.js";
import { backups } from "./kinds/backups.js";
import { certificates } from "./kinds/certificates.js";
import { hosts } from "./kinds/hosts.js";
import { images } from "./kinds/images.js";
import { instances } from "./kinds/instances.js";
import { members } from "./kinds/members.js";
import { networkAcls } from "./kinds/network-acls.js";
import { networkForwards } from "./kinds/network-forwards.js";
import { networks } from "./kinds/networks.js";
import { operations } from "./kinds/operations.js";
import { profileTemplates } from "./kinds/profile-templates.js";
import { profiles } from "./kinds/profiles.js";
import { projects } from "./kinds/projects.js";
import { snapshots } from "./kinds/snapshots.js";
import { storagePools } from "./kinds/storage-pools.js";
import { warnings } from "./kinds/warnings.js";
import { inProjects } from "./project/scope.js";
import { storageVolumeSnapshots } from "./kinds/storage-volume-snapshots.js";
import { storageVolumes } from "./kinds/storage-volumes.js";
import { environmentConnections, LOCAL, LxdConnection } from "./options.js";
import { connecting } from "./setup/index.js";

export default defineProvider({
  name: "lxd",
  title: "LXD / Incus",
  about: "LXD and Incus hosts: system containers and virtual machines, their snapshots, images, networks and storage.",
  connection: { noun: "host", schema: LxdConnection, env: environmentConnections, local: LOCAL, actions: connecting },
  hosts: [
    { workload: "system-container", fit: 1, features: ["linux", "nesting", "snapshots", "limits"], arch: ["x86_64", "aarch64"] },
    { workload: "vm", fit: 0.6, features: ["linux", "windows", "snapshots"], arch: ["x86_64", "aarch64"] },
  ],
  client: LxdClient,
  test: testConnection,
  capacity,
  kinds: [
    inProjects(instances, { together: true }),
    inProjects(snapshots, { together: true, of: "instance" }),
    inProjects(backups, { together: true, of: "instance" }),
    inProjects(images, { together: "images_all_projects", feature: "features.images" }),
    inProjects(networks, { together: "networks_all_projects", feature: "features.networks" }),
    inProjects(networkAcls, { together: "network_acls_all_projects", feature: "features.networks" }),
    inProjects(networkForwards, { of: "network", feature: "features.networks" }),
    storagePools,
    inProjects(storageVolumes, { feature: "features.storage.volumes" }),
    inProjects(storageVolumeSnapshots, { of: "volume", feature: "features.storage.volumes" }),
    inProjects(profiles, { together: "profiles_all_projects", feature: "features.profiles" }),
    profileTemplates,
    projects,
    certificates,
    inProjects(operations, { together: "operations_get_query_all_projects" }),
    warnings,
    members,
    hosts,
  ],
  sandbox: () => import("./sandbox/index.js"),
});
