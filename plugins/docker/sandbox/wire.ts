import type { SandboxReply } from "proxmcp/testing";

/** The version of the engine whose answers this sandbox gives. */
export const ENGINE = { version: "20.10.24", api: "1.41", minApi: "1.12" } as const;

const HEADERS = { "api-version": ENGINE.api, "docker-experimental": "false", ostype: "linux", server: `Docker/${ENGINE.version} (linux)` };

/** A refusal: its status and the `message` of its body. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** JSON as the engine writes it: with a newline after it and its length in front. */
export function json(status: number, body: unknown): SandboxReply {
  const text = `${JSON.stringify(body)}\n`;
  return {
    status,
    headers: { ...HEADERS, "content-type": "application/json", "content-length": String(Buffer.byteLength(text)) },
    body: text,
  };
}

export const refused = (status: number, message: string): SandboxReply => json(status, { message });
export const empty = (status: number): SandboxReply => ({ status, headers: HEADERS });
export const plain = (status: number, text: string, headers: Record<string, string> = {}): SandboxReply => ({
  status,
  headers: { ...HEADERS, "content-type": "text/plain; charset=utf-8", ...headers },
  body: text,
});

/** A body that comes in pieces. This engine names no content type for logs. */
export const streamed = (body: AsyncIterable<Uint8Array | string>, contentType?: string): SandboxReply => ({
  status: 200,
  headers: { ...HEADERS, ...(contentType ? { "content-type": contentType } : {}) },
  body,
});

/** One frame of the multiplexed stream. */
export function frame(stream: "stdout" | "stderr", text: string | Uint8Array): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream === "stderr" ? 2 : 1;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** The date of what never happened. */
export const NEVER = "0001-01-01T00:00:00Z";

/** A time as Go prints it, with nanoseconds. */
export const goTime = (milliseconds: number | undefined): string =>
  milliseconds === undefined ? NEVER : new Date(milliseconds).toISOString().replace(/\.(\d{3})Z$/, ".$1000000Z");

/** A duration as the engine words it: "3 hours", "About a minute". */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.floor(seconds / 3600 + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(seconds / 3600 / 24 / 365)} years`;
}
