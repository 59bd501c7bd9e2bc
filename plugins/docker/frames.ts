import { ProxMcpError } from "proxmcp/plugin";

export type Stream = "stdout" | "stderr";

/** Takes the bytes of one stream as they come. It may keep the array. */
export type FrameSink = (stream: Stream, bytes: Uint8Array) => void;

const HEADER = 8;

/**
 * Decodes the engine's multiplexed stream: each frame is one byte for the stream, three zeros, the length as a big-endian 32-bit
 * number, then so many bytes. Frames and chunks end wherever they like. Nothing is kept but an unfinished header, so a frame of
 * any length takes no memory here.
 */
export class FrameDecoder {
  readonly #sink: FrameSink;
  readonly #header = new Uint8Array(HEADER);
  #have = 0;
  #left = 0;
  #stream: Stream = "stdout";

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        const take = Math.min(HEADER - this.#have, chunk.length - at);
        this.#header.set(chunk.subarray(at, at + take), this.#have);
        this.#have += take;
        at += take;
        if (this.#have === HEADER) this.#begin();
        continue;
      }
      const take = Math.min(this.#left, chunk.length - at);
      this.#sink(this.#stream, chunk.subarray(at, at + take));
      this.#left -= take;
      at += take;
    }
  }

  /** True when the stream ended within a frame: the connection broke, or it was no such stream. */
  get unfinished(): boolean {
    return this.#have > 0 || this.#left > 0;
  }

  #begin(): void {
    const [kind = 0, ...zeros] = this.#header.subarray(0, 4);
    // 0 is the echo of stdin and 3 an error of the engine itself; neither belongs to the program's stdout.
    if (kind > 3 || zeros.some(Boolean))
      throw new ProxMcpError("INVALID_OUTPUT", "The engine sent something that is not its multiplexed stream.", { data: { field: "frame header" } });
    this.#stream = kind >= 2 ? "stderr" : "stdout";
    this.#left = new DataView(this.#header.buffer).getUint32(4);
    this.#have = 0;
  }
}
