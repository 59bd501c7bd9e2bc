import { type ActionArgs, isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { formatSize } from "../sizes.js";
import { readGuarded } from "../settings.js";
import type { Config, Devices, WireProfile } from "../wire.js";
import { profilePath } from "./fields.js";

export const SettingsInput = {
  description: z.string().optional().describe("Free text"),
  cpu: z.int().min(1).optional().describe("Cores"),
  memory: z.int().min(1).optional().describe("Bytes"),
  config: z.record(z.string(), z.string()).optional().describe('Configuration keys; "" removes one'),
  devices: z.record(z.string(), z.record(z.string(), z.string())).optional().describe("To add or replace; {} removes one"),
};
type Input = z.output<z.ZodObject<typeof SettingsInput>>;

/** What the arguments say, as configuration and devices. */
export function settingsOf({ cpu, memory, config, devices }: Input): { readonly config: Config; readonly devices: Devices } {
  const limits = {
    ...(cpu === undefined ? {} : { "limits.cpu": String(cpu) }),
    ...(memory === undefined ? {} : { "limits.memory": formatSize(memory) }),
  };
  return { config: { ...limits, ...config }, devices: devices ?? {} };
}

/** Changes settings of a profile: `PUT /1.0/profiles/{name}`, as PATCH takes nothing away. */
export async function updateProfile({ client, key, input, signal, progress }: ActionArgs<LxdClient, Input>): Promise<void> {
  const ask = { doing: `change profile "${key}"`, signal, progress };
  if (Object.values(input).every((value) => value === undefined))
    throw new ProxMcpError("INVALID_INPUT", `Nothing to change: give one of ${Object.keys(SettingsInput).join(", ")}.`);
  const { metadata: wire, guard } = await readGuarded<WireProfile>(client, profilePath(key), ask);
  const { config, devices } = settingsOf(input);
  for (const [name, device] of Object.entries(devices))
    if (!Object.keys(device).length && !wire.devices[name]) throw new ProxMcpError("NOT_FOUND", `Profile "${key}" has no device "${name}".`);
  const body = {
    description: input.description ?? wire.description ?? "",
    config: Object.fromEntries(Object.entries({ ...wire.config, ...config }).filter(([, value]) => value !== "")),
    devices: Object.fromEntries(Object.entries({ ...wire.devices, ...devices }).filter(([, device]) => Object.keys(device).length)),
  };
  try {
    await client.change("PUT", profilePath(key), body, { ...ask, headers: guard });
  } catch (error) {
    // The server keeps the profile as it was asked for, and says which instances could not follow.
    if (!isProxMcpError(error) || !/profile change still saved/.test(error.message)) throw error;
    throw new ProxMcpError("TASK_FAILED", error.message.replaceAll(/\s*\n\s*/g, " ").trim(), {
      ...error.details,
      next: "The profile was changed. The instances that are named keep what they had: change them or the profile, then try again.",
    });
  }
}
