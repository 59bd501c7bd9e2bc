import type { CallContext } from "../call/context.js";
import { withDeadline } from "../call/deadline.js";
import type { ConnectionEntry } from "../connections.js";
import type { CapacityPlace } from "../declare/provider.js";
import type { Clock, Logger } from "../declare/tokens.js";
import { type ErrorReport, toProxMcpError } from "../errors.js";

/** Choosing where something goes should not wait long for a platform that hangs. */
const CAPACITY_SECONDS = 10;

export interface CapacityServices {
  readonly logger: Logger;
  readonly clock: Clock;
}

export type CapacityAnswer = { readonly places: readonly CapacityPlace[]; readonly known: boolean } | { readonly error: ErrorReport };

/** What a connection has now. One whose provider can't say is a single place of which nothing is known. Never throws, but for the caller's leaving. */
export async function readCapacity(entry: ConnectionEntry, { logger, clock }: CapacityServices, context: CallContext): Promise<CapacityAnswer> {
  const { provider } = entry;
  if (!provider.capacity) return { places: [{ name: entry.name, healthy: true }], known: false };
  try {
    const { places } = await withDeadline(CAPACITY_SECONDS, `Asking ${entry.name} for its capacity`, context.signal, (signal) =>
      entry.run(
        async () =>
          (await provider.capacity?.({ client: entry.client, signal, progress: () => {}, note: () => {}, task: () => {}, log: logger, clock })) ?? {
            places: [],
          },
        signal,
      ),
    );
    return { places, known: true };
  } catch (error) {
    if (context.signal.aborted) throw error;
    return { error: toProxMcpError(error).on(entry.name).report() };
  }
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes for a person: `1.5 GiB`. */
export function sizeText(bytes: number): string {
  const step = bytes >= 1 ? Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10)) : 0;
  return `${Number((bytes / 1024 ** step).toFixed(1))} ${UNITS[step]}`;
}

/** What is used on a place by what this very plan puts there. */
export interface Load {
  readonly copies: number;
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
}

export const NOTHING: Load = { copies: 0, cpu: 0, memory: 0, disk: 0 };

export interface Asked {
  readonly cpu?: number | undefined;
  readonly memory?: number | undefined;
  readonly disk?: number | undefined;
}

/** Why a workload does not fit into a place, in numbers; undefined if it does, as far as is known. */
export function misfit(place: CapacityPlace, asked: Asked, load: Load, reserve: number): string | undefined {
  if (!place.healthy) return "it is not healthy";
  const faults: string[] = [];
  if (asked.cpu !== undefined && place.cpu !== undefined && asked.cpu > place.cpu) faults.push(`${asked.cpu} cores asked, ${place.cpu} there in all`);
  for (const what of ["memory", "disk"] as const) {
    const total = place[what];
    const wanted = asked[what] ?? 0;
    if (total === undefined || total === 0) continue;
    const free = Math.max(0, total - (place[`${what}_used`] ?? 0) - load[what]);
    const keep = total * reserve;
    if (wanted <= free - keep) continue;
    // Where the use is not known, the reserve alone must not put a place out.
    if (place[`${what}_used`] === undefined && load[what] + wanted <= total) continue;
    const kept = reserve > 0 ? `, of which ${sizeText(keep)} are kept` : "";
    faults.push(
      `${wanted > 0 ? `${sizeText(wanted)} of ${what} asked` : `no ${what} to spare`}, ${sizeText(free)} free of ${sizeText(total)}${kept}`,
    );
  }
  return faults.length > 0 ? `does not fit: ${faults.join("; ")}` : undefined;
}
