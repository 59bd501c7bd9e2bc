/** What the cluster keeps beside its guests: who may do what, rules, jobs, networks. */
import { permissionsOf, TOKENS } from "./access.js";
import { series } from "./agent.js";
import { badParameter, type Call, flag, may, number, onNode, Part, Refusal, requireQuorum, type Routes, text } from "./calls.js";
import type { Row } from "./cluster.js";
import { collection, rowsOf } from "./collections.js";
import { resourceRow } from "./rows.js";

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

const access: Routes = {
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

/** A list of rules is numbered by place, and a new one goes first. */
function ruleRoutes(path: string, one = `${path}/{pos}`): Routes {
  const rules = (call: Call): Row[] => rowsOf(call, { path, seed: () => [] });
  const the = (call: Call): Row => {
    const found = rules(call)[number(call, "pos", -1)];
    if (!found) throw new Refusal(500, `no rule at position ${text(call, "pos")}`);
    return found;
  };
  const shown = (row: Row, pos: number): Row => ({ ...row, pos });
  const given = (call: Call): Row => {
    const { node: _n, vmid: _v, pos: _p, moveto: _m, delete: _d, digest: _g, group: _r, ...rest } = call.parameters;
    return { ...rest, ...(rest.enable === undefined ? {} : { enable: Number(rest.enable === true || rest.enable === 1 || rest.enable === "1") }) };
  };
  return {
    [`GET ${path}`]: { run: (call) => rules(call).map(shown) },
    [`POST ${path}`]: {
      run: (call) => {
        requireQuorum(call);
        if (text(call, "macro") === "NoSuch") throw badParameter("macro", `unknown macro '${text(call, "macro")}'`);
        rules(call).unshift({ enable: 0, ...given(call) });
        return null;
      },
    },
    [`GET ${one}`]: { run: (call) => ({ ...the(call), pos: text(call, "pos") }) },
    [`PUT ${one}`]: {
      run: (call) => {
        const rule = the(call);
        const list = rules(call);
        if (call.parameters.moveto !== undefined) {
          const to = number(call, "moveto", 0);
          const from = list.indexOf(rule);
          list.splice(from, 1);
          list.splice(to > from ? to - 1 : to, 0, rule);
          return null;
        }
        for (const name of text(call, "delete").split(",")) delete rule[name];
        Object.assign(rule, given(call));
        return null;
      },
    },
    [`DELETE ${one}`]: {
      run: (call) => {
        const list = rules(call);
        list.splice(list.indexOf(the(call)), 1);
        return null;
      },
    },
  };
}

function firewallRoutes(base: string): Routes {
  const options = (call: Call): Row =>
    rowsOf(call, { path: `${base}/options`, seed: () => [{ digest: "da39a3ee5e6b4b0d3255bfef95601890afd80709" }] })[0] ?? {};
  const set = `${base}/ipset/{name}`;
  const entries = (call: Call): Row[] => rowsOf(call, { path: set, seed: () => [] });
  const entry = (call: Call): Row => {
    const found = entries(call).find((row) => row.cidr === text(call, "cidr"));
    if (!found) throw new Refusal(500, `no such IP/Network '${text(call, "cidr")}'`);
    return found;
  };
  return {
    ...ruleRoutes(`${base}/rules`),
    [`GET ${base}/options`]: { run: options },
    [`PUT ${base}/options`]: {
      run: (call) => {
        const { node: _n, vmid: _v, delete: gone, digest: _d, ...rest } = call.parameters;
        for (const name of String(gone ?? "").split(",")) delete options(call)[name];
        Object.assign(
          options(call),
          Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, typeof value === "boolean" ? Number(value) : value])),
        );
        return null;
      },
    },
    [`GET ${base}/log`]: { run: () => new Part([{ n: 1, t: "0 6 PVEFW-HOST-IN 21/Nov/2026:00:00:01 policy DROP: IN=vmbr0" }], 1) },
    ...collection({
      path: `${base}/aliases`,
      key: "name",
      exists: (id) => `400:alias '${id}' already exists`,
      missing: (id) => `no such alias '${id}'`,
      seed: () => [],
    }),
    ...collection({
      path: `${base}/ipset`,
      key: "name",
      exists: (id) => `400:IPSet '${id}' already exists`,
      missing: (id) => `no such IPSet '${id}'`,
      seed: () => [],
      verbs: ["create", "delete"],
    }),
    [`GET ${set}`]: { run: entries },
    [`POST ${set}`]: {
      run: (call) => {
        const { cidr, comment, nomatch } = call.parameters;
        entries(call).push({ cidr, ...(comment === undefined ? {} : { comment }), ...(nomatch ? { nomatch: 1 } : {}) });
        return null;
      },
    },
    [`PUT ${set}/{cidr}`]: { run: (call) => void Object.assign(entry(call), { comment: text(call, "comment") }) },
    [`DELETE ${set}/{cidr}`]: {
      run: (call) => {
        entries(call).splice(entries(call).indexOf(entry(call)), 1);
        return null;
      },
    },
  };
}

