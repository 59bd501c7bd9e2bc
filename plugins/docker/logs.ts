import { ProxMcpError } from "proxmcp/plugin";
import { type DockerClient, isOlder } from "./client.js";
import { FrameDecoder } from "./frames.js";
import { type Passage, Tail } from "./output.js";

export interface LogOptions {
  readonly tail: number;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly timestamps: boolean;
  /** Bytes kept, the newest. */
  readonly maxOutput: number;
}

/** From this version on the answer's content type says whether it is multiplexed; before, only the container's settings do. */
const TELLS_ITS_TYPE = "1.42";
const MULTIPLEXED = "application/vnd.docker.multiplexed-stream";

/**
 * Reads the log of a container, a service or a task: GET {path}/logs. A container with a terminal has one stream without frames.
 * `of` names it in errors.
 */
export async function readLogs(
  client: DockerClient,
  path: string,
  of: string,
  options: LogOptions,
  signal: AbortSignal,
): Promise<{ output: Passage[]; truncated: boolean }> {
  const what = `read the log of ${of}`;
  const now = client.clock.now();
  const since = moment("since", options.since, now);
  const until = moment("until", options.until, now);
  const settled = !isOlder(await client.apiVersion(signal), TELLS_ITS_TYPE);
  const multiplexed = settled ? undefined : !(await hasTerminal(client, path, what, signal));
  const { tail, timestamps } = options;
  const response = await client.send({ what, path: `${path}/logs`, query: { stdout: true, stderr: true, tail, timestamps, since, until }, signal });
  const kept = new Tail(options.maxOutput);
  const frames = new FrameDecoder((stream, bytes) => kept.push(stream, bytes));
  const framed = multiplexed ?? response.headers["content-type"] === MULTIPLEXED;
  for await (const chunk of client.bytes(response, { what, signal })) {
    if (framed) frames.push(chunk);
    else kept.push("stdout", chunk);
  }
  return { output: kept.passages(), truncated: kept.truncated };
}

async function hasTerminal(client: DockerClient, path: string, what: string, signal: AbortSignal): Promise<boolean> {
  if (!path.startsWith("/containers/")) {
    const { Spec } = await client.json<{ Spec?: ServiceSpec }>({ what, path, signal });
    return Spec?.TaskTemplate?.ContainerSpec?.TTY === true;
  }
  const found = await client.json<{ Config?: { Tty?: boolean } }>({ what, path: `${path}/json`, signal });
  return found.Config?.Tty === true;
}

interface ServiceSpec {
  readonly TaskTemplate?: { readonly ContainerSpec?: { readonly TTY?: boolean } };
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** A time as the engine takes it: seconds since 1970. `text` is ISO 8601, or a time ago: "90s", "10m", "2h", "1d". */
export function moment(field: string, text: string | undefined, now: number): string | undefined {
  if (text === undefined) return undefined;
  const [, count, unit] = /^(\d+(?:\.\d+)?)\s*([smhd])$/.exec(text) ?? [];
  const at = count && unit ? now - Number(count) * (SECONDS[unit] ?? 0) * 1000 : Date.parse(text);
  if (Number.isNaN(at))
    throw new ProxMcpError("INVALID_INPUT", `${field}: "${text}" is no time: write 2026-01-31T12:00:00Z, or "10m", "2h", "1d" ago.`, {
      data: { field },
    });
  return (Math.max(0, at) / 1000).toFixed(3);
}
