import { forClient } from "proxmcp/plugin";
import { z } from "zod";
import { at, type ProxmoxClient } from "../client.js";
import { text } from "../columns.js";
import { records } from "../crud.js";

const { write } = forClient<ProxmoxClient, Record<string, string | undefined>>();

export const updates = records({
  name: "update",
  about: "A package update that a node could install",
  says: ["update", "package update", "apt update"],
  key: "name",
  within: { node: z.string().describe("Node") },
  listRequires: ["node"],
  path: ({ at: { node = "" } }) => at`/nodes/${node}/apt/update`,
  fromList: true,
  verbs: [],
  columns: {
    name: text("Package", "Package", { says: ["package"] }),
    version: text("Version", "New version", { says: ["new version"] }),
    installed: text("OldVersion", "Installed version", { says: ["old version", "current version"] }),
    origin: text("Origin", "Where it comes from"),
    section: text("Section", "Section"),
    description: text("Title", "What it is", { says: ["title"] }),
  },
  aliases: { list: ["proxmox-list-updates", "proxmox_list_updates", "proxmox_get_node_updates"] },
  actions: {
    refresh: write({
      about: "Let a node look for updates",
      on: "kind",
      openWorld: true,
      timeout: 600,
      output: z.object({ node: z.string(), updates: z.int() }),
      run: async (args) => {
        const node = String(args.at.node);
        await args.client.write("POST", at`/nodes/${node}/apt/update`, {}, { ...args, cancels: true });
        return { node, updates: (await args.client.get<readonly unknown[]>(at`/nodes/${node}/apt/update`, args.signal)).length };
      },
    }),
  },
});