const pools: Routes = {
  "GET /pools": {
    run: (call) => {
      const all = [...call.cluster.pools].filter(([poolid]) => may(call, `/pool/${poolid}`, "Pool.Audit"));
      const wanted = call.parameters.poolid;
      if (wanted === undefined) return all.map(([poolid, comment]) => ({ poolid, comment }));
      return [{ poolid: wanted, ...pool(call, String(wanted)) }];
    },
  },
  "GET /pools/{poolid}": {
    needs: (call) => [`/pool/${text(call, "poolid")}`, "Pool.Audit"],
    run: (call) => ({ poolid: text(call, "poolid"), ...pool(call, text(call, "poolid")) }),
  },
  "POST /pools": {
    run: (call) => {
      const id = text(call, "poolid");
      if (call.cluster.pools.has(id)) throw new Refusal(500, `create pool failed: pool '${id}' already exists`);
      call.cluster.pools.set(id, text(call, "comment"));
      return null;
    },
  },
  "PUT /pools": {
    run: (call) => {
      const id = text(call, "poolid");
      pool(call, id);
      if (call.parameters.comment !== undefined) call.cluster.pools.set(id, text(call, "comment"));
      for (const vmid of text(call, "vms").split(",").filter(Boolean)) {
        const guest = call.cluster.byId(Number(vmid));
        if (flag(call, "delete") && guest) delete guest.pool;
        else if (guest?.pool === id) throw new Refusal(500, `update pools failed: VM ${vmid} is already a pool member`);
        else if (guest?.pool !== undefined && !flag(call, "allow-move"))
          throw new Refusal(500, `update pools failed: VM ${vmid} belongs already to pool '${guest.pool}' and 'allow-move' is not set`);
        else if (guest) guest.pool = id;
      }
      return null;
    },
  },
  "DELETE /pools": {
    run: (call) => {
      const id = text(call, "poolid");
      const { members } = pool(call, id);
      if (members.length > 0) throw new Refusal(500, `delete pool failed: pool '${id}' is not empty`);
      call.cluster.pools.delete(id);
      return null;
    },
  },
};

function pool(call: Call, poolid: string): { comment: string; members: Row[] } {
  const comment = call.cluster.pools.get(poolid);
  if (comment === undefined) throw new Refusal(500, `pool '${poolid}' does not exist`);
  const members = call.cluster.guests.filter((guest) => guest.pool === poolid).map(resourceRow);
  return { comment, members: members.map(({ pool: _in, tags: _tags, ...row }) => row) };
}

const task = (type: string, id: (call: Call) => string) => (call: Call) =>
  call.cluster.tasks.start({ node: text(call, "node") || call.cluster.local, type, id: id(call), token: call.token, failure: call.taskError });

const SERVICES = ["pveproxy", "pvedaemon", "pve-cluster", "corosync", "cron", "sshd"];
const services = (call: Call): Row[] =>
  rowsOf(call, {
    path: "/nodes/{node}/services",
    seed: () =>
      SERVICES.map((service) => ({
        service,
        name: service,
        desc: `${service} service`,
        state: "running",
        "active-state": "active",
        "unit-state": "enabled",
      })),
  });
const servicePath = "/nodes/{node}/services/{service}";

