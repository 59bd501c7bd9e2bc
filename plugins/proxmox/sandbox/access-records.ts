/** Users, groups, roles, realms, permissions, tokens. */
import { permissionsOf, TOKENS } from "./access.js";
import { badParameter, type Call, flag, number, Refusal, requireQuorum, type Routes, text } from "./calls.js";
import type { Row } from "./cluster.js";
import { collection, rowsOf } from "./collections.js";

const named = (what: string, id = (name: string) => `'${name}'`) => ({
  exists: (name: string) => `create ${what} failed: ${what} ${id(name)} already exists`,
  missing: (name: string) => `${what} ${id(name)} does not exist`,
});

const USERS = [
  { userid: "root@pam", enable: 1, expire: 0, "realm-type": "pam" },
  ...[...new Set(Object.values(TOKENS).map(({ id }) => id.split("!")[0] ?? ""))].map((userid) => ({
    userid,
    enable: 1,
    expire: 0,
    email: `${userid.split("@")[0]}@example.com`,
    "realm-type": "pve",
  })),
];

const tokensOf = (call: Call, userid: string): Row[] =>
  rowsOf(call, {
    path: `/access/users/${userid}/token`,
    seed: () =>
      Object.values(TOKENS)
        .filter(({ id }) => id.startsWith(`${userid}!`))
        .map(({ id }) => ({ tokenid: id.split("!")[1], privsep: 0, expire: 0 })),
  });

const ROLES = [
  { roleid: "PVEAuditor", privs: "Datastore.Audit,Mapping.Audit,Pool.Audit,SDN.Audit,Sys.Audit,VM.Audit,VM.GuestAgent.Audit", special: 1 },
  { roleid: "PVEVMUser", privs: "VM.Audit,VM.Backup,VM.Config.CDROM,VM.Config.Cloudinit,VM.Console,VM.PowerMgmt", special: 1 },
];

export const accessRoutes: Routes = {
  ...collection({
    path: "/access/groups",
    key: "groupid",
    ...named("group"),
    seed: () => [{ groupid: "ops", comment: "Operators" }],
    shown: (row) => ({ comment: row.comment, members: ["ops@pve"] }),
    listed: (row) => ({ ...row, users: "ops@pve" }),
  }),
  ...collection({
    path: "/access/users",
    key: "userid",
    exists: (id) => `create user failed: user '${id}' already exists`,
    missing: (id) => `no such user ('${id}')`,
    seed: () => USERS.map((row) => ({ ...row })),
    born: () => ({ enable: 1, expire: 0, "realm-type": "pve" }),
    listed: (row, call) => (flag(call, "full") ? { ...row, groups: "", tokens: tokensOf(call, String(row.userid)) } : row),
    shown: ({ userid: _, ...row }, call) => ({ ...row, groups: [], tokens: tokensOf(call, text(call, "userid")) }),
  }),
  ...collection({
    path: "/access/roles",
    key: "roleid",
    ...named("role"),
    seed: () => ROLES.map((row) => ({ ...row })),
    shown: ({ privs }) =>
      Object.fromEntries(
        String(privs ?? "")
          .split(",")
          .map((name) => [name, 1]),
      ),
    refuse: (call, verb) =>
      verb !== "create" && text(call, "roleid").startsWith("PVE")
        ? `auto-generated role '${text(call, "roleid")}' cannot be ${verb === "update" ? "modified" : "deleted"}`
        : undefined,
  }),
  ...collection({
    path: "/access/domains",
    key: "realm",
    exists: (id) => `domain '${id}' already exists`,
    missing: (id) => `domain '${id}' does not exist`,
    seed: () => [
      { realm: "pam", type: "pam", comment: "Linux PAM standard authentication" },
      { realm: "pve", type: "pve", comment: "Proxmox VE authentication server" },
    ],
  }),
  "GET /access/permissions": { run: ({ token }) => permissionsOf(token) },
  "GET /access/acl": { run: (call) => acls(call) },
  "PUT /access/acl": {
    run: (call) => {
      requireQuorum(call);
      const path = text(call, "path");
      const given = (["users", "groups", "tokens"] as const).flatMap((name) =>
        text(call, name) === "" ? [] : [[name.slice(0, -1), text(call, name)] as const],
      );
      if (given.length === 0) throw badParameter("users", "either 'users', 'groups' or 'tokens' is required.");
      if (!/^\/($|access|nodes|pool|sdn|storage|vms|mapping)/.test(path)) throw badParameter("path", `invalid ACL path '${path}'`);
      const roles = rowsOf(call, { path: "/access/roles", seed: () => ROLES.map((row) => ({ ...row })) });
      if (!roles.some(({ roleid }) => roleid === text(call, "roles")))
        throw new Refusal(500, `ACL update failed: role '${text(call, "roles")}' does not exist`);
      const rows = acls(call);
      for (const [type, ugid] of given) {
        const at = rows.findIndex((row) => row.path === path && row.type === type && row.ugid === ugid && row.roleid === text(call, "roles"));
        if (at >= 0) rows.splice(at, 1);
        if (!flag(call, "delete"))
          rows.push({
            path,
            type,
            ugid,
            roleid: text(call, "roles"),
            propagate: call.parameters.propagate === undefined ? 1 : Number(flag(call, "propagate")),
          });
      }
      return null;
    },
  },
  "GET /access/users/{userid}/token/{tokenid}": {
    run: (call) => {
      const { tokenid: _, ...found } = tokenOf(call);
      return found;
    },
  },
  "POST /access/users/{userid}/token/{tokenid}": {
    run: (call) => {
      const rows = tokensOf(call, text(call, "userid"));
      const tokenid = text(call, "tokenid");
      if (rows.some((row) => row.tokenid === tokenid)) throw badParameter("tokenid", "Token already exists.");
      const info = {
        privsep: call.parameters.privsep === undefined ? 1 : Number(flag(call, "privsep")),
        expire: number(call, "expire", 0),
        ...(text(call, "comment") ? { comment: text(call, "comment") } : {}),
      };
      rows.push({ tokenid, ...info });
      return { info, value: "11111111-2222-4333-8444-555555555555", "full-tokenid": `${text(call, "userid")}!${tokenid}` };
    },
  },
  "PUT /access/users/{userid}/token/{tokenid}": {
    run: (call) => {
      const row = tokenOf(call);
      if (call.parameters.comment !== undefined) row.comment = text(call, "comment");
      if (call.parameters.privsep !== undefined) row.privsep = Number(flag(call, "privsep"));
      if (call.parameters.expire !== undefined) row.expire = number(call, "expire", 0);
      return { ...row };
    },
  },
  "DELETE /access/users/{userid}/token/{tokenid}": {
    run: (call) => {
      const rows = tokensOf(call, text(call, "userid"));
      rows.splice(rows.indexOf(tokenOf(call)), 1);
      return null;
    },
  },
};

const acls = (call: Call): Row[] =>
  rowsOf(call, {
    path: "/access/acl",
    seed: () => [
      { path: "/", type: "group", ugid: "ops", roleid: "PVEAuditor", propagate: 1 },
      { path: "/vms/100", type: "user", ugid: "dev@pve", roleid: "PVEVMUser", propagate: 1 },
    ],
  });

function tokenOf(call: Call): Row {
  const found = tokensOf(call, text(call, "userid")).find((row) => row.tokenid === text(call, "tokenid"));
  if (!found) throw new Refusal(500, `no such token '${text(call, "tokenid")}' for user '${text(call, "userid")}'`);
  return found;
}
