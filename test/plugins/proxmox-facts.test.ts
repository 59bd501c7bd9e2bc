import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { appOf, closeAll, failure, sandboxOf } from "./proxmox-setup.js";

afterEach(closeAll);

type Row = Record<string, unknown>;
/** Answers of a Proxmox VE 9.2 cluster, by path; long lists are cut to rows of different shape. */
const answers = JSON.parse(readFileSync(new URL("../fixtures/pve/answers-9.2.json", import.meta.url), "utf8")) as Record<string, unknown>;

interface Case {
  readonly tool: string;
  readonly args?: Row;
  /** What is planted: path on the wire, and the answer's name. */
  readonly planted: Readonly<Record<string, string>>;
  /** Fields of the answer that our items leave out, on purpose. */
  readonly lost: readonly string[];
}

const RESOURCE_LOST = [
  "id",
  "type",
  "diskread",
  "diskwrite",
  "netin",
  "netout",
  "memhost",
  "mem",
  "uptime",
  "cpu",
  "disk",
  "level",
  "cgroup-mode",
  "template",
];
const cases: readonly Case[] = [
  { tool: "vm_list", planted: { "/cluster/resources": "/cluster/resources" }, lost: RESOURCE_LOST },
  { tool: "ct_list", planted: { "/cluster/resources": "/cluster/resources" }, lost: RESOURCE_LOST },
  { tool: "node_list", planted: { "/cluster/resources": "/cluster/resources" }, lost: RESOURCE_LOST },
  { tool: "storage_list", planted: { "/cluster/resources": "/cluster/resources" }, lost: ["id", "type", "shared"] },
  { tool: "user_list", planted: { "/access/users": "/access/users" }, lost: ["expire"] },
  { tool: "group_list", planted: { "/access/groups": "/access/groups" }, lost: [] },
  { tool: "role_list", planted: { "/access/roles": "/access/roles" }, lost: ["privs"] },
  { tool: "acl_list", planted: { "/access/acl": "/access/acl" }, lost: [] },
  { tool: "realm_list", planted: { "/access/domains": "/access/domains" }, lost: [] },
  {
    tool: "token_list",
    planted: { "/access/users": "/access/users full" },
    lost: ["tokens", "realm-type", "enable", "groups", "expire", "email", "firstname", "userid"],
  },
  { tool: "pool_list", planted: { "/pools": "/pools" }, lost: [] },
  { tool: "task_list", planted: { "/cluster/tasks": "/cluster/tasks" }, lost: ["pid", "saved", "starttime", "endtime", "status", "user"] },
  { tool: "backup_job_list", planted: { "/cluster/backup": "/cluster/backup" }, lost: ["type", "next-run"] },
  { tool: "ha_resource_list", planted: { "/cluster/ha/resources": "/cluster/ha/resources" }, lost: ["digest"] },
  { tool: "ha_rule_list", planted: { "/cluster/ha/rules": "/cluster/ha/rules" }, lost: ["digest"] },
  { tool: "sdn_zone_list", planted: { "/cluster/sdn/zones": "/cluster/sdn/zones" }, lost: ["digest"] },
  { tool: "sdn_vnet_list", planted: { "/cluster/sdn/vnets": "/cluster/sdn/vnets" }, lost: ["digest", "type"] },
  { tool: "firewall_rule_list", planted: { "/cluster/firewall/rules": "/cluster/firewall/rules" }, lost: ["digest", "ipversion"] },
  { tool: "firewall_alias_list", planted: { "/cluster/firewall/aliases": "/cluster/firewall/aliases" }, lost: ["digest", "ipversion"] },
  { tool: "firewall_group_list", planted: { "/cluster/firewall/groups": "/cluster/firewall/groups" }, lost: ["digest"] },
  { tool: "firewall_ipset_list", planted: { "/cluster/firewall/ipset": "/cluster/firewall/ipset" }, lost: ["digest"] },
  {
    tool: "sdn_subnet_list",
    args: { vnet: "vn1" },
    planted: { "/vnets/vn1/subnets": "/cluster/sdn/vnets/{vnet}/subnets" },
    lost: ["digest", "type", "mask", "network", "zone", "dhcp-range"],
  },
  {
    tool: "network_list",
    args: { node: "pve1" },
    planted: { "/network": "/nodes/{node}/network" },
    lost: ["method", "method6", "families", "priority", "netmask", "address", "bridge_stp", "bridge_fd"],
  },
  {
    tool: "service_list",
    args: { node: "pve1" },
    planted: { "/services": "/nodes/{node}/services" },
    lost: ["active-state", "unit-state", "name", "state"],
  },
  {
    tool: "certificate_list",
    args: { node: "pve1" },
    planted: { "/certificates/info": "/nodes/{node}/certificates/info" },
    lost: ["public-key-bits", "public-key-type", "notafter", "notbefore"],
  },
];

