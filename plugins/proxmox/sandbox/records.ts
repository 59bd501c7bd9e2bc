/** What the cluster keeps beside its guests: jobs, high availability, software-defined network. */
import { accessRoutes } from "./access-records.js";
import { number, Refusal, type Routes, text } from "./calls.js";
import { collection, rowsOf } from "./collections.js";
import { haRoutes } from "./ha.js";
import { firewallRoutes, ruleRoutes } from "./firewall.js";
import { nodeRoutes, task } from "./node-records.js";
import { poolRoutes } from "./pools.js";

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
  ...accessRoutes,
  ...poolRoutes,
  ...nodeRoutes,
  ...jobs,
  ...sdn,
  ...haRoutes,
  ...cluster,
  ...firewallRoutes("/cluster/firewall"),
  ...firewallRoutes("/nodes/{node}/firewall"),
  ...firewallRoutes("/nodes/{node}/qemu/{vmid}/firewall"),
  ...firewallRoutes("/nodes/{node}/lxc/{vmid}/firewall"),
};