const node: Routes = {
  ...collection({
    path: "/nodes/{node}/network",
    key: "iface",
    exists: () => "400:interface already exists",
    missing: () => "400:interface does not exist",
    needs: onNode("Sys.Audit"),
    seed: () => [
      {
        iface: "vmbr0",
        type: "bridge",
        active: 1,
        autostart: 1,
        method: "static",
        cidr: "10.20.0.11/24",
        address: "10.20.0.11",
        netmask: "24",
        gateway: "10.20.0.1",
        bridge_ports: "bond0",
        bridge_vlan_aware: 1,
      },
      { iface: "bond0", type: "bond", active: 1, autostart: 1, slaves: "eno1 eno2", bond_mode: "802.3ad", method: "manual" },
      { iface: "eno1", type: "eth", active: 1, exists: 1, method: "manual" },
    ],
  }),
  "PUT /nodes/{node}/network": { run: task("srvreload", () => "networking") },
  "DELETE /nodes/{node}/network": { run: () => null },
  "GET /nodes/{node}/services": { needs: onNode("Sys.Audit"), run: services },
  ...Object.fromEntries(
    (["start", "stop", "restart", "reload"] as const).map((verb) => [
      `POST ${servicePath}/${verb}`,
      {
        run: (call: Call) => {
          const found = services(call).find((row) => row.service === text(call, "service"));
          if (found) found.state = verb === "stop" ? "dead" : "running";
          return task(`srv${verb}`, () => text(call, "service"))(call);
        },
      },
    ]),
  ),
  "GET /nodes/{node}/disks/list": {
    run: () => [
      {
        devpath: "/dev/nvme0n1",
        model: "Samsung PM9A3",
        serial: "S64GNE0T",
        type: "nvme",
        size: 1_920_383_410_176,
        used: "LVM",
        health: "PASSED",
        wearout: 98,
        gpt: 1,
      },
      { devpath: "/dev/sda", model: "ST4000NM", serial: "ZC11", type: "hdd", size: 4_000_787_030_016, health: "PASSED", wearout: "N/A", gpt: 0 },
    ],
  },
  "GET /nodes/{node}/disks/smart": {
    run: () => ({ health: "PASSED", type: "text", text: "SMART overall-health: PASSED", attributes: [{ name: "Temperature", raw: "41" }] }),
  },
  "GET /nodes/{node}/certificates/info": {
    run: (call) => [
      {
        filename: "pve-ssl.pem",
        subject: `/OU=PVE Cluster Node/CN=${text(call, "node")}`,
        issuer: "/CN=Proxmox Virtual Environment",
        san: ["127.0.0.1", text(call, "node")],
        notbefore: 1_790_000_000,
        notafter: 1_853_000_000,
        fingerprint: "A4:75:BC",
      },
    ],
  },
  "GET /nodes/{node}/apt/update": {
    run: () => [
      {
        Package: "pve-manager",
        Version: "9.2.12",
        OldVersion: "9.2.11",
        Origin: "Proxmox",
        Section: "admin",
        Title: "Proxmox Virtual Environment Management Tools",
      },
    ],
  },
  "POST /nodes/{node}/apt/update": { run: task("aptupdate", () => "") },
  "GET /nodes/{node}/time": {
    run: () => ({ time: Math.floor(Date.now() / 1000), localtime: Math.floor(Date.now() / 1000), timezone: "Europe/Vienna" }),
  },
  "PUT /nodes/{node}/time": { run: () => null },
  "GET /nodes/{node}/dns": { run: () => ({ dns1: "10.20.0.1", dns2: "9.9.9.9", search: "example.com" }) },
  "PUT /nodes/{node}/dns": { run: () => null },
  "GET /nodes/{node}/hosts": {
    run: () => ({ data: "127.0.0.1 localhost\n10.20.0.11 pve1.example.com pve1\n", digest: "9aa904918cbb3b4714c1f9bb97faeae41fae6b50" }),
  },
  "POST /nodes/{node}/hosts": { run: () => null },
  "GET /nodes/{node}/syslog": {
    needs: onNode("Sys.Syslog"),
    run: (call) => new Part([{ n: 1, t: `Nov 21 00:00:01 ${text(call, "node")} systemd[1]: Started pveproxy.service` }], 1),
  },
  "GET /nodes/{node}/journal": {
    needs: onNode("Sys.Syslog"),
    run: (call) => ["s=0a1b2c;i=1;b=9", `Nov 21 00:00:01 ${text(call, "node")} kernel: Linux version 6.17.4`, "s=0a1b2c;i=2;b=9"],
  },
  "POST /nodes/{node}/status": { needs: onNode("Sys.PowerMgmt"), run: () => null },
  "GET /nodes/{node}/rrddata": {
    run: (call) => {
      const spec = call.cluster.node(text(call, "node"));
      return series(undefined, { cpus: spec?.cores ?? 1, memory: (spec?.memory ?? 1) * 2 ** 30 });
    },
  },
  "GET /nodes/{node}/aplinfo": {
    run: () => [
      {
        template: "debian-13-standard_13.1-2_amd64.tar.zst",
        os: "debian-13",
        version: "13.1-2",
        section: "system",
        headline: "Debian 13 Trixie (standard)",
      },
      {
        template: "alpine-3.22-default_20250617_amd64.tar.xz",
        os: "alpine",
        version: "20250617",
        section: "system",
        headline: "LXC default image for alpine 3.22",
      },
    ],
  },
  "POST /nodes/{node}/aplinfo": {
    run: (call) =>
      call.cluster.tasks.start({
        node: text(call, "node"),
        type: "download",
        id: text(call, "template"),
        token: call.token,
        failure: call.taskError,
        effect: () => {
          const volid = `${text(call, "storage")}:vztmpl/${text(call, "template")}`;
          call.cluster.volumes.push({
            volid,
            storage: text(call, "storage"),
            node: text(call, "node"),
            content: "vztmpl",
            format: "tzst",
            size: 3_000_000,
            ctime: Math.floor(Date.now() / 1000),
          });
        },
      }),
  },
  "POST /nodes/{node}/replication/{id}/schedule_now": { run: () => null },
  "GET /nodes/{node}/ceph/pool": {
    run: () => [
      {
        pool_name: "vm-pool",
        pool: 2,
        type: "replicated",
        size: 3,
        min_size: 2,
        pg_num: 128,
        crush_rule_name: "replicated_rule",
        bytes_used: 7_945_689_497_600,
        percent_used: 0.37,
        pg_autoscale_mode: "on",
      },
    ],
  },
  "GET /nodes/{node}/ceph/osd": {
    run: (call) => ({
      root: {
        type: "root",
        children: call.cluster.spec.nodes.map(({ name }, id) => ({
          type: "host",
          name,
          children: [{ id, name: `osd.${id}`, type: "osd", status: "up", in: 1, device_class: "nvme", total_space: 7.6e12, bytes_used: 2.6e12 }],
        })),
      },
    }),
  },
};

