/**
 * Where firewall settings are kept: for the whole datacenter, for a node, for a guest, or in a security group.
 * @module
 */
import { type CallArgs, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "./client.js";
import { type GuestType, withGuest } from "./guests.js";

type At = Readonly<Record<string, string | undefined>>;

/** Without any of them, the datacenter is meant. */
export const levels = {
  vm: z.string().describe("ID or name of a VM").optional(),
  ct: z.string().describe("ID or name of a container").optional(),
  node: z.string().describe("Node; none of these: the datacenter").optional(),
};

export const guestLevels = { vm: levels.vm, ct: levels.ct };

/** The path of the firewall that is meant: `/nodes/pve1/qemu/100/firewall`. */
export async function firewallOf(args: CallArgs<ProxmoxClient> & { readonly at: At }): Promise<string> {
  const { vm, ct, node, group } = args.at;
  const given = Object.values({ vm, ct, node, group }).filter((value) => value !== undefined);
  if (given.length > 1) throw new ProxMcpError("INVALID_INPUT", "Name one of vm, ct, node and group, or none for the datacenter.");
  if (node !== undefined) return at`/nodes/${node}/firewall`;
  const guest = vm ?? ct;
  if (guest === undefined) return "/cluster/firewall";
  const type: GuestType = vm === undefined ? "lxc" : "qemu";
  // A path without the guest would answer an empty list instead of an error.
  return await withGuest({ ...args, key: guest }, type, async (_row, path) => `${path}/firewall`);
}
