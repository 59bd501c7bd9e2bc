import { facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import { listFolderIn, permissions, readFileIn, statPath, writeFileIn } from "./archive.js";
import type { DockerClient } from "./client.js";
import { maxOutput } from "./container-inside.js";
import { sizeText } from "./words.js";

const { read, destructive } = forClient<DockerClient>();

const path = z.string().regex(/^\//, "an absolute path").describe("Absolute path in the container");

const files_list = read({
  about: "List a folder in a container, running or not",
  aliases: ["docker_list_files"],
  input: {
    path,
    depth: z.int().min(1).max(20).default(1).describe("Levels below it"),
    limit: z.int().min(1).max(5000).default(500).describe("Entries at most"),
  },
  output: z.object({
    files: z.array(
      z.object({
        path: facet(z.string(), "Below the folder"),
        type: z.string(),
        size: facet(z.int(), "Bytes", { unit: "bytes" }),
        mode: facet(z.string(), "Permissions, octal"),
        modified: z.string(),
        target: facet(z.string(), "Where a link leads").optional(),
      }),
    ),
    truncated: z.boolean(),
  }),
  run: async ({ client, key, input: { path, depth, limit }, note, signal }) => {
    const listing = await listFolderIn({ client, key, path, signal }, { depth, limit });
    if (listing.truncated) note("The listing is not whole: pass a larger limit, or list a folder further down.");
    return listing;
  },
});

const files_read = read({
  about: "Read a file in a container, running or not",
  aliases: ["docker_read_file"],
  input: {
    path,
    offset: z.int().min(0).default(0).describe("Byte to begin at"),
    max_output: maxOutput,
    encoding: z.enum(["text", "base64"]).default("text"),
  },
  output: z.object({
    content: z.string(),
    size: facet(z.int(), "Bytes of the whole file", { unit: "bytes" }),
    mode: facet(z.string(), "Permissions, octal"),
    modified: z.string(),
    truncated: z.boolean(),
    next_offset: facet(z.int(), "Where to go on reading").optional(),
  }),
  run: async ({ client, key, input: { path, offset, max_output, encoding }, note, signal }) => {
    const { bytes: found, stat } = await readFileIn({ client, key, path, signal }, { offset, maxBytes: max_output });
    const end = offset + found.length;
    const truncated = end < stat.size;
    if (truncated) note(`${stat.size - end} bytes are left: go on with offset ${end}.`);
    return {
      content: found.toString(encoding === "text" ? "utf8" : "base64"),
      size: stat.size,
      mode: permissions(stat.mode),
      modified: new Date(stat.mtime).toISOString(),
      truncated,
      ...(truncated ? { next_offset: end } : {}),
    };
  },
});

const files_write = destructive({
  about: "Write a file in a container, running or not; its folder has to exist",
  aliases: ["docker_write_file"],
  idempotent: true,
  loses: async ({ client, key, input: { path }, signal }) => {
    try {
      const found = await statPath({ client, key, path, signal });
      return found.folder ? `${path} is a folder.` : `What ${path} holds now (${sizeText(found.size)}) is replaced.`;
    } catch (error) {
      if (error instanceof ProxMcpError && error.code === "NOT_FOUND" && !/no such container/i.test(error.message))
        return `${path} is new: nothing is replaced.`;
      throw error;
    }
  },
  input: {
    path,
    content: z.string().max(4_000_000),
    encoding: z.enum(["text", "base64"]).default("text"),
    mode: z
      .string()
      .regex(/^[0-7]{3,4}$/, "permissions in octal, such as 0644")
      .default("0644")
      .describe("Permissions, octal"),
    uid: z.int().min(0).default(0).describe("Owner"),
    gid: z.int().min(0).default(0).describe("Group"),
  },
  output: z.object({ path: z.string(), size: facet(z.int(), "Bytes written", { unit: "bytes" }) }),
  run: async ({ client, key, input: { path, content, encoding, mode, uid, gid }, signal }) => {
    const bytes = Buffer.from(content, encoding === "text" ? "utf8" : "base64");
    await writeFileIn({ client, key, path, signal }, bytes, { mode: Number.parseInt(mode, 8), uid, gid });
    return { path, size: bytes.length };
  },
});

export const files = { files_list, files_read, files_write };
