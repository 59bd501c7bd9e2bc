import { facet } from "proxmcp/plugin";
import { z } from "zod";
import { defined, rootDisk } from "../instance/fields.js";
import { parseCores, parseSize } from "../sizes.js";
import type { WireProfile } from "../wire.js";

// Of the configuration only limits are shown: keys such as cloud-init.user-data hold passwords.
export const Profile = z.object({
  name: facet(z.string(), "Name of the profile"),
  description: facet(z.string(), "Its owner's words").optional(),
  cpu: facet(z.int(), "Cores it allows", { says: ["cpus", "cores"], unit: "cores" }).optional(),
  memory: facet(z.int(), "Memory limit it sets", { says: ["ram"], unit: "bytes" }).optional(),
  disk: facet(z.int(), "Size of the root disk it sets", { unit: "bytes" }).optional(),
  pool: facet(z.string(), "Storage pool of its root disk", { says: ["storage pool"] }).optional(),
  networks: facet(z.array(z.string()), "Networks it joins", { says: ["network", "bridge"] }),
  devices: facet(z.array(z.string()), "Names of its devices"),
  nesting: facet(z.boolean(), "Whether it allows containers inside"),
  unprivileged: facet(z.boolean(), "Whether root inside is nobody on the host"),
  used_by: facet(z.int(), "How many instances use it", { says: ["users"] }),
});

export const profilePath = (name: string): string => `/1.0/profiles/${encodeURIComponent(name)}`;

const isOn = (value: string | undefined): boolean => /^(true|1|yes|on)$/i.test(value ?? "");

export function profileOf(wire: WireProfile) {
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
    devices: Object.keys(wire.devices).sort(),
    nesting: isOn(wire.config["security.nesting"]),
    unprivileged: !isOn(wire.config["security.privileged"]),
    used_by: wire.used_by?.length ?? 0,
    project: wire.project,
  });
}
