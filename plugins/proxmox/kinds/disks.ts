import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { present } from "../resources.js";

const { kind, read } = forClient<ProxmoxClient, { node: string }>();

const Disk = z.object({
  device: facet(z.string(), "Device: /dev/sda", { says: ["path"] }),
  node: facet(z.string(), "Node", { says: ["host"], place: true }),
  model: facet(z.string(), "Model", { says: ["make"] }).optional(),
  serial: facet(z.string(), "Serial number").optional(),
  type: facet(z.string(), "hdd, ssd, nvme", { says: ["kind"] }).optional(),
  disk: facet(z.int(), "Size", { says: ["size"], unit: "bytes" }).optional(),
  used_for: facet(z.string(), "What is on it: LVM, ZFS, partitions", { says: ["used", "usage"] }).optional(),
  health: facet(z.string(), "What the disk says of itself: PASSED", { says: ["smart", "status"] }).optional(),
  wearout: facet(z.number(), "Life that is left, in percent").optional(),
});

interface Row {
  readonly devpath: string;
  readonly model?: string;
  readonly serial?: string;
  readonly type?: string;
  readonly size?: number;
  readonly used?: string;
  readonly health?: string;
  readonly wearout?: number | string;
}

const Smart = z.object({
  health: z.string(),
  type: z.string().optional(),
  text: z.string().optional(),
  attributes: z.array(z.object({ name: z.string(), value: z.string() })),
});

export const disks = kind({
  name: "disk",
  about: "A physical disk of a node",
  says: ["disk", "physical disk", "drive"],
  item: Disk,
  key: "device",
  within: { node: z.string().describe("Node") },
  listRequires: ["node"],
  aliases: { list: ["proxmox-list-disks", "proxmox_list_disks", "proxmox_get_node_disks"] },
  list: async ({ client, signal, at: { node = "" } }) =>
    (await client.get<readonly Row[]>(at`/nodes/${node}/disks/list`, signal)).map(
      ({ devpath, model, serial, type, size, used, health, wearout }) =>
        present({
          device: devpath,
          node,
          model,
          serial,
          type,
          disk: size,
          used_for: used,
          health,
          wearout: typeof wearout === "number" ? wearout : undefined,
        }) as z.infer<typeof Disk>,
    ),
  actions: {
    smart: read({
      about: "What a disk says of its own health",
      output: Smart,
      run: async ({ client, key, at: { node }, signal }) => {
        type Answer = {
          readonly health: string;
          readonly type?: string;
          readonly text?: string;
          readonly attributes?: readonly { readonly name: string; readonly raw?: string }[];
        };
        const { health, type, text, attributes = [] } = await client.get<Answer>(at`/nodes/${node}/disks/smart`, signal, { disk: key });
        return present({ health, type, text, attributes: attributes.map(({ name, raw }) => ({ name, value: raw ?? "" })) }) as z.infer<typeof Smart>;
      },
    }),
  },
});
