import { type ActionArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { Ask, LxdClient } from "../client.js";
import { formatSize } from "../sizes.js";
import { readGuarded } from "../settings.js";
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

interface Change {
  readonly config?: Config;
  readonly devices?: Devices;
  readonly description?: string;
  readonly profiles?: readonly string[];
}

/** Changes settings of an instance. */
export async function updateInstance({ client, key, input, signal, progress }: ActionArgs<LxdClient, Input>): Promise<void> {
  const { cpu, memory, disk, description, profiles } = input;
  const ask = { doing: `change instance "${key}"`, signal, progress };
  const given = Object.values(input).some((value) => value !== undefined);
  if (!given) throw new ProxMcpError("INVALID_INPUT", `Nothing to change: give one of ${Object.keys(UpdateInput).join(", ")}.`);
  const config = {
    ...(cpu === undefined ? {} : { "limits.cpu": String(cpu) }),
    ...(memory === undefined ? {} : { "limits.memory": formatSize(memory) }),
    ...input.config,
  };
  try {
    await changeSettings(client, key, ask, (wire) => {
      const devices: Devices = { ...(disk === undefined ? {} : resizedRoot(wire, disk)), ...input.devices };
      return {
        ...(Object.keys(config).length ? { config } : {}),
        ...(Object.keys(devices).length ? { devices } : {}),
        ...(description === undefined ? {} : { description }),
        ...(profiles ? { profiles } : {}),
      };
    });
  } catch (error) {
    // All that LXD says when a running instance uses more memory than the new limit allows.
    if (memory === undefined || !isProxMcpError(error) || !/setting cgroup item/.test(error.message)) throw error;
    throw new ProxMcpError("WRONG_STATE", `${error.message}: it may be using more than ${memory} bytes of memory`, {
      ...error.details,
      next: "Ask for more memory, or stop the instance before lowering its limit.",
    });
  }
}

/**
 * Reads an instance and changes it. PATCH merges keys of `config` and whole devices, takes no device away, and forgets the description where
 * none is sent. The ETag keeps what others changed meanwhile from being lost.
 */
export async function changeSettings(client: LxdClient, key: string, ask: Ask, change: (wire: WireInstance) => Change): Promise<void> {
  const { metadata: wire, guard } = await readGuarded<WireInstance>(client, pathOf(key), ask);
  const body = change(wire);
  const removes = Object.values(body.devices ?? {}).some((device) => !Object.keys(device).length);
  if (removes) await client.change("PUT", pathOf(key), whole(key, wire, body), { ...ask, headers: guard });
  else await client.change("PATCH", pathOf(key), { description: wire.description ?? "", ...body }, { ...ask, headers: guard });
}

/** The whole configuration, as it is with the changes in it. */
function whole(key: string, wire: WireInstance, { config, devices, ...rest }: Change) {
  for (const [name, device] of Object.entries(devices ?? {})) {
    if (Object.keys(device).length || wire.devices[name]) continue;
    const elsewhere = wire.expanded_devices?.[name] ? "; it comes from a profile" : "";
    throw new ProxMcpError("NOT_FOUND", `Instance "${key}" has no device "${name}" of its own${elsewhere}.`, {
      next: "Devices of a profile go with the profile, or are masked by a device of the same name and of type none.",
    });
  }
  const kept = Object.entries({ ...wire.devices, ...devices }).filter(([, device]) => Object.keys(device).length);
  const settings = Object.entries({ ...wire.config, ...config }).filter(([, value]) => value !== "");
  const { architecture, ephemeral, profiles, description } = wire;
  return { architecture, ephemeral, profiles, description, ...rest, config: Object.fromEntries(settings), devices: Object.fromEntries(kept) };
}

/** The root disk with its new size. It mostly comes from a profile, and a device of the instance replaces that as a whole. */
function resizedRoot(wire: WireInstance, size: number): Devices {
  const root = rootDisk(wire);
  if (!root) throw new ProxMcpError("INVALID_INPUT", `Instance "${wire.name}" has no root disk to resize.`, { data: { argument: "disk" } });
  return { [root[0]]: { ...root[1], size: formatSize(size) } };
}
