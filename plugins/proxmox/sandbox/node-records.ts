/** What belongs to one node: its network, services, disks, clock, logs. */
import { series } from "./agent.js";
import { badParameter, type Call, onNode, Part, Refusal, type Routes, text } from "./calls.js";
import type { Row } from "./cluster.js";
import { collection, rowsOf } from "./collections.js";

/** Starts a task that changes nothing here. */
/** What the mirror offers. */
const APPLIANCES = [
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
];

export const task = (type: string, id: (call: Call) => string) => (call: Call) =>
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

export const nodeRoutes: Routes = {
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
      // Any node answers for all: nothing is forwarded, so what is missing is a file.
      const name = text(call, "node");
      const spec = call.cluster.node(name);
      if (!spec) throw new Refusal(500, `RRD error: opening '/var/lib/rrdcached/db/pve-node-9.0/${name}': No such file or directory`);
      return series(undefined, { cpus: spec.cores, memory: spec.memory * 2 ** 30 });
    },
  },
  "GET /nodes/{node}/aplinfo": {
    run: () => APPLIANCES,
  },
  "POST /nodes/{node}/aplinfo": {
    run: (call) => {
      if (!APPLIANCES.some(({ template }) => template === text(call, "template"))) throw badParameter("template", "no such template");
      return call.cluster.tasks.start({
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
      });
    },
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
