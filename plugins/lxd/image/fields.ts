import { facet, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { Ask, LxdClient } from "../client.js";
import { defined } from "../instance/fields.js";
import { isFingerprint } from "../instance/image-source.js";
import { moment, type WireImage } from "../wire.js";

export const Image = z.object({
  name: facet(z.string(), "First alias, or the start of its fingerprint", { says: ["alias"] }),
  fingerprint: facet(z.string(), "SHA-256 that identifies it", { says: ["hash", "id"] }),
  aliases: facet(z.array(z.string()), "All its aliases"),
  type: facet(z.enum(["container", "virtual-machine"]), "What it makes", {
    values: { container: ["ct"], "virtual-machine": ["vm", "virtual machine"] },
  }),
  os: facet(z.string(), "Operating system", { says: ["distro", "distribution", "operating system"] }).optional(),
  release: facet(z.string(), "Release of that system", { says: ["version"] }).optional(),
  arch: facet(z.string(), "Processor architecture", { says: ["architecture"] }),
  size: facet(z.int(), "Size of its files", { unit: "bytes" }),
  description: facet(z.string(), "Its maker's words").optional(),
  public: facet(z.boolean(), "Whether strangers may use it"),
  cached: facet(z.boolean(), "Whether it is a copy kept from an image server"),
  auto_update: facet(z.boolean(), "Whether the server keeps it up to date by itself", { says: ["updates itself"] }),
  source: facet(z.string(), "Image server it came from", { says: ["image server", "remote"] }).optional(),
  profiles: facet(z.array(z.string()), "Profiles that instances of it get").optional(),
  created: facet(z.iso.datetime({ offset: true }), "When it was built", { says: ["built", "age"] }).optional(),
  expires: facet(z.iso.datetime({ offset: true }), "When it is outdated", { says: ["expiry"] }).optional(),
  uploaded: facet(z.string(), "When it came to this server").optional(),
  used: facet(z.string(), "When it was last used", { says: ["last used"] }).optional(),
});

export function imageOf(wire: WireImage) {
  const aliases = (wire.aliases ?? []).map(({ name }) => name);
  return defined({
    name: aliases[0] ?? wire.fingerprint.slice(0, 12),
    fingerprint: wire.fingerprint,
    aliases,
    type: wire.type === "virtual-machine" ? ("virtual-machine" as const) : ("container" as const),
    os: wire.properties?.os || undefined,
    release: wire.properties?.version || wire.properties?.release || undefined,
    arch: wire.architecture,
    size: wire.size,
    description: wire.properties?.description || undefined,
    public: wire.public,
    cached: wire.cached,
    auto_update: wire.auto_update ?? false,
    source: wire.update_source?.server,
    profiles: wire.profiles ? [...wire.profiles] : undefined,
    created: moment(wire.created_at),
    expires: moment(wire.expires_at),
    uploaded: moment(wire.uploaded_at),
    used: moment(wire.last_used_at),
    project: wire.project,
  });
}

export const imagePath = (fingerprint: string): string => `/1.0/images/${encodeURIComponent(fingerprint)}`;
export const aliasPath = (alias: string): string => `/1.0/images/aliases/${encodeURIComponent(alias)}`;

/** Which image an alias names, or undefined. */
export async function targetOf(client: LxdClient, alias: string, ask: Pick<Ask, "doing" | "signal">): Promise<string | undefined> {
  try {
    return (await client.get<{ readonly target: string }>(aliasPath(alias), ask)).target;
  } catch (error) {
    if (isProxMcpError(error) && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

/** The image that an alias, a fingerprint or a beginning of one names. */
export async function imageBy(client: LxdClient, key: string, ask: Pick<Ask, "doing" | "signal">): Promise<WireImage> {
  const target = await targetOf(client, key, ask);
  if (target === undefined && !isFingerprint(key)) throw new ProxMcpError("NOT_FOUND", `Unable to ${ask.doing}: there is no image "${key}"`);
  return await client.get<WireImage>(imagePath(target ?? key.toLowerCase()), ask);
}
