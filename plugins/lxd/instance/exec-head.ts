/** Keeps the first bytes of what a command writes, and takes the rest so that the command can finish. */
export class Head {
  readonly #limit: number;
  readonly #parts: Uint8Array[] = [];
  #size = 0;
  #cut = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(bytes: Uint8Array): void {
    const kept = bytes.subarray(0, this.#limit - this.#size);
    if (kept.length < bytes.length) this.#cut = true;
    if (kept.length) this.#parts.push(Uint8Array.from(kept));
    this.#size += kept.length;
  }

  get truncated(): boolean {
    return this.#cut;
  }

  /** Without half a character at its end. */
  text(): string {
    return new TextDecoder().decode(Buffer.concat(this.#parts), { stream: this.#cut });
  }
}
