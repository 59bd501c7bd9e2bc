import type { CallArgs } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";
import { changeSettings } from "../instance/update.js";

export const WAYS = ["add", "replace", "remove"] as const;

/** Adds a profile to those of an instance, behind them, so that it goes before them; or makes it the only one; or takes it away. */
export async function applyTo(
  { client, signal, progress, note }: Pick<CallArgs<LxdClient>, "client" | "signal" | "progress" | "note">,
  profile: string,
  instance: string,
  how: (typeof WAYS)[number],
): Promise<void> {
  const ask = { doing: `${how} profile "${profile}" ${how === "remove" ? "from" : "to"} instance "${instance}"`, signal, progress };
  await changeSettings(client, instance, ask, ({ profiles: all }) => {
    const before = all ?? [];
    if (how === "replace") return { profiles: [profile] };
    if (how === "remove" && !before.includes(profile)) note(`Instance "${instance}" did not have profile "${profile}".`);
    const others = before.filter((name) => name !== profile);
    return { profiles: how === "remove" ? others : before.includes(profile) ? before : [...others, profile] };
  });
}
