import type { Stream } from "./frames.js";

/** Text of at most `limit` bytes, without half a character at its end. */
function headText(bytes: Uint8Array, cut: boolean): string {
  // With `stream` the decoder holds an unfinished character back instead of writing a replacement for it.
  return new TextDecoder().decode(bytes, { stream: cut });
}

/** Keeps the first bytes of what a command writes, and goes on reading so that the command can finish. */
export class Head {
  readonly #limit: number;
  readonly #parts: Uint8Array[] = [];
  #size = 0;
  #cut = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(bytes: Uint8Array): void {
    const room = this.#limit - this.#size;
    if (bytes.length > room) this.#cut = true;
    const kept = bytes.subarray(0, room);
    if (kept.length === 0) return;
    this.#parts.push(Uint8Array.from(kept)); // a view would keep the whole chunk in memory
    this.#size += kept.length;
  }

  get truncated(): boolean {
    return this.#cut;
  }

  /** Bytes held in memory, never more than the limit. */
  get held(): number {
    return this.#size;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  text(): string {
    return headText(this.bytes(), this.#cut);
  }
}

/** What one stream wrote without the other in between. */
export interface Passage {
  readonly stream: Stream;
  readonly text: string;
}

/** Keeps the last bytes of a log, in the order in which both streams wrote them. */
export class Tail {
  readonly #limit: number;
  readonly #parts: { stream: Stream; bytes: Uint8Array }[] = [];
  #most = 0;
  #size = 0;
  #cut = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(stream: Stream, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#parts.push({ stream, bytes: Uint8Array.from(bytes) });
    this.#size += bytes.length;
    this.#most = Math.max(this.#most, this.#size);
    for (let over = this.#size - this.#limit; over > 0; over = this.#size - this.#limit) {
      const [oldest] = this.#parts as [{ stream: Stream; bytes: Uint8Array }];
      const drop = Math.min(over, oldest.bytes.length);
      if (drop === oldest.bytes.length) this.#parts.shift();
      else oldest.bytes = oldest.bytes.subarray(drop);
      this.#size -= drop;
      this.#cut = true;
    }
  }

  get truncated(): boolean {
    return this.#cut;
  }

  /** The most bytes that were ever held in memory: the limit, and one chunk that was just being taken. */
  get most(): number {
    return this.#most;
  }

  /** From the first whole line on; a single longer line is shown from where it was cut. */
  passages(): Passage[] {
    const joined: { stream: Stream; parts: Uint8Array[] }[] = [];
    for (const { stream, bytes } of this.#parts) {
      const last = joined.at(-1);
      if (last?.stream === stream) last.parts.push(bytes);
      else joined.push({ stream, parts: [bytes] });
    }
    const passages = joined.map(({ stream, parts }) => ({ stream, bytes: Buffer.concat(parts) }));
    const first = passages[0];
    if (this.#cut && first) {
      const line = first.bytes.indexOf(0x0a) + 1;
      if (line > 0 && (line < first.bytes.length || passages.length > 1)) first.bytes = first.bytes.subarray(line);
      else while (first.bytes.length && (first.bytes[0]! & 0xc0) === 0x80) first.bytes = first.bytes.subarray(1); // the rest of a cut character
    }
    return passages.filter(({ bytes }) => bytes.length > 0).map(({ stream, bytes }) => ({ stream, text: bytes.toString("utf8") }));
  }
}
