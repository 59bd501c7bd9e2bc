/**
 * The settings of a guest as arguments, and what they are in Proxmox's configuration. Creating and updating take the same ones.
 * @module
 */
import { ProxMcpError, secret } from "proxmcp/plugin";
import { z } from "zod";
import type { Config, GuestType } from "../guests.js";
import { formatProperties, MIB, parseProperties } from "../properties.js";
import { modelOf, NIC_MODELS } from "./hardware.js";

const NicInput = z.object({
  id: z
    .string()
    .regex(/^net\d+$/)
    .describe("net0, net1: which one; default the next free")
    .optional(),
  bridge: z.string().optional(),
  model: z.enum(NIC_MODELS).describe("VMs only").optional(),
  name: z.string().describe("Containers only: eth0").optional(),
  mac: z.string().optional(),
  vlan: z.int().min(1).max(4094).optional(),
  firewall: z.boolean().optional(),
  connected: z.boolean().optional(),
  rate: z.number().describe("MB/s").optional(),
  mtu: z.int().optional(),
  ip: z.string().describe("dhcp, or an address with its prefix").optional(),
  gateway: z.string().optional(),
  ip6: z.string().describe("auto, dhcp, or an address with its prefix").optional(),
  gateway6: z.string().optional(),
});
type NicInput = z.infer<typeof NicInput>;

/** Raw settings, for what has no argument of its own. */
const options = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
  .describe("Other settings as in Proxmox's API: hostpci0, startup")
  .optional();

const common = {
  name: z.string().describe("Host name").optional(),
  cpu: z.int().min(1).describe("Cores").optional(),
  memory: z
    .int()
    .min(16 * MIB)
    .describe("Bytes")
    .optional(),
  nics: z.array(NicInput).describe("Network devices").optional(),
  tags: z.array(z.string()).optional(),
  description: z.string().optional(),
  onboot: z.boolean().describe("Start with its node").optional(),
  protection: z.boolean().describe("Refuse deletion").optional(),
  nameserver: z.string().optional(),
  searchdomain: z.string().optional(),
  options,
};

export const vmSettings = {
  ...common,
  sockets: z.int().min(1).optional(),
  cpu_type: z.string().describe("host, x86-64-v2-AES").optional(),
  affinity: z.string().describe("Cores of the node it is pinned to: 0-3,8").optional(),
  numa: z.boolean().optional(),
  numa_nodes: z
    .array(
      z.object({
        cpus: z.string(),
        memory: z.int().describe("Bytes"),
        host_nodes: z.string().optional(),
        policy: z.enum(["preferred", "bind", "interleave"]).optional(),
      }),
    )
    .optional(),
  memory_min: z.int().describe("Bytes it may be ballooned down to; 0 turns ballooning off").optional(),
  os_type: z.string().describe("l26, win11, other").optional(),
  bios: z.enum(["seabios", "ovmf"]).optional(),
  machine: z.string().describe("q35, i440fx").optional(),
  agent: z.boolean().describe("Guest agent is installed").optional(),
  boot: z.array(z.string()).describe("Boot order: scsi0, net0").optional(),
  iso: z.string().describe("Volume in the CD drive: local:iso/x.iso").optional(),
  cloud_init: z
    .object({
      user: z.string().optional(),
      password: secret(z.string(), "Password").optional(),
      ssh_keys: z.array(z.string()).optional(),
      upgrade: z.boolean().optional(),
    })
    .describe("Given to the guest at its start; addresses are those of nics")
    .optional(),
};

export const ctSettings = {
  ...common,
  swap: z.int().min(0).describe("Bytes").optional(),
  features: z.array(z.string()).describe("nesting, keyctl, fuse, mount=nfs").optional(),
  console: z.enum(["tty", "console", "shell"]).describe("What its console shows; exec needs shell").optional(),
};

type Given<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;
export type VmSettings = Given<typeof vmSettings>;
export type CtSettings = Given<typeof ctSettings>;

export type Settings = Record<string, string | number | boolean>;

/** What `clear` may name, and what it is there. A setting may be named as in Proxmox as well. */
const CLEARED: Readonly<Record<string, string>> = {
  cpu: "cores",
  cpu_type: "cpu",
  memory_min: "balloon",
  os_type: "ostype",
  console: "cmode",
};

export const clear = z.array(z.string()).describe("Settings to put back to their default: description, tags, net1, scsi1").optional();

export const clearedIn = (names: readonly string[] = []): string | undefined =>
  names.length === 0 ? undefined : names.map((name) => CLEARED[name] ?? name).join(",");

