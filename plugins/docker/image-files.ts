import { createReadStream, createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { pipeline } from "node:stream/promises";
import { facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { DockerClient } from "./client.js";
import { engineError } from "./errors.js";
import { jsonLines, splitReference } from "./pull.js";

const { write } = forClient<DockerClient>();

const LONG = 3600;
const file = z
  .string()
  .refine((path) => isAbsolute(path), "an absolute path")
  .describe("File on the machine that ProxMCP runs on");

export const exportImage = write({
  about: "Write an image to a new file, to be imported elsewhere",
  timeout: LONG,
  aliases: ["docker_save", "docker_image_save"],
  input: { file },
  output: z.object({ file: z.string(), size: facet(z.int(), "Bytes", { unit: "bytes" }) }),
  run: async ({ client, key, input, signal }) => {
    const what = `export image "${key}"`;
    const path = `${await client.image(key, signal)}/get`;
    const response = await client.send({ what, path, signal });
    try {
      // Never over a file that is there.
      await pipeline(client.bytes(response, { what, signal }), createWriteStream(input.file, { flags: "wx" }));
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === "EEXIST") throw new ProxMcpError("ALREADY_EXISTS", `Unable to ${what}: the file ${input.file} exists.`);
      await rm(input.file, { force: true });
      if (code?.startsWith("E")) throw new ProxMcpError("INVALID_INPUT", `Unable to ${what}: ${input.file} can't be written (${code}).`);
      throw error;
    }
    return { file: input.file, size: (await stat(input.file)).size };
  },
});

export const importImage = write({
  about: "Load images from a file that was exported; with a name, make one from the archive of a root file system",
  timeout: LONG,
  aliases: ["docker_load", "docker_image_load"],
  input: { file, name: z.string().min(1).optional().describe("For a root file system: name of the new image") },
  output: z.object({ images: facet(z.array(z.string()), "References, or ids of what has none") }),
  run: async ({ client, input, signal }) => {
    const what = `import ${input.file}`;
    const found = await stat(input.file).catch(() => undefined);
    if (!found?.isFile()) throw new ProxMcpError("INVALID_INPUT", `Unable to ${what}: there is no such file on the machine that ProxMCP runs on.`);
    const plain = input.name === undefined ? undefined : splitReference(input.name);
    const ask = plain
      ? { path: "/images/create", query: { fromSrc: "-", repo: plain.repository, tag: plain.tag } }
      : { path: "/images/load", query: { quiet: true } };
    const lines = client.stream({
      what,
      method: "POST",
      ...ask,
      headers: { "content-type": "application/x-tar" },
      body: createReadStream(input.file),
      signal,
    });
    const images: string[] = [];
    for await (const line of jsonLines<{ stream?: string; error?: string; errorDetail?: { message?: string } }>(lines)) {
      const failure = line.errorDetail?.message ?? line.error;
      if (failure) throw engineError(what, 200, failure, `POST ${ask.path}`);
      const [, loaded] = /^Loaded image(?: ID)?: (\S+)/.exec(line.stream ?? "") ?? [];
      if (loaded) images.push(loaded);
    }
    return { images: plain ? [`${plain.repository}:${plain.tag}`] : images };
  },
});
