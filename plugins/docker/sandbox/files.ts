import { posix } from "node:path";
import { Readable } from "node:stream";
import { extract, type Header, pack } from "tar-stream";
import type { SandboxReply } from "proxmcp/testing";
import type { Context } from "./request.js";
import type { Box, StoredFile } from "./state.js";
import { empty, json, Refusal, streamed } from "./wire.js";

/** Folders that every container has. */
export const BASE_FOLDERS = ["/", "/etc", "/tmp", "/usr", "/var", "/home", "/root", "/data"] as const;
const BUILT = new Date("2024-05-01T00:00:00Z");
const GO_DIRECTORY = 2 ** 31;

const fromImage = (type: StoredFile["type"], text = ""): StoredFile => ({
  ...{ type, content: Buffer.from(text), mtime: BUILT, added: false },
  mode: type === "directory" ? 0o755 : 0o644,
});

/** Everything in a container's file system: what its image has, and what was written since. */
export function filesIn(box: Box): Map<string, StoredFile> {
  return new Map<string, StoredFile>([
    ...BASE_FOLDERS.map((path) => [path, fromImage("directory")] as const),
    ["/etc/hostname", fromImage("file", `${box.id.slice(0, 12)}\n`)],
    ["/etc/passwd", fromImage("file", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n")],
    ["/etc/os-release", fromImage("file", 'NAME="Sandbox Linux"\nID=sandbox\n')],
    ...box.files,
  ]);
}

/** Bytes that were written outside of volumes. */
export const writtenIn = (box: Box): number => [...box.files.values()].reduce((sum, { content }) => sum + content.length, 0);

function find(box: Box, key: string, path: string | null): [path: string, file: StoredFile] {
  if (!path) throw new Refusal(400, "bad parameter: pathcannot be empty");
  const full = posix.resolve("/", path);
  const file = filesIn(box).get(full);
  if (!file) throw new Refusal(404, `Could not find the file ${path} in container ${key}`);
  return [full, file];
}

function statHeader(path: string, { type, content, mode, mtime }: StoredFile): Record<string, string> {
  const stat = {
    name: posix.basename(path) || "/",
    size: type === "directory" ? 4096 : content.length,
    mode: mode + (type === "directory" ? GO_DIRECTORY : 0),
    mtime: mtime.toISOString(),
    linkTarget: "",
  };
  return { "x-docker-container-path-stat": Buffer.from(JSON.stringify(stat)).toString("base64") };
}

export function statFile({ state, call, at }: Context): SandboxReply {
  const [path, file] = find(state.box(at[0]!), at[0]!, call.query.get("path"));
  const reply = empty(200);
  return { ...reply, headers: { ...reply.headers, ...statHeader(path, file) } };
}

/** GET archive: the file, or the folder with all that is below it, named from its last part on. */
export function readFiles({ state, call, at }: Context): SandboxReply {
  const box = state.box(at[0]!);
  const [path, file] = find(box, at[0]!, call.query.get("path"));
  const archive = pack();
  const name = posix.basename(path);
  const below = path === "/" ? "/" : `${path}/`;
  const entries = [...filesIn(box)].filter(([one]) => one.startsWith(below) && one !== path).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [full, { type, content, mode, mtime }] of [[path, file] as const, ...entries]) {
    const inside = posix.join(name || "/", full.slice(path.length));
    archive.entry({ name: type === "directory" ? `${inside}/` : inside, type, mode, mtime }, content);
  }
  archive.finalize();
  const reply = streamed(archive as AsyncIterable<Uint8Array>, "application/x-tar");
  return { ...reply, headers: { ...reply.headers, ...statHeader(path, file) } };
}

/** PUT archive: unpacks into a folder that exists. */
export async function writeFiles({ state, call, at }: Context): Promise<SandboxReply> {
  const box = state.box(at[0]!);
  const [folder, { type }] = find(box, at[0]!, call.query.get("path"));
  if (type !== "directory") throw new Refusal(500, "extraction point is not a directory");
  for (const { header, content } of await unpacked(call.body)) {
    const path = posix.join(folder, header.name.replace(/\/$/, ""));
    const added = !filesIn(box).has(path) || box.files.get(path)?.added === true;
    box.files.set(path, { type: header.type === "directory" ? "directory" : "file", content, mode: header.mode, mtime: header.mtime, added });
  }
  return empty(200);
}

export async function unpacked(archive: Uint8Array): Promise<{ header: Header; content: Buffer }[]> {
  const parser = extract();
  Readable.from([archive])
    .on("data", (chunk: Uint8Array) => parser.write(chunk))
    .on("end", () => parser.end(new Uint8Array()));
  const found: { header: Header; content: Buffer }[] = [];
  for await (const entry of parser) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) chunks.push(chunk as Uint8Array);
    found.push({ header: entry.header, content: Buffer.concat(chunks) });
  }
  return found;
}

/** GET changes: what was written, and the folders that it is in. */
export function changes({ state, at }: Context): SandboxReply {
  const { files } = state.box(at[0]!);
  const folders = new Set([...files.keys()].map((path) => posix.dirname(path)).filter((path) => path !== "/" && !files.has(path)));
  const found = [...[...folders].map((Path) => ({ Path, Kind: 0 })), ...[...files].map(([Path, { added }]) => ({ Path, Kind: added ? 1 : 0 }))];
  return json(200, found.length ? found : null);
}
