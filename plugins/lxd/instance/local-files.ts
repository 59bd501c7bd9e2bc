/**
 * Files on the machine that ProxMCP runs on: what is exported goes there, what is imported comes from there.
 * @module
 */
import { createReadStream, createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type HttpResponse, type Progress, ProxMcpError } from "proxmcp/plugin";
import { z } from "zod";

export const localFile = z
  .string()
  .refine((path) => isAbsolute(path), "an absolute path")
  .describe("File on the machine that ProxMCP runs on");

interface Passing {
  readonly doing: string;
  readonly signal: AbortSignal;
  readonly progress: (progress: Progress) => void;
}

/** Passes bytes on and tells how many there were, each time that another percent is through. */
function counted(total: number, { progress }: Passing, verb: string): Transform {
  let passed = 0;
  let told = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length;
      if (passed - told >= Math.max(total / 100, 1024 * 1024) || passed === total) {
        told = passed;
        progress({ progress: passed, ...(total ? { total } : {}), message: `${verb} ${passed} bytes` });
      }
      done(null, chunk);
    },
  });
}

/** Writes an answer to a new file, never over one that is there. Half a file is removed again. Its size in bytes. */
export async function download(response: Pick<HttpResponse, "headers" | "body">, file: string, passing: Passing): Promise<number> {
  const total = Number(response.headers["content-length"] ?? 0);
  try {
    await pipeline(response.body, counted(total, passing, "received"), createWriteStream(file, { flags: "wx", mode: 0o600 }), {
      signal: passing.signal,
    });
  } catch (error) {
    response.body.destroy();
    const code = (error as { code?: string }).code;
    if (code === "EEXIST") throw existing(file, passing.doing);
    await rm(file, { force: true });
    if (passing.signal.aborted) throw passing.signal.reason;
    if (code === "ENOSPC") throw new ProxMcpError("NO_CAPACITY", `Unable to ${passing.doing}: there is no space left for ${file}`);
    if (code && /^E[A-Z]+$/.test(code)) throw new ProxMcpError("INVALID_INPUT", `Unable to ${passing.doing}: ${file} can't be written (${code})`);
    throw error;
  }
  return (await stat(file)).size;
}

const existing = (file: string, doing: string): ProxMcpError =>
  new ProxMcpError("ALREADY_EXISTS", `Unable to ${doing}: the file ${file} exists`, { next: "Choose another file, or move that one away." });

/** Refuses a file that is there before anything costly is begun for it. */
export async function refuseExisting(file: string, doing: string): Promise<void> {
  if (await stat(file).catch(() => undefined)) throw existing(file, doing);
}

/** A file to send: its bytes as they are read, and the header that says how many. */
export async function uploadOf(file: string, passing: Passing) {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile())
    throw new ProxMcpError("INVALID_INPUT", `Unable to ${passing.doing}: there is no file ${file} on the machine that ProxMCP runs on`);
  const body = createReadStream(file).pipe(counted(found.size, passing, "sent"));
  return { body, headers: { "content-type": "application/octet-stream", "content-length": String(found.size) } };
}