export function encodeVm(input: VmSettings, now: Config, bridge: string): Settings {
  const { cpu, memory, memory_min, sockets, cpu_type, affinity, numa, numa_nodes, os_type, bios, machine, agent, boot, iso, cloud_init = {} } = input;
  const groups = sockets ?? Number(now.sockets ?? 1);
  if (cpu !== undefined && cpu % groups !== 0)
    throw new ProxMcpError("INVALID_INPUT", `cpu: found ${cpu}; it has to be a multiple of the ${groups} sockets.`);
  const nics = nicSettings(input.nics ?? [], now, "qemu", bridge);
  return defined({
    ...encodeCommon(input),
    name: input.name,
    cores: cpu === undefined ? undefined : cpu / groups,
    sockets,
    memory: memory === undefined ? undefined : mib(memory),
    balloon: memory_min === undefined ? undefined : mib(memory_min),
    cpu: cpu_type,
    affinity,
    numa: numa ?? (numa_nodes ? true : undefined),
    ...Object.fromEntries(
      (numa_nodes ?? []).map(({ cpus, memory: size, host_nodes, policy }, at) => [
        `numa${at}`,
        formatProperties({ cpus: cpus.replaceAll(",", ";"), hostnodes: host_nodes, memory: mib(size), policy }),
      ]),
    ),
    ostype: os_type,
    bios,
    machine,
    agent: agent === undefined ? undefined : Number(agent),
    boot: boot === undefined ? undefined : `order=${boot.join(";")}`,
    ide2: iso === undefined ? undefined : iso === "" || iso === "none" ? "none,media=cdrom" : `${iso},media=cdrom`,
    ciuser: cloud_init.user,
    cipassword: cloud_init.password,
    ciupgrade: cloud_init.upgrade,
    // Proxmox wants the keys encoded as in an address, whatever carries them.
    sshkeys: cloud_init.ssh_keys === undefined ? undefined : encodeURIComponent(cloud_init.ssh_keys.join("\n")),
    ...nics,
    ...input.options,
  });
}

export function encodeCt(input: CtSettings, now: Config, bridge: string): Settings {
  const { cpu, memory, swap, features, console } = input;
  return defined({
    ...encodeCommon(input),
    hostname: input.name,
    cores: cpu,
    memory: memory === undefined ? undefined : mib(memory),
    swap: swap === undefined ? undefined : mib(swap),
    features: features?.map((feature) => (feature.includes("=") ? feature : `${feature}=1`)).join(","),
    cmode: console,
    ...nicSettings(input.nics ?? [], now, "lxc", bridge),
    ...input.options,
  });
}

const encodeCommon = ({
  tags,
  description,
  onboot,
  protection,
  nameserver,
  searchdomain,
}: VmSettings): Record<string, string | boolean | undefined> => ({
  tags: tags?.join(";"),
  description,
  onboot,
  protection,
  nameserver,
  searchdomain,
});

const mib = (bytes: number): number => Math.ceil(bytes / MIB);

/** The devices that are given, each laid over what it is now: a device that exists keeps its address and all that is not named. */
function nicSettings(nics: readonly NicInput[], now: Config, type: GuestType, bridge: string): Settings {
  const settings: Settings = {};
  for (const nic of nics) {
    const id = nic.id ?? freeNic({ ...now, ...settings });
    const set: Record<string, string | number | boolean | undefined> = { ...parseProperties(now[id]) };
    const isNew = now[id] === undefined;
    if (type === "qemu") {
      const [model = "virtio", mac] = modelOf(set as Record<string, string>);
      for (const key of ["", "model", "macaddr", model]) delete set[key];
      const address = nic.mac ?? mac;
      Object.assign(set, address === undefined ? { "": nic.model ?? model } : { [nic.model ?? model]: address });
      const ip = formatProperties({
        ...parseProperties(now[id.replace("net", "ipconfig")]),
        ...defined({ ip: nic.ip, gw: nic.gateway, ip6: nic.ip6, gw6: nic.gateway6 }),
      });
      if (ip !== "" && [nic.ip, nic.gateway, nic.ip6, nic.gateway6].some((part) => part !== undefined)) settings[id.replace("net", "ipconfig")] = ip;
    } else {
      const name = nic.name ?? (isNew ? `eth${id.slice(3)}` : undefined);
      Object.assign(
        set,
        defined({ name, hwaddr: nic.mac, ip: nic.ip ?? (isNew ? "dhcp" : undefined), gw: nic.gateway, ip6: nic.ip6, gw6: nic.gateway6 }),
      );
    }
    Object.assign(
      set,
      defined({
        bridge: nic.bridge ?? (isNew ? bridge : undefined),
        tag: nic.vlan,
        firewall: nic.firewall,
        rate: nic.rate,
        mtu: nic.mtu,
        link_down: nic.connected === undefined ? undefined : !nic.connected,
      }),
    );
    settings[id] = formatProperties(set);
  }
  return settings;
}

function freeNic(taken: Readonly<Record<string, unknown>>): string {
  let free = 0;
  while (taken[`net${free}`] !== undefined) free += 1;
  return `net${free}`;
}

export const defined = <Value>(values: Readonly<Record<string, Value | undefined>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(values).filter((pair): pair is [string, Value] => pair[1] !== undefined));
