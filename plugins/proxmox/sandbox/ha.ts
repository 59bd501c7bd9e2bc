/** High availability: rules from Proxmox VE 9 on, groups before. */
import { type Call, Refusal, type Route, type Routes, text } from "./calls.js";
import { collection } from "./collections.js";

const before9 = ({ cluster }: Call): boolean => Number.parseInt(cluster.spec.release ?? "9", 10) < 9;

/** Routes that only some releases have. */
const where = (has: (call: Call) => boolean, refusal: (name: string) => Refusal, routes: Routes): Routes =>
  Object.fromEntries(
    Object.entries(routes).map(([name, route]): [string, Route] => [
      name,
      {
        ...route,
        run: (call) => {
          if (!has(call)) throw refusal(name);
          return route.run(call);
        },
      },
    ]),
  );

const rules = where(
  (call) => !before9(call),
  (name) => new Refusal(501, `Method '${name}' not implemented`),
  collection({
    path: "/cluster/ha/rules",
    key: "rule",
    exists: (id) => `create ha rule failed: HA rule '${id}' already defined`,
    missing: (id) => `HA rule '${id}' does not exist`,
    seed: () => [{ rule: "db-nodes", type: "node-affinity", resources: "vm:102", nodes: "pve2:2,pve3:1", order: 1 }],
  }),
);

const groups = where(
  before9,
  () => new Refusal(500, "cannot index groups: ha groups have been migrated to rules"),
  collection({
    path: "/cluster/ha/groups",
    key: "group",
    exists: (id) => `create ha group failed: ha group ID '${id}' already defined`,
    missing: (id) => `no such ha group '${id}'`,
    seed: () => [{ group: "db-nodes", type: "group", nodes: "pve2:2,pve3:1", restricted: 0, nofailback: 0 }],
    born: () => ({ type: "group" }),
  }),
);

export const haRoutes: Routes = {
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
  ...rules,
  ...groups,
  "POST /cluster/ha/resources/{sid}/migrate": { run: (call) => ({ sid: text(call, "sid"), "requested-node": text(call, "node") }) },
  "GET /cluster/ha/status/current": {
    run: ({ cluster }) => [
      { id: "quorum", type: "quorum", node: cluster.local, status: cluster.quorate ? "OK" : "No quorum on node!", quorate: Number(cluster.quorate) },
      { id: "master", type: "master", node: cluster.local, status: `${cluster.local} (active)` },
    ],
  },
};
