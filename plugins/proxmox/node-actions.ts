/**
 * What can be asked of a node and set on it: logs, time, names, power, measurements.
 * @module
 */
import { forClient } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "./client.js";
import { Metrics, metricsAt, period } from "./guest/metrics.js";
import { resourcesOf } from "./resources.js";

const { read, write, destructive } = forClient<ProxmoxClient>();

const Dns = z.object({ servers: z.array(z.string()), search: z.string().optional() });
const Time = z.object({ time: z.string().describe("ISO 8601"), timezone: z.string() });
const Lines = z.object({ lines: z.array(z.string()), start: z.int(), total: z.int(), truncated: z.boolean() });
const Hosts = z.object({ text: z.string() });
const Changed = z.object({ node: z.string(), changed: z.boolean() });

/** What a node's power takes with it. */
async function losesOf({ client, key, signal }: { client: ProxmoxClient; key: string; signal: AbortSignal }, what: string): Promise<string> {
  const guests = (await resourcesOf(client, signal, "vm")).filter((row) => row.node === key && row.status === "running");
  const named = guests.slice(0, 10).map(({ vmid, name }) => (name ? `${vmid} (${name})` : String(vmid)));
  const more = guests.length > named.length ? ` and ${guests.length - named.length} more` : "";
  return `Node ${key} ${what}. ${guests.length === 0 ? "No guest runs on it." : `Guests that run on it: ${named.join(", ")}${more}.`}`;
}

export const nodeActions = {
  metrics: read({
    about: "Measurements of a node over time: CPU, memory, load, network",
    aliases: ["proxmox-node-metrics", "proxmox_get_node_metrics"],
    input: period,
    output: Metrics,
    run: (args) => metricsAt(args, at`/nodes/${args.key}`, args.input),
  }),
  logs: read({
    about: "Read the system log of a node",
    aliases: ["proxmox_node_syslog", "proxmox-node-syslog", "proxmox_get_node_log"],
    input: {
      start: z.int().min(0).describe("First line, from 0").optional(),
      limit: z.int().min(1).max(500).describe("Default 100").optional(),
      service: z.string().optional(),
      since: z.string().describe("2026-01-31 or 2026-01-31 12:00").optional(),
      until: z.string().optional(),
    },
    output: Lines,
    run: ({ client, key, input, signal }) => client.lines(at`/nodes/${key}/syslog`, input, signal),
  }),
  journal: read({
    about: "Read the last lines of a node's journal",
    input: { lines: z.int().min(1).max(500).describe("Default 100").optional() },
    output: Lines,
    run: async ({ client, key, input, signal }) => {
      // The first and the last line are cursors, not entries.
      const all = await client.get<readonly string[]>(at`/nodes/${key}/journal`, signal, { lastentries: input.lines ?? 100 });
      const lines = all.filter((line) => !/^s=[0-9a-f]+;/.test(line));
      return { lines, start: 0, total: lines.length, truncated: false };
    },
  }),
  time: read({
    about: "Time and time zone of a node",
    output: Time,
    run: async ({ client, key, signal }) => {
      const { time, timezone } = await client.get<{ readonly time: number; readonly timezone: string }>(at`/nodes/${key}/time`, signal);
      return { time: new Date(time * 1000).toISOString(), timezone };
    },
  }),
  set_time: write({
    about: "Set the time zone of a node",
    input: { timezone: z.string().describe("Europe/Vienna") },
    output: Changed,
    run: async (args) => {
      await args.client.write("PUT", at`/nodes/${args.key}/time`, { timezone: args.input.timezone }, args);
      return { node: args.key, changed: true };
    },
  }),
  dns: read({
    about: "DNS servers of a node",
    output: Dns,
    run: async ({ client, key, signal }) => {
      const { search, ...servers } = await client.get<Readonly<Record<string, string>>>(at`/nodes/${key}/dns`, signal);
      return { servers: ["dns1", "dns2", "dns3"].flatMap((name) => servers[name] ?? []), ...(search ? { search } : {}) };
    },
  }),
  set_dns: write({
    about: "Set the DNS servers of a node",
    input: { search: z.string(), servers: z.array(z.string()).min(1).max(3) },
    output: Changed,
    run: async (args) => {
      const [dns1, dns2, dns3] = args.input.servers;
      await args.client.write("PUT", at`/nodes/${args.key}/dns`, { search: args.input.search, dns1, dns2, dns3 }, args);
      return { node: args.key, changed: true };
    },
  }),
  hosts: read({
    about: "The file /etc/hosts of a node",
    output: Hosts,
    run: async ({ client, key, signal }) => ({ text: (await client.get<{ readonly data: string }>(at`/nodes/${key}/hosts`, signal)).data }),
  }),
  set_hosts: destructive({
    about: "Replace the file /etc/hosts of a node",
    input: { text: z.string() },
    output: Changed,
    loses: "The whole file is replaced. Nodes find each other through it.",
    run: async (args) => {
      const path = at`/nodes/${args.key}/hosts`;
      const { digest } = await args.client.get<{ readonly digest?: string }>(path, args.signal);
      await args.client.write("POST", path, { data: args.input.text, digest }, args);
      return { node: args.key, changed: true };
    },
  }),
  restart: destructive({
    about: "Restart a node",
    aliases: ["proxmox-reboot-node", "proxmox_reboot_node", "proxmox_node_reboot"],
    output: Changed,
    loses: (args) => losesOf(args, "is restarted"),
    run: async (args) => {
      await args.client.write("POST", at`/nodes/${args.key}/status`, { command: "reboot" }, args);
      return { node: args.key, changed: true };
    },
  }),
  shutdown: destructive({
    about: "Shut a node down",
    aliases: ["proxmox-shutdown-node", "proxmox_shutdown_node"],
    output: Changed,
    loses: (args) => losesOf(args, "is shut down and has to be switched on by hand"),
    run: async (args) => {
      await args.client.write("POST", at`/nodes/${args.key}/status`, { command: "shutdown" }, args);
      return { node: args.key, changed: true };
    },
  }),
};
