import { type ActionArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { withFree } from "../guidance/free.js";
import { cardOn } from "../guidance/network.js";
import { formatSize } from "../sizes.js";
import type { Devices, WireImage, WireInstance, WireProfile } from "../wire.js";
import { awaitAddress } from "./arrival.js";
import { cloudInit } from "./cloud-init.js";
import { imageSource } from "./image-source.js";
import { changeState, pathOf } from "./power.js";
import { rootDisk } from "./fields.js";

export const CreateInput = {
  name: z.string().describe("Letters, digits, hyphens"),
  image: z.string().min(1).describe("Local alias or fingerprint, ubuntu:22.04, images:debian/12"),
  image_server: z.url().optional().describe("URL: simplestreams, or LXD on port 8443"),
  type: z.enum(["container", "virtual-machine"]).default("container").describe("Container or virtual machine"),
  cpu: z.int().min(1).optional().describe("Cores"),
  memory: z.int().min(1).optional().describe("Bytes"),
  disk: z.int().min(1).optional().describe("Root disk, bytes"),
  profiles: z.array(z.string()).optional().describe("Default: default"),
  network: z.string().optional().describe("Network or bridge for its eth0"),
  config: z.record(z.string(), z.string()).optional().describe("Further configuration keys"),
  user_data: z.string().optional().describe("cloud-init user data"),
  ssh_keys: z.array(z.string()).optional().describe("Public keys"),
  nesting: z.boolean().optional().describe("Allow Docker inside"),
  ephemeral: z.boolean().optional().describe("Delete it when it stops"),
  node: z.string().optional().describe("Cluster member"),
  start: z.boolean().default(true).describe("Start it"),
  wait: z.int().min(0).max(600).default(20).describe("Seconds for its address"),
};
type Input = z.output<z.ZodObject<typeof CreateInput>>;

/** Creates an instance, and starts it unless told not to: `POST /1.0/instances`. */
export async function createInstance(args: ActionArgs<LxdClient, Input>): Promise<{ key: string }> {
  const { client, input, signal, progress } = args;
  const { name, type, profiles, ephemeral, node } = input;
  const ask = { doing: `create instance "${name}"`, signal, progress, query: { target: node } };
  const devices = await devicesOf(args);
  const body = {
    name,
    type,
    source: await imageSource(client, input.image, signal, input.image_server),
    config: { ...(await cloudInit(args, input)), ...configOf(input) },
    devices,
    ...(profiles ? { profiles } : {}),
    ...(ephemeral ? { ephemeral } : {}),
  };
  try {
    await client.change("POST", "/1.0/instances", body, ask);
  } catch (error) {
    if (signal.aborted) throw halfMade(error, name);
    if (isImageMissing(error)) throw await imageMissing(client, input.image, error, signal);
    throw await withFree(client, await withoutRemains(args, error), input, signal);
  }
  if (input.start) {
    await startOrRemove(args);
    if (input.wait > 0) await awaitAddress(args, name, input.wait);
  }
  return { key: name };
}

/** The caller is gone while the server may still be at it, so it is named. */
function halfMade(error: unknown, name: string): unknown {
  if (!isProxMcpError(error)) return error;
  const next = `The server may still make instance "${name}", or have left it half made: look at it, then start or delete it.`;
  return new ProxMcpError(error.code, error.message, { ...error.details, next });
}

/** A half-made instance is worse than none: one that does not start is removed again, or named if that fails too. */
async function startOrRemove(args: ActionArgs<LxdClient, Input>): Promise<void> {
  const { client, input, signal } = args;
  const { name } = input;
  try {
    await changeState(args, name, { action: "start" });
  } catch (error) {
    if (!isProxMcpError(error)) throw error;
    const left = `Instance "${name}" was created and did not start. `;
    if (signal.aborted) throw new ProxMcpError(error.code, error.message, { ...error.details, next: `${left}Start or delete it.` });
    throw await withFree(client, await removedAgain(args, error, left), input, signal);
  }
}

/**
 * A creation that the server began and that then failed: servers clear up after themselves, and one that was cut short leaves something. It is
 * removed if it is younger than the operation; another of this name may have been there before.
 */
async function withoutRemains(args: ActionArgs<LxdClient, Input>, error: unknown): Promise<unknown> {
  const { client, input, signal } = args;
  const began = isProxMcpError(error) && ["TASK_FAILED", "NO_CAPACITY"].includes(error.code) ? error.details.data?.["began"] : undefined;
  if (!isProxMcpError(error) || typeof began !== "string") return error;
  const left = await client.get<WireInstance>(pathOf(input.name), { doing: `look for instance "${input.name}"`, signal }).catch(() => undefined);
  if (!left || !(Date.parse(left.created_at) >= Date.parse(began))) return error;
  return await removedAgain(args, error, `Instance "${input.name}" was left half made. `);
}

/** Removes what was made, and says so beside the error; or names it, if that fails too. */
async function removedAgain({ client, input: { name }, signal }: ActionArgs<LxdClient, Input>, error: ProxMcpError, left: string) {
  const told = (words: string, next?: string): ProxMcpError =>
    new ProxMcpError(error.code, `${error.message.replace(/[.\s]*$/, ".")} ${words}`, { ...error.details, ...(next ? { next } : {}) });
  return await client.change("DELETE", pathOf(name), undefined, { doing: `delete instance "${name}"`, signal }).then(
    () => told("The new instance was removed again."),
    () => told(`${left}It could not be removed.`, `Delete instance "${name}" before trying again.`),
  );
}

/** The configuration of the new instance; `config` may override what the other arguments say. */
function configOf({ cpu, memory, nesting, config }: Input): Record<string, string> {
  return {
    ...(cpu === undefined ? {} : { "limits.cpu": String(cpu) }),
    ...(memory === undefined ? {} : { "limits.memory": formatSize(memory) }),
    ...(nesting === undefined ? {} : { "security.nesting": String(nesting) }),
    ...config,
  };
}

/** Devices beside those of the profiles. A device of the instance replaces the profile's of that name as a whole. */
async function devicesOf(args: ActionArgs<LxdClient, Input>): Promise<Devices> {
  const { client, input, signal } = args;
  const devices: Record<string, Record<string, string>> = {};
  if (input.network) devices.eth0 = { ...(await cardOn(args, input.network)) };
  if (input.disk !== undefined) {
    const profiles = await client.get<readonly WireProfile[]>("/1.0/profiles", { doing: "list profiles", signal, query: { recursion: 1 } });
    const wanted = input.profiles ?? ["default"];
    // Where several profiles have a root disk, the last one counts.
    const root = wanted.flatMap((name) => profiles.filter((profile) => profile.name === name).map((profile) => rootDisk(profile))).findLast(Boolean);
    if (!root) {
      throw new ProxMcpError(
        "INVALID_INPUT",
        `Unable to set the disk size: no root disk in the profiles ${wanted.join(", ")}, so its pool is unknown`,
        {
          data: { argument: "disk" },
          next: "Use a profile that has a root disk; the profile list shows which do.",
        },
      );
    }
    devices[root[0]] = { ...root[1], size: formatSize(input.disk) };
  }
  return devices;
}

const isImageMissing = (error: unknown): boolean =>
  isProxMcpError(error) &&
  (error.code === "NOT_FOUND" || error.code === "TASK_FAILED") &&
  /image (alias )?not found|image not provided|couldn't be found/i.test(error.message);

/** Names the images that there are, so that the next try can be right. */
async function imageMissing(client: LxdClient, image: string, error: unknown, signal: AbortSignal): Promise<unknown> {
  if (!isProxMcpError(error)) return error;
  const images = await client.get<readonly WireImage[]>("/1.0/images", { doing: "list images", signal, query: { recursion: 1 } }).catch(() => []);
  const aliases = images.flatMap((one) => (one.aliases?.length ? one.aliases.map(({ name }) => name) : [one.fingerprint.slice(0, 12)])).sort();
  return new ProxMcpError("NOT_FOUND", `${error.message}. Image: "${image}"; local images: ${aliases.slice(0, 30).join(", ") || "none"}`, {
    ...error.details,
    data: { ...error.details.data, image, candidates: aliases },
    next: "Use a local image, or one of a public server such as ubuntu:24.04 or images:debian/12.",
  });
}