/** Whether a value of an answer can be found anywhere in what we make of it. */
const shows = (item: unknown, value: unknown): boolean => {
  const text = JSON.stringify(item);
  if (Array.isArray(value)) return value.every((one) => shows(item, one));
  if (typeof value === "object" && value !== null) return Object.values(value).every((one) => shows(item, one));
  if (value === 0 || value === 1) return /true|false/.test(text) || text.includes(String(value));
  return String(value)
    .split(/[,;]/)
    .every((part) => text.includes(JSON.stringify(part.trim()).slice(1, -1)));
};

describe("answers of a real cluster", () => {
  test.each(cases.map((one) => [one.tool, one] as const))(
    "%s refuses none of them, and loses nothing that is not listed",
    async (_name, { tool, args = {}, planted, lost }) => {
      const sandbox = await sandboxOf();
      for (const [path, answer] of Object.entries(planted)) {
        expect(answers, answer).toHaveProperty([answer]);
        sandbox.fail({ method: "GET", path: new RegExp(`${path}$`), status: 200, reason: "OK", body: { data: answers[answer] } });
      }
      const app = await appOf({ prod: sandbox });
      const { items, errors } = (await app.call(`proxmox_${tool}`, { ...args, limit: 1000 })) as { items: Row[]; errors?: unknown };
      expect(errors).toBeUndefined();
      expect(items.length).toBeGreaterThan(0);
      const type = ({ vm_list: "qemu", ct_list: "lxc", node_list: "node", storage_list: "storage" } as Record<string, string>)[tool];
      const rows = (Object.values(planted).flatMap((answer) => answers[answer] as Row[]) as Row[]).filter(
        (row) => type === undefined || row.type === type,
      );
      const missing = new Set<string>();
      for (const row of rows)
        for (const [name, value] of Object.entries(row)) if (value !== null && value !== "" && !shows(items, value)) missing.add(name);
      expect([...missing].filter((name) => !lost.includes(name))).toEqual([]);
    },
  );

  test("guests, storages and nodes are shown in full", async () => {
    const sandbox = await sandboxOf();
    const plant = (path: string | RegExp, name: string) =>
      sandbox.fail({ method: "GET", path, status: 200, reason: "OK", body: { data: answers[name] } });
    plant(/\/cluster\/resources$/, "/cluster/resources");
    plant(/qemu\/110\/config$/, "/nodes/{node}/qemu/{vmid}/config");
    plant(/qemu\/110\/status\/current$/, "/nodes/{node}/qemu/{vmid}/status/current");
    plant(/lxc\/210\/config$/, "/nodes/{node}/lxc/{vmid}/config");
    plant(/lxc\/210\/status\/current$/, "/nodes/{node}/lxc/{vmid}/status/current");
    plant(/nodes\/pve1\/status$/, "/nodes/{node}/status");
    const app = await appOf({ prod: sandbox });
    expect(await app.call("proxmox_vm_get", { id: "110" })).toMatchObject({
      item: {
        name: "shared01",
        nics: [{ id: "net0", mac: "BC:24:11:77:43:2F", bridge: "vmbr0" }],
        disks: [
          { id: "ide2", use: "cdrom" },
          { id: "scsi0", size: 2 ** 30, storage: "shared" },
        ],
        agent: true,
        boot: ["ide2"],
      },
    });
    expect(await app.call("proxmox_ct_get", { id: "210" })).toMatchObject({
      item: {
        name: "ctshared",
        console: "shell",
        unprivileged: true,
        swap: 0,
        nics: [{ ip: "10.99.0.210/24", gateway: "10.99.0.1" }],
        disks: [{ id: "rootfs", mount: "/" }],
      },
    });
    expect(await app.call("proxmox_node_get", { name: "pve1" })).toMatchObject({
      item: { version: "9.2.11", load: [expect.any(Number), expect.any(Number), expect.any(Number)] },
    });
  });

  test("measurements, logs and the agent's answers", async () => {
    const sandbox = await sandboxOf();
    const plant = (path: RegExp, name: string) => sandbox.fail({ method: "GET", path, status: 200, reason: "OK", body: { data: answers[name] } });
    plant(/nodes\/pve1\/rrddata$/, "/nodes/{node}/rrddata");
    plant(/qemu\/100\/rrddata$/, "/nodes/{node}/qemu/{vmid}/rrddata");
    plant(/cluster\/log$/, "/cluster/log");
    plant(/network-get-interfaces$/, "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces");
    plant(/lxc\/200\/interfaces$/, "/nodes/{node}/lxc/{vmid}/interfaces");
    const app = await appOf({ prod: sandbox });
    for (const [tool, args] of [
      ["node_metrics", { name: "pve1" }],
      ["vm_metrics", { id: "100" }],
    ] as const) {
      const { points } = (await app.call(`proxmox_${tool}`, args)).result as { points: Row[] };
      expect(points.length, tool).toBeGreaterThan(0);
      expect(points.at(-1), tool).toMatchObject({ time: expect.stringMatching(/Z$/), cpu_usage: expect.any(Number), memory: expect.any(Number) });
    }
    expect(((await app.call("proxmox_cluster_logs")).result as { lines: Row[] }).lines[0]).toMatchObject({
      node: expect.any(String),
      message: expect.any(String),
    });
    expect(await app.call("proxmox_vm_agent", { id: "100" })).toMatchObject({
      result: { interfaces: [{ name: "lo", ips: ["127.0.0.1/8", "::1/128"] }, {}] },
    });
    expect(await app.call("proxmox_ct_interfaces", { id: "200" })).toMatchObject({
      result: { interfaces: [{ name: "lo" }, { name: "eth0", ips: expect.arrayContaining(["10.99.0.210/24"]) }] },
    });
  });
});

