import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";

const { kind, write, destructive } = forClient<ProxmoxClient, { node: string }>();

const Service = z.object({
  name: facet(z.string(), "Name: pveproxy", { says: ["service"] }),
  node: facet(z.string(), "Node", { says: ["host"], place: true }),
  status: facet(z.enum(["running", "stopped", "failed"]), "State now", {
    says: ["state"],
    values: { running: ["active", "up"], stopped: ["dead", "inactive", "down"] },
  }),
  enabled: facet(z.boolean(), "It starts with the node", { says: ["autostart"] }),
  description: facet(z.string(), "What it is").optional(),
});

interface Row {
  readonly service: string;
  readonly state: string;
  readonly desc?: string;
  readonly "unit-state"?: string;
}

const command =
  (verb: "start" | "stop" | "restart" | "reload") =>
  async (args: { client: ProxmoxClient; key: string; at: { node: string }; signal: AbortSignal } & Parameters<ProxmoxClient["write"]>[3]) =>
    void (await args.client.write("POST", at`/nodes/${args.at.node}/services/${args.key}/${verb}`, {}, args));

export const services = kind({
  name: "service",
  about: "A system service of a node",
  says: ["service", "daemon"],
  item: Service,
  key: "name",
  within: { node: z.string().describe("Node") },
  listRequires: ["node"],
  aliases: { list: ["proxmox-list-services", "proxmox_list_services", "proxmox_get_node_services"] },
  list: async ({ client, signal, at: { node = "" } }) =>
    (await client.get<readonly Row[]>(at`/nodes/${node}/services`, signal)).map((row) => ({
      name: row.service,
      node,
      status: row.state === "running" ? ("running" as const) : row.state === "failed" ? ("failed" as const) : ("stopped" as const),
      enabled: row["unit-state"] === "enabled",
      description: row.desc,
    })),
  actions: {
    start: write({ about: "Start a service of a node", run: command("start") }),
    restart: write({ about: "Restart a service of a node", run: command("restart") }),
    reload: write({ about: "Let a service of a node read its configuration again", run: command("reload") }),
    stop: destructive({
      about: "Stop a service of a node",
      loses: async ({ key, at: { node } }) =>
        `Service ${key} of node ${node} stops.${/^pve(proxy|daemon|-cluster)$/.test(key) ? " The node's API then no longer answers." : ""}`,
      run: command("stop"),
    }),
  },
});
