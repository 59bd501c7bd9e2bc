/**
 * The body of an upload. Its parts have an order that Proxmox insists on, and its length has to be known before it is sent.
 * @module
 */
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, isAbsolute } from "node:path";
import { Readable } from "node:stream";
import { type CallArgs, ProxMcpError } from "proxmcp/plugin";

const ENDINGS: Readonly<Record<string, RegExp>> = {
  iso: /\.(iso|img)$/i,
  vztmpl: /\.tar\.(gz|xz|zst|bz2)$/i,
  import: /\.(qcow2|vmdk|raw|ova|ovf)$/i,
};

interface Upload {
  readonly file: string;
  readonly name?: string | undefined;
  readonly content: string;
  readonly checksum?: string | undefined;
  readonly checksum_algorithm?: string | undefined;
}

export interface Form {
  readonly type: string;
  readonly length: number;
  readonly body: Readable;
}

/** The parts in the order content, checksum-algorithm, checksum, file; the file is read as it is sent. */
export async function formFor(input: Upload, progress: CallArgs<unknown>["progress"]): Promise<{ readonly form: Form; readonly filename: string }> {
  const { file, content, checksum, checksum_algorithm } = input;
  const filename = input.name ?? basename(file);
  if (!isAbsolute(file))
    throw new ProxMcpError("INVALID_INPUT", `file: found ${JSON.stringify(file)}; allowed: an absolute path on the machine that ProxMCP runs on`);
  // Only what such content can be is read at all: this is no way to send any file of the machine somewhere.
  for (const name of [file, filename])
    if (!ENDINGS[content]?.test(name))
      throw new ProxMcpError("INVALID_INPUT", `${name} is no ${content}: its name has to end like ${String(ENDINGS[content])}.`);
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) throw new ProxMcpError("NOT_FOUND", `There is no file ${file} on the machine that ProxMCP runs on.`);
  const boundary = `proxmcp-${randomBytes(12).toString("hex")}`;
  const field = (name: string, value: string | undefined): string =>
    value === undefined ? "" : `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const quoted = filename.replaceAll(/["\r\n]/g, "_");
  const head = Buffer.from(
    `${field("content", content)}${field("checksum-algorithm", checksum_algorithm)}${field("checksum", checksum)}` +
      `--${boundary}\r\nContent-Disposition: form-data; name="filename"; filename="${quoted}"\r\nContent-Type: application/octet-stream\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  async function* parts(): AsyncGenerator<Buffer> {
    yield head;
    let sent = 0;
    for await (const chunk of createReadStream(file)) {
      yield chunk as Buffer;
      sent += (chunk as Buffer).length;
      progress({ progress: Math.floor((sent / Math.max(1, found?.size ?? 1)) * 100), total: 100, message: `${sent} of ${found?.size} bytes sent` });
    }
    yield tail;
  }
  const form = { type: `multipart/form-data; boundary=${boundary}`, length: head.length + found.size + tail.length, body: Readable.from(parts()) };
  return { form, filename: quoted };
}
