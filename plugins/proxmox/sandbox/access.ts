/** API tokens of the sandbox and what they may do. Proxmox hides from lists what a token may not see. */
const AUDIT = ["VM.Audit", "Datastore.Audit", "Mapping.Audit", "SDN.Audit", "Sys.Audit", "Pool.Audit", "VM.GuestAgent.Audit"];
const ADMIN = [
  ...AUDIT,
  "VM.Allocate",
  "VM.Backup",
  "VM.Clone",
  "VM.Config.CDROM",
  "VM.Config.CPU",
  "VM.Config.Cloudinit",
  "VM.Config.Disk",
  "VM.Config.HWType",
  "VM.Config.Memory",
  "VM.Config.Network",
  "VM.Config.Options",
  "VM.Console",
  "VM.GuestAgent.FileRead",
  "VM.GuestAgent.FileSystemMgmt",
  "VM.GuestAgent.FileWrite",
  "VM.GuestAgent.Unrestricted",
  "VM.Migrate",
  "VM.PowerMgmt",
  "VM.Replicate",
  "VM.Snapshot",
  "VM.Snapshot.Rollback",
  "Datastore.Allocate",
  "Datastore.AllocateSpace",
  "Datastore.AllocateTemplate",
  "Group.Allocate",
  "Mapping.Modify",
  "Mapping.Use",
  "Permissions.Modify",
  "Pool.Allocate",
  "Realm.Allocate",
  "Realm.AllocateUser",
  "SDN.Allocate",
  "SDN.Use",
  "Sys.AccessNetwork",
  "Sys.Console",
  "Sys.Incoming",
  "Sys.Modify",
  "Sys.PowerMgmt",
  "Sys.Syslog",
  "User.Modify",
];
/** The role PVEVMUser. */
const VM_USER = [
  "VM.Audit",
  "VM.Backup",
  "VM.Config.CDROM",
  "VM.Config.Cloudinit",
  "VM.Console",
  "VM.GuestAgent.Audit",
  "VM.GuestAgent.FileRead",
  "VM.GuestAgent.FileSystemMgmt",
  "VM.GuestAgent.FileWrite",
  "VM.PowerMgmt",
];

export interface TokenSpec {
  readonly id: string;
  readonly secret: string;
  /** Privileges by path. Those on a path hold for all below it. */
  readonly grants: Readonly<Record<string, readonly string[]>>;
}

/** By what they are good for. */
export const TOKENS = {
  /** May do everything that a token may. */
  admin: { id: "ops@pve!mcp", secret: "00000000-0000-4000-8000-000000000001", grants: { "/": ADMIN } },
  /** May see everything and change nothing. */
  auditor: { id: "audit@pve!read", secret: "00000000-0000-4000-8000-000000000002", grants: { "/": AUDIT } },
  /** May use VM 100 and see nothing else. */
  limited: { id: "dev@pve!limited", secret: "00000000-0000-4000-8000-000000000003", grants: { "/vms/100": VM_USER } },
  /** With privilege separation and without permissions of its own, as a token is when it has just been made. */
  separated: { id: "ops@pve!separated", secret: "00000000-0000-4000-8000-000000000004", grants: {} },
} as const satisfies Readonly<Record<string, TokenSpec>>;

export type TokenName = keyof typeof TOKENS;

/** The token of an `Authorization` header, or the reason phrase of the 401. */
export function authenticate(header: string | string[] | undefined): TokenSpec | string {
  if (typeof header !== "string") return "No ticket";
  const token = Object.values<TokenSpec>(TOKENS).find(({ id, secret }) => header === `PVEAPIToken=${id}=${secret}`);
  return token ?? "Authentication failed!";
}

/** Whether the token has one of these privileges (`A|B`) on the path or on one above it. */
export function allowed({ grants }: TokenSpec, path: string, privileges: string): boolean {
  return Object.entries(grants).some(
    ([granted, held]) =>
      (granted === "/" || path === granted || path.startsWith(`${granted}/`)) && privileges.split("|").some((one) => held.includes(one)),
  );
}

/** `GET /access/permissions`: the paths that Proxmox always names, and those that something was granted on. */
export function permissionsOf(token: TokenSpec): Record<string, Record<string, 1>> {
  const always = "/" in token.grants ? ["/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"] : [];
  const paths = new Set([...always, ...Object.keys(token.grants)]);
  return Object.fromEntries(
    [...paths].map((path) => [path, Object.fromEntries((token.grants[path] ?? token.grants["/"] ?? []).map((privilege) => [privilege, 1 as const]))]),
  );
}
