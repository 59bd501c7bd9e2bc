import { type CallArgs, ProxMcpError, type Progress } from "proxmcp/plugin";
import type { DockerClient } from "./client.js";
import { authHeader } from "./registry-auth.js";
import { engineError } from "./errors.js";

/** One line of the stream of POST /images/create, and of a push. */
interface PullLine {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
  readonly aux?: { readonly Digest?: string; readonly Size?: number };
}

const MAX_LINE = 1024 * 1024;

/** A reference with its tag written out: without one the engine would fetch every tag that the repository has. */
export function fullReference(reference: string): string {
  const tagged = /:[\w][\w.-]*$/.test(reference.slice(reference.lastIndexOf("/") + 1));
  return tagged || reference.includes("@") ? reference : `${reference}:latest`;
}

/** The repository and the tag of a reference, as the API wants them apart. */
export function splitReference(reference: string): { repository: string; tag: string } {
  const full = fullReference(reference);
  if (full.includes("@")) throw new ProxMcpError("INVALID_INPUT", `"${reference}" has a digest: a name that is given has a tag at most.`);
  const at = full.lastIndexOf(":");
  return { repository: full.slice(0, at), tag: full.slice(at + 1) };
}

/** Pulls an image and waits for it. The engine answers 200 as soon as it begins, so the failure of a download is a line of the stream. */
export async function pullImage(
  client: DockerClient,
  image: string,
  { signal, progress }: Pick<CallArgs<unknown>, "signal" | "progress">,
  platform?: string,
): Promise<void> {
  const reference = fullReference(image);
  const ask = {
    ...{ what: `pull image "${reference}"`, method: "POST" as const, path: "/images/create", query: { fromImage: reference, platform }, signal },
    ...(platform ? { since: "1.32" } : {}),
    headers: await authHeader(client, reference, signal),
  } as const;
  const layers = new LayerProgress(progress);
  let finished = false;
  for await (const line of jsonLines<PullLine>(client.stream(ask))) {
    const failure = line.errorDetail?.message ?? line.error;
    if (failure) throw engineError(ask.what, 200, failure, "POST /images/create");
    finished ||= /^(Status|Digest):/.test(line.status ?? "");
    layers.see(line);
  }
  // Podman says its image's id in the end and no status; an engine that died in between says neither.
  if (!finished && !layers.sawId)
    throw new ProxMcpError("TASK_FAILED", `Unable to ${ask.what}: the engine stopped before it had finished.`, { tried: ["POST /images/create"] });
}

/** Publishes an image: POST /images/{name}/push. Answers its digest. */
export async function pushImage(
  client: DockerClient,
  image: string,
  { signal, progress }: Pick<CallArgs<unknown>, "signal" | "progress">,
): Promise<{ digest?: string; size?: number }> {
  const { repository, tag } = splitReference(image);
  const ask = {
    what: `push image "${repository}:${tag}"`,
    method: "POST",
    path: `/images/${encodeURIComponent(repository)}/push`,
    query: { tag },
    signal,
  } as const;
  const layers = new LayerProgress(progress);
  let pushed: { Digest?: string; Size?: number } | undefined;
  for await (const line of jsonLines<PullLine>(client.stream({ ...ask, headers: await authHeader(client, image, signal, true) }))) {
    const failure = line.errorDetail?.message ?? line.error;
    if (failure) throw engineError(ask.what, /does not exist locally/.test(failure) ? 404 : 200, failure, `POST ${ask.path}`);
    pushed = line.aux ?? pushed;
    layers.see(line);
  }
  if (!pushed)
    throw new ProxMcpError("TASK_FAILED", `Unable to ${ask.what}: the engine stopped before it had finished.`, { tried: [`POST ${ask.path}`] });
  return { ...(pushed.Digest ? { digest: pushed.Digest } : {}), ...(pushed.Size ? { size: pushed.Size } : {}) };
}

/** Sums what each layer has moved. What is reported only grows, though totals become known one after the other. */
class LayerProgress {
  readonly #report: (progress: Progress) => void;
  readonly #layers = new Map<string, { current: number; total: number }>();
  #reported = 0;
  sawId = false;

  constructor(report: (progress: Progress) => void) {
    this.#report = report;
  }

  see({ id, status = "", progressDetail }: PullLine): void {
    if (!id) return;
    if (/^(sha256:)?[0-9a-f]{64}$/.test(id)) this.sawId = true;
    const layer = this.#layers.get(id);
    if (/^(Downloading|Pushing)$/.test(status) && progressDetail?.total) {
      this.#layers.set(id, { current: progressDetail.current ?? 0, total: progressDetail.total });
    } else if (layer && /^(Download complete|Pull complete|Pushed)/.test(status)) {
      layer.current = layer.total;
    } else return;
    let current = 0;
    let total = 0;
    for (const one of this.#layers.values()) {
      current += one.current;
      total += one.total;
    }
    // A message for every few kilobytes would drown the caller.
    if (current <= this.#reported || (current < total && current - this.#reported < total / 50)) return;
    this.#reported = current;
    this.#report({ progress: current, total, message: `${status} layer ${id}` });
  }
}

/** Values of a stream of JSON lines. A line may come in pieces. */
export async function* jsonLines<T>(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE) throw new ProxMcpError("INVALID_OUTPUT", "The engine sent a line of more than a megabyte.");
    for (const line of lines) if (line.trim()) yield parse<T>(line);
  }
  rest += decoder.decode();
  if (rest.trim()) yield parse<T>(rest);
}

function parse<T>(line: string): T {
  try {
    return JSON.parse(line) as T;
  } catch {
    throw new ProxMcpError("INVALID_OUTPUT", `The engine sent a line that is not JSON: ${line.slice(0, 120)}`);
  }
}
