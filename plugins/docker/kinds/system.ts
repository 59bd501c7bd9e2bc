import { facet, forClient } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "../client.js";
import { type EngineEvent, eventOf, Event, readEvents } from "../events.js";
import { info, version } from "../system-info.js";
import { prune } from "../system-prune.js";
import { diskUsage, sum } from "../usage.js";

const { kind, read } = forClient<DockerClient>();

const bytes = (about: string) => facet(z.int(), about, { unit: "bytes" });
const count = (about: string) => facet(z.int(), about);

const Share = z.object({
  count: count("How many"),
  used: count("Of these in use"),
  size: bytes("Bytes"),
  reclaimable: bytes("Bytes in what is not used"),
});

const disk_usage = read({
  about: "Measure what images, containers, volumes and the build cache take on the engine's disk",
  on: "kind",
  aliases: ["docker_system_df", "docker_df"],
  timeout: 300,
  output: z.object({ total: bytes("All together"), images: Share, containers: Share, volumes: Share, build_cache: Share }),
  run: async ({ client, signal }) => {
    const found = await diskUsage(client, signal);
    const share = <T>(items: readonly T[] | null | undefined, size: (item: T) => number | undefined, isUsed: (item: T) => boolean) => ({
      count: items?.length ?? 0,
      used: (items ?? []).filter(isUsed).length,
      size: sum(items, size),
      reclaimable: sum(
        (items ?? []).filter((item) => !isUsed(item)),
        size,
      ),
    });
    const images = {
      ...share(
        found.Images,
        ({ Size }) => Size,
        ({ Containers }) => (Containers ?? 0) > 0,
      ),
      size: found.LayersSize ?? 0,
    };
    const containers = share(
      found.Containers,
      ({ SizeRw }) => SizeRw,
      ({ State }) => ["running", "paused", "restarting"].includes(State),
    );
    const volumes = share(
      found.Volumes,
      ({ UsageData }) => UsageData?.Size,
      ({ UsageData }) => (UsageData?.RefCount ?? 0) > 0,
    );
    const build_cache = share(
      found.BuildCache,
      ({ Size, Shared }) => (Shared ? 0 : Size),
      ({ InUse }) => InUse === true,
    );
    return { total: images.size + containers.size + volumes.size + build_cache.size, images, containers, volumes, build_cache };
  },
});

const MAX_WAIT = 300;

const events = read({
  about: "List what happened on an engine, and what happens while waiting",
  on: "kind",
  aliases: ["docker_events"],
  timeout: MAX_WAIT + 30,
  input: {
    since: z.string().default("10m").describe('Time, or "10m", "2h" ago'),
    until: z.string().optional().describe('Time, or "1m" ago; default now'),
    wait: z.int().min(0).max(MAX_WAIT).default(0).describe("Seconds to wait for more"),
    kinds: z.array(z.string()).optional().describe("container, image, network, volume, ..."),
    name: z.string().optional().describe("Of one container"),
    limit: z.int().min(1).max(1000).default(200).describe("Events at most, the newest"),
  },
  output: z.object({ events: z.array(Event), truncated: z.boolean() }),
  run: async ({ client, input, note, signal }) => {
    const found: EngineEvent[] = [];
    let dropped = 0;
    // The engine ends the stream when its own clock says so, which may be behind ours.
    const enough = AbortSignal.timeout((input.wait + 5) * 1000);
    try {
      for await (const event of readEvents(client, input, AbortSignal.any([signal, enough]))) {
        found.push(event);
        if (found.length <= input.limit) continue;
        found.shift();
        dropped += 1;
      }
    } catch (error) {
      if (!enough.aborted || signal.aborted) throw error;
    }
    if (dropped) note(`${dropped} older ones are left out: pass a larger limit, a later since or an earlier until.`);
    return { events: found.map(eventOf), truncated: dropped > 0 };
  },
});

export const system = kind({
  name: "system",
  about: "The engine itself",
  says: ["engine", "docker host", "daemon"],
  item: z.object({ name: facet(z.string(), "Host name") }),
  key: "name",
  actions: { info, version, disk_usage, events, prune },
});
