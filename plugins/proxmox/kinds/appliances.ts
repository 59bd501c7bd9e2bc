import { facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { LONG } from "../guest/actions.js";
import { placeFor } from "../guest/place.js";
import { present, resourcesOf } from "../resources.js";

const { kind, write } = forClient<ProxmoxClient>();

const Appliance = z.object({
  name: facet(z.string(), "File name: debian-13-standard_13.1-2_amd64.tar.zst", { says: ["template"] }),
  os: facet(z.string(), "Distribution and release: debian-13", { says: ["distribution"] }).optional(),
  version: facet(z.string(), "Version").optional(),
  section: facet(z.string(), "Section: system, turnkeylinux, mail", { says: ["category"] }).optional(),
  description: facet(z.string(), "What it is", { says: ["headline"] }).optional(),
});

interface Row {
  readonly template: string;
  readonly os?: string;
  readonly version?: string;
  readonly section?: string;
  readonly headline?: string;
}

/** Any node that is there: each knows the same list. */
async function anyNode(client: ProxmoxClient, signal: AbortSignal): Promise<string> {
  const node = (await resourcesOf(client, signal, "node")).find(({ status }) => status === "online")?.node;
  if (node === undefined) throw new ProxMcpError("UNREACHABLE", "No node of the cluster is online.");
  return node;
}

export const appliances = kind({
  name: "appliance",
  about: "A container template that Proxmox offers for download",
  says: ["appliance", "downloadable template"],
  item: Appliance,
  key: "name",
  aliases: { list: ["proxmox-list-appliances", "proxmox_list_available_templates", "proxmox_list_downloadable_templates"] },
  list: async ({ client, signal }) => {
    const rows = await client.get<readonly Row[]>(at`/nodes/${await anyNode(client, signal)}/aplinfo`, signal);
    return rows.map(
      ({ template, os, version, section, headline }) =>
        present({ name: template, os, version, section, description: headline }) as z.infer<typeof Appliance>,
    );
  },
  actions: {
    download: write({
      about: "Download an appliance onto a storage, to make containers of it",
      openWorld: true,
      aliases: ["proxmox-download-template", "proxmox_download_template"],
      input: { storage: z.string().optional(), node: z.string().optional() },
      output: z.object({ id: z.string().describe("Volume, for creating containers"), node: z.string() }),
      timeout: LONG,
      run: async (args) => {
        const { node, storage } = await placeFor(args, args.input, "vztmpl");
        await args.client.write("POST", at`/nodes/${node}/aplinfo`, { storage, template: args.key }, { ...args, cancels: true });
        return { id: `${storage}:vztmpl/${args.key}`, node };
      },
    }),
  },
});
