import { type ActionArgs, facet, forClient, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { needs } from "../extensions.js";
import type { WireInstance } from "../wire.js";
import { imageSource } from "./image-source.js";
import { LONG } from "./exports.js";
import { changeState, pathOf } from "./power.js";

const { write, destructive } = forClient<LxdClient>();

const publish = write({
  about: "Make an image of a stopped instance, or of one of its snapshots",
  input: {
    aliases: z.array(z.string().min(1)).default([]).describe("Names for the image"),
    snapshot: z.string().optional().describe("Make it of this snapshot"),
    description: z.string().optional().describe("What it is, in words"),
    properties: z.record(z.string(), z.string()).optional().describe("Further properties: os, release"),
    public: z.boolean().default(false).describe("Let strangers use it"),
    compression: z.enum(["gzip", "zstd", "xz", "bzip2", "lz4", "none"]).optional().describe("Default: as the server is set up"),
    expires: z.iso.datetime({ offset: true }).optional().describe("When it is outdated"),
  },
  output: z.object({
    fingerprint: z.string(),
    aliases: z.array(z.string()),
    size: facet(z.int(), "Bytes", { unit: "bytes" }).optional(),
  }),
  timeout: LONG,
  aliases: ["lxd_publish_container", "lxd_instance_publish_image", "lxd_create_image"],
  async run({ client, key, input, signal, progress }) {
    const ask = { doing: `publish instance "${key}"`, signal, progress };
    // The server looks at the aliases last, and leaves the image behind when one is taken.
    for (const alias of input.aliases) await refuseTaken(client, alias, ask);
    const { description, compression, expires } = input;
    const operation = await client.change(
      "POST",
      "/1.0/images",
      {
        source: input.snapshot === undefined ? { type: "instance", name: key } : { type: "snapshot", name: `${key}/${input.snapshot}` },
        aliases: input.aliases.map((name) => ({ name, description: "" })),
        public: input.public,
        properties: { ...(description ? { description } : {}), ...input.properties },
        ...(compression ? { compression_algorithm: compression } : {}),
        ...(expires ? { expires_at: expires } : {}),
      },
      ask,
    );
    const { fingerprint, size } = (operation?.metadata ?? {}) as { fingerprint?: string; size?: string };
    if (!fingerprint) throw new ProxMcpError("INVALID_OUTPUT", `POST /1.0/images: the server did not say which image it made`);
    return { fingerprint, aliases: input.aliases, ...(size ? { size: Number(size) } : {}) };
  },
});

async function refuseTaken(client: LxdClient, alias: string, ask: { doing: string; signal: AbortSignal }): Promise<void> {
  try {
    await client.get(`/1.0/images/aliases/${encodeURIComponent(alias)}`, ask);
  } catch (error) {
    if (isProxMcpError(error) && error.code === "NOT_FOUND") return;
    throw error;
  }
  throw new ProxMcpError("ALREADY_EXISTS", `Unable to ${ask.doing}: there is an image with the alias "${alias}"`);
}

const RebuildInput = {
  image: z.string().min(1).optional().describe("As for create; default: the one it was made from"),
  empty: z.boolean().default(false).describe("An empty disk instead"),
  force: z.boolean().default(false).describe("Also when it runs: stop it hard first, start it again"),
};
type RebuildArgs = ActionArgs<LxdClient, z.output<z.ZodObject<typeof RebuildInput>>>;

const rebuilding = ({ key }: Pick<RebuildArgs, "key">): string => `rebuild instance "${key}"`;

const rebuild = destructive({
  about: "Replace the root disk of an instance by a fresh one from an image; settings stay",
  loses: "Everything on the instance's root disk is lost.",
  input: RebuildInput,
  openWorld: true,
  timeout: 1800,
  aliases: ["lxd_rebuild_container"],
  run: needs("instances_rebuild", rebuilding, rebuildInstance),
});

async function rebuildInstance(args: RebuildArgs): Promise<void> {
  const { client, key, input, signal, progress } = args;
  const ask = { doing: rebuilding(args), signal, progress };
  const wire = await client.get<WireInstance>(pathOf(key), ask);
  const source = await rebuildSource(client, key, wire, input, signal);
  const running = wire.status.toLowerCase() !== "stopped";
  if (running && !input.force)
    throw new ProxMcpError("WRONG_STATE", `Unable to ${ask.doing}: it is ${wire.status.toLowerCase()}`, {
      next: "Stop it first, or rebuild it with `force`.",
    });
  if (running) await changeState({ ...args, note: () => {} }, key, { action: "stop", force: true });
  await client.change("POST", `${pathOf(key)}/rebuild`, { source }, ask);
  if (running) await changeState(args, key, { action: "start" });
}

async function rebuildSource(
  client: LxdClient,
  key: string,
  { config }: WireInstance,
  { image, empty }: { readonly image?: string | undefined; readonly empty: boolean },
  signal: AbortSignal,
): Promise<Record<string, string>> {
  if (empty) return { type: "none" };
  if (image) return await imageSource(client, image, signal);
  const base = config["volatile.base_image"];
  if (!base)
    throw new ProxMcpError("INVALID_INPUT", `Instance "${key}" does not say which image it was made from: give one.`, {
      data: { argument: "image" },
    });
  return { type: "image", fingerprint: base };
}

export const images = { publish, rebuild };
