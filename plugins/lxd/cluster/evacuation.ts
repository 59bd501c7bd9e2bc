import { type ActionArgs, type CallArgs, type ItemArgs, ProxMcpError } from "proxmcp/plugin";
import type { LxdClient } from "../client.js";
import { awayMembers } from "./away.js";
import { requireExtension } from "../extensions.js";
import type { WireInstance } from "../wire.js";

/** What is done with the instances of a member that is evacuated. */
export const modes = ["migrate", "live-migrate", "stop"] as const;

type Input = { readonly mode?: (typeof modes)[number] | undefined };

/** The instances of all projects that are on a member. */
async function instancesOn({ client, signal }: Pick<CallArgs<LxdClient>, "client" | "signal">, member: string): Promise<readonly WireInstance[]> {
  const query = { recursion: 1, "all-projects": true, project: undefined };
  const all = await client.get<readonly WireInstance[]>("/1.0/instances", { doing: `list the instances of member "${member}"`, signal, query });
  return all.filter(({ location }) => location === member);
}

const named = (names: readonly string[]): string => `${names.slice(0, 10).join(", ")}${names.length > 10 ? ` and ${names.length - 10} more` : ""}`;

/** What an evacuation interrupts. */
export async function losesIn(args: ItemArgs<LxdClient>): Promise<string> {
  const running = (await instancesOn(args, args.key)).filter(({ status }) => status !== "Stopped").map(({ name }) => name);
  return running.length
    ? `Interrupts ${running.length === 1 ? "what runs" : `the ${running.length} instances that run`} there: ${named(running)}.`
    : "";
}

const pathOf = (member: string): string => `/1.0/cluster/members/${encodeURIComponent(member)}/state`;

async function refuseAway(args: ItemArgs<LxdClient>, doing: string): Promise<void> {
  if (!(await awayMembers(args)).has(args.key)) return;
  throw new ProxMcpError("UNREACHABLE", `Unable to ${doing}: it is offline`, {
    tried: ["GET /1.0/cluster/members"],
    next: "Bring it back first.",
  });
}

/** Empties a member: `POST /1.0/cluster/members/{name}/state`. Its instances go where the cluster puts them, which a note says. */
export async function evacuate(args: ActionArgs<LxdClient, Input>): Promise<void> {
  const { client, key, input, signal, progress, note } = args;
  const ask = { doing: `evacuate member "${key}"`, signal, progress };
  await requireExtension(args, "clustering_evacuation", ask.doing);
  // A server that does not know modes takes no notice of one.
  if (input.mode) await requireExtension(args, "clustering_evacuation_mode", `${ask.doing} by ${input.mode}`);
  await refuseAway(args, ask.doing);
  const before = new Set((await instancesOn(args, key)).map(({ name }) => name));
  await client.change("POST", pathOf(key), { action: "evacuate", ...(input.mode ? { mode: input.mode } : {}) }, ask);
  if (before.size === 0) return;
  const query = { recursion: 1, "all-projects": true, project: undefined };
  const after = await client.get<readonly WireInstance[]>("/1.0/instances", { ...ask, query });
  const moved = after.filter(({ name, location }) => before.has(name) && location !== key).map(({ name, location }) => `${name} to ${location}`);
  const stayed = after
    .filter(({ name, location }) => before.has(name) && location === key)
    .map(({ name, status }) => `${name} (${status.toLowerCase()})`);
  if (moved.length) note(`Moved: ${named(moved)}.`);
  if (stayed.length) note(`Still on ${key}: ${named(stayed)}.`);
}

/** Takes a member back into service: the same with `restore`. */
export async function restore(args: ItemArgs<LxdClient>): Promise<void> {
  const { client, key, signal, progress } = args;
  const ask = { doing: `restore member "${key}"`, signal, progress };
  await requireExtension(args, "clustering_evacuation", ask.doing);
  await refuseAway(args, ask.doing);
  await client.change("POST", pathOf(key), { action: "restore" }, ask);
}
