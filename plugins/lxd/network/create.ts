import { type ActionArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { createSpread } from "../cluster/spread.js";
import { given } from "../settings.js";
import type { Config } from "../wire.js";

const settings = {
  ipv4: z.string().optional().describe('Its address and subnet: "10.5.0.1/24", auto or none'),
  ipv6: z.string().optional().describe("The same for IPv6"),
  nat: z.boolean().optional().describe("Hide its instances behind the host"),
  acls: z.array(z.string()).optional().describe("All access lists that hold on it"),
  description: z.string().optional().describe("Free text"),
};

export const CreateNetwork = {
  name: z.string().min(1).describe("At most 15 characters for a bridge"),
  type: z.enum(["bridge", "macvlan", "sriov", "physical", "ovn"]).default("bridge").describe("Kind of network"),
  parent: z.string().optional().describe("Interface of the host; macvlan, sriov and physical need one"),
  ...settings,
  config: z.record(z.string(), z.string()).optional().describe("Further configuration keys"),
  member_config: z.record(z.string(), z.record(z.string(), z.string())).optional().describe("By cluster member: its own parent, where they differ"),
};

export const UpdateNetwork = {
  ...settings,
  config: z.record(z.string(), z.string()).optional().describe('Configuration keys; "" removes one'),
  node: z.string().optional().describe("Cluster member, for keys that only it has"),
};

type Create = z.output<z.ZodObject<typeof CreateNetwork>>;
type Settings = Pick<Create, keyof typeof settings | "config"> & { readonly parent?: string | undefined };

/** Keys that each member of a cluster has for itself. */
const OWN = ["parent", "bridge.external_interfaces", "bgp.ipv4.nexthop", "bgp.ipv6.nexthop"];

/** What was asked for, as configuration keys. */
export function configOf({ ipv4, ipv6, nat, acls, parent, config }: Settings): Config {
  return {
    ...given({
      parent,
      "ipv4.address": ipv4,
      "ipv6.address": ipv6,
      // A network without an address has nothing to hide, and the server refuses the key then.
      "ipv4.nat": ipv4 === "none" ? undefined : nat,
      "ipv6.nat": ipv6 === undefined || ipv6 === "none" ? undefined : nat,
      "security.acls": acls?.join(","),
    }),
    ...config,
  };
}

/** Creates a network: `POST /1.0/networks`, in a cluster once for each member and once for all. */
export async function createNetwork({ client, input, signal, progress }: ActionArgs<LxdClient, Create>): Promise<void> {
  const { name, type, description, member_config: members } = input;
  const ask = { doing: `create network "${name}"`, signal, progress };
  const config = configOf(input);
  try {
    // OVN is the same on all members.
    await createSpread(
      client,
      { collection: "/1.0/networks", name, kind: { type }, description, config, own: OWN, members, whole: type === "ovn" },
      ask,
    );
  } catch (error) {
    const next = isProxMcpError(error) ? wayOut(error.message) : undefined;
    throw next && isProxMcpError(error) ? new ProxMcpError(error.code, error.message, { ...error.details, next }) : error;
  }
}

function wayOut(message: string): string | undefined {
  if (/unused IPv[46] subnet/.test(message)) return "Say which: `ipv4`, such as 10.5.0.1/24, and `ipv6`, which may be none.";
  return /Address already in use/.test(message) ? "Something on this host has that subnet. Choose another." : undefined;
}
