import { facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { type Placed, storagesHolding, volumesOn } from "../backups.js";
import { at, type ProxmoxClient } from "../client.js";
import { LONG } from "../guest/actions.js";
import { wait } from "../guest/create.js";
import { placeFor } from "../guest/place.js";
import { present, resourcesOf } from "../resources.js";
import { formFor } from "../upload.js";

const { kind, write, destructive } = forClient<ProxmoxClient>();

const Volume = z.object({
  id: facet(z.string(), "Volume: local:iso/debian-13.iso", { says: ["volid", "volume"] }),
  name: facet(z.string(), "File or volume name", { says: ["file"] }),
  node: facet(z.string(), "Node it is seen from", { says: ["host"], place: true }),
  storage: facet(z.string(), "Storage it lies on", { says: ["datastore"], place: true }),
  content: facet(z.enum(["images", "rootdir", "iso", "vztmpl", "backup", "snippets", "import", "other"]), "What it is", {
    says: ["type", "kind"],
    values: {
      images: ["disk", "disk image"],
      rootdir: ["container disk"],
      iso: ["iso", "cd"],
      vztmpl: ["appliance", "container template"],
      import: ["cloud image"],
    },
  }),
  format: facet(z.string(), "Format: raw, qcow2, iso").optional(),
  disk: facet(z.int(), "Size", { says: ["size"], unit: "bytes" }).optional(),
  disk_used: facet(z.int(), "Space it takes", { says: ["used"], unit: "bytes" }).optional(),
  vmid: facet(z.int(), "Guest it belongs to", { says: ["guest", "owner"] }).optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it was made", { says: ["date", "made"] }).optional(),
  protected: facet(z.boolean(), "Can't be deleted").optional(),
});
type Volume = z.infer<typeof Volume>;

const KNOWN = new Set<string>(["images", "rootdir", "iso", "vztmpl", "backup", "snippets", "import"]);

const volumeOf = (row: Placed): Volume =>
  present({
    id: row.volid,
    name:
      row.volid
        .slice(row.volid.indexOf(":") + 1)
        .split("/")
        .at(-1) ?? row.volid,
    node: row.node,
    storage: row.storage,
    content: (KNOWN.has(row.content) ? row.content : "other") as Volume["content"],
    format: row.format,
    disk: row.size,
    disk_used: row.used,
    vmid: row.vmid === undefined ? undefined : Number(row.vmid),
    created: row.ctime === undefined ? undefined : new Date(row.ctime * 1000).toISOString(),
    protected: row.protected === undefined ? undefined : row.protected === 1,
  }) as Volume;

async function theVolume({ client, key, signal }: { client: ProxmoxClient; key: string; signal: AbortSignal }): Promise<Volume> {
  const storage = /^([^:]+):/.exec(key)?.[1];
  const rows = await resourcesOf(client, signal);
  const { items } = storage === undefined ? { items: [] } : await volumesOn({ client, signal }, storagesHolding(rows, undefined, { storage }), {});
  const found = items.filter(({ volid }) => volid === key);
  if (found.length > 1)
    throw new ProxMcpError("NAME_AMBIGUOUS", `Several nodes have a volume ${key}: ${found.map(({ node }) => node).join(", ")}.`, {
      next: "Name the node: `node`.",
      data: { nodes: found.map(({ node }) => node) },
    });
  if (!found[0]) throw new ProxMcpError("NOT_FOUND", `There is no volume ${key}.`, { next: "List the volumes and use an id from there." });
  return volumeOf(found[0]);
}

const content = z.enum(["iso", "vztmpl", "import"]).describe("import: disk images");
const checksum = {
  checksum: z.string().optional(),
  checksum_algorithm: z.enum(["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]).optional(),
};
const target = {
  content,
  storage: z.string().optional(),
  node: z.string().optional(),
};

export const volumes = kind({
  name: "volume",
  about: "A volume on a storage: a disk, an ISO image, a container template, a disk image to import",
  says: ["volume", "iso image", "disk image", "medium"],
  item: Volume,
  key: "id",
  aliases: { list: ["proxmox-list-volumes", "proxmox_list_volumes", "proxmox_get_storage_content", "proxmox-storage-content", "proxmox_list_isos"] },
  list: async (args) => {
    const { storage, node, content: wanted, vmid } = args.where;
    const one = (value: unknown): string | undefined =>
      typeof value === "string" && !value.includes("*") ? value : Array.isArray(value) && value.length === 1 ? String(value[0]) : undefined;
    const kinds = one(wanted);
    const only = kinds !== undefined && KNOWN.has(kinds) ? kinds : undefined;
    const rows = await resourcesOf(args.client, args.signal);
    const query = { content: only, vmid: typeof vmid === "number" ? vmid : undefined };
    const { items, errors } = await volumesOn(args, storagesHolding(rows, only, { storage: one(storage), node: one(node) }), query);
    return { items: items.map(volumeOf), errors };
  },
  get: theVolume,
  actions: {
    upload: write({
      about: "Put a file of the machine that ProxMCP runs on onto a storage",
      on: "kind",
      aliases: ["proxmox-upload-iso", "proxmox_upload_iso", "proxmox_upload_volume"],
      input: {
        file: z.string().describe("Absolute path, ending in .iso, .img, .tar.zst, .qcow2 and so on"),
        name: z.string().describe("Name there; default its own").optional(),
        ...target,
        ...checksum,
      },
      timeout: LONG,
      run: async (args) => {
        const { client, input } = args;
        const { node, storage } = await placeFor(args, input, input.content);
        const { form, filename } = await formFor(input, args.progress);
        await client.upload(at`/nodes/${node}/storage/${storage}/upload`, form, { ...args, cancels: true });
        return { key: `${storage}:${input.content}/${filename}` };
      },
    }),
    download: write({
      about: "Let a node fetch a file from a web address onto a storage",
      on: "kind",
      openWorld: true,
      aliases: ["proxmox-download-iso", "proxmox_download_iso", "proxmox_download_url", "proxmox-download-url"],
      input: {
        url: z.url({ protocol: /^https?$/ }),
        name: z.string().describe("Default the last part of the address").optional(),
        ...target,
        ...checksum,
        wait,
      },
      timeout: LONG,
      run: async (args) => {
        const { client, input } = args;
        const { node, storage } = await placeFor(args, input, input.content);
        const filename = input.name ?? decodeURIComponent(new URL(input.url).pathname.split("/").at(-1) ?? "");
        if (filename === "") throw new ProxMcpError("INVALID_INPUT", "The address has no file name at its end: pass `name`.");
        const parameters = {
          content: input.content,
          filename,
          url: input.url,
          checksum: input.checksum,
          "checksum-algorithm": input.checksum_algorithm,
        };
        await client.write("POST", at`/nodes/${node}/storage/${storage}/download-url`, parameters, { ...args, wait: input.wait, cancels: true });
        return { key: `${storage}:${input.content}/${filename}` };
      },
    }),
    delete: destructive({
      about: "Delete a volume that no guest uses",
      aliases: ["proxmox-delete-volume", "proxmox_delete_volume", "proxmox_delete_iso"],
      loses: async (args) => {
        const volume = await theVolume(args);
        const owner = volume.vmid === undefined ? "" : ` It belongs to guest ${volume.vmid}.`;
        return `Deletes ${volume.id} (${volume.disk ?? "unknown"} bytes) for good.${owner}`;
      },
      run: async (args) => {
        const volume = await theVolume(args);
        if (volume.vmid !== undefined && volume.content !== "backup") await refuseUsed(args.client, volume, args.signal);
        await args.client.write("DELETE", at`/nodes/${volume.node}/storage/${volume.storage}/content/${volume.id}`, {}, args);
      },
    }),
  },
});

/** Proxmox deletes the disk of a guest without a word, if asked for it here. */
async function refuseUsed(client: ProxmoxClient, { id, vmid }: Volume, signal: AbortSignal): Promise<void> {
  const owner = (await resourcesOf(client, signal, "vm")).find((row) => row.vmid === vmid);
  if (!owner) return;
  const config = await client.get<Record<string, unknown>>(at`/nodes/${owner.node ?? ""}/${owner.type}/${owner.vmid ?? 0}/config`, signal);
  const use = Object.entries(config).find(([name, value]) => !name.startsWith("unused") && String(value).split(",")[0] === id);
  if (use)
    throw new ProxMcpError("WRONG_STATE", `${id} is ${use[0]} of guest ${vmid}${owner.name ? ` (${owner.name})` : ""}.`, {
      next: `Take the disk off the guest first: update it with \`clear: ["${use[0]}"]\`.`,
    });
}
