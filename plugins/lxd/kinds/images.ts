import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { defined } from "../instance/fields.js";
import { moment, type WireImage } from "../wire.js";

const { kind } = forClient<LxdClient>();

const Image = z.object({
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
  created: facet(z.iso.datetime({ offset: true }), "When it was built", { says: ["built", "age"] }).optional(),
  uploaded: facet(z.string(), "When it came to this server").optional(),
  used: facet(z.string(), "When it was last used", { says: ["last used"] }).optional(),
});

export const images = kind({
  name: "image",
  about: "An image on the server that instances are made from",
  says: ["image", "template"],
  item: Image,
  key: "name",
  alsoBy: ["fingerprint"],
  aliases: { list: ["lxd_list_images", "get_lxd_images"] },

  async list({ client, signal }) {
    const found = await client.get<readonly WireImage[]>("/1.0/images", { doing: "list images", signal, query: { recursion: 1 } });
    return found.map((wire) => {
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
        created: moment(wire.created_at),
        uploaded: moment(wire.uploaded_at),
        used: moment(wire.last_used_at),
      });
    });
  },
});
