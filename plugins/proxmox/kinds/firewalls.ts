import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { ProxmoxClient } from "../client.js";
import { firewallOf, levels } from "../firewall.js";
import { isOn } from "../properties.js";
import { present } from "../resources.js";

const { kind, read, write } = forClient<ProxmoxClient, Record<string, string | undefined>>();

const Firewall = z.object({
  level: facet(z.enum(["datacenter", "node", "vm", "ct"]), "Whose firewall"),
  vm: facet(z.string(), "VM").optional(),
  ct: facet(z.string(), "Container").optional(),
  node: facet(z.string(), "Node", { place: true }).optional(),
  enabled: facet(z.boolean(), "It filters; a guest's only if the datacenter's does too", { says: ["active", "on"] }),
  policy_in: facet(z.string(), "What happens to incoming traffic that no rule names").optional(),
  policy_out: facet(z.string(), "What happens to outgoing traffic that no rule names").optional(),
  options: facet(z.record(z.string(), z.union([z.string(), z.number()])), "All options"),
});

const Log = z.object({ lines: z.array(z.string()), start: z.int(), total: z.int(), truncated: z.boolean() });

export const firewalls = kind({
  name: "firewall",
  about: "Whether a firewall is on, and what it does without a rule",
  says: ["firewall"],
  item: Firewall,
  key: "level",
  actions: {
    status: read({
      about: "Options of the firewall of the datacenter, a node, a VM or a container",
      aliases: ["proxmox_get_firewall_status", "proxmox-firewall-status", "proxmox_get_firewall_options"],
      input: levels,
      output: Firewall,
      run: async (args) => {
        const path = await firewallOf({ ...args, at: args.input });
        const options = await args.client.get<Readonly<Record<string, string | number>>>(`${path}/options`, args.signal);
        const { vm, ct, node } = args.input;
        const { digest: _, ...shown } = options;
        return present({
          level:
            vm !== undefined
              ? ("vm" as const)
              : ct !== undefined
                ? ("ct" as const)
                : node === undefined
                  ? ("datacenter" as const)
                  : ("node" as const),
          vm,
          ct,
          node,
          // A node's is on unless it says otherwise, all others are off unless they say otherwise.
          enabled: options.enable === undefined ? node !== undefined : isOn(options.enable),
          policy_in: options.policy_in,
          policy_out: options.policy_out,
          options: shown,
        }) as z.infer<typeof Firewall>;
      },
    }),
    set_options: write({
      about: "Switch a firewall on or off, and set its options",
      on: "kind",
      input: {
        ...levels,
        enabled: z.boolean().optional(),
        policy_in: z.enum(["ACCEPT", "DROP", "REJECT"]).optional(),
        policy_out: z.enum(["ACCEPT", "DROP", "REJECT"]).optional(),
        options: z
          .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
          .describe("Others, as in Proxmox's API")
          .optional(),
      },
      output: z.object({ changed: z.boolean() }),
      run: async (args) => {
        const { enabled, policy_in, policy_out, options, ...where } = args.input;
        const path = await firewallOf({ ...args, at: where });
        // The datacenter's switch counts, the others are yes or no.
        const enable = enabled === undefined ? undefined : path === "/cluster/firewall" ? Number(enabled) : enabled;
        await args.client.write("PUT", `${path}/options`, { enable, policy_in, policy_out, ...options }, args);
        return { changed: true };
      },
    }),
    logs: read({
      about: "Read the firewall log of a node, a VM or a container",
      on: "kind",
      input: { ...levels, start: z.int().min(0).optional(), limit: z.int().min(1).max(500).describe("Default 100").optional() },
      output: Log,
      run: async (args) => {
        const { start = 0, limit = 100, ...where } = args.input;
        const path = await firewallOf({ ...args, at: where });
        return await args.client.lines(`${path}/log`, { start, limit }, args.signal);
      },
    }),
  },
});
