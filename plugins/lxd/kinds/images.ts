import { forClient } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";
import { editing } from "../image/edit.js";
import { fetching } from "../image/fetch.js";
import { Image, imageBy, imageOf } from "../image/fields.js";
import { filing } from "../image/files.js";
import type { WireImage } from "../wire.js";

const { kind } = forClient<LxdClient>();

export const images = kind({
  name: "image",
  about: "An image on the server that instances are made from",
  says: ["image", "template"],
  item: Image,
  key: "name",
  alsoBy: ["fingerprint"],
  aliases: { list: ["lxd_list_images", "get_lxd_images"], get: ["lxd_image_info"] },

  async list({ client, signal }) {
    const found = await client.get<readonly WireImage[]>("/1.0/images", { doing: "list images", signal, query: { recursion: 1 } });
    return found.map(imageOf);
  },

  async get({ client, key, signal }) {
    return imageOf(await imageBy(client, key, { doing: `read image "${key}"`, signal }));
  },

  actions: { ...fetching, ...filing, ...editing },
});
