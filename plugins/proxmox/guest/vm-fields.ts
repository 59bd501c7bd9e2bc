/** What only a VM's configuration knows. */
import { facet } from "proxmcp/plugin";
import { z } from "zod";
import type { Config } from "../guests.js";
import { isOn, MIB, parseProperties } from "../properties.js";
import { present } from "../resources.js";

const CloudInit = z.object({
  user: z.string().optional(),
  password_set: z.boolean(),
  ssh_keys: z.array(z.string()),
  nameserver: z.string().optional(),
  searchdomain: z.string().optional(),
  upgrade: z.boolean(),
});

const NumaNode = z.object({
  cpus: z.string(),
  memory: z.int().describe("Bytes").optional(),
  host_nodes: z.string().optional(),
  policy: z.string().optional(),
});

export const vmFields = {
  os_type: facet(z.string(), "Operating system as configured: l26, win11, other", { says: ["ostype"], detail: true }).optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it was created", { says: ["creation", "made"], detail: true }).optional(),
  sockets: facet(z.int(), "Processor sockets", { detail: true }).optional(),
  cpu_type: facet(z.string(), "Processor it sees: host, kvm64", { says: ["processor type"], detail: true }).optional(),
  affinity: facet(z.string(), "Cores of the node it is pinned to", { says: ["pinned", "cpu pinning", "pinning"], detail: true }).optional(),
  numa: facet(z.boolean(), "It sees NUMA nodes", { detail: true }).optional(),
  numa_nodes: facet(z.array(NumaNode), "Its NUMA nodes", { detail: true }).optional(),
  memory_min: facet(z.int(), "Memory it may be ballooned down to", { says: ["balloon"], unit: "bytes", detail: true }).optional(),
  bios: facet(z.string(), "Firmware: seabios, ovmf", { says: ["firmware"], values: { ovmf: ["uefi"] }, detail: true }).optional(),
  machine: facet(z.string(), "Machine type: q35, i440fx", { says: ["chipset"], detail: true }).optional(),
  agent: facet(z.boolean(), "Guest agent switched on", { says: ["guest agent", "qemu agent"], detail: true }).optional(),
  boot: facet(z.array(z.string()), "Boot order", { says: ["boot order"], detail: true }).optional(),
  cloud_init: facet(CloudInit, "What cloud-init gives it", { says: ["cloud init", "cloudinit"], detail: true }).optional(),
};

type Fields = z.infer<z.ZodObject<typeof vmFields>> & { os?: string };

/** Nothing is known of a VM whose configuration could not be read. */
export function configuredVm(config: Config): Partial<Fields> {
  if (Object.keys(config).length === 0) return {};
  const { ostype, meta, sockets, cpu, affinity, numa, balloon, bios, machine, agent, boot } = config;
  const type = ostype === undefined ? undefined : String(ostype);
  const os = type && (type.startsWith("w") ? "windows" : type.startsWith("l2") ? "linux" : type === "solaris" ? "solaris" : undefined);
  const seconds = /ctime=(\d+)/.exec(String(meta ?? ""))?.[1];
  const order = parseProperties(boot, "legacy").order;
  const numas = Object.keys(config).filter((key) => /^numa\d+$/.test(key));
  return present({
    os: os || undefined,
    os_type: type,
    created: seconds === undefined ? undefined : new Date(Number(seconds) * 1000).toISOString(),
    sockets: sockets === undefined ? 1 : Number(sockets),
    cpu_type: cpu === undefined ? undefined : (parseProperties(cpu, "cputype").cputype ?? String(cpu)),
    affinity: affinity === undefined ? undefined : String(affinity),
    numa: isOn(numa),
    numa_nodes: numas.length > 0 ? numas.sort().map((key) => numaOf(config[key])) : undefined,
    memory_min: balloon === undefined ? undefined : Number(balloon) * MIB,
    bios: String(bios ?? "seabios"),
    machine: machine === undefined ? undefined : (parseProperties(machine, "type").type ?? String(machine)),
    agent: isOn(parseProperties(agent, "enabled").enabled),
    boot: order?.split(";"),
    cloud_init: cloudInitOf(config),
  }) as Partial<Fields>;
}

function numaOf(value: string | number | undefined): z.infer<typeof NumaNode> {
  const { cpus = "", memory, hostnodes, policy } = parseProperties(value);
  return present({ cpus, memory: memory === undefined ? undefined : Number(memory) * MIB, host_nodes: hostnodes, policy }) as z.infer<
    typeof NumaNode
  >;
}

function cloudInitOf(config: Config): z.infer<typeof CloudInit> | undefined {
  const { ciuser, cipassword, sshkeys, nameserver, searchdomain, ciupgrade } = config;
  const given =
    [ciuser, cipassword, sshkeys, nameserver, searchdomain].some((value) => value !== undefined) ||
    Object.keys(config).some((key) => /^ipconfig\d+$/.test(key));
  if (!given) return undefined;
  return present({
    user: ciuser === undefined ? undefined : String(ciuser),
    password_set: cipassword !== undefined,
    ssh_keys: keysOf(sshkeys),
    nameserver: nameserver === undefined ? undefined : String(nameserver),
    searchdomain: searchdomain === undefined ? undefined : String(searchdomain),
    upgrade: ciupgrade === undefined || isOn(ciupgrade),
  }) as z.infer<typeof CloudInit>;
}

/** Keys are kept encoded as in an address. */
function keysOf(encoded: string | number | undefined): string[] {
  const text = String(encoded ?? "");
  let decoded = text;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    // It is what it is.
  }
  return decoded.split("\n").filter((key) => key.trim() !== "");
}
