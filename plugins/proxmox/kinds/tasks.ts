import { facet, forClient, type ListArgs, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { present } from "../resources.js";
import { parseUpid, type Upid } from "../upid.js";

const { kind, read, destructive } = forClient<ProxmoxClient>();

const Task = z.object({
  id: facet(z.string(), "Task id (UPID)", { says: ["upid"] }),
  type: facet(z.string(), "What it does: qmstart, vzdump, qmigrate", { says: ["kind", "job"] }),
  target: facet(z.string(), "What it works on: a VMID, a volume", { says: ["guest", "vmid", "on"] }).optional(),
  status: facet(z.enum(["running", "ok", "warnings", "failed"]), "How it is going, or how it ended", {
    says: ["state", "result"],
    values: {
      running: ["active", "in progress", "unfinished"],
      ok: ["succeeded", "successful", "done", "finished"],
      warnings: ["warning"],
      failed: ["error", "errors", "broken", "unsuccessful"],
    },
  }),
  message: facet(z.string(), "Why it failed", { says: ["reason", "error message"] }).optional(),
  node: facet(z.string(), "Node it runs on", { says: ["host", "server"], place: true }),
  user: facet(z.string(), "Who started it", { says: ["by", "owner"] }),
  token: facet(z.string(), "API token it was started with").optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it started", { says: ["started", "start time"] }),
  ended: facet(z.string(), "When it ended", { says: ["finished at", "end time"] }).optional(),
  duration: facet(z.int(), "How long it took", { says: ["took"], unit: "seconds" }).optional(),
});

/** A row of `/cluster/tasks` or `/nodes/{node}/tasks`. */
interface Row {
  readonly upid: string;
  readonly type: string;
  readonly id: string;
  readonly node: string;
  readonly user: string;
  readonly tokenid?: string;
  readonly starttime: number;
  readonly endtime?: number;
  readonly status?: string;
  readonly exitstatus?: string;
}

const MOST_LINES = 500;
const MOST_TASKS = 500;

const Log = z.object({
  lines: z.array(z.string()).describe("Lines of the log, oldest first"),
  start: z.int().describe("Number of the first of them, from 0"),
  total: z.int().describe("Lines that the log has"),
  truncated: z.boolean().describe("There are more: ask again with `start`"),
});

export const tasks = kind({
  name: "task",
  about: "Work that a node does or did: a start, a backup, a migration",
  says: ["task", "job"],
  item: Task,
  key: "id",
  order: "platform", // newest first
  aliases: {
    list: ["proxmox-list-tasks", "proxmox_list_tasks", "proxmox_get_tasks"],
    get: ["proxmox-task-status", "proxmox_task_status", "proxmox_get_task_status"],
  },
  list: async (args) => (await rowsOf(args)).map(taskOf),
  get: async ({ client, key, signal }) => {
    const upid = upidOf(key);
    const status = await client.taskStatus(upid, signal);
    return taskOf({ ...status, upid: upid.text, status: status.status === "running" ? "RUNNING" : (status.exitstatus ?? "") });
  },
  actions: {
    stop: destructive({
      about: "Stop a task that runs",
      aliases: ["proxmox-stop-task", "proxmox_stop_task", "proxmox_cancel_task"],
      loses: async ({ client, key, signal }) => {
        const { type, id, node, status } = await client.taskStatus(upidOf(key), signal);
        return status === "stopped"
          ? "The task has ended already."
          : `The task ${type} ${id} on ${node} ends where it is: what it had begun may be left half done.`;
      },
      run: async ({ client, key, signal, clock }) => {
        const upid = upidOf(key);
        await client.stopTask(upid, signal);
        // Its end is noticed a moment later.
        for (let look = 0; look < 20 && (await client.taskStatus(upid, signal)).status === "running"; look += 1) await clock.sleep(100, signal);
      },
    }),
    logs: read({
      about: `Read the log of a task: its last ${MOST_LINES} lines, or any part of it`,
      input: {
        start: z.int().min(0).describe("First line wanted, from 0").optional(),
        lines: z.int().min(1).max(MOST_LINES).describe("How many lines").optional(),
      },
      output: Log,
      aliases: ["proxmox-task-log", "proxmox_task_log", "proxmox_get_task_log"],
      run: async ({ client, key, input, signal }) => {
        const upid = upidOf(key);
        const most = input.lines ?? MOST_LINES;
        let start = input.start ?? 0;
        let log = await client.taskLog(upid, start, most, signal);
        if (input.start === undefined && log.total > most) {
          start = log.total - most;
          log = await client.taskLog(upid, start, most, signal);
        }
        return { lines: [...log.lines], start, total: log.total, truncated: log.lines.length < log.total };
      },
    }),
  },
});

/** The cluster's recent tasks in one request, or the longer list of one node when only that is wanted. */
async function rowsOf({ client, where, signal, log }: ListArgs<ProxmoxClient>): Promise<readonly Row[]> {
  const { node, target, type, status, created } = where;
  if (typeof node === "string" && !node.includes("*")) {
    const vmid = typeof target === "string" && /^\d{3,9}$/.test(target) ? Number(target) : undefined;
    try {
      const after = (created as { after?: string } | undefined)?.after;
      return await client.get<readonly Row[]>(at`/nodes/${node}/tasks`, signal, {
        source: "all",
        limit: MOST_TASKS,
        vmid,
        typefilter: typeof type === "string" && !type.includes("*") ? type : undefined,
        errors: Array.isArray(status) && status.every((one) => one === "failed" || one === "warnings") ? true : undefined,
        since: after === undefined ? undefined : Math.floor(Date.parse(after) / 1000),
      });
    } catch (error) {
      if (signal.aborted) throw error;
      log.debug("the node's own list of tasks can't be had, taking the cluster's", { node, error: String(error) });
    }
  }
  return await client.get<readonly Row[]>("/cluster/tasks", signal);
}

function taskOf(row: Row): z.infer<typeof Task> {
  const { upid, type, id, node, starttime, endtime } = row;
  const ending = row.status;
  const status =
    ending === undefined || ending === "RUNNING" ? "running" : ending === "OK" ? "ok" : ending.startsWith("WARNINGS: ") ? "warnings" : "failed";
  // The list of running tasks writes the token into the user.
  const [user = "", token = row.tokenid] = row.user.split("!");
  return present({
    id: upid,
    type,
    target: id === "" ? undefined : id,
    status,
    message: status === "failed" || status === "warnings" ? ending : undefined,
    node,
    user,
    token,
    created: iso(starttime),
    ended: endtime ? iso(endtime) : undefined,
    duration: endtime ? endtime - starttime : undefined,
  }) as z.infer<typeof Task>;
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

function upidOf(key: string): Upid {
  const upid = parseUpid(key.trim());
  if (upid) return upid;
  throw new ProxMcpError("NOT_FOUND", `There is no task ${key}.`, {
    next: "List the tasks and use an id from there. One looks like UPID:pve1:00001840:0007A97F:6B00E495:qmstart:100:root@pam!mcp:",
  });
}
