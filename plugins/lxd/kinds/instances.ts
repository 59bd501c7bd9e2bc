import { instanceWorkload } from "../instance/workload.js";
import { forClient, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { CreateInput, createInstance } from "../instance/create.js";
import { EXEC_LIMIT, ExecInput, ExecResult, execCommand } from "../instance/exec.js";
import { filterOf, Instance, instanceOf, rootDisk } from "../instance/fields.js";
import { LogsInput, LogsResult, readLogs } from "../instance/logs.js";
import { changeState, deleteInstance, pathOf, STOP_TIMEOUT } from "../instance/power.js";
import { readStats, Stats, StatsInput } from "../instance/stats.js";
import { crossings } from "../instance/crossing.js";
import { exports } from "../instance/exports.js";
import { files } from "../instance/files.js";
import { images } from "../instance/images.js";
import { formatSize } from "../sizes.js";
import type { WireInstance } from "../wire.js";

const { kind, read, write, destructive } = forClient<LxdClient>();

const force = z.boolean().default(false).describe("Pull the plug instead of asking the guest");
const newName = z.string().describe("Name: letters, digits and hyphens");
const timeout = z.int().min(1).max(600).default(STOP_TIMEOUT).describe("Seconds to let the guest shut down");

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
      aliases: ["lxd_stop_container", "lxd_stop_instance", "stop_lxd_container"],
      async run(args) {
        await changeState(args, args.key, { action: "stop", ...args.input });
      },
    }),

    restart: write({
      about: "Restart a running instance",
      input: { force, timeout },
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
      about: "Change the limits of an instance; running ones follow at once where they can",
      input: {
        cpu: z.int().min(1).optional().describe("Cores"),
        memory: z.int().min(1).optional().describe("Memory limit in bytes"),
        disk: z.int().min(1).optional().describe("Root disk in bytes; most pools can't shrink it"),
        description: z.string().optional().describe("Free text"),
        config: z.record(z.string(), z.string()).optional().describe('Configuration keys; "" removes one'),
      },
      aliases: ["lxd_set_container_limits", "set_container_limits_lxd", "lxd_update_container"],
      async run({ client, key, input, signal, progress }) {
        const { cpu, memory, disk, description } = input;
        const config = {
          ...(cpu === undefined ? {} : { "limits.cpu": String(cpu) }),
          ...(memory === undefined ? {} : { "limits.memory": formatSize(memory) }),
          ...input.config,
        };
        const devices = disk === undefined ? undefined : await resizedRoot(client, key, disk, signal);
        if (!Object.keys(config).length && !devices && description === undefined) {
          throw new ProxMcpError("INVALID_INPUT", "Nothing to change: give cpu, memory, disk, description or config.");
        }
        // PATCH merges keys of `config` and whole devices; what is not named stays.
        const body = {
          ...(Object.keys(config).length ? { config } : {}),
          ...(devices ? { devices } : {}),
          ...(description === undefined ? {} : { description }),
        };
        try {
          await client.change("PATCH", pathOf(key), body, { doing: `change instance "${key}"`, signal, progress });
        } catch (error) {
          // All that LXD says when a running instance uses more memory than the new limit allows.
          if (memory === undefined || !isProxMcpError(error) || !/setting cgroup item/.test(error.message)) throw error;
          throw new ProxMcpError("WRONG_STATE", `${error.message}: it may be using more than ${memory} bytes of memory`, {
            ...error.details,
            next: "Ask for more memory, or stop the instance before lowering its limit.",
          });
        }
      },
    }),

    rename: write({
      about: "Give a stopped instance another name",
      input: { new_name: newName },
      aliases: ["lxd_rename_container"],
      async run({ client, key, input: { new_name: name }, signal, progress }) {
        await client.change("POST", pathOf(key), { name }, { doing: `rename instance "${key}" to "${name}"`, signal, progress });
        return { key: name };
      },
    }),

    clone: write({
      about: "Copy an instance, or one of its snapshots, to a new stopped one",
      input: {
        new_name: newName,
        snapshot: z.string().optional().describe("Copy this snapshot instead of the present state"),
        with_snapshots: z.boolean().default(false).describe("Copy its snapshots too"),
      },
      timeout: 1800,
      aliases: ["lxd_copy_container", "lxd_clone_container"],
      async run({ client, key, input, signal, progress }) {
        const ask = { doing: `copy instance "${key}" to "${input.new_name}"`, signal, progress };
        const { type, profiles } = await client.get<WireInstance>(pathOf(key), ask);
        const source = input.snapshot === undefined ? key : `${key}/${input.snapshot}`;
        await client.change(
          "POST",
          "/1.0/instances",
          // The server copies configuration and devices by itself, the profiles it does not.
          { name: input.new_name, type, profiles, source: { type: "copy", source, instance_only: !input.with_snapshots } },
          ask,
        );
        return { key: input.new_name };
      },
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

    stats: read({
      about: "Measure what an instance uses: CPU seconds and share, memory, disk, network, processes",
      input: StatsInput,
      output: Stats,
      timeout: 90,
      aliases: ["lxd_instance_metrics", "lxd_get_container_state", "get_container_state", "lxd_container_stats"],
      run: readStats,
    }),

    ...files,
    ...exports,
    ...images,
    ...crossings,
  },
});

/** The root disk with its new size. It mostly comes from a profile, and a device of the instance replaces that as a whole. */
async function resizedRoot(client: LxdClient, name: string, size: number, signal: AbortSignal) {
  const wire = await client.get<WireInstance>(pathOf(name), { doing: `read instance "${name}"`, signal });
  const root = rootDisk(wire);
  if (!root) throw new ProxMcpError("INVALID_INPUT", `Instance "${name}" has no root disk to resize.`, { data: { argument: "disk" } });
  return { [root[0]]: { ...root[1], size: formatSize(size) } };
}