describe("Proxmox VE 8", () => {
  test("has groups of nodes where there are rules from 9 on: all four verbs, and an error for what it lacks", async () => {
    const sandbox = await sandboxOf({ estate: { release: "8.4.1" } });
    const app = await appOf({ prod: sandbox });
    const call = (verb: string, args: Row) => app.call(`proxmox_ha_rule_${verb}`, args, { confirm: true });
    const sent = (method: string) => sandbox.requests.findLast((request) => request.method === method);
    expect(await call("list", {})).toMatchObject({
      items: [{ id: "db-nodes", type: "node-affinity", nodes: ["pve2:2", "pve3:1"], strict: false }],
    });
    const made = await call("create", { id: "web", type: "node-affinity", nodes: ["pve1:2", "pve2"], strict: true, description: "front" });
    expect(made).toMatchObject({ item: { id: "web", nodes: ["pve1:2", "pve2"], strict: true, description: "front" } });
    expect(sent("POST")).toMatchObject({ path: "/api2/json/cluster/ha/groups" });
    expect(sent("POST")?.json()).toEqual({ group: "web", nodes: "pve1:2,pve2", restricted: true, comment: "front" });
    expect(await call("update", { id: "web", nodes: ["pve3"], clear: ["strict"] })).toMatchObject({ item: { id: "web", nodes: ["pve3"] } });
    expect(sent("PUT")?.json()).toEqual({ nodes: "pve3", delete: "restricted" });
    for (const args of [
      { id: "x", type: "resource-affinity", resources: ["vm:100"] },
      { id: "x", type: "node-affinity", resources: ["vm:100"], nodes: ["pve1"] },
    ])
      expect(await failure(call("create", args))).toMatchObject({ code: "UNSUPPORTED", next: expect.stringContaining("proxmox_ha_resource_update") });
    expect(await call("delete", { id: "web" })).toMatchObject({ deleted: true });
    expect(await failure(call("get", { id: "web" }))).toMatchObject({ code: "NOT_FOUND" });
    const joined = await app.call("proxmox_ha_resource_update", { id: "vm:102", group: "db-nodes" });
    expect(joined).toMatchObject({ item: { id: "vm:102", group: "db-nodes" } });
  });

  test.each<[tool: string, path: RegExp, rows: readonly Row[], expected: readonly Row[], args?: Row]>([
    [
      "backup_job_list",
      /cluster\/backup$/,
      [
        {
          id: "backup-1",
          type: "vzdump",
          dow: "sat,sun",
          starttime: "02:30",
          storage: "nas",
          all: 1,
          enabled: "1",
          mailto: "ops@example.org",
          maxfiles: 3,
        },
        { id: "backup-2", type: "vzdump", schedule: "daily", vmid: "100,101", mode: "stop", compress: "zstd" },
      ],
      [
        { id: "backup-1", enabled: true, all: true },
        { id: "backup-2", guests: ["100", "101"], mode: "stop" },
      ],
    ],
    [
      "ha_resource_list",
      /cluster\/ha\/resources$/,
      [{ sid: "vm:100", type: "vm", state: "started", group: "g1", max_restart: "1", max_relocate: "1", digest: "d" }],
      [{ id: "vm:100", group: "g1", max_restart: 1 }],
    ],
    ["user_list", /access\/users$/, [{ userid: "root@pam", enable: 1, expire: 0, email: "a@example.org" }], [{ id: "root@pam", enabled: true }]],
    [
      "replication_list",
      /cluster\/replication$/,
      [{ id: "100-0", type: "local", guest: "100", jobnum: "0", target: "pve2", schedule: "*/15", source: "pve1" }],
      [{ id: "100-0", target: "pve2" }],
    ],
    [
      "task_list",
      /cluster\/tasks$/,
      [
        {
          upid: "UPID:pve1:0000A1B2:00C3D4E5:65000000:qmstart:100:root@pam:",
          node: "pve1",
          id: "100",
          type: "qmstart",
          user: "root@pam",
          starttime: 1_694_498_816,
          endtime: 1_694_498_820,
          status: "OK",
          saved: "1",
        },
      ],
      [{ type: "qmstart", target: "100", status: "ok", duration: 4 }],
    ],
    [
      "service_list",
      /\/services$/,
      [{ service: "pveproxy", name: "pveproxy", desc: "PVE API Proxy Server", state: "running" }],
      [{ name: "pveproxy", status: "running" }],
      { node: "pve1" },
    ],
    [
      "network_list",
      /\/network$/,
      [
        {
          iface: "vmbr0",
          type: "bridge",
          method: "static",
          address: "10.0.0.1",
          netmask: "24",
          gateway: "10.0.0.254",
          autostart: 1,
          active: 1,
          bridge_ports: "eno1",
        },
      ],
      [{ name: "vmbr0", type: "bridge", active: true, gateway: "10.0.0.254" }],
      { node: "pve1" },
    ],
    [
      "disk_list",
      /\/disks\/list$/,
      [
        {
          devpath: "/dev/sda",
          used: "LVM",
          gpt: 1,
          size: 480_103_981_056,
          osdid: -1,
          model: "SSD",
          serial: "X",
          vendor: "ATA",
          wearout: "N/A",
          health: "PASSED",
          type: "ssd",
        },
      ],
      [{ device: "/dev/sda", type: "ssd", health: "PASSED" }],
      { node: "pve1" },
    ],
    ["sdn_zone_list", /sdn\/zones$/, [{ zone: "z1", type: "simple", ipam: "pve", digest: "d" }], [{ id: "z1", type: "simple" }]],
    ["pool_list", /\/pools$/, [{ poolid: "dev", comment: "Dev" }], [{ id: "dev", description: "Dev" }]],
    ["realm_list", /access\/domains$/, [{ realm: "pam", type: "pam", comment: "Linux PAM" }], [{ id: "pam", type: "pam" }]],
    ["role_list", /access\/roles$/, [{ roleid: "PVEAuditor", special: "1", privs: "VM.Audit,Sys.Audit" }], [{ id: "PVEAuditor", built_in: true }]],
    [
      "firewall_rule_list",
      /cluster\/firewall\/rules$/,
      [{ pos: "0", type: "in", action: "ACCEPT", enable: "1", proto: "tcp", dport: "22", digest: "d" }],
      [{ position: 0, enabled: true, port: "22" }],
    ],
  ])("%s takes its rows, numbers as text among them", async (tool, path, rows, expected, args = {}) => {
    const sandbox = await sandboxOf({ estate: { release: "8.4.1" } });
    sandbox.fail({ method: "GET", path, status: 200, reason: "OK", body: { data: rows } });
    const { items, errors } = (await (await appOf({ prod: sandbox })).call(`proxmox_${tool}`, args)) as { items: Row[]; errors?: unknown };
    expect(errors).toBeUndefined();
    expect(items).toMatchObject(expected);
  });

  test("rows without what came later, and groups where there are no rules yet", async () => {
    const sandbox = await sandboxOf();
    const plant = (path: RegExp, data: unknown) => sandbox.fail({ method: "GET", path, status: 200, reason: "OK", body: { data } });
    plant(/cluster\/resources$/, [
      {
        id: "qemu/100",
        type: "qemu",
        vmid: 100,
        name: "old",
        node: "pve1",
        status: "running",
        cpu: 0.1,
        maxcpu: 2,
        mem: 1e9,
        maxmem: 2e9,
        disk: 0,
        maxdisk: 3e10,
        uptime: 5,
        template: 0,
        netin: 1,
        netout: 1,
        diskread: 1,
        diskwrite: 1,
      },
      {
        id: "node/pve1",
        type: "node",
        node: "pve1",
        status: "online",
        cpu: 0.1,
        maxcpu: 8,
        mem: 1e9,
        maxmem: 3e10,
        disk: 1,
        maxdisk: 2,
        uptime: 9,
        level: "",
      },
      {
        id: "storage/pve1/local",
        type: "storage",
        storage: "local",
        node: "pve1",
        status: "available",
        plugintype: "dir",
        content: "iso",
        shared: 0,
        disk: 1,
        maxdisk: 2,
      },
      { id: "sdn/pve1/localnetwork", type: "sdn", sdn: "localnetwork", node: "pve1", status: "ok" },
    ]);
    plant(/\/version$/, { version: "8.4.1", release: "8.4", repoid: "2a5fa54a8503f96d" });
    plant(/cluster\/ha\/groups$/, [{ group: "g1", nodes: "pve1:2,pve2", restricted: 0, nofailback: 0, type: "group", digest: "d" }]);
    const app = await appOf({ prod: sandbox });
    expect(await app.call("proxmox_vm_list")).toMatchObject({ items: [{ id: 100, name: "old", tags: [] }] });
    expect(await app.call("proxmox_node_list")).toMatchObject({ items: [{ name: "pve1" }] });
    expect(await app.call("proxmox_storage_list")).toMatchObject({ items: [{ id: "pve1/local" }] });
    expect(await app.call("proxmox_ha_rule_list")).toMatchObject({ items: [{ id: "g1", type: "node-affinity", nodes: ["pve1:2", "pve2"] }] });
  });
});