const jobs: Routes = collection({
  path: "/cluster/backup",
  key: "id",
  exists: (id) => `Job '${id}' already exists`,
  missing: () => "no such vzdump job",
  seed: () => [
    {
      id: "daily",
      type: "vzdump",
      enabled: 1,
      schedule: "daily",
      storage: "nas",
      vmid: "100,102",
      mode: "snapshot",
      compress: "zstd",
      "prune-backups": { "keep-last": "7" },
      "next-run": 1_795_304_966,
    },
  ],
  born: (_call, row) => ({
    type: "vzdump",
    enabled: row.enabled ?? 1,
    "next-run": 1_795_304_966,
    ...(row["prune-backups"]
      ? {
          "prune-backups": Object.fromEntries(
            String(row["prune-backups"])
              .split(",")
              .map((part) => part.split("=")),
          ),
        }
      : {}),
  }),
});

const sdn: Routes = {
  ...collection({
    path: "/cluster/sdn/zones",
    key: "zone",
    exists: (id) => `create sdn zone object failed: sdn zone object ID '${id}' already defined`,
    missing: (id) => `sdn '${id}' does not exist`,
    seed: () => [{ zone: "dmz", type: "simple", ipam: "pve" }],
  }),
  ...collection({
    path: "/cluster/sdn/vnets",
    key: "vnet",
    exists: (id) => `create sdn vnet object failed: sdn vnet object ID '${id}' already defined`,
    missing: (id) => `sdn '${id}' does not exist`,
    seed: () => [{ vnet: "dmz1", zone: "dmz", type: "vnet", tag: 40 }],
  }),
  ...collection({
    path: "/cluster/sdn/vnets/{vnet}/subnets",
    key: "subnet",
    exists: (id) => `create sdn subnet object failed: sdn subnet object ID '${id}' already defined`,
    missing: (id) => `sdn '${id}' does not exist`,
    seed: () => [],
    born: (_call, row) => ({ cidr: row.subnet, subnet: `dmz-${String(row.subnet).replace("/", "-")}`, network: String(row.subnet).split("/")[0] }),
  }),
  "PUT /cluster/sdn": { run: task("reloadnetworkall", () => "") },
  "POST /cluster/sdn/rollback": { run: () => null },
};

