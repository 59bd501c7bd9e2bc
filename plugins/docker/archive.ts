import { posix } from "node:path";
import type { Header } from "tar-stream";
import { isProxMcpError, ProxMcpError } from "proxmcp/plugin";
import type { DockerClient } from "./client.js";
import { Head } from "./output.js";

/** What HEAD /containers/{id}/archive says of a path, in its header. */
interface PathStat {
  readonly name: string;
  readonly size: number;
  /** Go's file mode: the permissions in the lower nine bits, the kind of file in the upper ones. */
  readonly mode: number;
  readonly mtime: string;
  readonly linkTarget: string;
}

const GO_DIRECTORY = 2 ** 31;
const GO_SYMLINK = 2 ** 27;
/** More than this of a folder is not read for its listing: the engine sends the contents of all files with it. */
const LISTING_BYTES = 256 * 1024 * 1024;

export interface Place {
  readonly client: DockerClient;
  /** The container's name or id. */
  readonly key: string;
  readonly path: string;
  readonly signal: AbortSignal;
}

const whatOf = (verb: string, { key, path }: Place): string => `${verb} ${path} in container "${key}"`;

/** What a path in a container is. A link is followed. */
export async function statPath(place: Place): Promise<PathStat & { readonly path: string; readonly folder: boolean }> {
  const { client, key, signal } = place;
  const container = await client.container(key, signal);
  let { path } = place;
  for (let links = 0; ; links += 1) {
    const ask = { what: whatOf("look at", place), method: "HEAD", path: `${container}/archive`, query: { path }, signal } as const;
    const { headers } = await client.send(ask).catch(async (error: unknown) => {
      // A HEAD has no body, so neither a reason. The same as GET says whether it is the container or the path that is missing.
      if (isProxMcpError(error) && error.details.data?.["status"] === 404) await client.done({ ...ask, method: "GET" });
      throw error;
    });
    const stat = JSON.parse(Buffer.from(String(headers["x-docker-container-path-stat"] ?? ""), "base64").toString("utf8") || "{}") as PathStat;
    if (!stat.linkTarget || !hasBit(stat.mode, GO_SYMLINK) || links > 10) return { ...stat, path, folder: hasBit(stat.mode, GO_DIRECTORY) };
    path = posix.resolve(posix.dirname(path), stat.linkTarget);
  }
}

// Not `&`, which is for 32 bits with a sign.
const hasBit = (mode: number, bit: number): boolean => Math.floor(mode / bit) % 2 === 1;
export const permissions = (mode: number): string => (mode & 0o777).toString(8).padStart(4, "0");

/** A part of a file: GET /containers/{id}/archive. */
export async function readFileIn(
  place: Place,
  { offset, maxBytes }: { offset: number; maxBytes: number },
): Promise<{ bytes: Buffer; stat: PathStat }> {
  const stat = await statPath(place);
  if (stat.folder)
    throw new ProxMcpError("INVALID_INPUT", `Unable to ${whatOf("read", place)}: it is a folder.`, {
      next: "List it with files_list, and read a file in it.",
    });
  const kept = new Head(maxBytes);
  for await (const { header, body } of entriesOf({ ...place, path: stat.path })) {
    if (header.type !== "file") throw new ProxMcpError("INVALID_INPUT", `Unable to ${whatOf("read", place)}: it is no file but a ${header.type}.`);
    let skip = offset;
    for await (const chunk of body) {
      const bytes = chunk as Uint8Array;
      kept.push(bytes.subarray(Math.min(skip, bytes.length)));
      skip = Math.max(0, skip - bytes.length);
      if (kept.truncated) break;
    }
    break;
  }
  return { bytes: kept.bytes(), stat };
}

export interface FileEntry {
  readonly path: string;
  readonly type: string;
  readonly size: number;
  readonly mode: string;
  readonly modified: string;
  readonly target?: string;
}

/** What is in a folder, and how deep below it: GET /containers/{id}/archive, without keeping any content. */
export async function listFolderIn(
  place: Place,
  { depth, limit }: { depth: number; limit: number },
): Promise<{ files: FileEntry[]; truncated: boolean }> {
  const stat = await statPath(place);
  const files: FileEntry[] = [];
  let seen = 0;
  let truncated = false;
  for await (const { header, body } of entriesOf({ ...place, path: stat.path })) {
    seen += header.size ?? 0;
    // The archive calls the folder by its own last name.
    const inside = stat.folder ? header.name.split("/").slice(1).join("/").replace(/\/$/, "") : posix.basename(header.name);
    if (inside !== "" && inside.split("/").length <= depth) {
      if (files.length >= limit) truncated = true;
      else files.push(entryOf(inside, header));
    }
    if (truncated || seen > LISTING_BYTES) {
      truncated = true;
      break;
    }
    body.resume();
  }
  return { files, truncated };
}

const entryOf = (path: string, { type, size, mode, mtime, linkname }: Header): FileEntry => ({
  path,
  type: type === "directory" ? "folder" : (type ?? "file"),
  size: size ?? 0,
  mode: permissions(mode ?? 0),
  modified: (mtime ?? new Date(0)).toISOString(),
  ...(linkname ? { target: linkname } : {}),
});

/** Puts a file into a container: PUT /containers/{id}/archive. The folder has to exist. */
export async function writeFileIn(place: Place, content: Buffer, { mode, uid, gid }: { mode: number; uid: number; gid: number }): Promise<void> {
  const { client, key, path, signal } = place;
  await client.done({
    what: whatOf("write", place),
    method: "PUT",
    path: `${await client.container(key, signal)}/archive`,
    query: { path: posix.dirname(path), noOverwriteDirNonDir: true },
    headers: { "content-type": "application/x-tar" },
    body: await tarOf([{ name: posix.basename(path), content, mode, uid, gid }]),
    signal,
  });
}

export interface TarFile {
  readonly name: string;
  readonly content: Uint8Array;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** A small archive in memory. */
export async function tarOf(files: readonly TarFile[]): Promise<Buffer> {
  const { pack } = await import("tar-stream");
  const archive = pack();
  for (const { content, ...header } of files) archive.entry({ mode: 0o644, ...header }, Buffer.from(content));
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

interface Entry {
  readonly header: Header;
  /** To be read or resumed before the next entry comes. */
  readonly body: AsyncIterable<unknown> & { resume(): unknown };
}

/** The entries of a path's archive as they come. Leaving the loop ends the transfer. */
async function* entriesOf(place: Place): AsyncGenerator<Entry> {
  const { client, key, path } = place;
  const { extract } = await import("tar-stream");
  const parser = extract();
  const left = new AbortController();
  const signal = AbortSignal.any([place.signal, left.signal]);
  const ask = { what: whatOf("read", place), path: `${await client.container(key, signal)}/archive`, query: { path }, signal };
  let failure: Error | undefined;
  let wake = (): void => {};
  for (const event of ["drain", "close"] as const) parser.on(event, () => wake());
  const feed = async (): Promise<void> => {
    for await (const chunk of client.stream(ask)) if (!parser.write(chunk)) await new Promise<void>((go) => (wake = go));
    parser.end(new Uint8Array());
  };
  const feeding = feed().catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error));
    parser.destroy();
  });
  try {
    for await (const entry of parser) yield { header: entry.header, body: entry };
    if (failure) throw failure;
  } catch (error) {
    throw failure ?? error;
  } finally {
    left.abort();
    parser.destroy();
    await feeding;
  }
}
