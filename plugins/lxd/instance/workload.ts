/**
 * How a workload that is to be placed somewhere becomes an instance here.
 * @module
 */
import type { WorkloadSpec } from "proxmcp/plugin";

const RELEASES: Readonly<Record<string, string>> = {
  ubuntu: "ubuntu:24.04",
  debian: "images:debian/12",
  alpine: "images:alpine/3.20",
  fedora: "images:fedora/42",
  rocky: "images:rockylinux/9",
};

/** The image for an operating system as people say it: `ubuntu 22.04`, `debian`. Without one, Ubuntu's long-term release. */
function imageFor(os: string): string {
  const [, name = "", release] = /^([a-z]+)\s*([\d.]+)?$/.exec(os.trim().toLowerCase()) ?? [];
  if (name === "ubuntu" && release) return `ubuntu:${release}`;
  const known = RELEASES[name];
  if (known && release) return known.replace(/\/.*$/, `/${release}`);
  return known ?? "ubuntu:24.04";
}

export const instanceWorkload = {
  hosts: ["system-container", "vm"],
  create({ name, isolation, image, os = "", software, cpu, memory, disk, nesting, place, gpu, pci }: WorkloadSpec, note: (sentence: string) => void) {
    if (/windows/i.test(os)) throw new Error("no image of Windows comes with LXD");
    if (gpu || pci) throw new Error("passing a device through has to be set up by hand");
    if (software && !image) note(`The instance starts with its operating system only: ${software} has to be installed in it.`);
    return {
      name,
      image: image ?? imageFor(os),
      type: isolation === "vm" ? ("virtual-machine" as const) : ("container" as const),
      ...(cpu === undefined ? {} : { cpu: Math.max(1, Math.ceil(cpu)) }),
      ...(memory === undefined ? {} : { memory }),
      ...(disk === undefined ? {} : { disk }),
      ...(nesting ? { nesting } : {}),
      ...(place === undefined ? {} : { node: place }),
      start: true,
    };
  },
};
