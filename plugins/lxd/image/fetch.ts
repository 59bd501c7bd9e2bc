/**
 * Images that come from elsewhere: an image server, or another configured host.
 * @module
 */
import { type ActionArgs, forClient, isProxMcpError, type Progress, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { farSide } from "../instance/crossing.js";
import type { LxdClient } from "../client.js";
import { addressOf } from "../instance/transfer.js";
import { LONG } from "../instance/exports.js";
import { imageSource } from "../instance/image-source.js";
import type { Operation, WireImage } from "../wire.js";
import { aliasPath, imageBy, imagePath, targetOf } from "./fields.js";

const { write } = forClient<LxdClient>();

interface Passing {
  readonly doing: string;
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

const names = z.array(z.string().min(1));
const reuse = z.boolean().default(false).describe("Take these aliases from other images");
const auto_update = z.boolean().default(false).describe("Let the server keep it up to date");

const PullInput = {
  image: z.string().min(1).describe("ubuntu:24.04, images:debian/12, or with image_server its alias or fingerprint there"),
  image_server: z.url().optional().describe("URL: simplestreams, or LXD on port 8443"),
  protocol: z.enum(["simplestreams", "lxd"]).optional().describe("Of the image server, where its port does not tell"),
  certificate: z.string().optional().describe("PEM of the image server, where no authority signed it"),
  type: z.enum(["container", "virtual-machine"]).optional().describe("Where the alias means both"),
  aliases: names.default([]).describe("Names for it here"),
  reuse,
  auto_update,
  public: z.boolean().default(false).describe("Let strangers use it"),
};

const pull = write({
  about: "Copy an image from an image server to this one",
  input: PullInput,
  openWorld: true,
  timeout: LONG,
  aliases: ["lxd_image_copy", "lxd_copy_image", "lxd_download_image", "incus_image_copy"],
  async run({ client, input, signal, progress }: ActionArgs<LxdClient, z.output<z.ZodObject<typeof PullInput>>>) {
    const passing = { doing: `copy image "${input.image}"`, signal, progress };
    const source = await imageSource(client, input.image, signal, input.image_server);
    if (!source["server"])
      throw new ProxMcpError("INVALID_INPUT", `"${input.image}" is no image of an image server: write ubuntu:24.04, or give image_server.`, {
        data: { argument: "image" },
      });
    const { protocol, certificate, type } = input;
    const from = { ...source, ...(protocol ? { protocol } : {}), ...(certificate ? { certificate } : {}), ...(type ? { image_type: type } : {}) };
    return { key: await bring(client, from, input, passing) };
  },
});

const clone_host = write({
  about: "Copy an image to another host",
  input: {
    to_host: z.string().describe("Where to: name of a configured host"),
    aliases: names.optional().describe("Its names there, default: as here"),
    reuse,
    auto_update,
  },
  output: z.object({ to_host: z.string(), fingerprint: z.string(), aliases: z.array(z.string()) }),
  timeout: LONG,
  aliases: ["lxd_image_copy_host"],
  async run({ client, key, input, signal, progress }) {
    const { to_host } = input;
    const passing = { doing: `copy image "${key}" to ${to_host}`, signal, progress };
    const far = farSide(client, to_host, { name: "lxd_image_clone_host", safety: "write" });
    const wire = await imageBy(client, key, passing);
    const { url, certificate } = await addressOf(client, passing);
    const request = `POST ${imagePath(wire.fingerprint)}/secret`;
    // A private image is handed out once to whoever knows this word. It goes with its operation.
    const offer = await client.begin("POST", `${imagePath(wire.fingerprint)}/secret`, undefined, passing);
    const secret = offer?.metadata?.["secret"];
    if (!offer || typeof secret !== "string")
      throw new ProxMcpError("INVALID_OUTPUT", `${request}: the server did not say by which word it is handed out`);
    const given = input.aliases ?? (wire.aliases ?? []).map(({ name }) => name);
    const source = { type: "image", mode: "pull", protocol: "lxd", server: url, fingerprint: wire.fingerprint, secret };
    try {
      const options = { ...input, aliases: given, public: wire.public };
      const fingerprint = await bring(far, { ...source, ...(certificate ? { certificate } : {}) }, options, passing);
      return { to_host, fingerprint, aliases: given };
    } finally {
      await withdraw(client, offer);
    }
  },
});

/** Where nobody used it, the word would stay good. */
async function withdraw(client: LxdClient, { id }: Operation): Promise<void> {
  const ask = { doing: "withdraw the offer", signal: AbortSignal.timeout(5_000) };
  await client.change("DELETE", `/1.0/operations/${encodeURIComponent(id)}`, undefined, ask).catch(() => {}); // it is over then
}

interface Options {
  readonly aliases: readonly string[];
  readonly reuse: boolean;
  readonly auto_update: boolean;
  readonly public: boolean;
}

/** Has a server fetch an image and gives it its aliases. An image that is there already is success. Its fingerprint. */
async function bring(client: LxdClient, source: object, options: Options, passing: Passing): Promise<string> {
  const before = new Map<string, string | undefined>();
  for (const alias of options.aliases) before.set(alias, await targetOf(client, alias, passing));
  const body = { source, auto_update: options.auto_update, public: options.public };
  let operation: Operation | undefined;
  try {
    operation = await client.change("POST", "/1.0/images", body, passing);
  } catch (error) {
    // The far server's words arrive as those of a task that failed.
    if (isProxMcpError(error) && error.code === "TASK_FAILED" && /image not found|couldn't be found/i.test(error.message))
      throw new ProxMcpError("NOT_FOUND", error.message, error.details);
    throw error;
  }
  const fingerprint = operation?.metadata?.["fingerprint"];
  if (typeof fingerprint !== "string") throw new ProxMcpError("INVALID_OUTPUT", "POST /1.0/images: the server did not say which image it made");
  for (const [alias, target] of before) await point(client, alias, { target, fingerprint, reuse: options.reuse }, passing);
  return fingerprint;
}

/** Makes an alias name an image. One that names another image is only taken from it when that is asked for. */
export async function point(
  client: LxdClient,
  alias: string,
  { target, fingerprint, reuse: take }: { readonly target: string | undefined; readonly fingerprint: string; readonly reuse: boolean },
  ask: Pick<Passing, "doing" | "signal">,
): Promise<void> {
  if (target === fingerprint) return;
  if (target === undefined) {
    await client.change("POST", "/1.0/images/aliases", { name: alias, target: fingerprint, description: "" }, ask);
    return;
  }
  if (!take)
    throw new ProxMcpError("ALREADY_EXISTS", `Unable to ${ask.doing}: the alias "${alias}" names image ${target.slice(0, 12)}`, {
      data: { fingerprint, alias, target },
      next: `The image itself is there as ${fingerprint.slice(0, 12)}. Pass \`reuse\` to take the alias, or choose another.`,
    });
  await client.change("PATCH", aliasPath(alias), { target: fingerprint }, ask);
}

const refresh = write({
  about: "Look at the image server for a newer build of an image, and fetch it",
  openWorld: true,
  idempotent: true,
  timeout: LONG,
  aliases: ["lxd_refresh_image"],
  output: z.object({ refreshed: z.boolean().describe("Whether there was a newer one"), fingerprint: z.string() }),
  async run({ client, key, signal, progress }) {
    const ask = { doing: `refresh image "${key}"`, signal, progress };
    const wire: WireImage = await imageBy(client, key, ask);
    const source = wire.update_source?.server;
    if (!source)
      throw new ProxMcpError("WRONG_STATE", `Unable to ${ask.doing}: it came from no image server, so there is nothing to look at`, {
        next: "Copy a newer one from an image server, or import one from a file.",
      });
    const operation = await client.change("POST", `${imagePath(wire.fingerprint)}/refresh`, undefined, ask);
    const refreshed = operation?.metadata?.["refreshed"] === true;
    // The newer image has another fingerprint; the aliases go over to it.
    const [alias] = wire.aliases ?? [];
    const now = refreshed && alias ? await targetOf(client, alias.name, ask) : undefined;
    return { refreshed, fingerprint: now ?? wire.fingerprint };
  },
});

export const fetching = { pull, clone_host, refresh };
