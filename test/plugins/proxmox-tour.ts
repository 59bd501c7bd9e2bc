import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProxMcp } from "../../core/index.js";

type Args = Record<string, unknown>;
/** What earlier steps answered, by tool. */
export type Seen = Readonly<Record<string, Record<string, unknown> | undefined>>;

/** One call of each tool on the sandbox's production estate, in an order in which each finds what it needs. */
export interface Stop {
  readonly tool: string;
  readonly args: Args | ((seen: Seen) => Args);
}

const stop = (tool: string, args: Stop["args"] = {}): Stop => ({ tool: `proxmox_${tool}`, args });
const GIB = 2 ** 30;

const items = (seen: Seen, tool: string): Record<string, unknown>[] => (seen[`proxmox_${tool}`]?.items ?? []) as Record<string, unknown>[];
const itemOf = (seen: Seen, tool: string): Record<string, unknown> => (seen[`proxmox_${tool}`]?.item ?? {}) as Record<string, unknown>;

/** A small file that may be uploaded as an image. */
export function isoFile(): string {
  const file = join(mkdtempSync(join(tmpdir(), "proxmcp-")), "rescue.iso");
  writeFileSync(file, Buffer.alloc(300_000, 7));
  return file;
}

/** List, get, create, change and delete a record. */
const life = (kind: string, key: string, created: Args, changed: Args | undefined, at: Args = {}, first?: string): Stop[] => {
  const id = first ?? created[key];
  return [
    stop(`${kind}_create`, { ...at, ...created }),
    stop(`${kind}_list`, at),
    stop(`${kind}_get`, { ...at, [key]: id }),
    ...(changed ? [stop(`${kind}_update`, { ...at, [key]: id, ...changed })] : []),
    stop(`${kind}_delete`, { ...at, [key]: id }),
  ];
};

