import { type ActionArgs, facet, forClient, type HttpResponse, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { hasExtension } from "../extensions.js";
import { pathOf } from "./power.js";

const { read, destructive } = forClient<LxdClient>();

const path = z.string().regex(/^\//, "an absolute path").describe("Absolute path in the instance");
const encoding = z.enum(["text", "base64"]).default("text");
/** Entries asked about at the same time. */
const AT_ONCE = 8;

type Args<Input> = Pick<ActionArgs<LxdClient, Input>, "client" | "key" | "signal"> & { readonly input: Input };

interface FileFacts {
  readonly type: string;
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly modified?: string;
}

/** What the headers of an answer say of a file: `X-LXD-mode` and so on, on Incus `X-Incus-mode`. */
function factsOf({ headers }: HttpResponse): FileFacts {
  const told = (name: string): string | undefined => {
    const value = headers[`x-lxd-${name}`] ?? headers[`x-incus-${name}`];
    return Array.isArray(value) ? value[0] : value;
  };
  const [mode, uid, gid, modified] = [told("mode"), told("uid"), told("gid"), told("modified")];
  // Go writes "2026-11-21 05:04:35 +0000 UTC".
  const time = modified && new Date(modified.replace(/^(\S+) (\S+) ([+-]\d\d)(\d\d).*$/, "$1T$2$3:$4"));
  return {
    type: told("type") ?? "file",
    ...(mode ? { mode } : {}),
    ...(uid ? { uid: Number(uid) } : {}),
    ...(gid ? { gid: Number(gid) } : {}),
    ...(time && !Number.isNaN(time.getTime()) ? { modified: time.toISOString() } : {}),
  };
}

/** Leaves the rest of an answer unread. Giving up is an error of the stream, and none of ours. */
const drop = ({ body }: HttpResponse): void => void body.on("error", () => {}).destroy();

const ask = ({ key, signal }: Pick<Args<unknown>, "key" | "signal">, what: string, file: string) => ({
  doing: `${what} ${file} in instance "${key}"`,
  signal,
  query: { path: file },
});
const filesOf = (name: string): string => `${pathOf(name)}/files`;

const facts = {
  type: facet(z.string(), "file, directory or symlink"),
  mode: facet(z.string(), "Permissions, octal").optional(),
  uid: z.int().optional(),
  gid: z.int().optional(),
  modified: z.string().optional(),
};

const files_list = read({
  about: "List a folder in an instance, running or not",
  aliases: ["lxd_list_files"],
  input: { path, limit: z.int().min(1).max(1000).default(200).describe("Entries at most") },
  output: z.object({ files: z.array(z.object({ path: z.string(), ...facts })), truncated: z.boolean() }),
  async run({ client, key, input, signal, note }) {
    const args = { client, key, input, signal };
    const response = await client.send("GET", filesOf(key), ask(args, "list", input.path));
    const { type } = factsOf(response);
    if (type !== "directory") {
      drop(response);
      throw new ProxMcpError("INVALID_INPUT", `Unable to list ${input.path} in instance "${key}": it is a ${type}`, { next: "Read it instead." });
    }
    const names = ((await response.json<{ metadata: readonly string[] | null }>()).metadata ?? []).toSorted();
    const truncated = names.length > input.limit;
    if (truncated) note(`${names.length - input.limit} more entries are not shown: pass a larger limit.`);
    const paths = names.slice(0, input.limit).map((name) => `${input.path.replace(/\/$/, "")}/${name}`);
    return { files: await described(args, paths), truncated };
  },
});

/** Asks about each, a few at a time. A server too old to be asked leaves it at their names. */
async function described(args: Args<unknown>, paths: readonly string[]): Promise<({ path: string } & FileFacts)[]> {
  if (!(await hasExtension(args, "instance_file_head"))) return paths.map((one) => ({ path: one, type: "unknown" }));
  const found: ({ path: string } & FileFacts)[] = [];
  const waiting = [...paths.entries()];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [at, one] = next;
      const response = await args.client.send("HEAD", filesOf(args.key), ask(args, "look at", one));
      await response.bytes();
      found[at] = { path: one, ...factsOf(response) };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return found;
}

const files_read = read({
  about: "Read a file in an instance, running or not",
  aliases: ["lxd_read_file", "lxd_file_pull", "lxd_pull_file"],
  input: {
    path,
    offset: z.int().min(0).default(0).describe("Byte to begin at"),
    max_output: z
      .int()
      .min(1)
      .max(4 * 1024 * 1024)
      .default(64 * 1024)
      .describe("Bytes at most"),
    encoding,
  },
  output: z.object({
    content: z.string().describe("Of a symlink: where it leads"),
    ...facts,
    size: facet(z.int(), "Bytes of the whole file", { unit: "bytes" }),
    truncated: z.boolean(),
    next_offset: facet(z.int(), "Where to go on reading").optional(),
  }),
  async run({ client, key, input, signal, note }) {
    const response = await client.send("GET", filesOf(key), ask({ key, signal }, "read", input.path));
    const known = factsOf(response);
    if (known.type === "directory") {
      drop(response);
      throw new ProxMcpError("INVALID_INPUT", `Unable to read ${input.path} in instance "${key}": it is a directory`, { next: "List it instead." });
    }
    const size = Number(response.headers["content-length"] ?? 0);
    const bytes = await part(response, input.offset, input.max_output);
    const end = input.offset + bytes.length;
    const truncated = end < size;
    if (truncated) note(`${size - end} bytes are left: go on with offset ${end}.`);
    const content = bytes.toString(input.encoding === "text" ? "utf8" : "base64");
    return { content, ...known, size, truncated, ...(truncated ? { next_offset: end } : {}) };
  },
});

/** Read and cut here: a server that is asked for a range beyond the end of the file breaks the connection off. */
async function part(response: HttpResponse, offset: number, most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let seen = 0;
  for await (const chunk of response.body) {
    const bytes = chunk as Buffer;
    parts.push(bytes.subarray(Math.max(0, offset - seen), Math.max(0, offset + most - seen)));
    seen += bytes.length;
    if (seen >= offset + most) break;
  }
  return Buffer.concat(parts);
}

const files_write = destructive({
  about: "Write a file in an instance, running or not; or make a folder or a symlink",
  aliases: ["lxd_write_file", "lxd_file_push", "lxd_push_file"],
  loses: async ({ client, key, input, signal }) => {
    if (input.append || input.type === "directory") return `Nothing that is in ${input.path} is lost.`;
    try {
      const response = await client.send("GET", filesOf(key), ask({ key, signal }, "look at", input.path));
      drop(response);
      return `What ${input.path} holds now (${Number(response.headers["content-length"] ?? 0)} bytes) is replaced.`;
    } catch (error) {
      if (error instanceof ProxMcpError && error.code === "NOT_FOUND" && !/instance not found/i.test(error.message))
        return `${input.path} is new: nothing is replaced.`;
      throw error;
    }
  },
  input: {
    path,
    content: z.string().max(16_000_000).default("").describe("What to write; for a symlink where it leads"),
    encoding,
    type: z.enum(["file", "directory", "symlink"]).default("file"),
    append: z.boolean().default(false).describe("Add to the end instead of replacing"),
    mode: z
      .string()
      .regex(/^[0-7]{3,4}$/, "permissions in octal, such as 0644")
      .optional()
      .describe("Permissions, octal; default 0644, for folders 0755"),
    uid: z.int().min(0).default(0).describe("Owner"),
    gid: z.int().min(0).default(0).describe("Group"),
  },
  output: z.object({ path: z.string(), size: facet(z.int(), "Bytes written", { unit: "bytes" }) }),
  async run({ client, key, input, signal }) {
    const { type, append, uid, gid } = input;
    const body = Buffer.from(input.content, input.encoding === "text" ? "utf8" : "base64");
    const mode = (input.mode ?? (type === "directory" ? "755" : "644")).padStart(4, "0");
    const said = { type, mode, uid: String(uid), gid: String(gid), write: append ? "append" : "overwrite" };
    // Each of the two reads its own headers.
    const headers = Object.entries(said).flatMap(([name, value]) => [
      [`x-lxd-${name}`, value],
      [`x-incus-${name}`, value],
    ]);
    const content = { body, headers: { "content-type": "application/octet-stream", ...Object.fromEntries(headers) } };
    const response = await client.send("POST", filesOf(key), ask({ key, signal }, "write", input.path), content);
    await response.bytes();
    return { path: input.path, size: body.length };
  },
});

const files_delete = destructive({
  about: "Delete a file or an empty folder in an instance",
  aliases: ["lxd_delete_file"],
  loses: "Deletes the file in the instance.",
  input: { path },
  output: z.object({ path: z.string() }),
  async run({ client, key, input, signal }) {
    await (await client.send("DELETE", filesOf(key), ask({ key, signal }, "delete", input.path))).bytes();
    return { path: input.path };
  },
});

export const files = { files_list, files_read, files_write, files_delete };
