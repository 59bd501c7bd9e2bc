import { facet, type ProviderEvent } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "./client.js";
import { moment } from "./logs.js";
import { jsonLines } from "./pull.js";

export const Event = z.object({
  at: facet(z.string(), "When, ISO 8601"),
  kind: facet(z.string(), "container, image, network, volume, ..."),
  what: facet(z.string(), "start, die, pull, ..."),
  name: facet(z.string(), "Of what it happened to").optional(),
  id: facet(z.string(), "First 12 digits of the id").optional(),
  exit_code: facet(z.int(), "How a container ended").optional(),
});

/** One line of GET /events. */
export interface EngineEvent {
  readonly Type: string;
  readonly Action: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> };
  readonly time?: number;
  readonly timeNano?: number;
}

export function eventOf({ Type, Action, Actor, time, timeNano }: EngineEvent): z.output<typeof Event> {
  const { name, exitCode } = Actor?.Attributes ?? {};
  const isId = /^(sha256:)?[0-9a-f]{64}$/.test(Actor?.ID ?? "");
  const called = name && name !== Actor?.ID ? name : isId ? undefined : Actor?.ID;
  return {
    at: new Date(timeNano ? timeNano / 1e6 : (time ?? 0) * 1000).toISOString(),
    kind: Type,
    // "exec_create: sh -c ..." holds the whole command, which may hold a password.
    what: Action.split(":", 1)[0] ?? Action,
    ...(called ? { name: called } : {}),
    ...(isId ? { id: (Actor?.ID ?? "").replace(/^sha256:/, "").slice(0, 12) } : {}),
    ...(exitCode === undefined ? {} : { exit_code: Number(exitCode) }),
  };
}

export interface EventOptions {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly wait?: number;
  readonly kinds?: readonly string[] | undefined;
  readonly name?: string | undefined;
}

/** GET /events of a bounded time. The engine ends the stream itself, when its clock says so. */
export async function* readEvents(client: DockerClient, options: EventOptions, signal: AbortSignal): AsyncGenerator<EngineEvent> {
  const now = client.clock.now();
  const wait = options.wait ?? 0;
  const until = moment("until", options.until, now) ?? (now / 1000 + wait).toFixed(3);
  const filters = { ...(options.kinds?.length ? { type: options.kinds } : {}), ...(options.name ? { container: [options.name] } : {}) };
  const query = { since: moment("since", options.since, now), until, ...(Object.keys(filters).length ? { filters: JSON.stringify(filters) } : {}) };
  for await (const event of jsonLines<EngineEvent>(client.stream({ what: "read events", path: "/events", query, signal })))
    if (options.name === undefined || isOf(event, options.name)) yield event;
}

/** The engine also takes the beginning of a name for the name. */
const isOf = ({ Actor }: EngineEvent, name: string): boolean =>
  Actor?.Attributes?.["name"] === name || (name.length >= 12 && (Actor?.ID ?? "").startsWith(name));

/** What happens from now on, until the signal aborts. */
export async function* watchEvents({ client, signal }: { client: DockerClient; signal: AbortSignal }): AsyncGenerator<ProviderEvent> {
  for await (const event of jsonLines<EngineEvent>(client.stream({ what: "watch events", path: "/events", signal }))) {
    const { kind, name, id, what, at } = eventOf(event);
    yield { kind, key: name ?? id ?? "", what, at };
  }
}
