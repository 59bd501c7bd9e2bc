import { instanceWorkload } from "../instance/workload.js";
import { forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { CreateInput, createInstance } from "../instance/create.js";
import { EXEC_LIMIT, ExecInput, ExecResult, execCommand } from "../instance/exec.js";
import { filterOf, Instance, instanceOf } from "../instance/fields.js";
import { listLogs, LogFiles, LogsInput, LogsResult, readLogs } from "../instance/logs.js";
import { changeState, deleteInstance, pathOf, STOP_TIMEOUT } from "../instance/power.js";
import { readStats, Stats, StatsInput } from "../instance/stats.js";
import { crossings } from "../instance/crossing.js";
import { exports } from "../instance/exports.js";
import { files } from "../instance/files.js";
import { images } from "../instance/images.js";
import { UpdateInput, updateInstance } from "../instance/update.js";
import { within } from "../instance/within.js";
import { weakens } from "../isolation.js";
import type { WireInstance } from "../wire.js";

const { kind, read, write, destructive } = forClient<LxdClient>();

const force = z.boolean().default(false).describe("Pull the plug instead of asking the guest");
const timeout = z.int().min(1).max(600).default(STOP_TIMEOUT).describe("Seconds to shut down");

const pullsPlug = ({ force: hard }: { readonly force: boolean }): string | undefined =>
  hard ? "Cuts its power: what has not been written to disk is lost." : undefined;

export const instances = kind({
  name: "instance",
  about: "A system container or virtual machine",
  says: ["instance", "machine", "guest"],
  item: Instance,
  key: "name",
  everyday: ["list", "get", "create", "start", "stop", "delete", "exec", "update"],
  aliases: {
    list: ["lxd_list_containers", "lxd_list_instances", "lxd_container_list", "incus_list_instances"],
    get: ["lxd_get_container_status", "lxd_get_container", "lxd_get_instance", "get_lxd_container_status"],
  },

  // recursion=2 brings state and snapshots along: one request, however many instances there are.
  async list({ client, where, signal }) {
    const query = { recursion: 2, filter: filterOf(where) };
    const found = await client.get<readonly WireInstance[]>("/1.0/instances", { doing: "list instances", signal, query });
    return found.map((wire) => instanceOf(wire, client.clock));
  },

  async get({ client, key, signal }) {
    const ask = { doing: `read instance "${key}"`, signal, query: { recursion: 1 } };
    return instanceOf(await client.get<WireInstance>(pathOf(key), ask), client.clock);
  },

  actions: {
    create: write({
      about: "Create an instance from an image, and start it",
      input: CreateInput,
      openWorld: true,
      timeout: 1800,
      aliases: ["lxd_create_container", "lxd_create_instance", "create_lxd_container"],
      workload: instanceWorkload,
      destructiveWhen: weakens,
      run: createInstance,
    }),

    start: write({
      about: "Start a stopped instance",
      aliases: ["lxd_start_container", "lxd_start_instance", "start_lxd_container"],
      run: (args) => changeState(args, args.key, { action: "start" }),
    }),

    stop: write({
      about: "Shut an instance down; with `force`, at once",
      input: { force, timeout },
      destructiveWhen: pullsPlug,
      aliases: ["lxd_stop_container", "lxd_stop_instance", "stop_lxd_container"],
      async run(args) {
        await changeState(args, args.key, { action: "stop", ...args.input });
      },
    }),

    restart: write({
      about: "Restart a running instance",
      input: { force, timeout },
      destructiveWhen: pullsPlug,
      aliases: ["lxd_restart_container", "lxd_restart_instance", "restart_lxd_container"],
      run: (args) => changeState(args, args.key, { action: "restart", ...args.input }),
    }),

    pause: write({
      about: "Freeze a running instance in memory",
      aliases: ["lxd_freeze_container", "lxd_pause_container"],
      run: (args) => changeState(args, args.key, { action: "freeze" }),
    }),

    resume: write({
      about: "Let a frozen instance run on",
      aliases: ["lxd_unfreeze_container", "lxd_resume_container"],
      run: (args) => changeState(args, args.key, { action: "unfreeze" }),
    }),

    delete: destructive({
      about: "Delete an instance with its disk and snapshots",
      loses: "Deletes the instance, its root disk and all its snapshots.",
      input: { force: z.boolean().default(false).describe("Also when it runs: stop it hard first") },
      aliases: ["lxd_delete_container", "lxd_delete_instance", "delete_lxd_container"],
      run: (args) => deleteInstance(args, args.key, args.input.force),
    }),

    update: write({
      about: "Change limits, settings, devices or profiles of an instance",
      input: UpdateInput,
      destructiveWhen: weakens,
      aliases: ["lxd_set_container_limits", "set_container_limits_lxd", "lxd_update_container"],
      run: updateInstance,
    }),

    exec: destructive({
      about: "Run a command inside a running instance and read its output",
      loses: "Runs the command inside the instance.",
      input: ExecInput,
      output: ExecResult,
      timeout: EXEC_LIMIT + 30,
      aliases: ["lxd_exec_container", "lxd_exec_instance", "exec_lxd_container"],
      run: execCommand,
    }),

    logs: read({
      about: "Read the end of an instance's console or runtime log",
      input: LogsInput,
      output: LogsResult,
      aliases: ["lxd_get_container_logs", "lxd_container_logs", "get_lxd_container_logs"],
      run: readLogs,
    }),

    log_files: read({
      about: "List the log files of an instance, recorded output of commands among them",
      output: LogFiles,
      run: listLogs,
    }),

    stats: read({
      about: "Measure what an instance uses: CPU seconds and share, memory, disk, network, processes",
      input: StatsInput,
      output: Stats,
      timeout: 90,
      aliases: ["lxd_instance_metrics", "lxd_get_container_state", "get_container_state", "lxd_container_stats"],
      run: readStats,
    }),

    ...within,
    ...files,
    ...exports,
    ...images,
    ...crossings,
  },
});
