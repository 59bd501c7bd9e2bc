import type { SandboxReply } from "proxmcp/testing";
import { filtersOf } from "./listing.js";
import type { Context } from "./request.js";
import type { EngineEvent, State } from "./state.js";
import { json, streamed } from "./wire.js";

const VERBS: Readonly<Record<string, string>> = {
  unpause: "unpause",
  pause: "pause",
  start: "start",
  stop: "stop",
  restart: "restart",
  kill: "kill",
  rename: "rename",
  update: "update",
};

/** What a request is about to do to a container, so that it can be told when it has done it. Afterwards a deleted one has no name. */
export function happening(state: State, method: string, path: string): (() => void) | undefined {
  const [, key = "", verb] = /^\/containers\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
  const action = method === "DELETE" && verb === undefined ? "destroy" : method === "POST" ? VERBS[verb ?? ""] : undefined;
  const box = action && state.boxes.find(({ id, name }) => id === decodeURIComponent(key) || name === decodeURIComponent(key));
  if (!box || !action) return undefined;
  return () => {
    if (action === "stop" || action === "kill")
      state.tell("container", "die", box.id, { name: box.name, image: box.image, exitCode: String(box.exitCode) });
    state.tell("container", action, box.id, { name: box.name, image: box.image });
  };
}

/** GET /events: what happened from `since` on, then what happens until `until`. */
export function events({ state, call }: Context): SandboxReply {
  const since = Number(call.query.get("since") ?? Date.now() / 1000) * 1000;
  const until = Number(call.query.get("until") ?? Number.POSITIVE_INFINITY) * 1000;
  const filters = filtersOf(call.query.get("filters"));
  const fits = ({ Type, Actor, timeNano }: EngineEvent): boolean =>
    timeNano / 1e6 >= since &&
    timeNano / 1e6 <= until &&
    (!filters["type"] || filters["type"].includes(Type)) &&
    (!filters["container"] || filters["container"].some((name) => Actor.Attributes["name"]?.startsWith(name) || Actor.ID.startsWith(name)));
  return streamed(
    (async function* () {
      let seen = 0;
      for (;;) {
        for (; seen < state.events.length; seen += 1) if (fits(state.events[seen]!)) yield `${JSON.stringify(state.events[seen])}\n`;
        if (Date.now() > until || call.signal.aborted) return;
        await new Promise((done) => setTimeout(done, 10));
      }
    })(),
    "application/json",
  );
}

export const pruneCache = (): SandboxReply => json(200, { CachesDeleted: null, SpaceReclaimed: 0 });
