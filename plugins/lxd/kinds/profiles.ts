import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { defined, rootDisk } from "../instance/fields.js";
import { parseCores, parseSize } from "../sizes.js";
import type { WireProfile } from "../wire.js";

const { kind } = forClient<LxdClient>();

// Of the configuration only limits are shown: keys such as cloud-init.user-data hold passwords.
const Profile = z.object({
  name: facet(z.string(), "Name of the profile"),
  description: facet(z.string(), "Its owner's words").optional(),
  cpu: facet(z.int(), "Cores it allows", { says: ["cpus", "cores"], unit: "cores" }).optional(),
  memory: facet(z.int(), "Memory limit it sets", { says: ["ram"], unit: "bytes" }).optional(),
  disk: facet(z.int(), "Size of the root disk it sets", { unit: "bytes" }).optional(),
  pool: facet(z.string(), "Storage pool of its root disk", { says: ["storage pool"] }).optional(),
  networks: facet(z.array(z.string()), "Networks it joins", { says: ["network", "bridge"] }),
  devices: facet(z.array(z.string()), "Names of its devices"),
  nesting: facet(z.boolean(), "Whether it allows containers inside"),
  used_by: facet(z.int(), "How many instances use it", { says: ["users"] }),
});

export const profiles = kind({
  name: "profile",
  about: "Settings and devices that instances share",
  says: ["profile"],
  item: Profile,
  key: "name",
  aliases: { list: ["lxd_list_profiles"] },

  async list({ client, signal }) {
    const found = await client.get<readonly WireProfile[]>("/1.0/profiles", { doing: "list profiles", signal, query: { recursion: 1 } });
    return found.map((wire) => {
      const root = rootDisk(wire)?.[1];
      const nics = Object.values(wire.devices).filter(({ type }) => type === "nic");
      return defined({
        name: wire.name,
        description: wire.description || undefined,
        cpu: parseCores(wire.config["limits.cpu"]),
        memory: parseSize(wire.config["limits.memory"]),
        disk: parseSize(root?.size),
        pool: root?.pool,
        networks: nics.flatMap((nic) => nic.network ?? nic.parent ?? []),
        devices: Object.keys(wire.devices),
        nesting: /^(true|1|yes|on)$/i.test(wire.config["security.nesting"] ?? ""),
        used_by: wire.used_by?.length ?? 0,
      });
    });
  },
});