export const tour: readonly Stop[] = [
  stop("node_list"),
  stop("node_get", { name: "pve1" }),
  ...["metrics", "logs", "journal", "time", "dns", "hosts"].map((verb) => stop(`node_${verb}`, { name: "pve1" })),
  stop("node_set_time", { name: "pve1", timezone: "UTC" }),
  stop("node_set_dns", { name: "pve1", search: "example.com", servers: ["9.9.9.9"] }),
  stop("node_set_hosts", { name: "pve1", text: "127.0.0.1 localhost\n" }),
  stop("vm_list"),
  stop("vm_create", {
    name: "tour-vm",
    id: 150,
    node: "pve1",
    storage: "ceph",
    cpu: 2,
    memory: GIB,
    disk: 10 * GIB,
    agent: true,
    start: true,
    nics: [{ vlan: 20, ip: "10.0.0.5/24" }],
    cloud_init: { user: "anna" },
  }),
  stop("vm_get", { id: "150" }),
  stop("vm_config", { id: "tour-vm" }),
  stop("vm_metrics", { id: "150" }),
  stop("vm_agent", { id: "150" }),
  stop("vm_exec", { id: "150", command: ["echo", "hi"] }),
  stop("vm_write_file", { id: "150", file: "/tmp/x", content: "hello" }),
  stop("vm_read_file", { id: "150", file: "/tmp/x" }),
  stop("vm_console", { id: "150" }),
  stop("vm_update", { id: "150", tags: ["tour"], cpu: 4 }),
  stop("vm_suspend", { id: "150" }),
  stop("vm_resume", { id: "150" }),
  stop("vm_reset", { id: "150" }),
  stop("vm_restart", { id: "150" }),
  stop("vm_migrate", { id: "150", node: "pve2" }),
  stop("vm_shutdown", { id: "150" }),
  stop("vm_start", { id: "150" }),
  stop("vm_stop", { id: "150" }),
  stop("vm_resize_disk", { id: "150", grow_by: GIB }),
  stop("vm_move_disk", { id: "150", storage: "local-lvm" }),
  stop("vm_clone", { id: "150", name: "tour-copy", new_id: 151 }),
  stop("snapshot_create", { vm: "150", name: "before" }),
  stop("snapshot_list", { vm: "150" }),
  stop("snapshot_get", { vm: "150", name: "before" }),
  stop("snapshot_rollback", { vm: "150", name: "before" }),
  stop("snapshot_delete", { vm: "150", name: "before" }),
  stop("vm_convert_to_template", { id: "151" }),
  stop("template_list"),
  stop("template_get", { id: "151" }),
  stop("ct_list"),
  stop("ct_create", { name: "tour-ct", id: 250, template: "debian 13", node: "pve1", console: "shell", start: true }),
  stop("ct_get", { id: "250" }),
  stop("ct_config", { id: "250" }),
  stop("ct_metrics", { id: "250" }),
  stop("ct_interfaces", { id: "250" }),
  stop("ct_exec", { id: "250", command: ["echo", "hi"] }),
  stop("ct_update", { id: "250", memory: GIB }),
  stop("ct_restart", { id: "250" }),
  stop("ct_shutdown", { id: "250" }),
  stop("ct_start", { id: "250" }),
  stop("ct_stop", { id: "250" }),
  stop("ct_resize_disk", { id: "250", size: 16 * GIB }),
  stop("ct_move_disk", { id: "250", storage: "ceph" }),
  stop("ct_migrate", { id: "250", node: "pve2" }),
  stop("ct_clone", { id: "250", name: "tour-ct-copy", new_id: 251 }),
  stop("ct_convert_to_template", { id: "251" }),
  stop("backup_create", { vm: "150", storage: "nas", notes: "{{guestname}}" }),
  stop("backup_list", { vm: "150" }),
  stop("backup_get", (seen) => ({ id: itemOf(seen, "backup_create").id })),
  stop("backup_update", (seen) => ({ id: itemOf(seen, "backup_create").id, description: "kept" })),
  stop("backup_protect", (seen) => ({ id: itemOf(seen, "backup_create").id, protected: false })),
  stop("backup_restore", (seen) => ({ id: itemOf(seen, "backup_create").id, vmid: 152, storage: "ceph" })),
  stop("backup_delete", (seen) => ({ id: itemOf(seen, "backup_create").id })),
  stop("backup_prune_plan", { storage: "nas", keep_last: 1 }),
  stop("backup_prune", { storage: "nas", keep_last: 1, vmid: 100 }),
  ...life("backup_job", "id", { id: "nightly", schedule: "daily", storage: "nas", guests: ["100"] }, { enabled: false }),
  stop("backup_job_run", { id: "daily" }),
  stop("vm_delete", { id: "150" }),
  stop("ct_delete", { id: "250" }),
  stop("appliance_list"),
  stop("appliance_get", { name: "alpine-3.22-default_20250617_amd64.tar.xz" }),
  stop("appliance_download", { name: "alpine-3.22-default_20250617_amd64.tar.xz", storage: "nas" }),
  stop("storage_list"),
  stop("storage_get", { id: "pve1/nas" }),
  stop("storage_metrics", { id: "pve1/nas" }),
  stop("volume_upload", () => ({ file: isoFile(), content: "iso", storage: "nas" })),
  stop("volume_list", { where: { content: ["iso"] } }),
  stop("volume_get", { id: "nas:iso/rescue.iso" }),
  stop("volume_download", { url: "https://example.com/images/live.iso", content: "iso", storage: "nas" }),
  stop("volume_delete", { id: "nas:iso/rescue.iso" }),
  stop("cluster_list"),
  stop("cluster_get", { name: "prod" }),
  ...["status", "overview", "logs", "version", "test", "options", "ha_status"].map((verb) => stop(`cluster_${verb}`)),
  stop("cluster_set_options", { options: { keyboard: "de" } }),
  ...life("pool", "id", { id: "tour" }, { add: ["203"] }).slice(0, -1),
  stop("task_list"),
  stop("task_get", (seen) => ({ id: items(seen, "task_list")[0]?.id })),
  stop("task_logs", (seen) => ({ id: items(seen, "task_list")[0]?.id })),
  stop("task_stop", (seen) => ({ id: items(seen, "task_list")[0]?.id })),
  ...life("network", "name", { name: "vmbr9", type: "bridge" }, { description: "tour" }, { node: "pve1" }),
  stop("network_apply", { node: "pve1" }),
  stop("network_revert", { node: "pve1" }),
  stop("service_list", { node: "pve1" }),
  stop("service_get", { node: "pve1", name: "cron" }),
  ...["stop", "start", "restart", "reload"].map((verb) => stop(`service_${verb}`, { node: "pve1", name: "cron" })),
  stop("disk_list", { node: "pve1" }),
  stop("disk_get", { node: "pve1", device: "/dev/sda" }),
  stop("disk_smart", { node: "pve1", device: "/dev/sda" }),
  stop("certificate_list", { node: "pve1" }),
  stop("certificate_get", { node: "pve1", file: "pve-ssl.pem" }),
  stop("update_list", { node: "pve1" }),
  stop("update_get", { node: "pve1", name: "pve-manager" }),
  stop("update_refresh", { node: "pve1" }),
  ...life("ha_resource", "id", { id: "vm:100", state: "started" }, { max_restart: 2 }),
  stop("ha_resource_migrate", { id: "vm:102", node: "pve1" }),
  ...life("ha_rule", "id", { id: "apart", type: "resource-affinity", resources: ["vm:102", "vm:103"], affinity: "negative" }, { enabled: false }),
  ...life("replication", "id", { id: "100-0", target: "pve2" }, { rate: 10 }),
  stop("replication_run", { id: "105-0" }),
  stop("firewall_status", { vm: "100" }),
  stop("firewall_set_options", { vm: "100", enabled: true }),
  stop("firewall_logs", { node: "pve1" }),
  stop("firewall_rule_create", { vm: "100", type: "in", action: "ACCEPT", port: "22", protocol: "tcp", enabled: true }),
  stop("firewall_rule_create", { vm: "100", type: "in", action: "DROP" }),
  stop("firewall_rule_list", { vm: "100" }),
  stop("firewall_rule_get", { vm: "100", position: 0 }),
  stop("firewall_rule_update", { vm: "100", position: 0, description: "all else" }),
  stop("firewall_rule_move", { vm: "100", position: 0, to: 1 }),
  stop("firewall_rule_delete", { vm: "100", position: 1 }),
  ...life("firewall_alias", "name", { name: "office", cidr: "192.0.2.0/24" }, { description: "HQ" }),
  ...life("firewall_ipset", "name", { name: "admins" }, { cidr: "192.0.2.7" }).slice(0, -1),
  stop("firewall_ipset_remove_entry", { name: "admins", cidr: "192.0.2.7" }),
  stop("firewall_ipset_delete", { name: "admins" }),
  ...life("firewall_group", "name", { name: "ssh" }, undefined),
  ...life("sdn_zone", "id", { id: "tour", type: "simple" }, { mtu: 1400 }),
  stop("sdn_zone_apply"),
  stop("sdn_zone_discard"),
  ...life("sdn_vnet", "id", { id: "tourvn", zone: "dmz" }, { alias: "tour" }),
  ...life("sdn_subnet", "id", { id: "10.60.0.0/24", gateway: "10.60.0.1" }, { snat: true }, { vnet: "dmz1" }, "dmz-10.60.0.0-24"),
  stop("ceph_pool_list"),
  stop("ceph_pool_get", { name: "vm-pool" }),
  stop("ceph_pool_status"),
  stop("ceph_osd_list"),
  stop("ceph_osd_get", { id: 0 }),
  ...life("user", "id", { id: "anna@pve", email: "anna@example.com" }, { enabled: false }),
  ...life("group", "id", { id: "tour" }, { description: "Tour" }),
  ...life("role", "id", { id: "Tourist", privileges: ["VM.Audit"] }, { privileges: ["VM.Audit", "VM.PowerMgmt"] }),
  ...life(
    "realm",
    "id",
    { id: "ldap1", type: "ldap", server: "192.0.2.9", base_dn: "dc=example,dc=com", user_attribute: "uid" },
    { description: "Directory" },
  ),
  ...life(
    "acl",
    "id",
    { path: "/vms/101", type: "user", holder: "dev@pve", role: "PVEAuditor" },
    { propagate: false },
    {},
    "/vms/101 user dev@pve PVEAuditor",
  ),
  ...life("token", "id", { user: "dev@pve", name: "tour" }, { description: "Tour" }, {}, "dev@pve!tour"),
  stop("permission_list"),
  stop("permission_get", { path: "/" }),
  stop("api_search", { query: "snapshot" }),
  stop("api_describe", { method: "POST", path: "/nodes/pve1/qemu/100/snapshot" }),
  stop("api_read", { path: "/nodes/pve1/status" }),
  stop("api_write", { method: "PUT", path: "/nodes/pve1/qemu/100/snapshot/nope/config", parameters: { description: "x" } }),
  stop("api_call", { method: "DELETE", path: "/pools", parameters: { poolid: "nope" } }),
  stop("node_restart", { name: "pve3" }),
  stop("node_shutdown", { name: "pve3" }),
];

