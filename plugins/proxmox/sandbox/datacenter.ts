import { allowed, permissionsOf } from "./access.js";
import { auditsStorage, badParameter, type Call, flag, may, number, onNode, Part, Refusal, type Routes, text } from "./calls.js";
import type { NodeSpec } from "./estates.js";
import { parseUpid } from "../upid.js";
import { clusterTaskRow, nodeRow, nodeStatus, resourceRow, storageResource, taskRow, taskStatus } from "./rows.js";
import type { SandboxTask } from "./tasks.js";
import { isOn } from "./volumes.js";

const RELEASE = "9.2.11";
const versionOf = ({ cluster }: Call) => {
  const { release: version = RELEASE } = cluster.spec;
  return { release: version.split(".").slice(0, 2).join("."), repoid: "14a22df35955d97d", version };
};

const auditsNode = (call: Call, { name }: NodeSpec): boolean => may(call, `/nodes/${name}`, "Sys.Audit");

function resources(call: Call): unknown[] {
  const { cluster } = call;
  const { nodes } = cluster.spec;
  const { storages, pools } = cluster;
  const wanted = text(call, "type");
  const guests = cluster.guests.filter(({ vmid }) => may(call, `/vms/${vmid}`, "VM.Audit"));
  const kinds: Record<string, () => unknown[]> = {
    pool: () => [...pools.keys()].filter((pool) => may(call, `/pool/${pool}`, "Pool.Audit")).map((pool) => poolResource(call, pool)),
    vm: () => guests.map(resourceRow),
    node: () => nodes.map((node) => nodeRow(cluster, node, auditsNode(call, node))),
    storage: () =>
      nodes.flatMap(({ name }) =>
        storages.filter((storage) => auditsStorage(call, storage) && isOn(storage, name)).map((storage) => storageResource(storage, name)),
      ),
    network: () =>
      may(call, "/sdn/zones", "SDN.Audit")
        ? nodes.map(({ name }) => ({
            id: `network/${name}/zone/localnetwork`,
            type: "network",
            network: "localnetwork",
            "network-type": "zone",
            node: name,
            status: "ok",
          }))
        : [],
  };
  if (wanted === "sdn") return [];
  return wanted === "" ? Object.values(kinds).flatMap((rows) => rows()) : (kinds[wanted]?.() ?? []);
}

/** A pool has the sum of what its running guests use. */
function poolResource({ cluster }: Call, pool: string): Record<string, unknown> {
  const rows = cluster.guests.filter(({ pool: member, status }) => member === pool && status === "running").map(resourceRow);
  const sum = (field: string): number => rows.reduce((total, row) => total + Number(row[field]), 0);
  const maxcpu = sum("maxcpu");
  const busy = rows.reduce((total, row) => total + Number(row.cpu) * Number(row.maxcpu), 0);
  const uptime = Math.max(0, ...rows.map((row) => Number(row.uptime)));
  return { id: `/pool/${pool}`, type: "pool", pool, cpu: maxcpu === 0 ? 0 : busy / maxcpu, maxcpu, mem: sum("mem"), maxmem: sum("maxmem"), uptime };
}

function clusterStatus({ cluster }: Call): unknown[] {
  const { cluster: name, nodes } = cluster.spec;
  return [
    { id: "cluster", type: "cluster", name, nodes: nodes.length, quorate: Number(cluster.quorate), version: nodes.length },
    ...nodes.map((node, index) => ({
      id: `node/${node.name}`,
      type: "node",
      name: node.name,
      nodeid: index + 1,
      ip: node.ip,
      level: "",
      local: Number(node.name === cluster.local),
      online: Number(!cluster.offline.has(node.name)),
    })),
  ];
}

function nextId(call: Call): string {
  const { vmid } = call.parameters;
  const taken = (id: number) => call.cluster.byId(id);
  if (vmid === undefined) {
    let free = 100;
    while (taken(free)) free += 1;
    return String(free);
  }
  const guest = taken(Number(vmid));
  if (guest) throw badParameter("vmid", `${guest.type === "qemu" ? "VM" : "CT"} ${guest.vmid} already exists`);
  return String(vmid);
}

/** Those who started a task may look at it; others need Sys.Audit on its node. */
function task(call: Call): SandboxTask {
  const upid = parseUpid(text(call, "upid"));
  if (!upid) throw badParameter("upid", "unable to parse worker upid");
  const found = call.cluster.tasks.find(upid.text);
  if (!found || found.node !== text(call, "node")) throw badParameter("upid", "no such task");
  if (!seesTask(call, found)) throw new Refusal(403, `Permission check failed (/nodes/${found.node}, Sys.Audit)`);
  return found;
}

const seesTask = (call: Call, { user, tokenid, node }: SandboxTask): boolean =>
  call.token.id === `${user}!${tokenid}` || allowed(call.token, `/nodes/${node}`, "Sys.Audit");

function taskLog(call: Call): Part {
  const { log } = task(call);
  const start = number(call, "start", 0);
  const limit = number(call, "limit", 50);
  const lines = log.map((t, index) => ({ n: index + 1, t }));
  return new Part(limit === 0 ? lines.slice(start) : lines.slice(start, start + limit), lines.length);
}

function nodeTasks(call: Call): Part {
  const { node, typefilter, vmid, source } = call.parameters;
  const since = number(call, "since", 0);
  const until = number(call, "until", Number.MAX_SAFE_INTEGER);
  const found = call.cluster.tasks.all.filter(
    (one) =>
      one.node === node &&
      seesTask(call, one) &&
      (source === "all" || (one.exitstatus === undefined) === (source === "active")) &&
      (typefilter === undefined || one.type === typefilter) &&
      (vmid === undefined || one.id === String(vmid)) &&
      (!flag(call, "errors") || (one.exitstatus ?? "OK") !== "OK") &&
      one.starttime >= since &&
      one.starttime <= until,
  );
  const start = number(call, "start", 0);
  return new Part(found.slice(start, start + number(call, "limit", 50)).map(taskRow), found.length);
}

/** Everything that is not about one guest. */
export const datacenterRoutes = (fingerprint: string): Routes => ({
  "GET /version": { run: versionOf },
  "GET /access/permissions": { run: ({ token }) => permissionsOf(token) },
  "GET /cluster/resources": { run: resources },
  "GET /cluster/status": { run: clusterStatus },
  "GET /cluster/nextid": { run: nextId },
  "GET /cluster/tasks": { run: (call) => call.cluster.tasks.all.filter((one) => seesTask(call, one)).map(clusterTaskRow) },
  "GET /nodes": {
    run: (call) => call.cluster.spec.nodes.map((node) => nodeRow(call.cluster, node, auditsNode(call, node), fingerprint)),
  },
  "GET /nodes/{node}/status": {
    needs: onNode("Sys.Audit"),
    run: (call) => nodeStatus(call.cluster, call.cluster.node(text(call, "node")) as NodeSpec, call.cluster.spec.release ?? RELEASE),
  },
  "GET /nodes/{node}/version": { run: versionOf },
  "GET /nodes/{node}/tasks": { run: nodeTasks },
  "GET /nodes/{node}/tasks/{upid}": { run: () => [{ name: "log" }, { name: "status" }] },
  "GET /nodes/{node}/tasks/{upid}/status": { run: (call) => taskStatus(task(call)) },
  "GET /nodes/{node}/tasks/{upid}/log": { run: taskLog },
  "DELETE /nodes/{node}/tasks/{upid}": {
    run: (call) => {
      const found = task(call);
      if (found.exitstatus === undefined) call.cluster.tasks.interrupt(found);
      return null;
    },
  },
});
