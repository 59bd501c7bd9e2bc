import type { SandboxReply } from "proxmcp/testing";
import { isLive, summaryOf } from "./container-views.js";
import { type Context, isSet } from "./request.js";
import { type Box, withTag } from "./state.js";
import { json, Refusal } from "./wire.js";

const FILTERS = [
  "id",
  "name",
  "status",
  "label",
  "health",
  "network",
  "ancestor",
  "exited",
  "volume",
  "since",
  "before",
  "expose",
  "publish",
  "is-task",
  "isolation",
];
const STATUSES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];

/** GET /containers/json. */
export function listBoxes({ state, call }: Context): SandboxReply {
  const filters = filtersOf(call.query.get("filters"));
  for (const name of Object.keys(filters)) if (!FILTERS.includes(name)) throw new Refusal(400, `Invalid filter '${name}'`);
  for (const status of filters.status ?? []) if (!STATUSES.includes(status)) throw new Refusal(400, `Invalid filter 'status=${status}'`);
  // A filter by status stands for all=1.
  const all = isSet(call.query, "all") || Boolean(filters.status);
  return json(
    200,
    state.boxes.filter((box) => (all || isLive(box)) && matches(box, filters)).map((box) => summaryOf(box, isSet(call.query, "size"))),
  );
}

export function filtersOf(text: string | null): Record<string, string[]> {
  if (!text) return {};
  try {
    const filters = JSON.parse(text) as Record<string, string[] | Record<string, boolean>>;
    return Object.fromEntries(Object.entries(filters).map(([name, values]) => [name, Array.isArray(values) ? values : Object.keys(values)]));
  } catch {
    throw new Refusal(500, `invalid character '${text[0]}' looking for beginning of value`);
  }
}

/** Values of one filter are alternatives, except labels, which must all be there. */
function matches(box: Box, filters: Record<string, string[]>): boolean {
  const any = (name: string, test: (value: string) => boolean): boolean => !filters[name] || filters[name].some(test);
  return (
    any("id", (id) => box.id.startsWith(id)) &&
    any("name", (name) => nameMatches(name, box.name)) &&
    any("status", (status) => box.status === status) &&
    any("health", (health) => (box.health ?? "none") === health) &&
    any("network", (network) => network in box.networks) &&
    any("volume", (volume) => box.mounts.some(({ Name, Destination }) => Name === volume || Destination === volume)) &&
    any("ancestor", (ancestor) => withTag(ancestor) === withTag(box.image) || box.imageId.startsWith(ancestor.replace(/^sha256:/, ""))) &&
    (filters.label ?? []).every((label) => {
      const [key = "", ...value] = label.split("=");
      return key in box.labels && (value.length === 0 || box.labels[key] === value.join("="));
    })
  );
}

/** A regular expression of Go, tried on the name with and without its slash. One that is none matches nothing. */
function nameMatches(pattern: string, name: string): boolean {
  const [, flags = "", rest = ""] = /^(\(\?i\))?(.*)$/s.exec(pattern) ?? [];
  try {
    const expression = new RegExp(rest, flags ? "i" : "");
    return expression.test(name) || expression.test(`/${name}`);
  } catch {
    return false;
  }
}
