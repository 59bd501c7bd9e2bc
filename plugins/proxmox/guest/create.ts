/**
 * New guests: a VM with an empty, an imported or no disk, a container from an appliance template.
 * @module
 */
import { type ActionArgs, isProxMcpError, ProxMcpError, secret, type Written } from "proxmcp/plugin";
import { z } from "zod";
import { storagesHolding, volumesOn } from "../backups.js";
import { at, type Parameters, type ProxmoxClient } from "../client.js";
import type { GuestType } from "../guests.js";
import { GIB } from "../properties.js";
import { resourcesOf } from "../resources.js";
import { nextId, placeFor } from "./place.js";
import { ctSettings, defined, encodeCt, encodeVm, type Settings, vmSettings } from "./settings.js";

const DEFAULT_BRIDGE = "vmbr0";
/** How often another VMID is taken, when somebody else was faster with the one that was free. */
const ID_ATTEMPTS = 3;

export const wait = z.boolean().describe("False: answer with the task and don't wait for it").optional();

const placed = {
  id: z.int().min(100).max(999_999_999).describe("VMID; default the next free").optional(),
  node: z.string().describe("Default: that of the connection, or the emptiest").optional(),
  storage: z.string().describe("For its disks").optional(),
  pool: z.string().optional(),
  start: z.boolean().describe("Start it at once").optional(),
  wait,
};

export const vmCreation = {
  name: vmSettings.name.unwrap(),
  ...placed,
  disk: z.int().min(1).describe("Bytes; default 32 GiB, 0 disks with image or a diskless VM").optional(),
  image: z.string().describe("Disk image to begin with: local:import/debian-13.qcow2").optional(),
  diskless: z.boolean().describe("No disk at all").optional(),
  ...without(vmSettings, "name"),
};

export const ctCreation = {
  name: ctSettings.name.unwrap(),
  template: z.string().describe("Appliance volume, or words of its name: ubuntu 24.04"),
  ...placed,
  disk: z.int().min(1).describe("Bytes of its root; default 8 GiB").optional(),
  unprivileged: z.boolean().describe("Default true").optional(),
  password: secret(z.string(), "Password of root, 5 characters or more").optional(),
  ssh_keys: z.array(z.string()).describe("For root").optional(),
  ...without(ctSettings, "name"),
};

function without<Shape extends object, Name extends keyof Shape>(shape: Shape, name: Name): Omit<Shape, Name> {
  const { [name]: _, ...rest } = shape;
  return rest;
}

type Input<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;

export async function createVm(args: ActionArgs<ProxmoxClient, Input<typeof vmCreation>>): Promise<Written> {
  const { client, input } = args;
  const { node, storage } = await placeFor(args, input, "images");
  const settings = encodeVm(withNic(input), {}, client.options.bridge ?? DEFAULT_BRIDGE);
  const hasDisk = !input.diskless;
  // An imported disk has the size of its image; a larger one is grown afterwards.
  const disk = input.image ? `${storage}:0,import-from=${input.image}` : `${storage}:${(input.disk ?? 32 * GIB) / GIB}`;
  const needsTpm = input.os_type === "win11";
  const firmware = settings.bios === "ovmf" ? { efidisk0: `${storage}:1,efitype=4m,pre-enrolled-keys=1` } : {};
  const drives: Settings = {
    ...(hasDisk ? { scsi0: disk } : {}),
    ...firmware,
    ...(needsTpm ? { tpmstate0: `${storage}:1,version=v2.0` } : {}),
    ...(input.cloud_init || hasAddresses(input) ? { ide0: `${storage}:cloudinit` } : {}),
  };
  const order = [...(hasDisk ? ["scsi0"] : []), ...(input.iso ? ["ide2"] : []), ...(settings.net0 === undefined ? [] : ["net0"])];
  return await create(args, "qemu", node, {
    scsihw: "virtio-scsi-single",
    ostype: "l26",
    ...(order.length > 0 ? { boot: `order=${order.join(";")}` } : {}),
    ...drives,
    ...settings,
  });
}

export async function createCt(args: ActionArgs<ProxmoxClient, Input<typeof ctCreation>>): Promise<Written> {
  const { client, input } = args;
  const { node, storage } = await placeFor(args, input, "rootdir");
  return await create(args, "lxc", node, {
    ostemplate: await templateFor(args, node, input.template),
    rootfs: `${storage}:${(input.disk ?? 8 * GIB) / GIB}`,
    unprivileged: input.unprivileged ?? true,
    ...defined({ password: input.password, "ssh-public-keys": input.ssh_keys?.join("\n") }),
    ...encodeCt(withNic(input), {}, client.options.bridge ?? DEFAULT_BRIDGE),
  });
}

/** The appliance that is meant: a volume as it is, or the newest whose name has all these words: `ubuntu 24.04`. */
async function templateFor(args: ActionArgs<ProxmoxClient, unknown>, node: string, wanted: string): Promise<string> {
  if (/^[\w.-]+:/.test(wanted)) return wanted;
  const rows = await resourcesOf(args.client, args.signal);
  const { items } = await volumesOn(args, storagesHolding(rows, "vztmpl", { node }), { content: "vztmpl" });
  const words = wanted.toLowerCase().split(/[\s:_-]+/);
  const found = items.map(({ volid }) => volid).filter((volid) => words.every((word) => volid.toLowerCase().includes(word)));
  const [newest] = found.sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  if (newest === undefined)
    throw new ProxMcpError("NOT_FOUND", `Node ${node} has no appliance template for ${JSON.stringify(wanted)}.`, {
      next: "List the templates, or download one: the list of appliances shows what there is.",
      data: { templates: items.map(({ volid }) => volid) },
    });
  if (newest !== wanted) args.note(`Made from ${newest}.`);
  return newest;
}

/** Without a word about network devices there is one, on the default bridge. */
const withNic = <Given extends { readonly nics?: readonly unknown[] | undefined }>(input: Given): Given => ({ ...input, nics: input.nics ?? [{}] });

const hasAddresses = ({ nics = [] }: { nics?: readonly { ip?: string | undefined; ip6?: string | undefined }[] | undefined }): boolean =>
  nics.some(({ ip, ip6 }) => ip !== undefined || ip6 !== undefined);

type Creation = ActionArgs<
  ProxmoxClient,
  { readonly id?: number | undefined; readonly pool?: string | undefined; readonly start?: boolean | undefined; readonly wait?: boolean | undefined }
>;

async function create(args: Creation, type: GuestType, node: string, settings: Parameters): Promise<Written> {
  const { pool, start } = args.input;
  return await withNewId(args, (vmid) =>
    args.client.write("POST", at`/nodes/${node}/${type}`, { ...settings, pool, start, vmid }, { ...args, wait: args.input.wait, cancels: true }),
  );
}

/** Runs `make` with the VMID that was asked for, or with the next free one; with another when somebody else took that meanwhile. */
export async function withNewId(args: Creation, make: (vmid: number) => Promise<unknown>): Promise<{ key: string }> {
  const { client, signal, input } = args;
  for (let attempt = 1; ; attempt += 1) {
    const vmid = input.id ?? (await nextId(client, signal));
    try {
      await make(vmid);
      return { key: String(vmid) };
    } catch (error) {
      const taken = isProxMcpError(error) && error.code === "ALREADY_EXISTS";
      if (!taken || input.id !== undefined || attempt === ID_ATTEMPTS) throw error;
    }
  }
}
