/**
 * How a workload that is to be placed somewhere becomes a VM or a container here.
 * @module
 */
import type { WorkloadSpec } from "proxmcp/plugin";

const common = ({ name, memory, place }: WorkloadSpec) => ({
  name,
  ...(memory === undefined ? {} : { memory }),
  ...(place === undefined ? {} : { node: place }),
  start: true,
});

const cores = (cpu: number | undefined): { cpu?: number } => (cpu === undefined ? {} : { cpu: Math.max(1, Math.ceil(cpu)) });

const isVolume = (image: string | undefined): image is string => image !== undefined && /^[\w.-]+:\S+/.test(image);

export const vmWorkload = {
  hosts: ["vm"],
  create(spec: WorkloadSpec, note: (sentence: string) => void) {
    const { os = "", image, disk, cpu } = spec;
    const windows = /windows|win\d/i.test(os);
    const medium = isVolume(image) ? (/:iso\//.test(image) ? { iso: image } : { image }) : {};
    if (!("iso" in medium) && !("image" in medium))
      note("The VM starts with an empty disk: give it an installation medium (`iso`) or a disk image (`image`), or clone a template instead.");
    return {
      ...common(spec),
      ...cores(cpu),
      ...(disk === undefined || "image" in medium ? {} : { disk }),
      ...(windows ? { os_type: "win11", bios: "ovmf" as const, machine: "q35" } : {}),
      ...medium,
    };
  },
};

export const ctWorkload = {
  hosts: ["system-container"],
  create(spec: WorkloadSpec, note: (sentence: string) => void) {
    const { os, image, disk, cpu, nesting, privileged, software } = spec;
    const template = isVolume(image) ? image : (os ?? image ?? "debian");
    if (!isVolume(template))
      note(`The newest appliance template for ${template} on the storages of the node is taken; download one first if there is none.`);
    if (software) note(`Proxmox installs nothing: ${software} has to be installed in the container afterwards.`);
    return {
      ...common(spec),
      ...cores(cpu),
      template,
      ...(disk === undefined ? {} : { disk }),
      ...(nesting ? { features: ["nesting"] } : {}),
      ...(privileged ? { unprivileged: false } : {}),
    };
  },
};