const ha: Routes = {
  ...collection({
    path: "/cluster/ha/resources",
    key: "sid",
    exists: (id) => `create resource failed: resource ID '${id}' already defined`,
    missing: (id) => `no such resource '${id}'`,
    seed: (call) =>
      call.cluster.guests
        .filter(({ spec }) => spec.ha)
        .map(({ vmid, type }) => ({
          sid: `${type === "qemu" ? "vm" : "ct"}:${vmid}`,
          type: type === "qemu" ? "vm" : "ct",
          state: "started",
          max_restart: 1,
        })),
    born: (_call, row) => ({ type: String(row.sid).split(":")[0], state: row.state ?? "started" }),
    refuse: (call, verb) =>
      verb === "create" && !call.cluster.byId(Number(text(call, "sid").split(":").at(-1)))
        ? `resource '${text(call, "sid")}' does not exist in cluster`
        : undefined,
  }),
  ...collection({
    path: "/cluster/ha/rules",
    key: "rule",
    exists: (id) => `create ha rule failed: HA rule '${id}' already defined`,
    missing: (id) => `HA rule '${id}' does not exist`,
    seed: () => [{ rule: "db-nodes", type: "node-affinity", resources: "vm:102", nodes: "pve2:2,pve3:1", order: 1 }],
  }),
  "GET /cluster/ha/groups": {
    run: () => {
      throw new Refusal(500, "cannot index groups: ha groups have been migrated to rules");
    },
  },
  "POST /cluster/ha/resources/{sid}/migrate": { run: (call) => ({ sid: text(call, "sid"), "requested-node": text(call, "node") }) },
  "GET /cluster/ha/status/current": {
    run: ({ cluster }) => [
      { id: "quorum", type: "quorum", node: cluster.local, status: cluster.quorate ? "OK" : "No quorum on node!", quorate: Number(cluster.quorate) },
      { id: "master", type: "master", node: cluster.local, status: `${cluster.local} (active)` },
    ],
  },
};

const cluster: Routes = {
  "GET /cluster/log": {
    run: (call) =>
      call.cluster.tasks.all.slice(0, number(call, "max", 50)).map((one, at) => ({
        uid: String(at),
        id: `${at}:${one.node}`,
        node: one.node,
        pid: one.pid,
        pri: 6,
        tag: "pvedaemon",
        time: one.starttime,
        user: `${one.user}!${one.tokenid}`,
        msg: `starting task ${one.upid}`,
      })),
  },
  "GET /cluster/options": {
    run: (call) => rowsOf(call, { path: "/cluster/options", seed: () => [{ keyboard: "en-us", mac_prefix: "BC:24:11" }] })[0],
  },
  "PUT /cluster/options": {
    run: (call) => {
      const [options = {}] = rowsOf(call, { path: "/cluster/options", seed: () => [{ keyboard: "en-us", mac_prefix: "BC:24:11" }] });
      for (const name of text(call, "delete").split(",")) delete options[name];
      const { delete: _, ...rest } = call.parameters;
      Object.assign(options, rest);
      return null;
    },
  },
  "GET /cluster/ceph/status": {
    run: ({ cluster: { spec } }) => {
      if (!spec.storages.some(({ type }) => type === "rbd")) throw new Refusal(500, "binary not installed: /usr/bin/ceph-mon");
      return {
        health: { status: "HEALTH_OK", checks: {} },
        monmap: { mons: [{}, {}, {}] },
        osdmap: { num_osds: 3, num_up_osds: 3, num_in_osds: 3 },
        pgmap: { bytes_total: 22_800_000_000_000, bytes_used: 7_800_000_000_000 },
      };
    },
  },
  ...collection({
    path: "/cluster/replication",
    key: "id",
    exists: (id) => `replication job '${id}' already exists`,
    missing: (id) => `no such replication job '${id}'`,
    seed: () => [{ id: "105-0", guest: 105, type: "local", source: "pve3", target: "pve1", schedule: "*/15" }],
    born: (_call, row) => ({ guest: Number(String(row.id).split("-")[0]) }),
  }),
  ...collection({
    path: "/cluster/firewall/groups",
    key: "group",
    exists: (id) => `400:Security group '${id}' already exists`,
    missing: (id) => `no such security group '${id}'`,
    seed: () => [{ group: "web", comment: "Public web" }],
    verbs: ["create", "delete"],
  }),
  ...ruleRoutes("/cluster/firewall/groups/{group}", "/cluster/firewall/groups/{group}/{pos}"),
};

export const recordRoutes: Routes = {
  ...access,
  ...pools,
  ...node,
  ...jobs,
  ...sdn,
  ...ha,
  ...cluster,
  ...firewallRoutes("/cluster/firewall"),
  ...firewallRoutes("/nodes/{node}/firewall"),
  ...firewallRoutes("/nodes/{node}/qemu/{vmid}/firewall"),
  ...firewallRoutes("/nodes/{node}/lxc/{vmid}/firewall"),
};
