import { posix } from "node:path";
import type { SandboxReply } from "proxmcp/testing";
import { file, Refusal, sync } from "./answers.js";
import { entriesOf, isFolder, textOf } from "./disk.js";
import { guestOf } from "./guests.js";
import type { Call } from "./router.js";
import type { FileFacts, Guest } from "./world.js";

const LXC = "2025-06-01 06:12:04 +0000 UTC";

const pathIn = (call: Call): string => {
  const path = call.query.get("path");
  if (!path) throw new Refusal(400, "Missing path argument");
  return posix.resolve("/", path);
};

/** The headers that say what a file is; Incus has its own name in them. */
function told(call: Call, facts: Omit<FileFacts, "type"> & { readonly type: string }): Record<string, string> {
  const { type, mode, uid, gid, modified } = facts;
  const prefix = call.world.host.flavor === "incus" ? "x-incus" : "x-lxd";
  return Object.fromEntries(Object.entries({ type, mode, uid, gid, modified }).map(([name, value]) => [`${prefix}-${name}`, String(value)]));
}

const FOLDER = { type: "directory", mode: "0755", uid: 0, gid: 0, modified: LXC };
const PLAIN: FileFacts = { type: "file", mode: "0644", uid: 0, gid: 0, modified: LXC };

/** `GET` and `HEAD /1.0/instances/{name}/files?path=`. */
export function readFile(call: Call): SandboxReply {
  const guest = guestOf(call);
  const path = pathIn(call);
  const text = textOf(call.world, guest, path);
  if (text === undefined && !isFolder(guest, path)) throw new Refusal(404, "Not Found");
  const facts = text === undefined ? FOLDER : (guest.facts.get(path) ?? PLAIN);
  const headers = told(call, facts);
  if (call.method === "HEAD") return { status: 200, headers: { "content-type": "application/json", ...headers } };
  if (text === undefined) return sync(entriesOf(guest, path), headers);
  const raw = guest.facts.get(path)?.raw;
  const reply = raw ? { ...file(posix.basename(path), "", undefined), body: new Uint8Array(raw) } : file(posix.basename(path), text, call.range);
  const length = reply.body as Uint8Array;
  return { ...reply, headers: { ...reply.headers, ...headers, "content-length": String(length.length) } };
}

const header = (call: Call, name: string): string | undefined => {
  const value = call.headers[`x-${call.world.host.flavor}-${name}`];
  return Array.isArray(value) ? value[0] : value;
};

/** `POST /1.0/instances/{name}/files?path=`: a file, a folder or a symlink. */
export function writeFile(call: Call): SandboxReply {
  const guest = guestOf(call);
  const path = pathIn(call);
  const type = header(call, "type") ?? "file";
  if (!["file", "directory", "symlink"].includes(type)) throw new Refusal(400, `Bad file type: ${type}`);
  if (type === "directory") {
    if (textOf(call.world, guest, path) !== undefined) throw new Refusal(500, `sftp: "mkdir ${path}: file exists" (SSH_FX_FAILURE)`);
    if (!isFolder(guest, posix.dirname(path))) throw new Refusal(404, "Not Found");
    guest.files.set(`${path}/.`, "");
    return sync({});
  }
  if (isFolder(guest, path)) throw new Refusal(500, `sftp: "open ${path}: is a directory" (SSH_FX_FAILURE)`);
  if (!isFolder(guest, posix.dirname(path))) throw new Refusal(404, "Not Found");
  const before = header(call, "write") === "append" ? bytesOf(guest, path) : Buffer.alloc(0);
  const bytes = Buffer.concat([before, call.body]);
  const text = bytes.toString();
  guest.files.set(path, text);
  const modified = new Date()
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z/, " +0000 UTC");
  const mode = (header(call, "mode") ?? "0644").padStart(4, "0");
  guest.facts.set(path, {
    ...(guest.facts.get(path) && header(call, "write") === "append"
      ? (guest.facts.get(path) as FileFacts)
      : {
          type: type as FileFacts["type"],
          mode: type === "symlink" ? "0777" : mode,
          uid: Number(header(call, "uid") ?? 0),
          gid: Number(header(call, "gid") ?? 0),
        }),
    modified,
    ...(Buffer.from(text).equals(bytes) ? {} : { raw: bytes }),
  });
  return sync({});
}

const bytesOf = (guest: Guest, path: string): Buffer => guest.facts.get(path)?.raw ?? Buffer.from(guest.files.get(path) ?? "");

export function deleteFile(call: Call): SandboxReply {
  const guest = guestOf(call);
  const path = pathIn(call);
  if (guest.files.delete(path)) {
    guest.facts.delete(path);
    return sync({});
  }
  if (!isFolder(guest, path)) throw new Refusal(404, "Not Found");
  if (entriesOf(guest, path).length) throw new Refusal(500, `sftp: "remove ${path}: directory not empty" (SSH_FX_FAILURE)`);
  guest.files.delete(`${path}/.`);
  return sync({});
}
