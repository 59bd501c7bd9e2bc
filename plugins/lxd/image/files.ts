/**
 * Images as local files: one file that has everything, or two, where the root file system is a file of its own.
 * @module
 */
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { type ActionArgs, facet, forClient, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";
import type { LxdClient } from "../client.js";
import { taskFailed } from "../errors.js";
import { LONG } from "../instance/exports.js";
import { download, localFile, refuseExisting, uploadOf } from "../instance/local-files.js";
import { imageBy, imagePath, targetOf } from "./fields.js";
import { point } from "./fetch.js";

const { write } = forClient<LxdClient>();

const Exported = z.object({
  file: z.string(),
  rootfs: z.string().optional().describe("The root file system, where it is a file of its own"),
  size: facet(z.int(), "Bytes of all files", { unit: "bytes" }),
});

const exporting = write({
  about: "Write an image to a new local file, or to two where its root file system is one of its own (<file>.root)",
  input: { file: localFile },
  output: Exported,
  timeout: LONG,
  aliases: ["lxd_export_image"],
  async run({ client, key, input: { file }, signal, progress }) {
    const passing = { doing: `export image "${key}"`, signal, progress };
    const rootfs = `${file}.root`;
    for (const one of [file, rootfs]) await refuseExisting(one, passing.doing);
    const { fingerprint } = await imageBy(client, key, passing);
    const response = await client.send("GET", `${imagePath(fingerprint)}/export`, passing);
    if (!String(response.headers["content-type"]).startsWith("multipart/")) return { file, size: await download(response, file, passing) };
    const sizes: number[] = [];
    try {
      // The description comes first, and the root file system after it.
      for await (const part of response.files()) sizes.push(await download({ headers: {}, body: part }, sizes.length ? rootfs : file, passing));
    } catch (error) {
      // One file without the other is of no use. That neither was there before has been looked at.
      for (const one of sizes.length ? [file, rootfs] : []) await rm(one, { force: true });
      throw error;
    }
    return { file, ...(sizes.length > 1 ? { rootfs } : {}), size: sizes.reduce((sum, one) => sum + one, 0) };
  },
});

const ImportInput = {
  file: localFile,
  rootfs: localFile.optional().describe("The file with its root file system, where that is one of its own"),
  aliases: z.array(z.string().min(1)).default([]).describe("Names for it"),
  reuse: z.boolean().default(false).describe("Take these aliases from other images"),
  properties: z.record(z.string(), z.string()).optional().describe("Further properties: os, release, description"),
  public: z.boolean().default(false).describe("Let strangers use it"),
};

const importing = write({
  about: "Make an image from a local file that one was exported to",
  input: ImportInput,
  timeout: LONG,
  aliases: ["lxd_import_image"],
  async run({ client, input, signal, progress }: ActionArgs<LxdClient, z.output<z.ZodObject<typeof ImportInput>>>) {
    const passing = { doing: `import ${input.file}`, signal, progress };
    const before = new Map<string, string | undefined>();
    for (const alias of input.aliases) before.set(alias, await targetOf(client, alias, passing));
    const content = input.rootfs === undefined ? await uploadOf(input.file, passing) : await formOf(input.file, input.rootfs, passing);
    const said = { properties: new URLSearchParams(input.properties).toString(), public: String(input.public) };
    const headers = Object.entries(said).flatMap(([name, value]) =>
      // Each of the two reads its own.
      value === "" ? [] : ["lxd", "incus"].map((system) => [`x-${system}-${name}`, value] as const),
    );
    const request = "POST /1.0/images";
    let started;
    try {
      started = await client.upload("/1.0/images", { body: content.body, headers: { ...content.headers, ...Object.fromEntries(headers) } }, passing);
    } finally {
      content.body.destroy();
    }
    if (!started) throw new ProxMcpError("INVALID_OUTPUT", `${request}: the server answered without an operation`);
    const operation = await client.wait(started, request, passing);
    if (operation.status_code !== 200) throw taskFailed(passing.doing, request, operation);
    const fingerprint = operation.metadata?.["fingerprint"];
    if (typeof fingerprint !== "string") throw new ProxMcpError("INVALID_OUTPUT", `${request}: the server did not say which image it made`);
    for (const [alias, target] of before) await point(client, alias, { target, fingerprint, reuse: input.reuse }, passing);
    return { key: fingerprint };
  },
});

const BOUNDARY = "proxmcp-image-of-two-files";

/** Two files as a form: the description first, as the server wants it. */
async function formOf(metadata: string, rootfs: string, passing: { readonly doing: string }) {
  const parts: { readonly head: Buffer; readonly path: string; readonly size: number }[] = [];
  for (const [name, path] of [
    ["metadata", metadata],
    // The server tells by the field's name whether it makes containers or virtual machines.
    [(await isDisk(rootfs)) ? "rootfs.img" : "rootfs", rootfs],
  ] as const) {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile())
      throw new ProxMcpError("INVALID_INPUT", `Unable to ${passing.doing}: there is no file ${path} on the machine that ProxMCP runs on`);
    const head = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"; filename="${name}"\r\ncontent-type: application/octet-stream\r\n\r\n`;
    parts.push({ head: Buffer.from(head), path, size: found.size });
  }
  const end = Buffer.from(`--${BOUNDARY}--\r\n`);
  const between = Buffer.from("\r\n");
  async function* bytes(): AsyncGenerator<Buffer> {
    for (const { head, path } of parts) {
      yield head;
      for await (const chunk of createReadStream(path)) yield chunk as Buffer;
      yield between;
    }
    yield end;
  }
  const length = parts.reduce((sum, { head, size }) => sum + head.length + size + between.length, end.length);
  const headers = { "content-type": `multipart/form-data; boundary=${BOUNDARY}`, "content-length": String(length) };
  return { body: Readable.from(bytes(), { objectMode: false }), headers };
}

/** Whether a file is a virtual machine's disk: those begin with QFI. */
async function isDisk(path: string): Promise<boolean> {
  const stream = createReadStream(path, { end: 3 });
  try {
    for await (const chunk of stream) return (chunk as Buffer).toString("latin1").startsWith("QFI");
  } catch {
    // Whoever reads it next says what is wrong with it.
  }
  return false;
}

export const filing = { export: exporting, import: importing };
