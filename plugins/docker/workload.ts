/**
 * How a workload that is to be placed somewhere becomes a container here.
 * @module
 */
import type { WorkloadSpec } from "proxmcp/plugin";

/** Where common software has another name on Docker Hub, and where it keeps its data. */
const SOFTWARE: Readonly<Record<string, { readonly image?: string; readonly data?: string }>> = {
  postgres: { data: "/var/lib/postgresql/data" },
  mysql: { data: "/var/lib/mysql" },
  mariadb: { data: "/var/lib/mysql" },
  mongodb: { image: "mongo", data: "/data/db" },
  redis: { data: "/data" },
  apache: { image: "httpd" },
  nodejs: { image: "node" },
};

export const containerWorkload = {
  hosts: ["app-container"],
  create(
    { name, image, software, version, os = "", cpu, memory, persistent, gpu, pci, privileged, nesting }: WorkloadSpec,
    note: (sentence: string) => void,
  ) {
    if (/windows/i.test(os)) throw new Error("a Linux engine runs no Windows");
    if (gpu || pci) throw new Error("passing a device through has to be set up by hand");
    if (privileged || nesting) throw new Error("containers are not made privileged from here");
    const known = software === undefined ? undefined : SOFTWARE[software];
    const chosen = image ?? (software === undefined ? undefined : `${known?.image ?? software}:${version ?? "latest"}`);
    if (chosen === undefined) throw new Error("which image or software is to run has to be said");
    if (persistent && !known?.data) note("No volume is attached: name one under `volumes` for data that has to outlive the container.");
    if (!image && ["postgres", "mysql", "mariadb"].includes(software ?? ""))
      note("This image ends at once without a password: add it under `env` when creating it.");
    return {
      name,
      image: chosen,
      ...(cpu === undefined ? {} : { cpu }),
      ...(memory === undefined ? {} : { memory }),
      ...(persistent && known?.data ? { volumes: [`${name}-data:${known.data}`] } : {}),
      restart: "unless-stopped" as const,
    };
  },
};
