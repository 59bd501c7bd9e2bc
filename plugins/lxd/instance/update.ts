import { type ActionArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { Ask, LxdClient } from "../client.js";
import { formatSize } from "../sizes.js";
import type { Config, Devices, WireInstance } from "../wire.js";
import { rootDisk } from "./fields.js";
import { pathOf } from "./power.js";

export const UpdateInput = {
  cpu: z.int().min(1).optional().describe("Cores"),
  memory: z.int().min(1).optional().describe("Bytes"),
  disk: z.int().min(1).optional().describe("Root disk, bytes"),
  description: z.string().optional().describe("Free text"),
  config: z.record(z.string(), z.string()).optional().describe('Configuration keys; "" removes one'),
  devices: z.record(z.string(), z.record(z.string(), z.string())).optional().describe("To add or replace; {} removes one"),
  profiles: z.array(z.string()).optional().describe("All its profiles, in order"),
};
type Input = z.output<z.ZodObject<typeof UpdateInput>>;

/** Changes settings of an instance. */
export async function updateInstance({ client, key, input, signal, progress }: ActionArgs<LxdClient, Input>): Promise<void> {
  const { cpu, memory, disk, description, profiles } = input;
  const ask = { doing: `change instance "${key}"`, signal, progress };
  const config = {
    ...(cpu === undefined ? {} : { "limits.cpu": String(cpu) }),
    ...(memory === undefined ? {} : { "limits.memory": formatSize(memory) }),
    ...input.config,
  };
  const devices: Devices = { ...(disk === undefined ? {} : await resizedRoot(client, key, disk, ask)), ...input.devices };
  const body = {
    ...(Object.keys(config).length ? { config } : {}),
    ...(Object.keys(devices).length ? { devices } : {}),
    ...(description === undefined ? {} : { description }),
    ...(profiles ? { profiles } : {}),
  };
  if (!Object.keys(body).length) throw new ProxMcpError("INVALID_INPUT", `Nothing to change: give one of ${Object.keys(UpdateInput).join(", ")}.`);
  try {
    // PATCH merges the keys of `config` and adds whole devices, but takes none away.
    if (Object.values(devices).some((device) => !Object.keys(device).length)) await replace(client, key, body, ask);
    else await client.change("PATCH", pathOf(key), body, ask);
  } catch (error) {
    // All that LXD says when a running instance uses more memory than the new limit allows.
    if (memory === undefined || !isProxMcpError(error) || !/setting cgroup item/.test(error.message)) throw error;
    throw new ProxMcpError("WRONG_STATE", `${error.message}: it may be using more than ${memory} bytes of memory`, {
      ...error.details,
      next: "Ask for more memory, or stop the instance before lowering its limit.",
    });
  }
}

/** The whole configuration, as it is with the changes in it. The ETag keeps what others changed meanwhile from being lost. */
async function replace(
  client: LxdClient,
  key: string,
  {
    config,
    devices,
    ...rest
  }: { readonly config?: Config; readonly devices?: Devices; readonly description?: string; readonly profiles?: readonly string[] },
  ask: Ask,
): Promise<void> {
  const response = await client.send("GET", pathOf(key), ask);
  const { metadata: wire } = await response.json<{ metadata: WireInstance }>();
  const removed = Object.entries(devices ?? {}).filter(([, device]) => !Object.keys(device).length);
  for (const [name] of removed) {
    if (!wire.devices[name])
      throw new ProxMcpError(
        "NOT_FOUND",
        `Instance "${key}" has no device "${name}" of its own${wire.expanded_devices?.[name] ? "; it comes from a profile" : ""}.`,
        {
          next: "Devices of a profile go with the profile, or are masked by a device of the same name and of type none.",
        },
      );
  }
  const kept = Object.entries({ ...wire.devices, ...devices }).filter(([, device]) => Object.keys(device).length);
  const settings = Object.entries({ ...wire.config, ...config }).filter(([, value]) => value !== "");
  const { architecture, ephemeral, profiles, description } = wire;
  const body = { architecture, ephemeral, profiles, description, ...rest, config: Object.fromEntries(settings), devices: Object.fromEntries(kept) };
  const etag = response.headers["etag"];
  await client.change("PUT", pathOf(key), body, { ...ask, ...(typeof etag === "string" ? { headers: { "if-match": etag } } : {}) });
}

/** The root disk with its new size. It mostly comes from a profile, and a device of the instance replaces that as a whole. */
async function resizedRoot(client: LxdClient, name: string, size: number, { signal }: Ask): Promise<Devices> {
  const wire = await client.get<WireInstance>(pathOf(name), { doing: `read instance "${name}"`, signal });
  const root = rootDisk(wire);
  if (!root) throw new ProxMcpError("INVALID_INPUT", `Instance "${name}" has no root disk to resize.`, { data: { argument: "disk" } });
  return { [root[0]]: { ...root[1], size: formatSize(size) } };
}
