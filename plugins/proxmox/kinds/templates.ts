import { type CallArgs, facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import { storagesHolding, volumesOn } from "../backups.js";
import type { ProxmoxClient } from "../client.js";
import { offlineNodes, present, type Resource, resourcesOf, tagsOf } from "../resources.js";

const { kind } = forClient<ProxmoxClient>();

const Template = z.object({
  id: facet(z.string(), "VMID of a guest, or volume of an appliance", { says: ["vmid", "volume"] }),
  name: facet(z.string(), "Name", { says: ["called"] }),
  type: facet(z.enum(["vm", "ct", "appliance"]), "What is deployed from it, and how: a guest is cloned, an appliance makes a new container", {
    says: ["kind"],
    values: { ct: ["container"], vm: ["virtual machine"] },
  }),
  node: facet(z.string(), "Node it is on or seen from", { says: ["host"], place: true }),
  storage: facet(z.string(), "Storage of an appliance", { place: true }).optional(),
  ready: facet(z.boolean(), "It can be deployed now", { says: ["ready to deploy", "deployable", "usable"] }),
  not_ready: facet(z.string(), "Why it can't", { says: ["reason"] }).optional(),
  disk: facet(z.int(), "Size", { says: ["size"], unit: "bytes" }).optional(),
  memory: facet(z.int(), "Memory of what is cloned", { says: ["ram"], unit: "bytes" }).optional(),
  cpu: facet(z.number(), "Cores of what is cloned", { says: ["cores"], unit: "cores" }).optional(),
  os: facet(z.string(), "Operating system, from its name", { says: ["distribution"] }).optional(),
  tags: facet(z.array(z.string()), "Tags", { says: ["tag"] }),
});
type Template = z.infer<typeof Template>;

/** Guests that are templates, and appliances that were downloaded. */
export const templates = kind({
  name: "template",
  about: "What new guests are made of: VMs and containers that are templates, and appliances on the storages",
  says: ["template", "golden image"],
  item: Template,
  key: "id",
  alsoBy: ["name"],
  aliases: {
    list: ["proxmox-list-templates", "proxmox_list_templates", "proxmox_get_templates"],
    get: ["proxmox-template-info", "proxmox_template_status"],
  },
  list: async (args: CallArgs<ProxmoxClient>) => {
    const rows = await resourcesOf(args.client, args.signal);
    const offline = offlineNodes(rows);
    const guests = rows.filter((row) => (row.type === "qemu" || row.type === "lxc") && row.template === 1);
    const { items, errors } = await volumesOn(args, storagesHolding(rows, "vztmpl"), { content: "vztmpl" });
    const holders = new Set(
      rows.filter((row) => row.type === "storage" && row.status === "available" && (row.content ?? "").includes("rootdir")).map((row) => row.node),
    );
    const appliances = items.map(({ volid, node, storage, size }) => {
      const name = volid.split("/").at(-1) ?? volid;
      return present({
        id: volid,
        name,
        type: "appliance" as const,
        node,
        storage,
        ready: holders.has(node),
        not_ready: holders.has(node) ? undefined : `No storage of node ${node} can hold the disk of a container.`,
        disk: size,
        os: /^(debian|ubuntu|alpine|fedora|centos|rockylinux|almalinux|archlinux|opensuse|gentoo|devuan)/.exec(name)?.[1],
        tags: [],
      }) as Template;
    });
    return { items: [...guests.map((row) => guestOf(row, offline)), ...appliances], errors };
  },
});

function guestOf(row: Resource, offline: ReadonlySet<string>): Template {
  const why = offline.has(row.node ?? "") ? `Its node ${row.node} is offline.` : row.lock === undefined ? undefined : `It is locked (${row.lock}).`;
  return present({
    id: String(row.vmid),
    name: row.name ?? String(row.vmid),
    type: row.type === "qemu" ? ("vm" as const) : ("ct" as const),
    node: row.node ?? "",
    ready: why === undefined,
    not_ready: why,
    disk: row.maxdisk,
    memory: row.maxmem,
    cpu: row.maxcpu,
    tags: tagsOf(row.tags),
  }) as Template;
}
