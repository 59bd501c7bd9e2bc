import { Refusal, sync } from "./answers.js";
import type { Call } from "./router.js";
import { targetOf } from "./spread.js";

/** A few of the several hundred; those that clients ask for. */
const EXTENSIONS = [
  "etag",
  "patch",
  "container_exec_recording",
  "resources",
  "clustering",
  "projects",
  "container_full",
  "container_exec_user_group_cwd",
  "cloud_init",
  "instance_file_head",
  "instances",
  "virtual-machines",
  "api_filtering",
  "instance_all_projects",
  "instance_get_full",
  "snapshot_expiry_creation",
  "certificate_token",
  "resources_v2",
  "warnings",
  "network_acl",
  "network_forward",
  "clustering_evacuation",
];

/** `GET /1.0`: open to all, and in full for those whom the server trusts. */
export function serverInfo(call: Call) {
  const { host } = call.world;
  const incus = host.flavor === "incus";
  const open = {
    config: {},
    api_extensions: [
      ...EXTENSIONS,
      ...(incus
        ? [
            "dev_incus_events",
            "images_all_projects",
            "profiles_all_projects",
            "networks_all_projects",
            "network_acls_all_projects",
            "instance_state_started_at",
            "instance_state_cpu_time",
            "instances_rebuild",
            "resources_load",
            "exec_output",
            "clustering_evacuation_mode",
          ]
        : ["restrict_devlxd"]),
    ],
    api_status: "stable",
    api_version: "1.0",
    auth: call.trusted ? "trusted" : "untrusted",
    public: false,
    auth_methods: ["tls"],
  };
  if (!call.trusted) return sync(open);
  return sync({
    ...open,
    config: { "core.https_address": call.world.listens?.address ?? "" },
    environment: {
      addresses: call.world.listens ? [call.world.listens.address] : [],
      certificate: call.world.listens?.certificate ?? "",
      architectures: [host.architecture, "armv7l"],
      driver: "lxc | qemu",
      driver_version: "6.0.0 | 8.2.2",
      firewall: "nftables",
      kernel: "Linux",
      kernel_architecture: host.architecture,
      kernel_version: "6.8.0-1013-raspi",
      os_name: "Ubuntu",
      os_version: "24.04",
      project: call.project,
      server: host.flavor,
      server_clustered: host.members.length > 0,
      server_event_mode: "full-mesh",
      server_name: host.name,
      server_pid: 812,
      server_version: host.version,
      storage: "zfs",
      storage_supported_drivers: [
        { Name: "dir", Version: "1", Remote: false },
        { Name: "zfs", Version: "2.2.2", Remote: false },
      ],
      storage_version: "2.2.2",
    },
  });
}

/** `GET /1.0/resources`, of the member that `target` names where there is a cluster. */
export function resources(call: Call) {
  const { host } = call.world;
  targetOf(call);
  return sync({
    cpu: {
      architecture: host.architecture,
      sockets: [{ name: "Cortex-A76", vendor: "ARM", socket: 0, cache: [], cores: [] }],
      total: host.cores,
    },
    memory: { nodes: [], hugepages_total: 0, hugepages_used: 0, hugepages_size: 2_097_152, used: host.memoryUsed, total: host.memory },
    ...(host.flavor === "incus" ? { load: { Average1Min: 0.8, Average5Min: 0.6, Average10Min: 0.5, Processes: 212 } } : {}),
    gpu: { cards: [{ driver: "v3d", driver_version: "6.8.0-1013-raspi", numa_node: 0 }], total: 1 },
    network: { cards: [], total: 0 },
    storage: {
      disks: [
        { id: "mmcblk0", device: "179:0", model: "SD64G", type: "mmc", read_only: false, size: 63_864_569_856, removable: true, numa_node: 0 },
        { id: "sda", device: "8:0", model: "Portable SSD", type: "usb", read_only: false, size: 500_107_862_016, removable: false, numa_node: 0 },
        { id: "loop0", device: "7:0", type: "loop", read_only: true, size: 65_536, removable: false, numa_node: 0 },
      ],
      total: 3,
    },
    system: {
      vendor: "Raspberry Pi Foundation",
      product: "Raspberry Pi 5 Model B Rev 1.0",
      type: "physical",
      family: "",
      serial: "",
      sku: "",
      uuid: "",
      version: "",
    },
  });
}

/** `GET /1.0/cluster`. */
export function cluster(call: Call) {
  const { host } = call.world;
  const enabled = host.members.length > 0;
  return sync({ server_name: enabled ? host.name : "", enabled, member_config: [] });
}

/** `GET /1.0/cluster/members`. */
export function members(call: Call) {
  const { host } = call.world;
  if (!host.members.length) throw new Refusal(500, "Server is not clustered");
  const all = host.members.map((member, at) => {
    const name = member.replace("!", "");
    return {
      server_name: name,
      url: `https://10.10.0.${at + 11}:8443`,
      database: true,
      ...(member.startsWith("!")
        ? { status: "Offline", message: "No heartbeat for 48m12s (2025-06-01 10:02:11 +0000 UTC)" }
        : call.world.evacuated.has(name)
          ? { status: "Evacuated", message: "Unavailable due to maintenance" }
          : { status: "Online", message: "Fully operational" }),
      architecture: host.architecture,
      failure_domain: "default",
      description: "",
      config: {},
      groups: ["default"],
      roles: at === 0 ? ["database-leader", "database"] : ["database"],
    };
  });
  const wanted = call.names[0];
  if (wanted === undefined) return sync(call.query.get("recursion") ? all : all.map((one) => `/1.0/cluster/members/${one.server_name}`));
  const one = all.find(({ server_name: name }) => name === wanted);
  if (!one) throw new Refusal(404, "Cluster member not found");
  return sync(one);
}
