import { isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import type { Ask, LxdClient } from "./client.js";

/**
 * What the server says uses something, by what it is: `/1.0/instances/web?project=lab` and so on. Things of another project carry its name,
 * snapshots that of what they are of.
 */
export function usersOf(paths: readonly string[] | null | undefined): Readonly<Record<string, readonly string[]>> {
  const users: Record<string, string[]> = {};
  for (const path of paths ?? []) {
    const [where = "", query] = path.replace(/^\/1\.0\//, "").split("?");
    const [collection = "", ...rest] = where.split("/").map(decodeURIComponent);
    // A volume's path goes on: pool, "volumes", type, name.
    const [kind, steps] = collection === "storage-pools" ? ["volumes", rest.slice(3)] : [collection.replaceAll("-", "_"), rest];
    const name = steps.filter((step, at) => !(at % 2 === 1 && step === "snapshots")).join("/");
    const project = new URLSearchParams(query).get("project");
    (users[kind] ??= []).push(project && project !== "default" ? `${name} (project ${project})` : name);
  }
  return users;
}

/** Deletes what nothing uses. Where something does, the error names it. */
export async function deleteUnused(client: LxdClient, path: string, ask: Ask): Promise<void> {
  try {
    await client.change("DELETE", path, undefined, ask);
  } catch (error) {
    if (!isProxMcpError(error) || error.code !== "WRONG_STATE") throw error;
    const users = usersOf((await client.get<{ readonly used_by?: readonly string[] | null }>(path, ask)).used_by);
    const words = Object.entries(users).map(
      ([kind, names]) => `${kind.replaceAll("_", " ")} ${names.slice(0, 10).join(", ")}${names.length > 10 ? " and more" : ""}`,
    );
    if (!words.length) throw error;
    throw new ProxMcpError("WRONG_STATE", `${error.message}: used by ${words.join("; ")}`, {
      ...error.details,
      data: { ...error.details.data, used_by: users },
    });
  }
}
