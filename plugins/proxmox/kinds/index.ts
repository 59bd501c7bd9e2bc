/** Every kind that Proxmox has here, in the order they are listed in. */
import { acls } from "./acls.js";
import { api } from "./api.js";
import { appliances } from "./appliances.js";
import { backupJobs } from "./backup-jobs.js";
import { backups } from "./backups.js";
import { cephOsds } from "./ceph-osds.js";
import { cephPools } from "./ceph-pools.js";
import { certificates } from "./certificates.js";
import { clusters } from "./clusters.js";
import { cts } from "./cts.js";
import { disks } from "./disks.js";
import { firewallAliases } from "./firewall-aliases.js";
import { firewallGroups } from "./firewall-groups.js";
import { firewallIpsets } from "./firewall-ipsets.js";
import { firewallRules } from "./firewall-rules.js";
import { firewalls } from "./firewalls.js";
import { groups } from "./groups.js";
import { haResources } from "./ha-resources.js";
import { haRules } from "./ha-rules.js";
import { networks } from "./networks.js";
import { nodes } from "./nodes.js";
import { permissions } from "./permissions.js";
import { pools } from "./pools.js";
import { realms } from "./realms.js";
import { replications } from "./replications.js";
import { roles } from "./roles.js";
import { sdnSubnets } from "./sdn-subnets.js";
import { sdnVnets } from "./sdn-vnets.js";
import { sdnZones } from "./sdn-zones.js";
import { services } from "./services.js";
import { snapshots } from "./snapshots.js";
import { storages } from "./storages.js";
import { tasks } from "./tasks.js";
import { templates } from "./templates.js";
import { tokens } from "./tokens.js";
import { updates } from "./updates.js";
import { users } from "./users.js";
import { vms } from "./vms.js";
import { volumes } from "./volumes.js";

export const kinds = [
  nodes,
  vms,
  cts,
  snapshots,
  backups,
  backupJobs,
  templates,
  appliances,
  storages,
  volumes,
  clusters,
  pools,
  tasks,
  networks,
  services,
  disks,
  certificates,
  updates,
  haResources,
  haRules,
  replications,
  firewalls,
  firewallRules,
  firewallAliases,
  firewallIpsets,
  firewallGroups,
  sdnZones,
  sdnVnets,
  sdnSubnets,
  cephPools,
  cephOsds,
  users,
  groups,
  roles,
  acls,
  realms,
  tokens,
  permissions,
  api,
] as const;
