/**
 * Websocket frames on the wire (RFC 6455), for passing them from one server to another.
 * @module
 */
import { randomBytes } from "node:crypto";
import { Transform } from "node:stream";

export interface Frame {
  /** The first byte: whether it ends its message, and what it is. */
  readonly head: number;
  readonly payload: Buffer;
}

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
/** No frame of a migration is as large; one that says so is garbage. */
const LARGEST = 64 * 1024 * 1024;

export const opcodeOf = ({ head }: Frame): number => head & 0x0f;
export const isLast = ({ head }: Frame): boolean => (head & 0x80) !== 0;

/** Cuts a byte stream into its frames, unmasked. */
export class FrameReader {
  #rest = Buffer.alloc(0);

  push(bytes: Uint8Array): Frame[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const frames: Frame[] = [];
    for (let frame = this.#take(); frame; frame = this.#take()) frames.push(frame);
    return frames;
  }

  #take(): Frame | undefined {
    const bytes = this.#rest;
    if (bytes.length < 2) return undefined;
    const [head = 0, second = 0] = bytes;
    const masked = (second & 0x80) !== 0;
    let size = second & 0x7f;
    let at = 2;
    if (size >= 126) {
      const width = size === 126 ? 2 : 8;
      if (bytes.length < at + width) return undefined;
      size = width === 2 ? bytes.readUInt16BE(at) : Number(bytes.readBigUInt64BE(at));
      at += width;
    }
    if (size > LARGEST) throw new Error(`a websocket frame of ${size} bytes`);
    const mask = masked ? bytes.subarray(at, at + 4) : undefined;
    at += mask ? 4 : 0;
    if (bytes.length < at + size || (mask && mask.length < 4)) return undefined;
    const payload = Buffer.from(bytes.subarray(at, at + size));
    if (mask) veil(payload, mask);
    this.#rest = bytes.subarray(at + size);
    return { head, payload };
  }
}

/** A frame as bytes. What a client sends has to be masked, what a server sends must not be. */
export function frameBytes({ head, payload }: Frame, masked: boolean): Buffer {
  const size = payload.length;
  const length = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
  length[0] = head;
  length[1] = (size < 126 ? size : size < 65_536 ? 126 : 127) | (masked ? 0x80 : 0);
  if (length.length === 4) length.writeUInt16BE(size, 2);
  if (length.length === 10) length.writeBigUInt64BE(BigInt(size), 2);
  if (!masked) return Buffer.concat([length, payload]);
  const mask = randomBytes(4);
  const veiled = Buffer.from(payload);
  veil(veiled, mask);
  return Buffer.concat([length, mask, veiled]);
}

function veil(bytes: Buffer, mask: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = (bytes[at] as number) ^ (mask[at & 3] as number);
}

/** Makes of what one server sends what another takes: the same frames, masked. Holds back no more than one frame. */
export function remask(): Transform {
  const reader = new FrameReader();
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        for (const frame of reader.push(chunk)) this.push(frameBytes(frame, true));
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
}
