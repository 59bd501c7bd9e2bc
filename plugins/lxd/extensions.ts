import { type CallArgs, ProxMcpError } from "proxmcp/plugin";
import type { LxdClient } from "./client.js";

interface Since {
  /** First LXD that has it; of what came between two long-term releases, the later of them. Absent: none has, as far as is known. */
  readonly lxd?: string;
  /** First Incus that has it. Incus began as LXD 5.16, so what is older than that is in every Incus. */
  readonly incus?: string;
}

/** Parts of the API that a server still in use may lack, by the name that `api_extensions` of `GET /1.0` has for each. */
export const EXTENSIONS = {
  "virtual-machines": { lxd: "3.19", incus: "0.1" },
  network_acl: { lxd: "5.0", incus: "0.1" },
  network_forward: { lxd: "5.0", incus: "0.1" },
  clustering_evacuation: { lxd: "5.0", incus: "0.1" },
  clustering_evacuation_mode: { lxd: "5.21", incus: "0.1" },
  instances_rebuild: { lxd: "5.15", incus: "0.1" },
  instance_state_started_at: { incus: "6.0" },
} as const satisfies Readonly<Record<string, Since>>;
export type Extension = keyof typeof EXTENSIONS;

/** Whether a list of extensions is that of an Incus: it says so to strangers too, who are told nothing else about the server. */
export const isIncus = (extensions: readonly string[]): boolean => extensions.includes("dev_incus_events");

type Args = Pick<CallArgs<LxdClient>, "client" | "signal">;

/** Whether the server has an extension. It is asked once for each connection. */
export async function hasExtension({ client, signal }: Args, extension: string): Promise<boolean> {
  return (await client.server(signal)).api_extensions.includes(extension);
}

/** Throws UNSUPPORTED, with the version that would do, when the server lacks an extension. `doing` stands behind "Unable to". */
export async function requireExtension({ client, signal }: Args, extension: Extension, doing: string): Promise<void> {
  const { api_extensions: has, environment } = await client.server(signal);
  if (has.includes(extension)) return;
  const { lxd, incus }: Since = EXTENSIONS[extension];
  const versions = [lxd && `LXD ${lxd}`, incus && (incus === "0.1" ? "any Incus" : `Incus ${incus}`)].filter(Boolean).join(" or ");
  const runs = `${environment?.server === "incus" ? "Incus" : "LXD"} ${environment?.server_version ?? "of unknown version"}`;
  throw new ProxMcpError("UNSUPPORTED", `Unable to ${doing}: ${client.connection.name} runs ${runs}, which lacks the API extension ${extension}`, {
    tried: ["GET /1.0"],
    data: { extension, ...(lxd ? { lxd } : {}), ...(incus ? { incus } : {}) },
    next: `It needs ${versions}. Use a host that has it, or update this one.`,
  });
}

/**
 * An action that needs an extension of the API: `run: needs("instances_rebuild", ({ key }) => `rebuild instance "${key}"`, rebuildInstance)`.
 * Nothing is sent to a server that lacks it.
 */
export function needs<All extends Args, Result>(
  extension: Extension,
  doing: (args: All) => string,
  run: (args: All) => Promise<Result>,
): (args: All) => Promise<Result> {
  return async (args) => {
    await requireExtension(args, extension, doing(args));
    return await run(args);
  };
}
