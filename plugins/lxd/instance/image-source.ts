import { ProxMcpError } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";

/** Image servers by the names that the command-line clients know them by. LXD and Incus have different homes for `images`. */
const UBUNTU: Readonly<Record<string, string>> = {
  ubuntu: "https://cloud-images.ubuntu.com/releases",
  "ubuntu-daily": "https://cloud-images.ubuntu.com/daily",
  "ubuntu-minimal": "https://cloud-images.ubuntu.com/minimal/releases",
  "ubuntu-minimal-daily": "https://cloud-images.ubuntu.com/minimal/daily",
};
const IMAGES: Readonly<Record<string, string>> = { lxd: "https://images.lxd.canonical.com", incus: "https://images.linuxcontainers.org" };

/** Where an image comes from, as `source` of `POST /1.0/instances`. */
export async function imageSource(client: LxdClient, image: string, signal: AbortSignal, from?: string): Promise<Record<string, string>> {
  if (from !== undefined) {
    // Servers of LXD and Incus listen on 8443, and hand their public images out by their own protocol.
    const protocol = new URL(from).port === "8443" ? "lxd" : "simplestreams";
    return {
      type: "image",
      mode: "pull",
      protocol,
      server: from.replace(/\/+$/, ""),
      ...(isFingerprint(image) ? { fingerprint: image } : { alias: image }),
    };
  }
  const colon = image.indexOf(":");
  if (colon < 0) {
    return isFingerprint(image) ? { type: "image", fingerprint: image.toLowerCase() } : { type: "image", alias: image };
  }
  const [remote, alias] = [image.slice(0, colon), image.slice(colon + 1)];
  if (remote === "local") return imageSource(client, alias, signal);
  const server = UBUNTU[remote] ?? (remote === "images" ? IMAGES[(await client.server(signal)).environment?.server ?? "lxd"] : undefined);
  if (!server || !alias) {
    throw new ProxMcpError(
      "INVALID_INPUT",
      `"${image}" names no image: before the colon goes one of ${[...Object.keys(UBUNTU), "images"].join(", ")}`,
      {
        data: { argument: "image" },
      },
    );
  }
  return { type: "image", mode: "pull", protocol: "simplestreams", server, alias };
}

/** Fingerprints are given in full or by their first dozen digits; shorter hex is more likely a word such as "cafe". */
export const isFingerprint = (image: string): boolean => /^[0-9a-f]{12,64}$/i.test(image);
