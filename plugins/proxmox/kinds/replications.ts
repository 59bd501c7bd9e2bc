import { forClient } from "proxmcp/plugin";
import { at, type ProxmoxClient } from "../client.js";
import { numeric, text, unflag, whole } from "../columns.js";
import { records } from "../crud.js";
import { resourcesOf } from "../resources.js";

const { write } = forClient<ProxmoxClient>();

export const replications = records({
  name: "replication",
  about: "A job that copies a guest's disks to another node again and again",
  says: ["replication", "replication job"],
  key: "id",
  path: () => "/cluster/replication",
  fixed: { type: "local" },
  fromList: true,
  columns: {
    id: text("id", "VMID and number: 100-0", { required: true, fixed: true }),
    guest: whole("guest", "VMID of the guest", { says: ["vmid"], shown: true }),
    source: text("source", "Node it is copied from", { says: ["from"], shown: true, place: true }),
    target: text("target", "Node it is copied to", { says: ["to"], required: true, fixed: true, place: true }),
    schedule: text("schedule", "When: */15", { says: ["when"] }),
    rate: numeric("rate", "Most MB per second"),
    enabled: unflag("disable", "It runs"),
    description: text("comment", "Notes", { says: ["comment"] }),
  },
  loses: ({ id, target }) => `Job ${id} ends, and the copies on node ${target} are removed.`,
  aliases: { list: ["proxmox-list-replication-jobs", "proxmox_list_replication"] },
  actions: {
    run: write({
      about: "Run a replication job now",
      run: async (args) => {
        const { client, key, signal } = args;
        const vmid = Number(key.split("-")[0]);
        const node = (await resourcesOf(client, signal, "vm")).find((row) => row.vmid === vmid)?.node ?? "";
        await client.write("POST", at`/nodes/${node}/replication/${key}/schedule_now`, {}, args);
      },
    }),
  },
});
