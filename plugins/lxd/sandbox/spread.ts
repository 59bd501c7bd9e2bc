import { Refusal } from "./answers.js";
import type { Call } from "./router.js";
import type { Text, World } from "./world.js";

/** Something that all members of a cluster have: named on each of them first, then made. */
export interface Spread {
  status: "Pending" | "Created" | "Errored";
  /** Members that it has been named on. */
  locations: string[];
  /** What single members have for themselves. */
  own: Record<string, Text>;
}

/** What the server calls it where it says no. */
interface Words {
  /** `Network`, `Pool`. */
  readonly title: string;
  readonly definedOn: (member: string) => string;
  readonly notPending: string;
  readonly created: string;
  readonly own: RegExp;
}

export const memberNames = (world: World): string[] => world.host.members.map((member) => member.replace("!", ""));

const named = (call: Call): string | undefined => {
  const target = call.query.get("target") ?? undefined;
  if (target !== undefined && !memberNames(call.world).includes(target)) throw new Refusal(404, "Cluster member not found");
  return target;
};

/** The member that a request names and is sent on to; undefined where it names none. */
export function targetOf(call: Call): string | undefined {
  const target = named(call);
  if (target !== undefined) refuseAway(call.world, target);
  return target;
}

/** What can only be asked of a member is refused while that does not answer. */
export function refuseAway(world: World, member: string): void {
  if (world.host.members.includes(`!${member}`)) throw new Refusal(500, "Missing event connection with target cluster member");
}

/**
 * What becomes of a request to create something: it is made at once where the server stands alone; in a cluster it is named on the member
 * that the request says, or made where all members have been named.
 */
export function spreadOf(call: Call, known: Spread | undefined, config: Text, words: Words): { readonly spread: Spread; readonly whole: boolean } {
  // A member need not answer to be named: that is noted in the database.
  const target = named(call);
  const members = memberNames(call.world);
  if (!members.length) return { spread: { status: "Created", locations: ["none"], own: {} }, whole: true };
  const keys = Object.keys(config);
  if (target === undefined) {
    if (!known) throw new Refusal(500, `${words.title} not pending on any node (use --target <node> first)`);
    if (known.status === "Created") throw new Refusal(500, words.created);
    const missing = members.filter((member) => !known.locations.includes(member));
    if (missing.length) throw new Refusal(500, `${words.title} not defined on nodes: ${missing.join(", ")}`);
    const own = keys.find((key) => words.own.test(key));
    if (own) throw new Refusal(500, `Config key "${own}" is cluster member specific`);
    const away = call.world.host.members.findIndex((member) => member.startsWith("!"));
    if (away >= 0) {
      known.status = "Errored";
      throw new Refusal(500, `peer node 10.10.0.${away + 11}:8443 is down`);
    }
    return { spread: { ...known, status: "Created" }, whole: true };
  }
  const shared = keys.find((key) => !words.own.test(key));
  if (shared) throw new Refusal(500, `Config key "${shared}" may not be used as member-specific key`);
  if (known && known.status !== "Pending") throw new Refusal(500, words.notPending);
  if (known?.locations.includes(target)) throw new Refusal(400, words.definedOn(target));
  return {
    spread: { status: "Pending", locations: [...(known?.locations ?? []), target], own: { ...known?.own, [target]: config } },
    whole: false,
  };
}

/** The configuration as it is shown: where a member is named, with what that has for itself. */
export const shownConfig = (call: Call, config: Text, spread: Spread | undefined): Text => {
  const target = call.query.get("target");
  return target ? { ...config, ...spread?.own[target] } : config;
};
