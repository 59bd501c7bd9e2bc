import { type ActionArgs, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { readGuarded } from "../settings.js";
import type { WireImage } from "../wire.js";
import { aliasPath, imageBy, imagePath, targetOf } from "./fields.js";
import { point } from "./fetch.js";

const { write, destructive } = forClient<LxdClient>();

const UpdateInput = {
  add_aliases: z.array(z.string().min(1)).default([]).describe("Names to add"),
  remove_aliases: z.array(z.string().min(1)).default([]).describe("Names to take away"),
  rename_aliases: z.record(z.string(), z.string().min(1)).default({}).describe("Old names to new ones"),
  reuse: z.boolean().default(false).describe("Take added aliases from other images"),
  description: z.string().optional().describe("What it is, in words"),
  properties: z.record(z.string(), z.string()).optional().describe('Properties: os, release; "" removes one'),
  public: z.boolean().optional().describe("Let strangers use it"),
  auto_update: z.boolean().optional().describe("Let the server keep it up to date"),
  expires: z.iso.datetime({ offset: true }).optional().describe("When it is outdated"),
  profiles: z.array(z.string()).optional().describe("Profiles for instances of it"),
};
type UpdateArgs = ActionArgs<LxdClient, z.output<z.ZodObject<typeof UpdateInput>>>;

const update = write({
  about: "Change an image: its aliases (add, remove, rename), properties, who may use it",
  input: UpdateInput,
  aliases: ["lxd_image_alias_create", "lxd_image_alias_delete", "lxd_image_alias_rename", "lxd_image_edit"],
  run: updateImage,
});

async function updateImage({ client, key, input, signal, progress }: UpdateArgs): Promise<{ key: string }> {
  const ask = { doing: `change image "${key}"`, signal, progress };
  const { add_aliases: added, remove_aliases: removed, rename_aliases: renamed, reuse, description, properties, expires, ...flags } = input;
  const settings = {
    ...Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)),
    ...(expires === undefined ? {} : { expires_at: expires }),
  };
  const words = { ...(description === undefined ? {} : { description }), ...properties };
  const aliased = added.length + removed.length + Object.keys(renamed).length > 0;
  if (!aliased && !Object.keys({ ...settings, ...words }).length)
    throw new ProxMcpError("INVALID_INPUT", `Nothing to change: give one of ${Object.keys(UpdateInput).join(", ")}.`);
  const { fingerprint, aliases } = await imageBy(client, key, ask);
  const own = new Set((aliases ?? []).map(({ name }) => name));
  for (const alias of [...removed, ...Object.keys(renamed)])
    if (!own.has(alias)) throw new ProxMcpError("NOT_FOUND", `Image "${key}" has no alias "${alias}"; it has: ${[...own].join(", ") || "none"}.`);
  if (Object.keys({ ...settings, ...words }).length) {
    // PATCH merges properties, and takes none away.
    const { metadata: wire, guard } = await readGuarded<WireImage>(client, imagePath(fingerprint), ask);
    const { public: open, auto_update, expires_at, profiles } = wire;
    const kept = Object.entries({ ...wire.properties, ...words }).filter(([, value]) => value !== "");
    const body = { public: open, auto_update, expires_at, profiles, ...settings, properties: Object.fromEntries(kept) };
    await client.change("PUT", imagePath(fingerprint), body, { ...ask, headers: guard });
  }
  for (const alias of removed) await client.change("DELETE", aliasPath(alias), undefined, ask);
  for (const [from, name] of Object.entries(renamed)) await client.change("POST", aliasPath(from), { name }, ask);
  for (const alias of added) await point(client, alias, { target: await targetOf(client, alias, ask), fingerprint, reuse }, ask);
  return { key: fingerprint };
}

const remove = destructive({
  about: "Delete an image from the server",
  loses: "Deletes the image with its aliases; instances made from it stay.",
  aliases: ["lxd_image_remove", "lxd_delete_image", "incus_image_delete"],
  async run({ client, key, signal, progress }) {
    const ask = { doing: `delete image "${key}"`, signal, progress };
    const { fingerprint } = await imageBy(client, key, ask);
    await client.change("DELETE", imagePath(fingerprint), undefined, ask);
  },
});

export const editing = { update, delete: remove };
