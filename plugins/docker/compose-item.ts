import { facet } from "proxmcp/plugin";
import { z } from "zod";
import { ended, type Member } from "./compose.js";
import { known } from "./words.js";

export const Place = z.object({
  container: z.string(),
  service: z.string(),
  status: z.string(),
  health: z.string().optional(),
  exit_code: z.int().optional(),
  image: z.string(),
  ports: z.array(z.string()),
});

export const Project = z.object({
  name: facet(z.string(), "Name"),
  status: facet(z.enum(["running", "partial", "stopped"]), "Whether all its containers run", {
    says: ["state"],
    values: { running: ["up"], stopped: ["down"], partial: ["degraded", "partly running"] },
  }),
  services: facet(z.array(z.string()), "Its services", { says: ["service"] }),
  containers: facet(z.int(), "Containers"),
  running: facet(z.int(), "Of these running"),
  folder: facet(z.string(), "Where its files are", { says: ["directory", "path"] }).optional(),
  files: facet(z.array(z.string()), "Its compose files"),
  states: facet(z.array(Place), "Each container; only in get").optional(),
});

/** A project as its containers show it. */
export function projectOf(name: string, members: readonly Member[]): z.input<typeof Project> {
  // What was run once, by hand, says nothing about the project.
  const lasting = members.filter(({ once }) => !once);
  const running = lasting.filter(({ item }) => item.status === "running").length;
  // A container that did its work and ended well, such as a migration, is as it should be.
  const settled = lasting.filter((member) => member.item.status === "running" || ended(member)).length;
  return known({
    name,
    status: running === 0 ? "stopped" : settled === lasting.length ? "running" : "partial",
    services: [...new Set(members.map(({ service }) => service))].sort(),
    containers: lasting.length,
    running,
    folder: members.find(({ folder }) => folder)?.folder,
    files: [...(members.find(({ files }) => files.length)?.files ?? [])],
  });
}

export const placeOf = ({ item, service }: Member): z.input<typeof Place> =>
  known({
    container: item.name,
    service,
    status: item.status,
    health: item.health,
    exit_code: item.exit_code,
    image: item.image,
    ports: [...item.ports],
  });