/** Steps that are refused, and have to be: they show that the call went out. */
export const REFUSED: Readonly<Record<string, string>> = {
  proxmox_api_write: "NOT_FOUND",
  proxmox_api_call: "NOT_FOUND",
  proxmox_ct_suspend: "TASK_FAILED",
  proxmox_vm_migrate_cluster: "CONNECTION_UNKNOWN",
  proxmox_ct_migrate_cluster: "CONNECTION_UNKNOWN",
  proxmox_backup_copy: "CONNECTION_UNKNOWN",
};

/** Suspending a container fails where its node lacks a program, as most do. */
export const EXTRA: readonly Stop[] = [
  stop("vm_migrate_cluster", { id: "108", to_cluster: "elsewhere" }),
  stop("ct_migrate_cluster", { id: "201", to_cluster: "elsewhere" }),
  stop("backup_list"),
  stop("backup_copy", (seen) => ({ id: items(seen, "backup_list")[0]?.id, to_cluster: "elsewhere" })),

  stop("ct_suspend", { id: "200" }),
  stop("ct_resume", { id: "200" }),
  stop("pool_update", { id: "tour", remove: ["203"] }),
  stop("pool_delete", { id: "tour" }),
];

/** Goes through all of it. `before` and `after` see each step. */
export async function walk(
  app: ProxMcp,
  after: (stop: Stop, answer: Record<string, unknown> | { code: string; message: string }) => void,
): Promise<void> {
  const seen: Record<string, Record<string, unknown>> = {};
  for (const one of [...tour, ...EXTRA]) {
    const args = typeof one.args === "function" ? one.args(seen) : one.args;
    try {
      const answer = (await app.call(one.tool, args, { confirm: true })) as Record<string, unknown>;
      seen[one.tool] = answer;
      after(one, answer);
    } catch (error) {
      after(one, { code: String((error as { code?: unknown }).code), message: String((error as Error).message) });
    }
  }
}
